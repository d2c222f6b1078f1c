/**
 * One decision about who is next, made while its maker alone holds the control row. Nothing but such rounds writes
 * lanes and slots, so within one they stand still; the tasks themselves may be paused or deleted at any moment.
 */
import type { Connection, Row, SqlValue } from '../core/connection.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Rules } from '../core/limit.ts';
import type { CheckedPolicy } from '../core/policy.ts';
import type { QueueName } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';

/** What databases say differently, of what rounds have to say. */
export interface Wording {
  /** Ends a SELECT of rows to change: those locked by others are passed over. */
  readonly skipLocked: string;
  /** Rows handed over as a table; its columns begin with `v_`. */
  readonly given: (
    types: Readonly<Record<string, 'integer' | 'real' | 'text'>>,
    rows: readonly (readonly SqlValue[])[],
  ) => Fragment;
  /** Rows of a SELECT for each row of the query around it, as one JSON; undefined where that can't be. */
  readonly jsonRows: ((columns: string) => string) | undefined;
  /** Whether UPDATE and DELETE can return rows. */
  readonly returning: boolean;
  /** An UPDATE of the rows of a table that match those of another. */
  readonly updateMatching: (table: string, other: string, set: string, where: string) => string;
  /** A column is among what a SELECT finds, which is run once. */
  readonly among: (select: string) => string;
  /** What a SELECT finds for each row of another table, as `found`; undefined where conditions on many values do the same. */
  readonly findEach: ((other: string, select: string) => string) | undefined;
}

export interface Round extends Wording {
  readonly connection: Connection;
  readonly tables: { readonly task: string; readonly lane: string; readonly slot: string };
  /** The root of the queue's tree, if a round by these rules has been committed here before: it stays as long as they do. */
  readonly root: number | undefined;
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

/** A value for each of some tree nodes. */
export type Each<Value extends SqlValue = SqlValue> = ReadonlyMap<number, Value>;

/** Columns of tree nodes that hold no numbers. */
const TEXTS: ReadonlySet<string> = new Set(['closed', 'closed_name']);

/** Writes values of their own into columns of tree nodes: one statement for all. */
export function updateEach(round: Round, columns: Readonly<Record<string, Each>>): Promise<void> {
  return setEach(round, columns, (column) => `COALESCE(v_${column}, ${column})`);
}

/** The same, adding to what is there. */
export function addToEach(round: Round, columns: Readonly<Record<string, Each<number>>>): Promise<void> {
  return setEach(round, columns, (column) => `${column} + COALESCE(v_${column}, 0)`);
}

async function setEach(
  { connection, tables, given, updateMatching }: Round,
  columns: Readonly<Record<string, Each>>,
  value: (column: string) => string,
): Promise<void> {
  const written = Object.entries(columns).filter(([, values]) => values.size > 0);
  if (written.length === 0) return;
  const ids = new Set(written.flatMap(([, values]) => [...values.keys()]));
  const types = Object.fromEntries(
    written.map(([column]) => [`v_${column}`, TEXTS.has(column) ? 'text' : 'real'] as const),
  );
  const rows = given(
    { v_id: 'integer', ...types },
    Array.from(ids, (id) => [id, ...written.map(([, values]) => values.get(id) ?? null)]),
  );
  const set = written.map(([column]) => `${column} = ${value(column)}`).join(', ');
  await connection.query(updateMatching(tables.lane, rows.sql, set, 'id = v_id'), rows.values);
}
