/**
 * A write to tasks: an UPDATE or DELETE of those that it is about. Where a history is kept, it notes them too, in the same
 * transaction and from the locked rows, so that what was written and what was noted are the same rows. How depends on the
 * database: PostgreSQL does both in one statement, SQLite one after the other, since nobody else writes meanwhile; MySQL
 * reads what it is going to note, lest it held the lock of the counter of entries while it waits for a task.
 */
import type { Connection, Database, QueryResult } from '../core/connection.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Dialect } from './dialect.ts';
import {
  type Entry,
  entryColumns,
  type HistoryTerms,
  insertEntries,
  insertFrom,
  insertRead,
  selectFrom,
} from './entry.ts';
import { type Given, inTransaction } from './given.ts';

export interface TaskWrite {
  readonly table: string;
  /** Rows handed over, one for each task, which the rest may name; then `set` has no parameters. */
  readonly given?: Given | undefined;
  /** A SELECT of one column of those that it is about, which locks them; `where` is then asked of what it has locked. */
  readonly picked?: ((column: string) => Fragment) | undefined;
  readonly where: Fragment;
  /** What is written; undefined removes the rows. */
  readonly set?: Fragment | undefined;
  /** What is noted; undefined where no history is kept. */
  readonly entry?: Entry | undefined;
}

interface Terms {
  readonly dialect: Dialect;
  readonly history: HistoryTerms | undefined;
}

/** So many tasks are read at once where what is noted of them has to be read. */
const NOTED_AT_ONCE = 1000;

/** Carries out a write; `returning` are columns of what was written, where the database can return rows. */
export function carryOut(
  connection: Connection | Database,
  { dialect, history }: Terms,
  write: TaskWrite,
  returning?: string,
): Promise<QueryResult> {
  const { entry } = write;
  const noted = entry === undefined || history === undefined ? undefined : { history, entry };
  const { address } = dialect;
  if (address !== undefined && passesOver(write.given))
    return writeLocked(connection, dialect, write, { address, given: write.given, noted, returning });
  const named = namingPicked(dialect, write);
  if (noted === undefined) return send(connection, plain(dialect, named), returning);
  if (dialect.notes === 'within') return send(connection, noting(dialect, noted, named), returning);
  return inTransaction(connection, async (inner) => {
    if (dialect.notes === 'apart') return noteApart(inner, dialect, noted, named);
    const note = insertFrom(noted.history, noted.entry, sourceOf(dialect, named));
    await inner.query(note.sql, note.values);
    return send(inner, plain(dialect, named), returning);
  });
}

function passesOver(given: Given | undefined): given is Required<Given> {
  return given?.unlocked !== undefined;
}

/** What is picked, by where it lies, or by its ids. */
function namingPicked(dialect: Dialect, write: TaskWrite): TaskWrite {
  const { picked, where } = write;
  if (picked === undefined) return write;
  const place = dialect.address ?? 'id';
  const pick = picked(place);
  const sql = `${place} ${dialect.among(pick.sql)} AND ${where.sql}`;
  return { ...write, picked: undefined, where: { sql, values: [...pick.values, ...where.values] } };
}

/** What is noted, and where. */
interface Noted {
  readonly history: HistoryTerms;
  readonly entry: Entry;
}

function send(
  connection: Connection,
  { sql, values }: Fragment,
  returning: string | undefined,
): Promise<QueryResult> {
  return connection.query(returning === undefined ? sql : `${sql} RETURNING ${returning}`, values);
}

function plain(dialect: Dialect, { table, given, where, set }: TaskWrite): Fragment {
  if (given !== undefined) {
    const sql =
      set === undefined
        ? dialect.deleteMatching(table, given.sql, where.sql)
        : dialect.updateMatching(table, given.sql, set.sql, where.sql);
    return { sql, values: [...given.values, ...(set?.values ?? []), ...where.values] };
  }
  const change = set === undefined ? `DELETE FROM ${table}` : `UPDATE ${table} SET ${set.sql}`;
  return { sql: `${change} WHERE ${where.sql}`, values: [...(set?.values ?? []), ...where.values] };
}

