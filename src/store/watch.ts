/** What is needed to notice that tasks have changed: a little of each at every look, and all of those that did. */
import type { Connection, Row } from '../core/connection.ts';
import type { Task } from '../core/task.ts';
import { isAmong } from './page.ts';
import type { Payloads } from './payload.ts';
import { TASK_COLUMNS } from './record.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
}

/** All that a user sees of a task changes with one of these; `revision` counts reports, and how often it was replaced by its key. */
const TELLING = [
  'epoch',
  'status',
  'revision',
  'attempt',
  'retries',
  'task_group',
  'queue',
  'turn',
  'priority',
];

/** Something that differs whenever a task does, for each of `ids` that is there. */
export async function readMarks(
  { connection, tables }: Context,
  ids: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const among = isAmong('id', ids);
  const sql = `SELECT id, ${TELLING.join(', ')} FROM ${tables.task} WHERE ${among.sql}`;
  const { rows } = await connection.query(sql, among.values);
  return new Map(rows.map((row) => [Number(row['id']), markOf(row)]));
}

/** So many tasks at work are looked at, at most. */
const MOST_AT_WORK = 1000;

/** What one look tells. */
export interface Sight {
  readonly marks: ReadonlyMap<number, string>;
  /** Those that a replica holds. */
  readonly atWork: ReadonlySet<number>;
  /** The number of the newest entry of the history; 0 if there is none. */
  readonly newest: number;
}

/** The same for each task that a replica holds and for each of `ids`, and how far the history goes, in one statement. */
export async function readMarksAtWork(
  { connection, tables }: Context,
  ids: readonly number[],
): Promise<Sight> {
  const columns = `id, owner, ${TELLING.join(', ')}`;
  const held = {
    sql: `SELECT * FROM (SELECT ${columns} FROM ${tables.task} WHERE owner IS NOT NULL ORDER BY owner, id LIMIT ${MOST_AT_WORK}) AS held`,
    values: [],
  };
  const among = isAmong('id', ids);
  const named = {
    sql: `${held.sql} UNION ALL SELECT ${columns} FROM ${tables.task} WHERE ${among.sql}`,
    values: among.values,
  };
  const looked = ids.length === 0 ? held : named;
  // The history is there also where no task is.
  const { rows } = await connection.query(
    `SELECT * FROM (SELECT MAX(id) AS newest FROM ${tables.history}) AS history LEFT JOIN (${looked.sql}) AS seen ON 1 = 1`,
    looked.values,
  );
  const seen = rows.filter((row) => row['id'] !== null);
  return {
    marks: new Map(seen.map((row) => [Number(row['id']), markOf(row)])),
    atWork: new Set(seen.filter((row) => row['owner'] !== null).map((row) => Number(row['id']))),
    newest: Number(rows[0]?.['newest'] ?? 0),
  };
}

/** A task that is there, with its mark at the same moment. */
export interface Watched {
  readonly mark: string;
  readonly task: PromiseSettledResult<Task>;
}

/** Those of `ids` that are there, by id, those being deleted too; one that can't be decoded is rejected by itself. */
export async function readWatched(
  { connection, tables, payloads }: Context & { readonly payloads: Payloads },
  ids: readonly number[],
  redacted = false,
): Promise<ReadonlyMap<number, Watched>> {
  if (ids.length === 0) return new Map();
  const among = isAmong('id', ids);
  const sql = `SELECT ${TASK_COLUMNS}, revision FROM ${tables.task} WHERE ${among.sql}`;
  const { rows } = await connection.query(sql, among.values);
  const tasks = await Promise.allSettled(rows.map((row) => payloads.taskFrom(row, redacted)));
  return new Map(
    tasks.map((task, index) => {
      const row = rows[index] ?? {};
      return [Number(row['id']), { task, mark: markOf(row) }];
    }),
  );
}

function markOf(row: Row): string {
  return JSON.stringify(TELLING.map((column) => String(row[column])));
}
