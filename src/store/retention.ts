/**
 * Tasks that have been kept long enough: removed a few at a time, along an index of when they were done, so that
 * nothing waits for it. Where their cleanup is wanted, they are deleted as a user would delete them.
 */
import type { Database } from '../core/connection.ts';
import type { CheckedKeep } from '../core/keep.ts';
import { removable, type Status, STATUSES } from '../core/status.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import type { Tables } from './schema.ts';
import { applyEvent } from './transition.ts';

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

const REMOVED_AT_ONCE = 500;

const DONE: readonly Status[] = STATUSES.filter(removable);

/** Removes tasks of `type` whose time is over; says how many. */
export async function removeKept(context: Context, type: string, keep: CheckedKeep): Promise<number> {
  let removed = 0;
  for (const status of DONE) {
    const age = status === 'finished/run' ? keep.finished : keep.failed;
    if (age < Infinity) removed += await removeDone(context, { type, status, age, cleanup: keep.cleanup });
  }
  return removed;
}

async function removeDone(
  { connection, tables, dialect, control }: Context,
  of: { readonly type: string; readonly status: Status; readonly age: number; readonly cleanup: boolean },
): Promise<number> {
  const old = `type = ? AND status = '${of.status}' AND done_at <= ${dialect.now} - ?`;
  const pick = `SELECT id FROM ${tables.task} WHERE ${old} ORDER BY done_at LIMIT ${REMOVED_AT_ONCE} ${dialect.skipLocked}`;
  // Once more outside the SELECT: on some databases the row may have changed between the two.
  const values = [of.type, of.age, of.type, of.age];
  const where = { sql: `id ${dialect.among(pick)} AND ${old}`, values };
  if (of.cleanup) return applyEvent(connection, tables.task, control.terms, 'delete', { where });
  return (await connection.query(`DELETE FROM ${tables.task} WHERE ${where.sql}`, values)).changes;
}
