/**
 * Many rows in one statement: they are handed over as a table of their own, and it is told which of them were changed.
 * That is what lets writes that come together share one commit, and each still learn what became of it.
 */
import type { Connection, Database, QueryResult, SqlValue } from '../core/connection.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Dialect, GivenColumn } from './dialect.ts';

/** Columns by name. What is null in all rows isn't sent, and what else they have in common is sent once. */
export function givenRows(
  dialect: Dialect,
  types: Readonly<Record<string, GivenColumn['type']>>,
  rows: readonly (readonly SqlValue[])[],
): Fragment {
  const alone = rows.length === 1 ? dialect.givenOne : undefined;
  const sharing = dialect.sharing === true && alone === undefined;
  const shared: SqlValue[] = [];
  const own: number[] = [];
  const columns = Object.entries(types).map(([name, type], index): GivenColumn => {
    const common = inCommon(rows, index);
    if (common === null) return { name, type, place: undefined };
    if (common === undefined || !sharing) return { name, type, place: own.push(index) - 1 };
    shared.push(common);
    return { name, type, place: 'shared' };
  });
  const cells = rows.map((row) => own.map((index) => row[index] ?? null));
  return alone !== undefined
    ? { sql: alone(columns), values: cells.flat() }
    : { sql: dialect.given(columns), values: [...shared, JSON.stringify(cells)] };
}

/** The value that all have in a column; undefined if there is none. */
function inCommon(rows: readonly (readonly SqlValue[])[], index: number): SqlValue | undefined {
  const first = rows[0]?.[index];
  return rows.every((row) => row[index] === first) ? first : undefined;
}

/** Claims: the ids of tasks, and in which epochs they were taken. */
export type Claims = ReadonlyMap<number, number>;

/** Rows that a write is given. */
export interface Given extends Fragment {
  /** How its statement locks them, where it passes over what others have locked. */
  readonly unlocked?: NonNullable<Dialect['unlocked']>;
}

/** Rows of a group: what others have locked is passed over, so that nobody waits for somebody else's task. */
export function groupRows(
  dialect: Dialect,
  types: Readonly<Record<string, GivenColumn['type']>>,
  rows: readonly (readonly SqlValue[])[],
): Given {
  const given = givenRows(dialect, types, rows);
  return rows.length > 1 && dialect.unlocked !== undefined ? { ...given, unlocked: dialect.unlocked } : given;
}

/** Makes changes that return rows, until `count` claims are changed; says which. */
export async function changeEach<Change>(
  count: number,
  changes: readonly Change[],
  make: (change: Change) => Promise<QueryResult>,
): Promise<Claims> {
  const changed = new Map<number, number>();
  for (const change of changes) {
    if (changed.size === count) break;
    try {
      const { rows } = await make(change);
      for (const row of rows) changed.set(Number(row['id']), Number(row['epoch']));
    } catch (error) {
      // What is changed is changed; the others learn by themselves what is the matter.
      if (changed.size === 0) throw error;
      break;
    }
  }
  return changed;
}

/**
 * Where statements only count: changes all `claims`, or takes back what it did of some, since it can't be told of which. Waits
 * for nobody who has locked some of many.
 */
export async function changeAll(
  connection: Connection | Database,
  claims: Claims,
  unlocked: Fragment | undefined,
  change: (connection: Connection | Database) => Promise<number>,
): Promise<Claims> {
  if (claims.size === 1) return (await change(connection)) === 1 ? claims : NONE;
  try {
    await inTransaction(connection, async (inner) => {
      if (unlocked !== undefined) {
        const { rows } = await inner.query(unlocked.sql, unlocked.values);
        if (Number(rows[0]?.['unlocked']) < claims.size) throw new SomeOnly();
      }
      if ((await change(inner)) < claims.size) throw new SomeOnly();
    });
  } catch (error) {
    if (error instanceof SomeOnly) return NONE;
    throw error;
  }
  return claims;
}

/** What `changeAll` asks about a group's rows, where the database can be asked. */
export function countUnlocked(dialect: Dialect, table: string, given: Fragment): Fragment | undefined {
  return dialect.countUnlocked && { sql: dialect.countUnlocked(table, given.sql), values: given.values };
}

const NONE: Claims = new Map();

class SomeOnly extends Error {}

/** In the transaction that `connection` is, or in a new one of the database that it is. */
export function inTransaction<Result>(
  connection: Connection | Database,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  return 'transaction' in connection ? connection.transaction(work) : work(connection);
}

/** What became of an item of a group; undefined if it was left out and is to be written alone. */
export type Attempt<Result> = PromiseSettledResult<Result> | undefined;

/**
 * Writes items that are alike together. `write` says what became of each, undefined for those it left out; where the database
 * refuses a group, all of it is left out, so that a bad one fails alone.
 */
export async function writeAlike<Item, Result>(
  items: readonly Item[],
  likeness: (item: Item) => unknown,
  write: (group: readonly Item[]) => Promise<readonly (Result | undefined)[]>,
): Promise<readonly Attempt<Result>[]> {
  const groups = Map.groupBy(items, likeness);
  if (groups.size === 1) return attempt(items, write);
  const results = new Map<Item, Attempt<Result>>();
  for (const group of groups.values()) {
    const attempts = await attempt(group, write);
    group.forEach((item, index) => results.set(item, attempts[index]));
  }
  return items.map((item) => results.get(item));
}

async function attempt<Item, Result>(
  group: readonly Item[],
  write: (group: readonly Item[]) => Promise<readonly (Result | undefined)[]>,
): Promise<readonly Attempt<Result>[]> {
  try {
    return (await write(group)).map((value) =>
      value === undefined ? undefined : { status: 'fulfilled', value },
    );
  } catch (reason) {
    // Where no answer came, what is written twice would not be known of.
    const refused = isTaskbatonError(reason, 'DATABASE_FAILED');
    return group.map(() => (refused ? undefined : { status: 'rejected', reason }));
  }
}
