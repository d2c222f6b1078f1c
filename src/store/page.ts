/**
 * The SELECT of one page of a list, newest first. It is written so that a database without statistics (nobody runs
 * ANALYZE on a SQLite file) has no choice but to read along an index and to stop when the page is full: one index for
 * one user or group, else one short list for each type or status, merged.
 */
import type { SqlValue } from '../core/connection.ts';
import { showing, type Status, STATUSES } from '../core/status.ts';
import type { CheckedFilter } from '../core/task.ts';
import type { Fragment } from './fragment.ts';

/** More lists than this are no longer short to merge. */
const MOST_LISTS = 16;

/** One row more than the page has, to tell whether there is another; undefined if nothing can fit. */
export function selectFiltered(table: string, columns: string, filter: CheckedFilter): Fragment | undefined {
  const lists = listsOf(filter);
  const selects = lists.map((list) => selectList(table, columns, filter, list));
  const [only] = selects;
  if (only === undefined || selects.length === 1) return only;
  const merged = selects.map(({ sql }, index) => `SELECT * FROM (${sql}) AS list${index}`);
  return {
    sql: `${merged.join(' UNION ALL ')} ORDER BY id DESC LIMIT ?`,
    values: [...selects.flatMap(({ values }) => values), filter.limit + 1],
  };
}

/** The lists that a page is merged from, each a set of conditions; no task is in two of them. */
function listsOf(filter: CheckedFilter): readonly (readonly Fragment[])[] {
  const { owner, parent, user = owner, group, types, states } = filter;
  const conditions = conditionsOf(filter);
  if (conditions === undefined) return [];
  const typeNames = types === undefined ? undefined : [...new Set(types)];
  if ([parent, user, group].some((part) => part !== undefined) || (typeNames?.length ?? 0) > MOST_LISTS)
    return [conditions];
  const { statuses, most, status } = statusOf(states);
  if (typeNames !== undefined) return typeNames.map((type) => [isAmong('type', [type]), ...status]);
  return most ? [status] : statuses.map((one) => [isAmong('status', [one])]);
}

/** What is asked of state and type, as conditions that hold together; undefined if nothing can fit. */
export function conditionsOf({
  owner,
  user = owner,
  types,
  states,
}: CheckedFilter): readonly Fragment[] | undefined {
  const typeNames = types === undefined ? undefined : [...new Set(types)];
  const foreign = owner !== undefined && user !== owner;
  const { statuses, status } = statusOf(states);
  if (foreign || statuses.length === 0 || typeNames?.length === 0) return undefined;
  return [...status, ...(typeNames === undefined ? [] : [isAmong('type', typeNames)])];
}

function statusOf(states: CheckedFilter['states']): {
  readonly statuses: readonly Status[];
  /** Whether it is most of them that fit. */
  readonly most: boolean;
  readonly status: readonly Fragment[];
} {
  const statuses = [...new Set(states.flatMap(showing))];
  const most = statuses.length > STATUSES.length / 2;
  return { statuses, most, status: most ? isNotAmong(without(statuses)) : [isAmong('status', statuses)] };
}

/** The tasks that fit `list` and all else that is asked of them, newest first, and one more than the page has. */
export function selectList(
  table: string,
  columns: string,
  { owner, parent, user = owner, group, after, limit }: CheckedFilter,
  list: readonly Fragment[],
): Fragment {
  const conditions = [...list];
  if (parent !== undefined) conditions.push({ sql: 'parent = ?', values: [parent] });
  if (user !== undefined) conditions.push(isNamed('task_user', user));
  if (group !== undefined) conditions.push(isNamed('task_group', group));
  if (after !== undefined) conditions.push({ sql: 'id < ?', values: [after] });
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`;
  return {
    sql: `SELECT ${columns} FROM ${table} ${where} ORDER BY id DESC LIMIT ?`,
    values: [...conditions.flatMap(({ values }) => values), limit + 1],
  };
}

function without(statuses: readonly string[]): readonly string[] {
  return STATUSES.filter((status) => !statuses.includes(status));
}

/** A condition that no index serves, on purpose. */
function isNotAmong(statuses: readonly string[]): readonly Fragment[] {
  if (statuses.length === 0) return [];
  return [{ sql: `status NOT IN (${statuses.map(() => '?').join(', ')})`, values: statuses }];
}

/** The task, if it is this owner's. */
export function isTask(id: number, owner: string | undefined): Fragment {
  if (owner === undefined) return { sql: 'id = ?', values: [id] };
  return { sql: 'id = ? AND task_user = ?', values: [id, owner] };
}

/** The second part is what the index is for: without it the database can't know that the first goes by it. */
export function isNamed(column: 'task_user' | 'task_group', name: string): Fragment {
  return { sql: `${column} = ?${name === '' ? '' : ` AND ${column} <> ''`}`, values: [name] };
}

export function isAmong(column: string, values: readonly SqlValue[]): Fragment {
  if (values.length === 1) return { sql: `${column} = ?`, values };
  return { sql: `${column} IN (${values.map(() => '?').join(', ')})`, values };
}
