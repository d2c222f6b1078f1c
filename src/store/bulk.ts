/**
 * Events for many tasks at once: one statement for each kind of change, running tasks included. Tasks for which the
 * event makes no sense, or that hold it already, are left alone.
 */
import type { Author } from '../core/author.ts';
import type { CheckedBulkFilter } from '../core/bulk.ts';
import type { Connection } from '../core/connection.ts';
import { arrows, type PublicState, showing, STATUS, type Status, type UserEvent } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import { hasStatus } from './at-rest.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { isAmong, isNamed } from './page.ts';
import type { Tables } from './schema.ts';
import { applyEvent } from './transition.ts';

/** A task that was asked to stop, in the claim it was asked in. */
export interface Stopping {
  readonly id: number;
  readonly epoch: number;
}

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly control: Control;
}

/** The status of those whose handlers an event asks to stop. */
const STOPPING: Readonly<Partial<Record<UserEvent, Status>>> = {
  pause: 'running/pause',
  delete: 'running/delete',
};

export async function applyToMany(
  { connection, tables, control }: Context,
  event: UserEvent,
  filter: CheckedBulkFilter,
  by?: Author,
): Promise<{ readonly changed: number; readonly stopping: readonly Stopping[] }> {
  const { dialect } = control.terms;
  const where = bulkWhere(dialect, filter);
  if (where === undefined) return { changed: 0, stopping: [] };
  const concerned = hasStatus(dialect, sourcesOf(event));
  const changed = await applyEvent(connection, tables.task, control.terms, event, {
    where: { ...where, sql: `${where.sql} AND ${concerned.sql}` },
    by,
  });
  const status = STOPPING[event];
  const still = bulkWhere(dialect, { ...filter, states: undefined });
  if (changed === 0 || status === undefined || still === undefined) return { changed, stopping: [] };
  const { rows } = await connection.query(
    `SELECT id, epoch FROM ${tables.task} WHERE ${hasStatus(dialect, [status]).sql} AND ${still.sql}`,
    still.values,
  );
  return { changed, stopping: rows.map((row) => ({ id: Number(row['id']), epoch: Number(row['epoch']) })) };
}

/** How many tasks an event (or a move to another group) would change, by their public states. */
export async function countConcerned(
  { connection, tables, dialect }: Pick<Context, 'connection' | 'tables'> & { readonly dialect: Dialect },
  change: UserEvent | { readonly group: string },
  filter: CheckedBulkFilter,
): Promise<Readonly<Partial<Record<PublicState, number>>>> {
  const where = bulkWhere(dialect, filter);
  if (where === undefined) return {};
  const concerned: Fragment =
    typeof change === 'object'
      ? { sql: 'task_group <> ?', values: [change.group] }
      : hasStatus(dialect, sourcesOf(change));
  const { rows } = await connection.query(
    `SELECT status, COUNT(*) AS tasks FROM ${tables.task} WHERE ${where.sql} AND ${concerned.sql} GROUP BY status`,
    [...where.values, ...concerned.values],
  );
  const counts: Partial<Record<PublicState, number>> = {};
  for (const row of rows) {
    const state = STATUS[row['status'] as Status].shows;
    counts[state] = (counts[state] ?? 0) + Number(row['tasks']);
  }
  return counts;
}

function sourcesOf(event: UserEvent): readonly Status[] {
  return arrows(event).map(({ from }) => from);
}

/** How many of `stopping` have not stopped yet; one that was told to go on counts as stopped. */
export async function countStopping(
  { connection, tables, control }: Context,
  event: UserEvent,
  stopping: readonly Stopping[],
): Promise<number> {
  const status = STOPPING[event];
  if (status === undefined) return 0;
  const { rows } = await connection.query(
    `SELECT id, epoch FROM ${tables.task} WHERE ${hasStatus(control.terms.dialect, [status]).sql}`,
  );
  const epochs = new Map(rows.map((row) => [Number(row['id']), Number(row['epoch'])]));
  return stopping.filter(({ id, epoch }) => epochs.get(id) === epoch).length;
}

/** The tasks of `filter`; undefined if there can be none. */
export function bulkWhere(dialect: Dialect, filter: CheckedBulkFilter): Fragment | undefined {
  const { owner, ids, parent, user = owner, group, types, states } = filter;
  const statuses = states?.flatMap(showing);
  const foreign = owner !== undefined && user !== owner;
  if (foreign || [ids, types, statuses].some((list) => list?.length === 0)) return undefined;
  const parts: Fragment[] = [{ sql: '1 = 1', values: [] }];
  if (ids !== undefined) parts.push(isAmong('id', [...new Set(ids)]));
  if (parent !== undefined) parts.push({ sql: 'parent = ?', values: [parent] });
  if (user !== undefined) parts.push(isNamed('task_user', user));
  if (group !== undefined) parts.push(isNamed('task_group', group));
  if (types !== undefined) parts.push(isAmong('type', [...new Set(types)]));
  if (statuses !== undefined) parts.push(hasStatus(dialect, [...new Set(statuses)]));
  return { sql: parts.map(({ sql }) => sql).join(' AND '), values: parts.flatMap(({ values }) => values) };
}
