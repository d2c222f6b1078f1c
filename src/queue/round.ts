/**
 * One decision about who is next, made while its maker alone holds the control row. Nothing but such rounds writes
 * lanes and slots, so within one they stand still; the tasks themselves may be paused or deleted at any moment.
 */
import type { Connection, Row, SqlValue } from '../core/connection.ts';
import type { Rules } from '../core/limit.ts';
import type { CheckedPolicy } from '../core/policy.ts';
import type { QueueName } from '../core/status.ts';

export interface Round {
  readonly connection: Connection;
  readonly tables: { readonly task: string; readonly lane: string; readonly slot: string };
  /** Ends a SELECT of rows to change: those locked by others are passed over. */
  readonly skipLocked: string;
  readonly queue: QueueName;
  readonly types: readonly string[];
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

/** Writes a number of its own into `column` of each row: one statement for all. */
export function updateEach(
  round: Pick<Round, 'connection' | 'tables'>,
  column: string,
  values: ReadonlyMap<number, number>,
): Promise<void> {
  return setEach(round, column, values, '');
}

/** The same, adding to what is there. */
export function addToEach(
  round: Pick<Round, 'connection' | 'tables'>,
  column: string,
  values: ReadonlyMap<number, number>,
): Promise<void> {
  return setEach(round, column, values, `${column} + `);
}

async function setEach(
  { connection, tables }: Pick<Round, 'connection' | 'tables'>,
  column: string,
  values: ReadonlyMap<number, number>,
  before: string,
): Promise<void> {
  if (values.size === 0) return;
  const ids = [...values.keys()];
  const whens = ids.map(() => `WHEN ? THEN ${before}?`).join(' ');
  await connection.query(
    `UPDATE ${tables.lane} SET ${column} = CASE id ${whens} ELSE ${column} END WHERE id IN (${marks(ids)})`,
    [...[...values].flat(), ...ids],
  );
}
