/**
 * One decision about who is next, made while its maker alone holds the control row. Nothing but such rounds writes
 * lanes and slots, so within one they stand still; the tasks themselves may be paused or deleted at any moment.
 */
import type { Connection, Row, SqlValue } from '../core/connection.ts';
import type { Rules } from '../core/limit.ts';
import type { CheckedPolicy } from '../core/policy.ts';
import type { QueueName } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';

export interface Round {
  readonly connection: Connection;
  readonly tables: { readonly task: string; readonly lane: string; readonly slot: string };
  /** Ends a SELECT of rows to change: those locked by others are passed over. */
  readonly skipLocked: string;
  readonly queue: QueueName;
  readonly types: ReadonlyMap<string, Runnable>;
  /** At most so many tasks. */
  readonly limit: number;
  /** The database's time. */
  readonly now: number;
  readonly policy: CheckedPolicy;
  readonly rules: Rules;
}

export async function select(
  { connection }: Pick<Round, 'connection'>,
  sql: string,
  values: readonly SqlValue[] = [],
): Promise<readonly Row[]> {
  return (await connection.query(sql, values)).rows;
}

/** `?, ?, …` for a list of values, which must not be empty. */
export function marks(values: { readonly length: number }): string {
  return Array.from({ length: values.length }, () => '?').join(', ');
}

/** A number for each of some tree nodes. */
export type NumberEach = ReadonlyMap<number, number>;

/** Writes numbers of their own into columns of tree nodes: one statement for all. */
export function updateEach(
  round: Pick<Round, 'connection' | 'tables'>,
  columns: Readonly<Record<string, NumberEach>>,
): Promise<void> {
  return setEach(round, columns, () => '');
}

/** The same, adding to what is there. */
export function addToEach(
  round: Pick<Round, 'connection' | 'tables'>,
  columns: Readonly<Record<string, NumberEach>>,
): Promise<void> {
  return setEach(round, columns, (column) => `${column} + `);
}

async function setEach(
  { connection, tables }: Pick<Round, 'connection' | 'tables'>,
  columns: Readonly<Record<string, NumberEach>>,
  before: (column: string) => string,
): Promise<void> {
  const written = Object.entries(columns).filter(([, values]) => values.size > 0);
  if (written.length === 0) return;
  const ids = [...new Set(written.flatMap(([, values]) => [...values.keys()]))];
  const cases = written.map(
    ([column, values]) =>
      `${column} = CASE id ${`WHEN ? THEN ${before(column)}? `.repeat(values.size)} ELSE ${column} END`,
  );
  await connection.query(`UPDATE ${tables.lane} SET ${cases.join(', ')} WHERE id IN (${marks(ids)})`, [
    ...written.flatMap(([, values]) => [...values].flat()),
    ...ids,
  ]);
}
