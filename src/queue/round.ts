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
  /** Rows handed over as a table; its columns begin with `v_`. */
  readonly given: (
    types: Readonly<Record<string, 'integer' | 'real' | 'text'>>,
    rows: readonly (readonly SqlValue[])[],
  ) => { readonly sql: string; readonly values: readonly SqlValue[] };
  /** An UPDATE of the rows of a table that match those of another. */
  readonly updateMatching: (table: string, other: string, set: string, where: string) => string;
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
export function updateEach(round: Round, columns: Readonly<Record<string, NumberEach>>): Promise<void> {
  return setEach(round, columns, (column) => `COALESCE(v_${column}, ${column})`);
}

/** The same, adding to what is there. */
export function addToEach(round: Round, columns: Readonly<Record<string, NumberEach>>): Promise<void> {
  return setEach(round, columns, (column) => `${column} + COALESCE(v_${column}, 0)`);
}

async function setEach(
  { connection, tables, given, updateMatching }: Round,
  columns: Readonly<Record<string, NumberEach>>,
  value: (column: string) => string,
): Promise<void> {
  const written = Object.entries(columns).filter(([, values]) => values.size > 0);
  if (written.length === 0) return;
  const ids = new Set(written.flatMap(([, values]) => [...values.keys()]));
  const types = Object.fromEntries(written.map(([column]) => [`v_${column}`, 'real'] as const));
  const rows = given(
    { v_id: 'integer', ...types },
    Array.from(ids, (id) => [id, ...written.map(([, values]) => values.get(id) ?? null)]),
  );
  const set = written.map(([column]) => `${column} = ${value(column)}`).join(', ');
  await connection.query(updateMatching(tables.lane, rows.sql, set, 'id = v_id'), rows.values);
}
