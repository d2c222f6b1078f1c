/**
 * Parents and their children. A task with children knows it, and goes only by way of deletion: they go first. Whoever
 * ends looks, after its own commit, whether its parent waits for nobody any more, and so does a parent that has just
 * begun to wait: whichever comes last sees that all is done. What nobody looks after is found by a rescue.
 */
import type { Connection } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { markOf, type Status } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import { hasStatus } from './at-rest.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { isAmong } from './page.ts';
import type { Tables } from './schema.ts';
import { applyEvent } from './transition.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly control: Control;
}

/** Those of a parent that waits to go on, or to be cleaned up, which keep it waiting. */
const AWAITED: Readonly<Partial<Record<Status, string>>> = {
  'waiting/run': 'AND c.done_at IS NULL',
  'waiting/delete': '',
};
const WAITING = Object.keys(AWAITED) as readonly Status[];

const AT_ONCE = 500;
/** So many parents of each kind in one look for those that were forgotten. */
export const LOOKED_AT_ONCE = 1000;
/** As good as not being there. */
const GONE: Status = 'pending/delete';

/** Lets `ids` have children, in the transaction that creates those. Throws TASK_NOT_FOUND for one that is none, or going. */
export async function adopt(
  connection: Connection,
  { tables, dialect, control }: Pick<Context, 'tables' | 'control'> & { readonly dialect: Dialect },
  ids: readonly number[],
): Promise<void> {
  const parents = [...new Set(ids)].toSorted((one, other) => one - other);
  while (parents.length > 0)
    await adoptSome(connection, { tables, dialect, control }, parents.splice(0, AT_ONCE));
}

async function adoptSome(
  connection: Connection,
  { tables, dialect, control }: Pick<Context, 'tables' | 'control'> & { readonly dialect: Dialect },
  ids: readonly number[],
): Promise<void> {
  const among = isAmong('id', ids);
  // In their order, so that nobody waits for somebody who waits for them.
  const { rows } = await connection.query(
    `SELECT id, status, has_children FROM ${tables.task} WHERE ${among.sql} ORDER BY id ${dialect.exclusiveLock}`,
    among.values,
  );
  const there = new Map(rows.map((row) => [Number(row['id']), row]));
  const missing = ids.find((id) => markOf((there.get(id)?.['status'] ?? GONE) as Status) === 'delete');
  if (missing !== undefined) throw new TaskbatonError('TASK_NOT_FOUND', { id: missing });
  const childless = ids.filter((id) => Number(there.get(id)?.['has_children']) === 0);
  if (childless.length === 0) return;
  const alone = isAmong('id', childless);
  await keepWithChildren(connection, { tables, control }, alone);
  await connection.query(`UPDATE ${tables.task} SET has_children = 1 WHERE ${alone.sql}`, alone.values);
}

/** A parent that was never run would go at once when it is deleted: paused, it waits for the same and goes after them. */
export async function keepWithChildren(
  connection: Connection,
  { tables, control }: Pick<Context, 'tables' | 'control'>,
  where: Fragment,
): Promise<void> {
  await applyEvent(connection, tables.task, control.terms, 'pause', { where, from: 'init/none' });
}

/** What a parent is asked for that has no children created any more; it can't be asked before the transaction ends. */
export async function stopAsked(
  connection: Connection,
  { tables, dialect }: Pick<Context, 'tables'> & { readonly dialect: Dialect },
  id: number,
): Promise<'pause' | 'delete' | undefined> {
  const sql = `SELECT status FROM ${tables.task} WHERE id = ? ${dialect.exclusiveLock}`;
  const [row] = (await connection.query(sql, [id])).rows;
  const mark = row === undefined ? 'delete' : markOf(row['status'] as Status);
  return mark === 'pause' || mark === 'delete' ? mark : undefined;
}

/** Throws INVALID_ARGUMENT if `parent` is `id` or below it. */
export async function checkDescent(
  connection: Connection,
  { tables, dialect }: Pick<Context, 'tables'> & { readonly dialect: Dialect },
  id: number,
  parent: number,
): Promise<void> {
  const seen = new Set<number>();
  for (let above: number | undefined = parent; above !== undefined && !seen.has(above);) {
    seen.add(above);
    if (above === id) {
      const problem = `task ${id}, which would become its child, is above it`;
      throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'parent', value: parent, problem });
    }
    // Locked, so that nobody else comes to stand above those that were looked at.
    const sql = `SELECT parent FROM ${tables.task} WHERE id = ? ${dialect.shareLock}`;
    const { rows } = await connection.query(sql, [above]);
    const next: unknown = rows[0]?.['parent'] ?? null;
    above = next === null ? undefined : Number(next);
  }
}

