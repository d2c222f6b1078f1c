/**
 * What a handler writes: reports while it runs, and one ending. Each write is guarded by the fence, so that whoever lost
 * the task can't write any more, and moves context and status together.
 */
import type { Connection } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { LEASED, type Status, transition } from '../core/status.ts';
import { dueSql } from './due.ts';
import { isAmong } from './page.ts';
import { asJson } from './payload.ts';
import type { Due } from './record.ts';
import { applyEvent, type EventScope, type Fragment, inTransaction, type Terms } from './transition.ts';

/** What makes a write good: it was this replica that claimed this task the last time it was claimed. */
export interface Fence {
  readonly id: number;
  readonly owner: string;
  readonly epoch: number;
}

/** A report as it is stored: JSON texts; null leaves what is there. */
export interface Checkpoint {
  readonly context: string | null;
  readonly progress: number | null;
  readonly message: string | null;
  /** Of the context, where it isn't the stored one's. */
  readonly version?: number | undefined;
}

export interface Settlement {
  readonly event: 'yield' | 'finish' | 'fail' | 'retry' | 'snooze' | 'wait';
  readonly checkpoint: Checkpoint;
  /** JSON of a StoredError; null for none. */
  readonly error: string | null;
  readonly remove: boolean;
  /** When a task that is tried again, or snoozes, goes on. */
  readonly due?: Due | undefined;
  /** The lines of earlier errors to keep; undefined keeps all. */
  readonly errors?: string | undefined;
}

interface Context {
  readonly connection: Connection;
  readonly task: string;
  readonly terms: Terms;
}

/** Stores a report. Throws LEASE_LOST. With `count`, it is the handler's transaction after so many, or it isn't stored. */
export async function writeCheckpoint(
  { connection, task }: Omit<Context, 'terms'>,
  fence: Fence,
  checkpoint: Checkpoint,
  count?: number,
): Promise<void> {
  const set = checkpointSet(checkpoint);
  const held = isAmong('status', LEASED);
  const where = fenceWhere(fence);
  const [counts, fits] =
    count === undefined ? ['', ''] : [', transactions = transactions + 1', `AND transactions = ${count}`];
  const { changes } = await connection.query(
    `UPDATE ${task} SET ${set.sql}, revision = revision + 1${counts} WHERE ${held.sql} AND ${where.sql} ${fits}`,
    [...set.values, ...held.values, ...where.values],
  );
  if (changes === 0) throw leaseLost(fence);
}

/** Whether the handler's transaction after `count` others was committed, where its COMMIT was not answered. */
export async function isCommitted(
  { connection, task }: Omit<Context, 'terms'>,
  fence: Fence,
  count: number,
): Promise<boolean> {
  const where = fenceWhere(fence);
  const { rows } = await connection.query(
    `SELECT transactions FROM ${task} WHERE ${where.sql}`,
    where.values,
  );
  return rows[0] !== undefined && Number(rows[0]['transactions']) > count;
}

/** Ends a claim. Throws LEASE_LOST. */
export async function settleTask(
  { connection, task, terms }: Context,
  fence: Fence,
  settlement: Settlement,
): Promise<void> {
  const { event, checkpoint, error, remove, due, errors } = settlement;
  const set = [checkpointSet(checkpoint), { sql: 'error = ?', values: [error] }];
  if (error !== null) set.push(assign('errors', errorsAnd(error, errors, terms.now)));
  const scope: EventScope = {
    where: fenceWhere(fence),
    set: { sql: set.map(({ sql }) => sql).join(', '), values: set.flatMap(({ values }) => values) },
    remove,
    due: dueSql(due, terms.now),
  };
  for (;;) {
    if ((await applyEvent(connection, task, terms, event, scope)) > 0) return;
    const found = await ownerOf(connection, task, fence.id);
    const mine = found?.owner === fence.owner && found.epoch === fence.epoch;
    if (!mine || transition(found.status, event) === undefined) throw leaseLost(fence);
    if (remove && found.hasChildren) return settleAndDelete({ connection, task, terms }, fence, settlement);
    // A mark changed between the statements for staying and for leaving: again.
  }
}

/** A task with children isn't removed at once: it is deleted as by its user, who need not wait for theirs to go first. */
async function settleAndDelete(context: Context, fence: Fence, settlement: Settlement): Promise<void> {
  const { task, terms } = context;
  await inTransaction(context.connection, async (connection) => {
    await settleTask({ connection, task, terms }, fence, { ...settlement, remove: false });
    await applyEvent(connection, task, terms, 'delete', { where: { sql: 'id = ?', values: [fence.id] } });
  });
}

function assign(column: string, { sql, values }: Fragment): Fragment {
  return { sql: `${column} = ${sql}`, values };
}

/** `errors` and one line more: when, in which attempt, on which replica. Goes before `attempt` and `owner` are changed. */
export function errorsAnd(error: string, kept: string | undefined, now: string): Fragment {
  const line = `'{"at":', ${now}, ',"attempt":', attempt, ',"replica":"', owner, '","error":', COALESCE(?, ''), '}', '\n'`;
  const before = kept === undefined ? `COALESCE(errors, '')` : `COALESCE(?, '')`;
  return {
    sql: `CONCAT(${before}, ${line})`,
    values: kept === undefined ? [asJson(error)] : [kept, asJson(error)],
  };
}

export function fenceWhere({ id, owner, epoch }: Fence): Fragment {
  return { sql: 'id = ? AND owner = ? AND epoch = ?', values: [id, owner, epoch] };
}

/** A task's status, and who holds it in which epoch; undefined if there is none. */
export async function ownerOf(
  connection: Connection,
  task: string,
  id: number,
): Promise<{ status: Status; owner: unknown; epoch: number; hasChildren: boolean } | undefined> {
  const sql = `SELECT status, owner, epoch, has_children FROM ${task} WHERE id = ?`;
  const row = (await connection.query(sql, [id])).rows[0];
  if (row === undefined) return undefined;
  return {
    status: row['status'] as Status,
    owner: row['owner'],
    epoch: Number(row['epoch']),
    hasChildren: Number(row['has_children']) === 1,
  };
}

function checkpointSet({ context, progress, message, version }: Checkpoint): Fragment {
  const raised = context === null || version === undefined ? '' : `, version = ${version}`;
  return {
    sql: `context = COALESCE(?, context), progress = COALESCE(?, progress), message = COALESCE(?, message)${raised}`,
    values: [context, progress, message],
  };
}

function leaseLost({ id, epoch }: Fence): TaskbatonError {
  return new TaskbatonError('LEASE_LOST', { id, epoch });
}
