/** The store inside a transaction that a user has begun: what they commit is there, and nothing else of it ever was. */
import { isTaskbatonError, TaskbatonError } from '../core/errors.ts';
import { databaseIn, isTableMissing } from '../database/foreign.ts';
import type { Store } from '../store/store.ts';

/** Throws INVALID_ARGUMENT for what is no open transaction, or one in another database or system. */
export async function storeIn(tx: unknown, store: Store): Promise<Store> {
  const database = await databaseIn(tx, store.database);
  try {
    const inside = await store.on(database);
    if ((await inside.identity()) === (await store.identity())) return inside;
  } catch (error) {
    if (!isTaskbatonError(error, 'DATABASE_FAILED')) throw error;
    // Where our tables are missing, the database is another one.
    if (!isTableMissing(error.cause)) throw unusable('it has ended already, or has failed', error);
  }
  throw unusable('it is in another database, or in one without the tables of this system');
}

function unusable(problem: string, cause?: unknown): TaskbatonError {
  const details = { argument: 'tx', value: 'that transaction', problem };
  return new TaskbatonError('INVALID_ARGUMENT', details, cause === undefined ? {} : { cause });
}