/** What is given, by itself: read once, whatever is joined to it. */
const ONCE: Given = { sql: 'given', values: [] };
const EACH: Fragment = { sql: 'id = v_id', values: [] };

function once(rows: string): string {
  return `given AS MATERIALIZED (SELECT * FROM ${rows})`;
}

/** What is read of those that are locked. */
const NOTED = 'n_';

interface Locking {
  readonly address: string;
  readonly given: Required<Given>;
  readonly noted: Noted | undefined;
  readonly returning: string | undefined;
}

/**
 * One statement that locks what is given, row by row, passing over what others have locked, and writes to where it has found the rows:
 * they lie there still, so no index is asked again. Whatever decides whether a row is written is asked of it as it is once it is locked.
 * What was changed while it waited lies elsewhere, and is left out. Notes are of what was written.
 */
async function writeLocked(
  connection: Connection,
  dialect: Dialect,
  { table, where, set }: TaskWrite,
  { address, given, noted, returning = 'id' }: Locking,
): Promise<QueryResult> {
  const notes = noted && entryColumns(noted.entry, NOTED);
  const columns = [`${address} AS held`, ...(notes === undefined ? [] : [notes.sql])];
  const select = `SELECT ${columns.join(', ')} FROM ${table} WHERE ${where.sql}`;
  const locked = once(given.unlocked(given.sql, select));
  // The first part alone leaves no more of the table than was locked, whatever is believed of it; the other one matches, and by no index.
  const there = `${table}.${address} = ANY(ARRAY(SELECT held FROM given)) AND id + 0 = v_id`;
  const change = plain(dialect, { table, set, given: ONCE, where: { sql: there, values: [] } });
  const values = [...given.values, ...(notes?.values ?? []), ...where.values];
  if (noted === undefined)
    return send(connection, { sql: `WITH ${locked} ${change.sql}`, values }, returning);
  const names = Array.from(noted.entry.keys(), (column) => `${NOTED}${column}`).join(', ');
  const written = `written AS (${change.sql} RETURNING ${returning}, ${names})`;
  const insertion = insertRead(noted.history, noted.entry, NOTED, 'written');
  const { rows } = await connection.query(
    `WITH ${locked}, ${written}, noted AS (${insertion}) SELECT ${returning} FROM written`,
    values,
  );
  return { rows, changes: rows.length };
}

/**
 * A condition on the table alone that leaves no more of it than is given. Without it a planner that believes the table to be empty
 * may as well read all of it, or of an index, and then see what of that was given.
 */
function onlyThose(id: string, rows: string, also?: Fragment): Fragment {
  const those = `id = ANY(ARRAY(SELECT ${id} FROM ${rows}))`;
  return also === undefined
    ? { sql: those, values: [] }
    : { sql: `${those} AND ${also.sql}`, values: also.values };
}

/** Whom a write is about, as the rest of a SELECT. */
function sourceOf(dialect: Dialect, { table, given, where }: TaskWrite): Fragment {
  const from = given === undefined ? table : dialect.matching(table, given.sql);
  return { sql: `FROM ${from} WHERE ${where.sql}`, values: [...(given?.values ?? []), ...where.values] };
}

/** One statement: the rows are chosen and locked once, by the note, and the write goes by what was noted. */
function noting(dialect: Dialect, { history, entry }: Noted, write: TaskWrite): Fragment {
  const { table, given, set, where } = write;
  const handed = given === undefined ? '' : `${once(given.sql)}, `;
  const source = sourceOf(dialect, {
    table,
    given: given && ONCE,
    where: given === undefined ? where : onlyThose('v_id', 'given', where),
  });
  const note = insertFrom(history, entry, { ...source, sql: `${source.sql} ${dialect.exclusiveLock}` });
  const noted = given && { sql: 'given JOIN noted ON noted_task = v_id', values: [] };
  const each = given && EACH;
  const change = plain(dialect, { table, set, given: noted, where: onlyThose('noted_task', 'noted', each) });
  return {
    sql: `WITH ${handed}noted AS (${note.sql} RETURNING task AS noted_task) ${change.sql}`,
    values: [...(given?.values ?? []), ...note.values, ...change.values],
  };
}

