/** What a user asks for one task: to run, to pause, to go. */
import type { Author } from '../core/author.ts';
import type { Database } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { transition, type UserEvent } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { dueSql, reschedule } from './due.ts';
import { isTask } from './page.ts';
import type { Due } from './record.ts';
import type { Tables } from './schema.ts';
import { ownerOf } from './settlement.ts';
import { applyEvent } from './transition.ts';

interface Context {
  readonly database: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

/** How often somebody else may come between a change and the look at why it can't be. */
const LOOKED_AT_MOST = 100;

/** On whose behalf something is asked of a task, and by whom. */
export interface How {
  /** Tasks of other users are as if they weren't there. */
  readonly owner?: string | undefined;
  readonly by?: Author | undefined;
}

/** False if what was asked for held already. Throws TASK_NOT_FOUND, STATE_CONFLICT, or DATABASE_BUSY if others never cease. */
export async function changeTask(
  context: Context,
  id: number,
  event: UserEvent,
  { when, by, owner }: How & { readonly when?: Due | undefined } = {},
): Promise<boolean> {
  const { database, tables, dialect, control } = context;
  const due = dueSql(when, dialect.now);
  const where = isTask(id, owner);
  // In a transaction of the user's a plain look may see what was there before others changed it.
  const lock = database.borrowed === true ? dialect.exclusiveLock : '';
  for (let looked = 0; looked < LOOKED_AT_MOST; looked++) {
    if ((await applyEvent(database, tables.task, control.terms, event, { where, due, most: 1, by })) > 0)
      return true;
    const status = (await ownerOf(database, tables.task, where, lock))?.status;
    if (status === undefined) throw new TaskbatonError('TASK_NOT_FOUND', { id });
    const target = transition(status, event);
    if (target === undefined) throw new TaskbatonError('STATE_CONFLICT', { id, status, event });
    if (target === status) {
      if (event === 'pause') await keepPaused(context, where);
      return event === 'run' && reschedule(context, { id, owner }, due, by);
    }
    // It came to accept the event between the two statements: again.
  }
  throw new TaskbatonError('DATABASE_BUSY', { problem: `task ${id} never stands still` });
}

/** Whoever pauses one task wants it to stay so when its group is resumed. */
async function keepPaused({ database, tables }: Context, { sql, values }: Fragment): Promise<void> {
  const paused = `${sql} AND paused_by IS NOT NULL`;
  await database.query(`UPDATE ${tables.task} SET paused_by = NULL WHERE ${paused}`, values);
}
