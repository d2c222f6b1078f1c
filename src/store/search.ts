/**
 * Searching tasks: by an id, or by the beginning of a key, a user, a group or a type. What begins so is looked up in indexes
 * first, and there are bounds to how much; then it is a list like any other, merged from short ones.
 */
import type { Connection } from '../core/connection.ts';
import type { CheckedFilter } from '../core/task.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Dialect } from './dialect.ts';
import { beginsWith, type NameColumn, readNames } from './names.ts';
import {
  conditionsOf,
  isAmong,
  isNamed,
  isOfType,
  isTask,
  type List,
  listsOfHeld,
  selectFiltered,
  selectList,
} from './page.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
}

/** So many users, groups and types that begin with a text, and so many tasks whose keys do: the first ones, by their names. */
const MOST_NAMES = 10;
const MOST_KEYS = 100;
/** Keys are looked for in so many types. */
const MOST_TYPES = 200;

/** The SELECT of one page, and one row more than it has, newest first; undefined if nothing can fit. */
export async function selectPage(
  context: Context,
  columns: string,
  filter: CheckedFilter,
): Promise<Fragment | undefined> {
  const { search } = filter;
  if (search === undefined)
    return selectFiltered({ ...context, table: context.tables.task, columns }, filter);
  return selectFound(context, columns, { ...filter, search });
}

async function selectFound(
  context: Context,
  columns: string,
  filter: CheckedFilter & { readonly search: string },
): Promise<Fragment | undefined> {
  const { task } = context.tables;
  const others = conditionsOf(context.dialect, filter);
  if (others === undefined) return undefined;
  const lists = await listsOf(context, filter);
  if (lists.length === 0) return undefined;
  // A task may be found in several ways.
  const ids = lists.map((list) =>
    selectList({ ...context, table: task, columns: 'id' }, filter, {
      ...list,
      conditions: [...list.conditions, ...others],
    }),
  );
  const merged = ids.map(({ sql }, index) => `SELECT id FROM (${sql}) AS list${index}`).join(' UNION ');
  return {
    sql: `SELECT ${columns} FROM ${task} WHERE id IN (SELECT id FROM (${merged} ORDER BY id DESC LIMIT ?) AS found) ORDER BY id DESC`,
    values: [...ids.flatMap(({ values }) => values), filter.limit + 1],
  };
}

/** What a task must fit one of. */
async function listsOf(
  context: Context,
  { search, owner }: CheckedFilter & { readonly search: string },
): Promise<readonly List[]> {
  const { dialect } = context;
  const id = /^[1-9]\d{0,15}$/.test(search) ? Number(search) : undefined;
  const users = owner === undefined ? await readNames(context, 'task_user', search, MOST_NAMES) : [];
  const ownName = owner?.startsWith(search) === true ? [owner] : [];
  const groups = await namesFor(context, 'task_group', search, owner);
  const types = await namesFor(context, 'type', search, owner);
  const keyed = await readKeyed(context, search, owner);
  const lists = [
    ...(id !== undefined && Number.isSafeInteger(id) ? [isTask(id, owner)] : []),
    ...[...users, ...ownName].map((name) => isNamed('task_user', name)),
    ...groups.map((name) => isNamed('task_group', name)),
    ...types.map((type) => isOfType(dialect, type)),
    ...(keyed.length === 0 ? [] : [isAmong('id', keyed)]),
  ];
  const held = types.length === 0 ? [] : listsOfHeld(dialect, [isAmong('type', types)]);
  return [...lists.map((condition) => ({ conditions: [condition] })), ...held];
}

/** An owner's tasks are looked through, since others' names must not stand before its own. */
async function namesFor(
  { connection, tables, dialect }: Context,
  column: Exclude<NameColumn, 'task_user'>,
  search: string,
  owner: string | undefined,
): Promise<readonly string[]> {
  if (owner === undefined) return readNames({ connection, tables, dialect }, column, search, MOST_NAMES);
  const [range, own] = [beginsWith(column, search), isNamed('task_user', owner)];
  const { rows } = await connection.query(
    `SELECT DISTINCT ${column} AS name FROM ${tables.task} WHERE ${own.sql} AND ${range.sql} LIMIT ${MOST_NAMES}`,
    [...own.values, ...range.values],
  );
  return rows.map((row) => String(row['name']));
}

/** The tasks whose keys begin so. */
async function readKeyed(
  context: Context,
  search: string,
  owner: string | undefined,
): Promise<readonly number[]> {
  const { connection, tables } = context;
  const types = await readNames(context, 'type', '', MOST_TYPES);
  if (types.length === 0) return [];
  const [among, range] = [isAmong('type', types), beginsWith('task_key', search)];
  const own = owner === undefined ? { sql: '', values: [] } : { sql: 'AND task_user = ?', values: [owner] };
  const { rows } = await connection.query(
    `SELECT id FROM ${tables.task} WHERE ${among.sql} AND ${range.sql} ${own.sql} LIMIT ${MOST_KEYS}`,
    [...among.values, ...range.values, ...own.values],
  );
  return rows.map((row) => Number(row['id']));
}
