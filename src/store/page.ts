/**
 * The SELECT of one page of a list, newest first. It is written so that a database without statistics (nobody runs
 * ANALYZE on a SQLite file) has no choice but to read along an index and to stop when the page is full: the index of one
 * parent, user or group, else one short list for each type or status, merged.
 */
import type { SqlValue } from '../core/connection.ts';
import { showing, type Status, STATUSES } from '../core/status.ts';
import type { CheckedFilter } from '../core/task.ts';
import type { Fragment } from '../core/fragment.ts';
import { AT_REST, hasStatus, HELD, isHeld } from './at-rest.ts';
import type { Dialect } from './dialect.ts';

/** More lists than this are no longer short to merge. */
const MOST_LISTS = 16;

/** What a page is read from. */
export interface PageSource {
  readonly table: string;
  readonly columns: string;
  readonly dialect: Dialect;
}

/** Some conditions; where they are of tasks that are held, no index has those in their order, and there are few to sort. */
export interface List {
  readonly conditions: readonly Fragment[];
  readonly held?: boolean;
}

/** One row more than the page has, to tell whether there is another; undefined if nothing can fit. */
export function selectFiltered(source: PageSource, filter: CheckedFilter): Fragment | undefined {
  const lists = listsOf(source.dialect, filter);
  const selects = lists.map((list) => selectList(source, filter, list));
  const [only] = selects;
  if (only === undefined || selects.length === 1) return only;
  const merged = selects.map(({ sql }, index) => `SELECT * FROM (${sql}) AS list${index}`);
  return {
    sql: `${merged.join(' UNION ALL ')} ORDER BY id DESC LIMIT ?`,
    values: [...selects.flatMap(({ values }) => values), filter.limit + 1],
  };
}

/** The lists that a page is merged from; no task is in two of them. */
function listsOf(dialect: Dialect, filter: CheckedFilter): readonly List[] {
  const { owner, parent, user = owner, group, types, states } = filter;
  const conditions = conditionsOf(dialect, filter);
  if (conditions === undefined) return [];
  const typeNames = types === undefined ? undefined : [...new Set(types)];
  if ([parent, user, group].some((part) => part !== undefined) || (typeNames?.length ?? 0) > MOST_LISTS)
    return [{ conditions }];
  const { statuses, most, status } = statusOf(states, 'status');
  if (typeNames !== undefined) return listsOfTypes(dialect, typeNames, statuses);
  if (most) return [{ conditions: status }];
  return statuses.map((one) => ({
    conditions: [hasStatus(dialect, [one])],
    held: dialect.listsAtRest.status && isHeld(one),
  }));
}

/** Each part has its own statuses alone, so that a planner knows how few there are of each. */
function listsOfTypes(
  dialect: Dialect,
  types: readonly string[],
  statuses: readonly Status[],
): readonly List[] {
  const [atRest, held] = dialect.listsAtRest.type
    ? [statuses.filter((status) => !isHeld(status)), statuses.filter(isHeld)]
    : [statuses, []];
  const resting = atRest.length === 0 ? [] : types;
  return [
    ...resting.map((type) => ({ conditions: [isOfType(dialect, type), ...isIn(atRest, 'status')] })),
    ...(held.length === 0 ? [] : listsOfHeld(dialect, [isAmong('type', types), ...isIn(held, 'status')])),
  ];
}

/** The list of those that are held, where those of their types leave them out. */
export function listsOfHeld({ listsAtRest }: Dialect, conditions: readonly Fragment[]): readonly List[] {
  if (!listsAtRest.type) return [];
  return [{ conditions: [...conditions, { sql: HELD, values: [] }], held: true }];
}

/** What is asked of state and type, as conditions that hold together; undefined if nothing can fit. */
export function conditionsOf(dialect: Dialect, filter: CheckedFilter): readonly Fragment[] | undefined {
  const { owner, user = owner, types, states } = filter;
  const column = columnsOf(dialect, filter);
  const typeNames = types === undefined ? undefined : [...new Set(types)];
  const foreign = owner !== undefined && user !== owner;
  const { statuses, status } = statusOf(states, column('status'));
  if (foreign || statuses.length === 0 || typeNames?.length === 0) return undefined;
  return [...status, ...(typeNames === undefined ? [] : [isAmong(column('type'), typeNames)])];
}

function statusOf(
  states: CheckedFilter['states'],
  column: string,
): {
  readonly statuses: readonly Status[];
  /** Whether it is most of them that fit. */
  readonly most: boolean;
  readonly status: readonly Fragment[];
} {
  const statuses = [...new Set(states.flatMap(showing))];
  return { statuses, most: areMost(statuses), status: isIn(statuses, column) };
}

function isIn(statuses: readonly Status[], column: string): readonly Fragment[] {
  return areMost(statuses) ? isNotAmong(without(statuses)) : [isAmong(column, statuses)];
}

function areMost(statuses: readonly Status[]): boolean {
  return statuses.length > STATUSES.length / 2;
}

/** The tasks that fit `list` and all else that is asked of them, newest first, and one more than the page has. */
export function selectList(
  { table, columns, dialect }: PageSource,
  filter: CheckedFilter,
  { conditions: given, held = false }: List,
): Fragment {
  const { owner, parent, user = owner, group, after, limit } = filter;
  const column = columnsOf(dialect, filter);
  const conditions = [...given];
  if (parent !== undefined) conditions.push({ sql: 'parent = ?', values: [parent] });
  if (user !== undefined) conditions.push(isNamed(column('task_user'), user));
  if (group !== undefined) conditions.push(isNamed(column('task_group'), group));
  const id = held ? (dialect.unindexed?.('id') ?? 'id + 0') : 'id';
  if (after !== undefined) conditions.push({ sql: `${id} < ?`, values: [after] });
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`;
  return {
    sql: `SELECT ${columns} FROM ${table} ${where} ORDER BY ${id} DESC LIMIT ?`,
    values: [...conditions.flatMap(({ values }) => values), limit + 1],
  };
}

/** Whichever of these is given first leads: as a rule a parent has fewer tasks than a user, and a user fewer than a group. */
const LEADING = ['parent', 'task_user', 'task_group'] as const;

/** The columns as they stand in conditions; where one leads, the indexes of the others are to be left alone. */
function columnsOf(
  { unindexed }: Dialect,
  { owner, parent, user = owner, group }: CheckedFilter,
): (column: 'task_user' | 'task_group' | 'type' | 'status') => string {
  const given = { parent, task_user: user, task_group: group };
  const leading = LEADING.find((column) => (given[column] ?? '') !== '');
  return (column) =>
    unindexed === undefined || leading === undefined || leading === column ? column : unindexed(column);
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
export function isNamed(column: string, name: string): Fragment {
  return { sql: `${column} = ?${name === '' ? '' : ` AND ${column} <> ''`}`, values: [name] };
}

/** As `isNamed`, for the tasks of a type that its list has. */
export function isOfType({ listsAtRest }: Dialect, type: string): Fragment {
  return { sql: `type = ?${listsAtRest.type ? ` AND ${AT_REST}` : ''}`, values: [type] };
}

export function isAmong(column: string, values: readonly SqlValue[]): Fragment {
  if (values.length === 1) return { sql: `${column} = ?`, values };
  return { sql: `${column} IN (${values.map(() => '?').join(', ')})`, values };
}
