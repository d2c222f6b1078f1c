/**
 * The default policy of who is next: first those that were running already and were handed over, then whoever has
 * waited longest. It is the text of one SELECT in the order of the claim index, so that picking costs the same however long the
 * queue is; tasks of types that this replica doesn't run are passed over inside the index.
 */
import type { SqlValue } from '../core/connection.ts';
import type { QueueName } from '../core/status.ts';

export interface Pick {
  readonly queue: QueueName;
  readonly types: ReadonlyMap<string, unknown>;
  readonly limit: number;
}

/** What a database says differently about picking. */
interface PickDialect {
  readonly skipLocked: string;
}

/** The SELECT of the next tasks' `columns`, locking them. */
export function pickNext(
  table: string,
  columns: string,
  { skipLocked }: PickDialect,
  { queue, types, limit }: Pick,
): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const marks = Array.from(types, () => '?').join(', ');
  return {
    sql: `SELECT ${columns} FROM ${table} WHERE queue = '${queue}' AND type IN (${marks}) ORDER BY turn, id LIMIT ? ${skipLocked}`,
    values: [...types.keys(), limit],
  };
}
