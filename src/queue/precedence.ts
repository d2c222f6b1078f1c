/**
 * The order of tasks that nobody shares slots over, as one number a task: `fifo` and `priority`, ageing or not. It is
 * fixed when a task begins to wait, so that one index holds all waiting tasks in the order in which they are claimed.
 */
import type { SqlValue } from '../core/connection.ts';
import type { Order } from '../core/policy.ts';
import type { QueueName } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';
import { readable } from './readable.ts';

/** Before all others: tasks that were running already. */
export const FOREMOST = -9_007_199_254_740_991;

/** The precedence of a task that begins to wait at `since` (SQL); lower ones go first, equal ones by `turn`. */
export function precedence({ priority, ageing }: Order, since: string): string {
  if (!priority) return '0';
  // Waiting is worth priority at a fixed rate, so who of two is first never changes, and need be worked out only once.
  return ageing === null ? '-priority' : `${since} - priority * ${ageing}`;
}

export interface Pick {
  readonly queue: QueueName;
  readonly types: ReadonlyMap<string, Runnable>;
  readonly limit: number;
}

/** The SELECT of the next tasks' `columns`, locking them; it reads the claim index from its start. */
export function pickNext(
  table: string,
  columns: string,
  skipLocked: string,
  { queue, types, limit }: Pick,
): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const condition = readable(types);
  // The number is written out: with a LIMIT that is a parameter, SQLite prepares a statement anew at each run.
  return {
    sql: `SELECT ${columns} FROM ${table} WHERE queue = '${queue}' AND lane = 0 AND ${condition.sql}
      ORDER BY precedence, turn, id LIMIT ${limit} ${skipLocked}`,
    values: condition.values,
  };
}
