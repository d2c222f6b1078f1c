/** New tasks: one INSERT, and where it begins to wait in a queue of the user's own, that queue told in the same transaction. */
import type { Connection, Database, SqlValue } from '../core/connection.ts';
import type { Status } from '../core/status.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { dueSql, reschedule } from './due.ts';
import { LATER, type NewTask } from './record.ts';
import type { Tables } from './schema.ts';
import { tell } from './transition.ts';

/** Far below the number of values that any database takes in one statement. */
const ROWS_AT_ONCE = 1000;

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

/** Columns of a new task, in the order of `valuesOf`. */
const GIVEN = 'type, task_user, task_group, priority, input, context, options, task_key';

/** The new task's id, or that of the one with the same key. */
export async function insertTask(
  context: Context,
  task: NewTask,
  connection: Connection = context.connection,
): Promise<number> {
  const told = task.autoRun && task.due === undefined && context.control.terms.ownQueues.run !== undefined;
  // What takes more than one statement is a transaction.
  if ((told || context.dialect.returning !== true || task.replace === true) && isDatabase(connection))
    return connection.transaction((inner) => insertTask(context, task, inner));
  const replaced = task.replace === true ? await replace(connection, context, task) : undefined;
  if (replaced !== undefined) return replaced;
  const [id] = await insert(connection, context, [task]);
  // Where it has gone meanwhile, there is room for this one.
  if (id === undefined)
    return (await findByKey(connection, context, task)) ?? insertTask(context, task, connection);
  if (told) await enter(connection, context, task, id);
  return id;
}

/** Creates all or, if one can't be, none; their ids in the order given. */
export async function insertTasks(
  context: Context,
  tasks: readonly NewTask[],
  connection: Connection = context.connection,
): Promise<readonly number[]> {
  if (isDatabase(connection)) return connection.transaction((inner) => insertTasks(context, tasks, inner));
  const ids: number[] = [];
  const gathered: NewTask[] = [];
  const flush = async (): Promise<void> => {
    const batch = gathered.splice(0);
    if (batch.length > 0) ids.push(...(await insert(connection, context, batch)));
  };
  for (const task of tasks) {
    // One with a key may be there already, and one that a queue is told of is told of by its id.
    const alone = task.key !== undefined || context.control.terms.ownQueues.run !== undefined;
    const [first] = gathered;
    if (alone || gathered.length === ROWS_AT_ONCE || (first !== undefined && !isAlike(first, task)))
      await flush();
    if (alone) ids.push(await insertTask(context, task, connection));
    else gathered.push(task);
  }
  await flush();
  return ids;
}

/** Whether both begin in the same status, due at the same time, so that one statement makes both. */
function isAlike(one: NewTask, other: NewTask): boolean {
  return one.autoRun === other.autoRun && JSON.stringify(one.due) === JSON.stringify(other.due);
}

/** The ids of new tasks, which are alike; none where there is one with the same key. */
async function insert(
  connection: Connection,
  { tables, dialect, control }: Context,
  tasks: readonly NewTask[],
): Promise<readonly number[]> {
  const [{ autoRun, due: when } = { autoRun: true, due: undefined }] = tasks;
  const { now, returning } = dialect;
  const due = dueSql(when, now);
  const status: Status = autoRun ? 'pending/run' : 'init/none';
  const rows = tasks.map(({ priority = 0 }) => {
    const waits = !autoRun
      ? 'NULL, NULL, NULL'
      : due === undefined
        ? `'run', ${control.newPrecedence(priority)}, ${now}`
        : `'${LATER}', 0, ${due}`;
    return `('${status}', ${waits}, 0, 0, 1, 0, 0, 0, 0, 0, ${now}, ?, ?, ?, ?, ?, ?, ?, ?)`;
  });
  const sql = `INSERT INTO ${tables.task}
    (status, queue, precedence, turn, lane, epoch, attempt, crashes, crash_budget, retries, worked, worked_before, created_at, ${GIVEN})
    VALUES ${rows.join(', ')}`;
  const values = tasks.flatMap(valuesOf);
  if (returning === true) {
    const found = await connection.query(`${sql} ON CONFLICT DO NOTHING RETURNING id`, values);
    // Ids are given in the order of the rows, but may come back in another.
    return found.rows.map((row) => Number(row['id'])).toSorted((one, other) => one - other);
  }
  await connection.query(`${sql} ${returning.unlessKeyExists}`, values);
  const [inserted] = (await connection.query(returning.insertedIds)).rows;
  return tasks.map((_, index) => Number(inserted?.['first']) + index * Number(inserted?.['step']));
}

function valuesOf(task: NewTask): readonly SqlValue[] {
  const { type, user, group, priority = 0, input, context, options = null, key = null } = task;
  return [type, user, group, priority, input, context, options, key];
}

/** Makes the task with the key what the new one is, unless it has started; its id if it was changed. */
async function replace(connection: Connection, context: Context, task: NewTask): Promise<number | undefined> {
  const { tables, dialect, control } = context;
  const [type, user, group, priority, input, first, options, key] = valuesOf(task);
  const { changes } = await connection.query(
    `UPDATE ${tables.task} SET task_user = ?, task_group = ?, priority = ?, input = ?, context = ?, options = ?
     WHERE type = ? AND task_key = ? AND epoch = 0`,
    [user, group, priority, input, first, options, type, key] as readonly SqlValue[],
  );
  const id = changes === 0 ? undefined : await findByKey(connection, context, task);
  if (id !== undefined) {
    // It waits anew: in its new lane, by its new priority, when it is due now.
    const due = dueSql(task.due, dialect.now) ?? dialect.now;
    await reschedule({ database: context.connection, tables, dialect, control }, id, due, connection);
  }
  return id;
}

async function findByKey(
  connection: Connection,
  { tables }: Context,
  { type, key = '' }: NewTask,
): Promise<number | undefined> {
  const sql = `SELECT id FROM ${tables.task} WHERE type = ? AND task_key = ?`;
  const [row] = (await connection.query(sql, [type, key])).rows;
  return row === undefined ? undefined : Number(row['id']);
}

async function enter(connection: Connection, { control }: Context, task: NewTask, id: number): Promise<void> {
  const { type, user, group, priority = 0 } = task;
  const waiting = { id, type, user, group, priority, handedOver: false };
  await tell(control.terms, 'run', (own) => own.enter([waiting], connection));
}

function isDatabase(connection: Connection): connection is Database {
  return 'transaction' in connection;
}