/** Whether a child has not ended. */
export async function hasUnfinished(
  { connection, tables }: Pick<Context, 'connection' | 'tables'>,
  parent: number,
): Promise<boolean> {
  return hasAwaited(connection, tables, parent, 'waiting/run');
}

async function hasAwaited(
  connection: Connection,
  { task }: Tables,
  parent: number,
  status: Status,
): Promise<boolean> {
  const sql = `SELECT 1 FROM ${task} c WHERE c.parent = ? ${AWAITED[status] ?? ''} LIMIT 1`;
  return (await connection.query(sql, [parent])).rows.length > 0;
}

/** Lets a parent go on that waits for nobody any more. True if it does. */
export async function wakeParent({ connection, tables, control }: Context, parent: number): Promise<boolean> {
  const { rows } = await connection.query(`SELECT status FROM ${tables.task} WHERE id = ?`, [parent]);
  const status = rows[0]?.['status'] as Status | undefined;
  if (status === undefined || AWAITED[status] === undefined) return false;
  if (await hasAwaited(connection, tables, parent, status)) return false;
  const where = { sql: 'id = ?', values: [parent] };
  return (await applyEvent(connection, tables.task, control.terms, 'wake', { where })) > 0;
}

/**
 * The same for those that were forgotten: their last child ended where nobody could look after them. Says how many. However
 * many wait, it looks at some, from where `looks` says that the last look ended.
 */
export async function wakeParents(
  { connection, tables, control }: Context,
  looks: Map<Status, number>,
): Promise<number> {
  const { task } = tables;
  const parents = WAITING.map(
    (status) =>
      `SELECT '${status}' AS status, p.id, CASE WHEN EXISTS (SELECT 1 FROM ${task} c WHERE c.parent = p.id ${AWAITED[status] ?? ''}) THEN 1 ELSE 0 END AS waits
       FROM (SELECT id FROM ${task} WHERE ${hasStatus(control.terms.dialect, [status]).sql} AND id > ? ORDER BY id LIMIT ${LOOKED_AT_ONCE}) p`,
  );
  const { rows } = await connection.query(
    parents.join(' UNION ALL '),
    WAITING.map((status) => looks.get(status) ?? 0),
  );
  for (const status of WAITING) {
    const seen = rows.filter((row) => row['status'] === status).map((row) => Number(row['id']));
    looks.set(status, seen.length < LOOKED_AT_ONCE ? 0 : Math.max(...seen));
  }
  const forgotten = rows.filter((row) => Number(row['waits']) === 0).map((row) => Number(row['id']));
  if (forgotten.length === 0) return 0;
  return applyEvent(connection, task, control.terms, 'wake', { where: isAmong('id', forgotten) });
}

/** Asks all children to go; true while there are any. */
export async function deleteChildren(
  { connection, tables, control }: Context,
  parent: number,
): Promise<boolean> {
  const where = { sql: 'parent = ?', values: [parent] };
  await applyEvent(connection, tables.task, control.terms, 'delete', { where });
  return hasAwaited(connection, tables, parent, 'waiting/delete');
}

/** The children of `id`, theirs, and so on: each level is read when the one above has been dealt with. */
export async function* levelsBelow(
  { connection, tables }: Pick<Context, 'connection' | 'tables'>,
  id: number,
): AsyncGenerator<readonly number[], void, void> {
  const seen = new Set([id]);
  for (let level = [id]; ;) {
    const below: number[] = [];
    for (let from = 0; from < level.length; from += AT_ONCE) {
      const above = isAmong('parent', level.slice(from, from + AT_ONCE));
      const sql = `SELECT id FROM ${tables.task} WHERE ${above.sql}`;
      const { rows } = await connection.query(sql, above.values);
      below.push(...rows.map((row) => Number(row['id'])));
    }
    level = below.filter((found) => !seen.has(found));
    if (level.length === 0) return;
    for (const found of level) seen.add(found);
    yield level;
  }
}
