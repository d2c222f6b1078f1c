/**
 * Tasks that have been kept long enough: removed a few at a time, along an index of when they were done, so that
 * nothing waits for it. Where their cleanup is wanted, they are deleted as a user would delete them.
 */
import type { Database } from '../core/connection.ts';
import type { CheckedKeep } from '../core/keep.ts';
import { removable, type Status, STATUSES } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { entryOf } from './entry.ts';
import type { Tables } from './schema.ts';
import { applyEvent } from './transition.ts';
import { carryOut } from './write.ts';

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

/** Of each kind in one statement. */
export const REMOVED_AT_ONCE = 500;

const REMOVED = { from_status: 'status', to_status: "'removed'" };

const FINISHED: Status = 'finished/run';
const DONE: readonly Status[] = STATUSES.filter(removable);

/** Removes tasks of `type` whose time is over; says how many. */
export async function removeKept(context: Context, type: string, keep: CheckedKeep): Promise<number> {
  let removed = 0;
  for (const status of DONE) {
    const age = status === FINISHED ? keep.finished : keep.failed;
    if (age < Infinity) removed += await removeDone(context, { type, status, age, cleanup: keep.cleanup });
  }
  return removed;
}

async function removeDone(
  { connection, tables, dialect, control }: Context,
  of: { readonly type: string; readonly status: Status; readonly age: number; readonly cleanup: boolean },
): Promise<number> {
  const old = `type = ? AND status = '${of.status}' AND done_at <= ${dialect.now} - ?`;
  const { task } = tables;
  // Its parent may still want to see what a child has come to; one that has failed, when it is run again.
  const wanted = `EXISTS (SELECT 1 FROM ${task} p WHERE p.id = t.parent AND p.status <> '${FINISHED}')`;
  const pick = (condition: string): string =>
    `SELECT t.id FROM ${task} t WHERE ${old} AND NOT ${wanted} ${condition} ORDER BY t.done_at LIMIT ${REMOVED_AT_ONCE} ${dialect.skipLocked}`;
  // Once more outside the SELECT: on some databases the row may have changed between the two.
  const values = [of.type, of.age, of.type, of.age];
  const those = (condition = ''): Fragment => ({
    sql: `id ${dialect.among(pick(condition))} AND ${old}`,
    values,
  });
  const remove = (where: Fragment): Promise<number> =>
    applyEvent(connection, task, control.terms, 'delete', { where, from: of.status });
  if (of.cleanup) return remove(those());
  const alone = those('AND has_children = 0');
  const { terms } = control;
  const entry = terms.history && entryOf('remove', terms.now, undefined, REMOVED);
  const { changes } = await carryOut(connection, terms, { table: task, where: alone, entry });
  return changes + (await remove(those('AND has_children = 1')));
}