async function noteApart(
  connection: Connection,
  dialect: Dialect,
  { history, entry }: Noted,
  write: TaskWrite,
): Promise<QueryResult> {
  const source = sourceOf(dialect, write);
  const select = selectFrom(entry, {
    ...source,
    sql: `${source.sql} LIMIT ${NOTED_AT_ONCE} ${dialect.exclusiveLock}`,
  });
  for (let changes = 0; ;) {
    const { rows } = await connection.query(select.sql, select.values);
    if (rows.length === 0) return { rows: [], changes };
    const ids = rows.map((row) => Number(row['task']));
    const those = { sql: `id IN (${ids.map(() => '?').join(', ')})`, values: ids };
    const where = write.given === undefined ? those : { ...those, sql: `id = v_id AND ${those.sql}` };
    changes += (await send(connection, plain(dialect, { ...write, where }), undefined)).changes;
    await insertEntries(connection, dialect, history, rows);
    // Whoever was changed is among those that it is about no longer, so the next ones come first now.
    if (rows.length < NOTED_AT_ONCE) return { rows: [], changes };
  }
}

interface Insertion {
  readonly table: string;
  /** The INSERT of new tasks. */
  readonly insertion: Fragment;
  readonly entry: Entry | undefined;
}

/** What entries of new tasks are made from. */
const NOTED_OF_NEW = 'id, type, task_user, task_group, status, owner, epoch, attempt';

/** Inserts tasks where the database returns their ids. */
export async function insertNoting(
  connection: Connection,
  terms: Terms,
  { table, insertion: { sql, values }, entry }: Insertion,
): Promise<readonly number[]> {
  const { dialect, history } = terms;
  const within = dialect.notes === 'within' && entry !== undefined && history !== undefined;
  const note = within ? insertFrom(history, entry, { sql: 'FROM made', values: [] }) : undefined;
  const { rows } =
    note === undefined
      ? await connection.query(`${sql} RETURNING id`, values)
      : await connection.query(
          `WITH made AS (${sql} RETURNING ${NOTED_OF_NEW}), noted AS (${note.sql}) SELECT id FROM made`,
          [...values, ...note.values],
        );
  const ids = rows.map((row) => Number(row['id']));
  if (!within) await noteNew(connection, terms, { table, ids, entry });
  return ids;
}

interface Inserted extends Pick<Insertion, 'table' | 'entry'> {
  readonly ids: readonly number[];
  /** Whether one that has an entry already is to be left out, since somebody else may have inserted it. */
  readonly unlessNoted?: boolean;
}

/** Notes tasks that were just inserted in this transaction. */
export async function noteNew(
  connection: Connection,
  { dialect, history }: Terms,
  { table, ids, entry, unlessNoted = false }: Inserted,
): Promise<void> {
  if (entry === undefined || history === undefined || ids.length === 0) return;
  const unless = unlessNoted
    ? `AND NOT EXISTS (SELECT 1 FROM ${history.table} h WHERE h.task = ${table}.id)`
    : '';
  const source = {
    sql: `FROM ${table} WHERE id IN (${ids.map(() => '?').join(', ')}) ${unless} ORDER BY id`,
    values: ids,
  };
  if (dialect.notes === 'apart') {
    const { sql, values } = selectFrom(entry, source);
    await insertEntries(connection, dialect, history, (await connection.query(sql, values)).rows);
  } else {
    const { sql, values } = insertFrom(history, entry, source);
    await connection.query(sql, values);
  }
}
