/** New tasks: one INSERT, and where it begins to wait in a queue of the user's own, that queue told in the same transaction. */
import type { Connection, Database } from '../core/connection.ts';
import type { Status } from '../core/status.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import type { NewTask } from './record.ts';
import type { Tables } from './schema.ts';
import { tell } from './transition.ts';

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

/** The new task's id. */
export async function insertTask(context: Context, task: NewTask): Promise<number> {
  const { connection: database, dialect, control } = context;
  const told = task.autoRun && control.terms.ownQueues.run !== undefined;
  if (dialect.returning === true && !told) return insert(database, context, task);
  return database.transaction(async (connection) => {
    const id = await insert(connection, context, task);
    const { type, user, group, priority = 0 } = task;
    const waiting = { id, type, user, group, priority, handedOver: false };
    if (told) await tell(control.terms, 'run', (own) => own.enter([waiting], connection));
    return id;
  });
}

async function insert(
  connection: Connection,
  { tables, dialect, control }: Context,
  task: NewTask,
): Promise<number> {
  const { now, returning } = dialect;
  const { priority = 0 } = task;
  const status: Status = task.autoRun ? 'pending/run' : 'init/none';
  const waiting = task.autoRun ? `'run', ${control.newPrecedence(priority)}, ${now}` : 'NULL, NULL, NULL';
  const sql = `INSERT INTO ${tables.task}
    (type, task_user, task_group, status, queue, precedence, turn, lane, priority, epoch, attempt, crashes, crash_budget, retries, created_at, input, context)
    VALUES (?, ?, ?, '${status}', ${waiting}, 0, ?, 0, 1, 0, 0, 0, ${now}, ?, ?)`;
  const values = [task.type, task.user, task.group, priority, task.input, task.context];
  const { rows } = await connection.query(returning === true ? `${sql} RETURNING id` : sql, values);
  if (returning === true) return Number(rows[0]?.['id']);
  const last = await connection.query(returning.lastInsertId);
  return Number(last.rows[0]?.['id']);
}
