/** New tasks: one INSERT, and where it begins to wait in a queue of the user's own, that queue told in the same transaction. */
import type { Connection, Database, Hint, SqlValue } from '../core/connection.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { FIRST_VERSION } from '../core/version.ts';
import { adopt, checkDescent, keepWithChildren, wakeParent } from './children.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { dueSql } from './due.ts';
import { entryOf } from './entry.ts';
import { type Attempt, givenRows, writeAlike } from './given.ts';
import type { Payloads } from './payload.ts';
import { type NewTask, payloadSize } from './record.ts';
import type { Tables } from './schema.ts';
import { BEGINNING, beginning, tell } from './transition.ts';
import { carryOut, insertNoting, noteNew } from './write.ts';

/** Far below the number of values that any database takes in one statement. */
const ROWS_AT_ONCE = 1000;
/** Unless a single one has more, a statement has at most so much to carry. */
const BYTES_AT_ONCE = 2 ** 20;

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
  readonly payloads: Payloads;
}

/** Columns of a new task, in the order of `valuesOf`. */
const GIVEN = 'type, version, task_user, task_group, priority, parent, input, context, options, task_key';
const GIVEN_MARKS = GIVEN.replace(/\w+/g, '?');
/** The same as they are handed over. */
const GIVEN_COLUMNS = {
  v_type: 'text',
  v_version: 'integer',
  v_user: 'text',
  v_group: 'text',
  v_priority: 'integer',
  v_parent: 'integer',
  v_input: 'text',
  v_context: 'text',
  v_options: 'text',
  v_key: 'text',
  v_place: 'integer',
} as const;
const GIVEN_NAMES = Object.keys(GIVEN_COLUMNS).slice(0, -1).join(', ');
/** Columns that are the same for all that begin alike. */
const FIXED = [
  ...BEGINNING,
  'epoch, attempt, crashes, crash_budget, retries, worked, worked_before, created_at',
].join(', ');

/** The new task's id, or that of the one with the same key. */
export async function insertTask(
  context: Context,
  task: NewTask,
  connection: Connection = context.connection,
): Promise<number> {
  const told = startsAtOnce(task) && context.control.terms.ownQueues.run !== undefined;
  // What takes more than one statement is a transaction.
  const several = told || !isOneStatement(context) || task.replace === true || task.parent !== undefined;
  if ((several || context.payloads.encodes) && isDatabase(connection))
    return connection.transaction((inner) => insertTask(context, task, inner));
  await lockDescent(connection, context, [task]);
  if (task.parent !== undefined) await adopt(connection, context, [task.parent]);
  const replaced = await replaceIfWanted(connection, context, task);
  if (replaced !== undefined) return replaced;
  const [id] = await insert(connection, context, [task]);
  if (id === undefined) {
    // One came in between; where it has gone again, there is room for this one.
    return (
      (await replaceIfWanted(connection, context, task)) ??
      (await findByKey(connection, context, task)) ??
      insertTask(context, task, connection)
    );
  }
  // Not every database says whether it has inserted a row or found one.
  if (task.key !== undefined && context.dialect.returning !== true)
    await findByKey(connection, context, task);
  if (told) await enter(connection, context, task, id);
  return id;
}

function startsAtOnce({ autoRun, due }: NewTask): boolean {
  return autoRun && due === undefined;
}

/** Whoever gives tasks that exist a parent takes turns, lest each of two came to be above the other. */
async function lockDescent(
  connection: Connection,
  { control }: Context,
  tasks: readonly NewTask[],
): Promise<void> {
  if (tasks.some(({ replace: replaces, parent }) => replaces === true && parent !== undefined))
    await control.lock(connection);
}

/** Creates plain tasks, those that are alike in one statement, `hint` with them; leaves out whom it could not create with others. */
export function insertEach(
  context: Context,
  tasks: readonly NewTask[],
  hint?: Hint,
): Promise<readonly Attempt<number>[]> {
  // One statement needs no transaction around it.
  return writeAlike(tasks, startOf, (group) =>
    isOneStatement(context)
      ? insertRows(context.connection, context, group, hint)
      : insertTasks(context, group),
  );
}

/** Whether rows come into being, are known and are noted by the same statement. */
function isOneStatement({ dialect, control }: Context): boolean {
  return dialect.returning === true && (control.terms.history === undefined || dialect.notes === 'within');
}

/** Whether one INSERT is all there is to do, and nobody else's code or rows are waited for. */
export function isPlain(
  { control, payloads }: Pick<Context, 'control' | 'payloads'>,
  { key, parent }: NewTask,
): boolean {
  return (
    key === undefined &&
    parent === undefined &&
    control.terms.ownQueues.run === undefined &&
    !payloads.encodes
  );
}

