/**
 * Many rows in one statement: they are handed over as a table of their own, and it is told which of them were changed.
 * That is what lets writes that come together share one commit, and each still learn what became of it.
 */
import type { Connection, Database, SqlValue } from '../core/connection.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { Dialect, GivenColumn } from './dialect.ts';
import type { Fragment } from './fragment.ts';

/** Columns by name; what is null in all rows isn't sent. */
export function givenRows(
  dialect: Dialect,
  types: Readonly<Record<string, GivenColumn['type']>>,
  rows: readonly (readonly SqlValue[])[],
): Fragment {
  let sent = 0;
  const used: number[] = [];
  const columns = Object.entries(types).map(([name, type], index): GivenColumn => {
    const empty = rows.every((row) => row[index] === null);
    if (!empty) used.push(index);
    return { name, type, place: empty ? undefined : sent++ };
  });
  const cells = rows.map((row) => used.map((index) => row[index] ?? null));
  const [only] = cells;
  return only !== undefined && cells.length === 1 && dialect.givenOne !== undefined
    ? { sql: dialect.givenOne(columns), values: only }
    : { sql: dialect.given(columns), values: [JSON.stringify(cells)] };
}

/** Names a claim of a task. */
export function keyOf({ id, epoch }: { readonly id: number; readonly epoch: number }): string {
  return `${id}/${epoch}`;
}

/** Sends statements that can return rows, until `count` claims are changed; says which. */
export async function changeEach(
  connection: Connection,
  count: number,
  statements: readonly Fragment[],
): Promise<ReadonlySet<string>> {
  const changed = new Set<string>();
  for (const { sql, values } of statements) {
    if (changed.size === count) break;
    const { rows } = await connection.query(`${sql} RETURNING id, epoch`, values);
    for (const row of rows) changed.add(keyOf({ id: Number(row['id']), epoch: Number(row['epoch']) }));
  }
  return changed;
}

/** Where statements only count: changes all `keys`, or takes back what it did of some, since it can't be told of which. */
export async function changeAll(
  connection: Connection | Database,
  keys: readonly string[],
  change: (connection: Connection | Database) => Promise<number>,
): Promise<ReadonlySet<string>> {
  if (keys.length === 1) return new Set((await change(connection)) === 1 ? keys : []);
  try {
    await inTransaction(connection, async (inner) => {
      if ((await change(inner)) < keys.length) throw new SomeOnly();
    });
  } catch (error) {
    if (error instanceof SomeOnly) return new Set();
    throw error;
  }
  return new Set(keys);
}

class SomeOnly extends Error {}

/** In the transaction that `connection` is, or in a new one of the database that it is. */
export function inTransaction<Result>(
  connection: Connection | Database,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  return 'transaction' in connection ? connection.transaction(work) : work(connection);
}

/**
 * Writes items that are alike together, and says what became of each. Where the database refuses a group, each of its items
 * is written alone, so that a bad one fails alone.
 */
export async function writeAlike<Item, Result>(
  items: readonly Item[],
  likeness: (item: Item) => unknown,
  write: (group: readonly Item[]) => Promise<readonly Result[]>,
): Promise<readonly PromiseSettledResult<Result>[]> {
  const results = new Map<Item, PromiseSettledResult<Result>>();
  for (const group of Map.groupBy(items, likeness).values()) {
    for (const [index, result] of (await writeGroup(group, write)).entries()) {
      results.set(group[index] as Item, result);
    }
  }
  return items.map((item) => results.get(item) as PromiseSettledResult<Result>);
}

async function writeGroup<Item, Result>(
  group: readonly Item[],
  write: (group: readonly Item[]) => Promise<readonly Result[]>,
): Promise<readonly PromiseSettledResult<Result>[]> {
  try {
    return (await write(group)).map((value) => ({ status: 'fulfilled', value }));
  } catch (reason) {
    // Where no answer came, what is written twice would not be known of.
    const refused = isTaskbatonError(reason, 'DATABASE_FAILED') && group.length > 1;
    if (!refused) return group.map(() => ({ status: 'rejected', reason }));
    const alone = group.map((item) => writeGroup([item], write));
    return (await Promise.all(alone)).flat();
  }
}
