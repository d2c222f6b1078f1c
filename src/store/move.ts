/**
 * Moving tasks to another group, whatever state they are in. A task that waits keeps its turn; one that runs goes on
 * running, even if the group it comes to is full: it counts there from now on, and the limit holds for new starts.
 */
import type { Database } from '../core/connection.ts';
import { openLanes } from '../queue/lanes.ts';
import type { Control } from './control.ts';
import type { Tables } from './schema.ts';
import type { Fragment } from './transition.ts';

/** Moves the tasks of `where` that aren't there already; says how many. */
export async function moveTasks(
  {
    database,
    tables,
    control,
  }: { readonly database: Database; readonly tables: Tables; readonly control: Control },
  where: Fragment,
  group: string,
): Promise<number> {
  const { task, slot } = tables;
  return database.transaction(async (connection) => {
    await control.lock(connection);
    const { changes } = await connection.query(
      `UPDATE ${task} SET lane = 0, task_group = ? WHERE task_group <> ? AND ${where.sql}`,
      [group, group, ...where.values],
    );
    if (changes === 0) return 0;
    const moved = `FROM ${slot} WHERE task_group <> (SELECT t.task_group FROM ${task} t WHERE t.id = ${slot}.task_id)`;
    const { rows } = await connection.query(`SELECT task_id, task_user, task_group ${moved}`);
    if (rows.length === 0) return changes;
    const ids = rows.map((row) => Number(row['task_id']));
    await connection.query(
      `UPDATE ${slot} SET task_group = ? WHERE task_id IN (${ids.map(() => '?').join(', ')})`,
      [group, ...ids],
    );
    await openLanes(
      { connection, tables },
      'group',
      rows.map((row) => [String(row['task_group']), ''] as const),
    );
    return changes;
  });
}