/** Creates all or, if one can't be, none; their ids in the order given. */
export async function insertTasks(
  context: Context,
  tasks: readonly NewTask[],
  connection: Connection = context.connection,
): Promise<readonly number[]> {
  if (isDatabase(connection)) return connection.transaction((inner) => insertTasks(context, tasks, inner));
  await lockDescent(connection, context, tasks);
  const parents = tasks.flatMap(({ parent }) => (parent === undefined ? [] : [parent]));
  await adopt(connection, context, parents);
  const ids: number[] = [];
  const gathered: NewTask[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const batch = gathered.splice(0);
    if (batch.length > 0) ids.push(...(await insert(connection, context, batch)));
    bytes = 0;
  };
  for (const task of tasks) {
    // One with a key may be there already, and one that a queue is told of is told of by its id.
    const alone = task.key !== undefined || context.control.terms.ownQueues.run !== undefined;
    const [first] = gathered;
    const full = gathered.length === ROWS_AT_ONCE || bytes + payloadSize(task) > BYTES_AT_ONCE;
    if (alone || full || (first !== undefined && startOf(first) !== startOf(task))) await flush();
    if (alone) ids.push(await insertTask(context, task, connection));
    else gathered.push(task);
    bytes += payloadSize(task);
  }
  await flush();
  return ids;
}

/** Those that begin in the same status, due at the same time, by the same hand, are made by one statement. */
function startOf({ autoRun, due, by }: NewTask): string {
  return due === undefined && by === undefined ? `${autoRun}` : `${autoRun} ${JSON.stringify([due, by])}`;
}

/** The ids of new tasks, which are alike; none where there is one with the same key. */
async function insert(
  connection: Connection,
  context: Context,
  tasks: readonly NewTask[],
): Promise<readonly number[]> {
  const { payloads } = context;
  if (!payloads.encodes) return insertRows(connection, context, tasks);
  // A payload is encoded for its task, whose id only the database knows; until this is committed nobody sees either.
  const input = payloads.placeholder();
  const empty = tasks.map((task) => ({ ...task, input, context: null }));
  const ids = await insertRows(connection, context, empty);
  await encodeEach(connection, context, { ids, tasks, placeholder: input });
  return ids;
}

/** Gives tasks their payloads that were just inserted with a placeholder; one that was there before keeps its own. */
async function encodeEach(
  connection: Connection,
  { tables, payloads }: Context,
  {
    ids,
    tasks,
    placeholder,
  }: {
    readonly ids: readonly number[];
    readonly tasks: readonly NewTask[];
    readonly placeholder: string;
  },
): Promise<void> {
  if (ids.length === 0) return;
  const encoded = await Promise.all(ids.map((id, index) => encodedFor(payloads, id, tasks[index])));
  const choose = (column: string): string =>
    `${column} = CASE id ${ids.map(() => 'WHEN ? THEN ?').join(' ')} END`;
  await connection.query(
    `UPDATE ${tables.task} SET ${choose('context')}, ${choose('input')}
     WHERE id IN (${ids.map(() => '?').join(', ')}) AND input = ?`,
    [
      ...ids.flatMap((id, index) => [id, encoded[index]?.context ?? null]),
      ...ids.flatMap((id, index) => [id, encoded[index]?.input ?? null]),
      ...ids,
      placeholder,
    ],
  );
}

async function encodedFor(
  payloads: Payloads,
  id: number,
  task: NewTask | undefined,
): Promise<Pick<NewTask, 'input' | 'context'>> {
  const owner = { id, type: task?.type ?? '' };
  return {
    input: await payloads.encode(task?.input ?? null, owner),
    context: await payloads.encode(task?.context ?? null, owner),
  };
}

async function insertRows(
  connection: Connection,
  context: Context,
  tasks: readonly NewTask[],
  hint?: Hint,
): Promise<readonly number[]> {
  const { tables, dialect, control } = context;
  const [first] = tasks;
  if (first === undefined) return [];
  const { returning } = dialect;
  const { terms } = control;
  const entry = terms.history && entryOf('create', terms.now, first.by, { to_status: 'status' });
  const into = `INSERT INTO ${tables.task} (${FIXED}, ${GIVEN})`;
  if (returning === true) {
    const rows = tasks.map((task, place) => valuesOf(task).concat(place));
    const given = givenRows(dialect, GIVEN_COLUMNS, rows);
    // What can't be there already needn't be looked for; "true" keeps SQLite from taking ON for a part of the join.
    const unless = tasks.some(({ key }) => key !== undefined)
      ? 'WHERE true ORDER BY v_place ON CONFLICT DO NOTHING'
      : 'ORDER BY v_place';
    const hinting = hint === undefined ? '' : `CROSS JOIN ${hint.sql}`;
    const ids = await insertNoting(connection, terms, {
      table: tables.task,
      insertion: {
        sql: `${into} SELECT ${fixedFor(first, 'v_priority', dialect, control)}, ${GIVEN_NAMES} FROM ${given.sql} ${hinting} ${unless}`,
        values: [...given.values, ...(hint?.values ?? [])],
      },
      entry,
    });
    // Ids are given in the order of the rows, but may come back in another.
    return ids.toSorted((one, other) => one - other);
  }
  // Only for rows that it can count beforehand does MySQL give ids without gaps.
  const rows = tasks.map(
    ({ priority = 0 }) => `(${fixedFor(first, `(${priority})`, dialect, control)}, ${GIVEN_MARKS})`,
  );
  // It doesn't say either whether a row with the key was there.
  const keyed = entry !== undefined && first.key !== undefined;
  const before = keyed ? await findByKey(connection, context, first) : undefined;
  await connection.query(
    `${into} VALUES ${rows.join(', ')} ${returning.unlessKeyExists}`,
    tasks.flatMap(valuesOf),
  );
  const [inserted] = (await connection.query(returning.insertedIds)).rows;
  const ids = tasks.map((_, index) => Number(inserted?.['first']) + index * Number(inserted?.['step']));
  if (before === undefined)
    await noteNew(connection, terms, { table: tables.task, ids, entry, unlessNoted: keyed });
  return ids;
}

