/**
 * Entries of the history as the database writes them: what each column becomes, from the row of a task as it is before the
 * change. `task_user` and its like are kept with each entry, since the task itself may be gone when it is read.
 */
import type { Author } from '../core/author.ts';
import type { Connection, Row, SqlValue } from '../core/connection.ts';
import type { CheckedHistory, HistoryEvent } from '../core/history.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Dialect } from './dialect.ts';
import type { Tables } from './schema.ts';

/** Where entries go, and what they hold. */
export interface HistoryTerms {
  readonly table: string;
  /** Whether reports have entries too. */
  readonly reports: boolean;
  /** Whether entries hold the contexts that were stored. */
  readonly contexts: boolean;
}

/** What some columns of an entry are made of; the others are null. */
export type Entry = ReadonlyMap<EntryColumn, Fragment>;

/** In the order in which they are written. */
const COLUMNS = [
  'task',
  'at',
  'event',
  'from_status',
  'to_status',
  'type',
  'task_user',
  'task_group',
  'scope',
  'actor',
  'reason',
  'replica',
  'epoch',
  'attempt',
  'progress',
  'bytes',
  'context',
  'error',
  'level',
  'detail',
] as const;

export type EntryColumn = (typeof COLUMNS)[number];

/** The event of a row that tells nothing: it holds a number that was given to nobody. */
export const VOID = 'void';

/** The scope of entries about schedules. These have no column of their own for its name, which stands with the fields. */
export const SCHEDULE = 'schedule';

export function scheduleIn(row: Row): string {
  return (JSON.parse(String(row['detail'])) as { readonly schedule: string }).schedule;
}

/** So many entries in one statement. */
const ROWS_AT_ONCE = 500;

export function historyTerms(
  { history }: Tables,
  { level, contexts }: CheckedHistory,
): HistoryTerms | undefined {
  return level === 'off' ? undefined : { table: history, reports: level === 'all', contexts };
}

/** What all entries about tasks have, taken from the row of the task; `more` goes before it. */
export function entryOf(
  event: HistoryEvent,
  now: string,
  by: Author | undefined,
  more: Readonly<Partial<Record<EntryColumn, string | Fragment>>> = {},
): Entry {
  const parts: Partial<Record<EntryColumn, string | Fragment>> = {
    task: 'id',
    at: now,
    event: `'${event}'`,
    type: 'type',
    task_user: 'task_user',
    task_group: 'task_group',
    replica: 'owner',
    epoch: 'epoch',
    attempt: 'attempt',
    ...authorOf(by),
    ...more,
  };
  return new Map(
    COLUMNS.flatMap((column): readonly [EntryColumn, Fragment][] => {
      const part = parts[column];
      if (part === undefined) return [];
      return [[column, typeof part === 'string' ? { sql: part, values: [] } : part]];
    }),
  );
}

function authorOf(by: Author | undefined): Partial<Record<EntryColumn, Fragment>> {
  return {
    ...(by?.actor === undefined ? {} : { actor: { sql: '?', values: [by.actor] } }),
    ...(by?.reason === undefined ? {} : { reason: { sql: '?', values: [by.reason] } }),
  };
}

/** An INSERT of what `source` is, an entry for each of its rows. */
export function insertFrom({ table }: HistoryTerms, entry: Entry, source: Fragment): Fragment {
  const { sql, values } = entryColumns(entry);
  return {
    sql: `INSERT INTO ${table} (${[...entry.keys()].join(', ')}) SELECT ${sql} ${source.sql}`,
    values: [...values, ...source.values],
  };
}

/** The same entries, to be read first. */
export function selectFrom(entry: Entry, source: Fragment): Fragment {
  const { sql, values } = entryColumns(entry);
  return { sql: `SELECT ${sql} ${source.sql}`, values: [...values, ...source.values] };
}

/** An INSERT of entries from `rows`, which have them in columns whose names begin with `prefix`. */
export function insertRead({ table }: HistoryTerms, entry: Entry, prefix: string, rows: string): string {
  const columns = [...entry.keys()];
  const read = columns.map((column) => `${prefix}${column}`);
  return `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${read.join(', ')} FROM ${rows}`;
}

/** The columns of entries, in a SELECT of tasks; their names begin with `prefix`. */
export function entryColumns(entry: Entry, prefix = ''): Fragment {
  return {
    sql: Array.from(entry, ([column, { sql }]) => {
      const name = `${prefix}${column}`;
      return sql === name ? sql : `${sql} AS ${name}`;
    }).join(', '),
    values: [...entry.values()].flatMap(({ values }) => values),
  };
}

/** Writes entries whose every value is known. One that doesn't say when it was is of now, or of `age` milliseconds ago. */
export async function insertEntries(
  connection: Connection,
  dialect: Dialect,
  { table }: HistoryTerms,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length > 0 && dialect.beforeEntries !== undefined) await connection.query(dialect.beforeEntries);
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const some = rows.slice(from, from + ROWS_AT_ONCE);
    const used = COLUMNS.filter((column) => column === 'at' || some.some((row) => !isNull(row[column])));
    const cells = some.map((row) => used.map((column) => cellOf(row, column, dialect.now)));
    await connection.query(
      `INSERT INTO ${table} (${used.join(', ')}) VALUES ${cells
        .map((line) => `(${line.map(({ sql }) => sql).join(', ')})`)
        .join(', ')}`,
      cells.flat().flatMap(({ values }) => values),
    );
  }
}

function cellOf(row: Row, column: EntryColumn, now: string): Fragment {
  if (column !== 'at' || !isNull(row['at'])) return { sql: '?', values: [(row[column] ?? null) as SqlValue] };
  return { sql: `${now} - ${Number(row['age'] ?? 0)}`, values: [] };
}

function isNull(value: unknown): boolean {
  return value === null || value === undefined;
}
