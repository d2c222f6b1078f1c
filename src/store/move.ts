/**
 * Moving tasks to another group, whatever state they are in. A task that waits keeps its turn; one that runs goes on
 * running, even if the group it comes to is full: it counts there from now on, and the limit holds for new starts.
 */
import type { Author } from '../core/author.ts';
import type { Connection, Database, Row } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { QUEUES, STATUS, type Status } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import { openLanes } from '../queue/lanes.ts';
import type { How } from './change.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { entryOf } from './entry.ts';
import { isTask } from './page.ts';
import type { Tables } from './schema.ts';
import { ownerOf } from './settlement.ts';
import { WAITING_COLUMNS, waitingTaskFrom } from './record.ts';
import { tell } from './transition.ts';
import { wordingOf } from './wording.ts';
import { carryOut, type TaskWrite } from './write.ts';

/** Moves the tasks of `where` that aren't there already; says how many. */
export async function moveTasks(
  { tables, control }: { readonly tables: Tables; readonly control: Control },
  where: Fragment,
  group: string,
  by?: Author,
): Promise<number> {
  const { task, slot } = tables;
  const { terms } = control;
  const detail = { sql: '?', values: [JSON.stringify({ group })] };
  const write: TaskWrite = {
    table: task,
    set: { sql: 'lane = 0, task_group = ?', values: [group] },
    where: { sql: `task_group <> ? AND ${where.sql}`, values: [group, ...where.values] },
    entry: terms.history && entryOf('move', terms.now, by, { detail }),
  };
  return control.locked(async (connection) => {
    const waiting = await readWaiting(connection, tables, control, where, group);
    const { changes } = await carryOut(connection, terms, write);
    if (changes === 0) return 0;
    await tellMoved(connection, control, waiting, group);
    const moved = `FROM ${slot} WHERE task_group <> (SELECT t.task_group FROM ${task} t WHERE t.id = ${slot}.task_id)`;
    const { rows } = await connection.query(`SELECT task_id, task_user, task_group ${moved}`);
    if (rows.length === 0) return changes;
    const ids = rows.map((row) => Number(row['task_id']));
    await connection.query(
      `UPDATE ${slot} SET task_group = ? WHERE task_id IN (${ids.map(() => '?').join(', ')})`,
      [group, ...ids],
    );
    await openLanes(
      { ...wordingOf(terms.dialect), connection, tables },
      rows.flatMap((row) => {
        const [user, left] = [String(row['task_user']), String(row['task_group'])];
        return [
          { kind: 'group', name: left, second: '' } as const,
          { kind: 'user/group', name: user, second: left } as const,
        ];
      }),
    );
    return changes;
  });
}

/** False if it is there already. Throws TASK_NOT_FOUND. */
export async function moveTask(
  context: Parameters<typeof moveTasks>[0] & { readonly database: Database; readonly dialect: Dialect },
  id: number,
  group: string,
  { by, owner }: How = {},
): Promise<boolean> {
  const where = isTask(id, owner);
  if ((await moveTasks(context, where, group, by)) > 0) return true;
  const { database, tables, dialect } = context;
  const lock = database.borrowed === true ? dialect.exclusiveLock : '';
  if ((await ownerOf(database, tables.task, where, lock)) === undefined)
    throw new TaskbatonError('TASK_NOT_FOUND', { id });
  return false;
}

/** Who waits in a queue of the user's own among those that are about to move. */
async function readWaiting(
  connection: Connection,
  { task }: Tables,
  { terms }: Control,
  where: Fragment,
  group: string,
): Promise<readonly Row[]> {
  if (Object.keys(terms.ownQueues).length === 0) return [];
  const { rows } = await connection.query(
    `SELECT ${WAITING_COLUMNS}, status, queue FROM ${task} WHERE queue IS NOT NULL AND task_group <> ? AND ${where.sql} ${terms.dialect.exclusiveLock}`,
    [group, ...where.values],
  );
  return rows;
}

async function tellMoved(
  connection: Connection,
  { terms }: Control,
  rows: readonly Row[],
  group: string,
): Promise<void> {
  for (const queue of QUEUES) {
    const moved = rows
      .filter((row) => row['queue'] === queue)
      .map((row) => waitingTaskFrom(row, STATUS[row['status'] as Status].waits?.ahead === true));
    if (moved.length === 0) continue;
    const ids = moved.map(({ id }) => id);
    await tell(terms, queue, (own) => own.leave(ids, connection));
    await tell(terms, queue, (own) =>
      own.enter(
        moved.map((task) => ({ ...task, group })),
        connection,
      ),
    );
  }
}