/** The values of `FIXED`, for tasks that start like this one. */
function fixedFor(task: NewTask, priority: string, { now }: Dialect, control: Control): string {
  return [...beginningOf(task, priority, control), `0, 1, 0, 0, 0, 0, 0, ${now}`].join(', ');
}

function beginningOf({ autoRun, due }: NewTask, priority: string, control: Control): readonly string[] {
  const { terms } = control;
  const precedence = control.newPrecedence(priority);
  return beginning(terms, { autoRun, due: dueSql(due, terms.now), precedence });
}

function valuesOf(task: NewTask): SqlValue[] {
  const { type, version = FIRST_VERSION, user, group, priority = 0, parent = null } = task;
  const { input, context, options = null, key = null } = task;
  return [type, version, user, group, priority, parent, input, context, options, key];
}

/** Makes the task with the key what the new one is, unless it has started; its id if it was changed. */
async function replaceIfWanted(
  connection: Connection,
  context: Context,
  task: NewTask,
): Promise<number | undefined> {
  if (task.replace !== true) return undefined;
  const { tables, dialect, control } = context;
  const { rows } = await connection.query(
    `SELECT id, parent, has_children FROM ${tables.task} WHERE type = ? AND task_key = ? AND epoch = 0 ${dialect.exclusiveLock}`,
    [task.type, task.key ?? ''],
  );
  const [found] = rows;
  if (found === undefined) return undefined;
  const id = Number(found['id']);
  if (task.parent !== undefined) await checkDescent(connection, context, id, task.parent);
  const { input, context: first } = await encodedFor(context.payloads, id, task);
  const { version = FIRST_VERSION, user, group, priority = 0, parent = null, options = null } = task;
  const begins = beginningOf(task, `(${priority})`, control);
  const { terms } = control;
  const set = `version = ?, task_user = ?, task_group = ?, priority = ?, parent = COALESCE(?, parent),
     input = ?, context = ?, options = ?, paused_by = NULL, revision = revision + 1, ${BEGINNING.map((name, index) => `${name} = ${begins[index]}`).join(', ')}`;
  await carryOut(connection, terms, {
    table: tables.task,
    set: { sql: set, values: [version, user, group, priority, parent, input, first, options] },
    where: { sql: 'id = ?', values: [id] },
    entry:
      terms.history &&
      entryOf('replace', terms.now, task.by, {
        from_status: 'status',
        to_status: begins.at(-1) ?? 'status',
        task_user: { sql: '?', values: [user] },
        task_group: { sql: '?', values: [group] },
      }),
  });
  if (Number(found['has_children']) === 1)
    await keepWithChildren(connection, context, { sql: 'id = ?', values: [id] });
  await tell(control.terms, 'run', (own) => own.leave([id], connection));
  if (startsAtOnce(task)) await enter(connection, context, task, id);
  const before = Number(found['parent'] ?? 0);
  if (before > 0 && task.parent !== undefined) await wakeParent({ ...context, connection }, before);
  return id;
}

/** The task that is meant, for it has the key; but a child is nobody's other than its parent's. Throws KEY_TAKEN. */
async function findByKey(
  connection: Connection,
  { tables }: Context,
  { type, key = '', parent }: NewTask,
): Promise<number | undefined> {
  const sql = `SELECT id, parent FROM ${tables.task} WHERE type = ? AND task_key = ?`;
  const [row] = (await connection.query(sql, [type, key])).rows;
  if (row === undefined) return undefined;
  const id = Number(row['id']);
  if (parent !== undefined && Number(row['parent'] ?? 0) !== parent)
    throw new TaskbatonError('KEY_TAKEN', { key: show(key), id, parent });
  return id;
}

async function enter(connection: Connection, { control }: Context, task: NewTask, id: number): Promise<void> {
  const { type, user, group, priority = 0 } = task;
  const waiting = { id, type, user, group, priority, handedOver: false };
  await tell(control.terms, 'run', (own) => own.enter([waiting], connection));
}

function isDatabase(connection: Connection): connection is Database {
  return 'transaction' in connection;
}
