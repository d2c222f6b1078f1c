/**
 * Numbers that are missing among the entries that were read: their transactions are still under way, or they were rolled
 * back and nothing will ever come. Each database is asked in its own way, and none is believed before it can be sure.
 */
import type { Database } from '../core/connection.ts';
import type { Range } from '../core/cursor.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { Dialect } from './dialect.ts';
import { VOID } from './entry.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
}

/** Which transactions are over: all below `oldest`; none that has begun is as high as `next`. */
export interface Horizon {
  readonly oldest: number;
  readonly next: number;
}

/** What PostgreSQL knows of its transactions; undefined elsewhere. */
export async function readHorizon({ connection, dialect }: Context): Promise<Horizon | undefined> {
  if (dialect.horizon === undefined) return undefined;
  const [row] = (await connection.query(dialect.horizon)).rows;
  return { oldest: Number(row?.['oldest']), next: Number(row?.['next']) };
}

/**
 * Closes a gap for good, where the database tells nothing: whoever puts rows there first is the only one who can. False if
 * somebody is about to.
 */
export async function closeGap(
  { connection, tables, dialect }: Context,
  [from, to]: Range,
): Promise<boolean> {
  const ids = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  try {
    await connection.transaction(async (inner) => {
      // Rows that aren't committed yet are locked; whoever waited for them might wait for long.
      const sql = `SELECT id FROM ${tables.history} WHERE id BETWEEN ? AND ? FOR UPDATE NOWAIT`;
      if ((await inner.query(sql, [from, to])).rows.length > 0) throw new Occupied();
      await inner.query(
        `INSERT INTO ${tables.history} (id, at, event, type, task_user, task_group) VALUES ${ids
          .map(() => `(?, ${dialect.now}, '${VOID}', '', '', '')`)
          .join(', ')}`,
        ids,
      );
    });
    return true;
  } catch (error) {
    if (error instanceof Occupied || isTaskbatonError(error, 'DATABASE_BUSY', 'DATABASE_FAILED'))
      return false;
    throw error;
  }
}

class Occupied extends Error {}
