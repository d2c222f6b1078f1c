/**
 * What a handler writes: reports while it runs, and one ending. Each write is guarded by the fence, so that whoever lost
 * the task can't write any more, and moves context and status together.
 */
import type { Connection, Database } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { LEASED, type Status, transition } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import {
  type Attempt,
  changeAll,
  changeEach,
  type Claims,
  countUnlocked,
  groupRows,
  inTransaction,
  writeAlike,
} from './given.ts';
import { entryOf, type HistoryTerms } from './entry.ts';
import { asJson } from './payload.ts';
import { isTask } from './page.ts';
import type { Due } from './record.ts';
import { applyEvent, applyToGiven, type EventScope, type Terms } from './transition.ts';
import { carryOut, type TaskWrite } from './write.ts';

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
  /** What the task says for itself from now on. */
  readonly options?: string | undefined;
  /** Which report of its task it is; the next one, where that isn't known. */
  readonly nth?: number | undefined;
}

export interface Settlement {
  readonly event: 'unclaim' | 'yield' | 'finish' | 'fail' | 'retry' | 'snooze' | 'wait';
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
  readonly connection: Connection | Database;
  readonly task: string;
  readonly terms: Terms;
}

export interface FencedCheckpoint {
  readonly fence: Fence;
  readonly checkpoint: Checkpoint;
}

export interface FencedSettlement {
  readonly fence: Fence;
  readonly settlement: Settlement;
}

/** Rows as they are handed over, in this order. */
const FENCE_COLUMNS = { v_id: 'integer', v_owner: 'text', v_epoch: 'integer' } as const;
const CHECKPOINT_COLUMNS = {
  ...FENCE_COLUMNS,
  v_context: 'text',
  v_progress: 'real',
  v_message: 'text',
  v_version: 'integer',
  v_nth: 'integer',
  v_options: 'text',
} as const;
const SETTLEMENT_COLUMNS = {
  ...CHECKPOINT_COLUMNS,
  v_error: 'text',
  v_line: 'text',
  v_kept: 'text',
  v_delay: 'integer',
  v_at: 'integer',
} as const;

/**
 * By their ids: were they not hidden, the indexes of owners and statuses might look the better way while few are in them. Each
 * condition is on both tables, so that none of them makes one look small (see `statusAmong`).
 */
const FENCED = "id = v_id AND COALESCE(owner, '') = v_owner AND epoch = v_epoch";
const CONTEXT_SET = 'context = COALESCE(v_context, context)';
const CHECKPOINT_SET = [
  CONTEXT_SET,
  'progress = COALESCE(v_progress, progress)',
  'message = COALESCE(v_message, message)',
  'version = COALESCE(v_version, version)',
].join(', ');
const HELD = `COALESCE(status, v_owner) IN (${LEASED.map((status) => `'${status}'`).join(', ')})`;

/** A statement that is carried out after its sender gave up on it and sent it again must not undo what came after that. */
const NEWEST = 'COALESCE(v_nth - reports, 1)';

/** Whether a statement is a report or an end: nothing else writes a context over another. */
export function isHandlersWrite(sql: string): boolean {
  return sql.includes(CONTEXT_SET);
}

/**
 * Stores reports, all in one statement; says which were stored. Of a single one that wasn't, the lease is lost; of many, some
 * may have been passed over. One may be stored again, unless it is to be stored `once`, with what else is in its transaction.
 */
export async function writeCheckpoints(
  { connection, task, terms }: Context,
  items: readonly FencedCheckpoint[],
  once = false,
): Promise<readonly boolean[]> {
  const { dialect, history } = terms;
  const options = optionsSet(items.map(({ checkpoint }) => checkpoint));
  const given = groupRows(dialect, CHECKPOINT_COLUMNS, items.map(checkpointRow));
  const counted = 'revision = revision + 1, reports = COALESCE(v_nth, reports + 1)';
  const set = `${CHECKPOINT_SET}${options}, ${counted}`;
  const fits = `${NEWEST} IN (${once ? '1' : '0, 1'})`;
  const write: TaskWrite = {
    table: task,
    given,
    set: { sql: set, values: [] },
    where: { sql: `${FENCED} AND ${HELD} AND ${fits}`, values: [] },
    entry: history?.reports === true ? entryOf('report', terms.now, undefined, reported(history)) : undefined,
  };
  const claims = claimsOf(items);
  const changed =
    dialect.returning === true
      ? await changeEach(claims.size, [write], () => carryOut(connection, terms, write, 'id, epoch'))
      : await changeAll(
          connection,
          claims,
          countUnlocked(dialect, task, given),
          async (inner) => (await carryOut(inner, terms, write)).changes,
        );
  return areIn(changed, items);
}

/** Whether the `nth` report of a task was stored, where the COMMIT of its transaction was not answered. */
export async function isCommitted(
  { connection, task }: Omit<Context, 'terms'>,
  fence: Fence,
  nth: number,
): Promise<boolean> {
  const where = fenceWhere(fence);
  const { rows } = await connection.query(`SELECT reports FROM ${task} WHERE ${where.sql}`, where.values);
  return rows[0] !== undefined && Number(rows[0]['reports']) >= nth;
}

/** Ends claims, those that end alike in one statement or two; leaves out whom it could not end at once. */
export function settleTasks(
  context: Context,
  items: readonly FencedSettlement[],
): Promise<readonly Attempt<true>[]> {
  return writeAlike(items, likeness, async (group) =>
    (await endTogether(context, group)).map((ended) => ended || undefined),
  );
}

/** Those that have it in common are ended by the same statements. */
function likeness({ settlement: { event, remove, error, due } }: FencedSettlement): string {
  return `${event} ${remove} ${error === null} ${due === undefined}`;
}

/** Ends the claims of a group; says which of them it has ended. */
async function endTogether(
  { connection, task, terms }: Context,
  items: readonly FencedSettlement[],
): Promise<readonly boolean[]> {
  const [first] = items;
  if (first === undefined) return [];
  const { event, remove, error, due } = first.settlement;
  const options = optionsSet(items.map(({ settlement }) => settlement.checkpoint));
  const set = [`${CHECKPOINT_SET}${options}`];
  // What an earlier attempt ended with is still the last that is known.
  if (event !== 'unclaim') set.push('error = v_error');
  if (error !== null) set.push(`errors = ${errorsAnd('v_line', 'COALESCE(v_kept, errors)', terms.now)}`);
  const changed = await applyToGiven(connection, task, terms, event, {
    claims: claimsOf(items),
    given: groupRows(terms.dialect, SETTLEMENT_COLUMNS, items.map(settlementRow)),
    where: { sql: FENCED, values: [] },
    set: { sql: set.join(', '), values: [] },
    remove,
    due: due === undefined ? undefined : `COALESCE(v_at, ${terms.now} + v_delay)`,
    note: terms.history && { ...reported(terms.history), error: 'v_error' },
  });
  return areIn(changed, items);
}

/** What an entry says of a report. */
function reported({ contexts }: HistoryTerms): NonNullable<EventScope['note']> {
  return {
    progress: 'COALESCE(v_progress, progress)',
    bytes: 'OCTET_LENGTH(v_context)',
    ...(contexts ? { context: 'v_context' } : {}),
  };
}

/** Ends a claim, or throws LEASE_LOST. */
export async function settleTask(
  { connection, task, terms }: Context,
  item: FencedSettlement,
): Promise<void> {
  const { fence, settlement } = item;
  for (;;) {
    const [ended] = await endTogether({ connection, task, terms }, [item]);
    if (ended === true) return;
    const found = await ownerOf(connection, task, isTask(fence.id, undefined));
    const mine = found?.owner === fence.owner && found.epoch === fence.epoch;
    if (!mine || transition(found.status, settlement.event) === undefined) throw leaseLost(fence);
    if (settlement.remove && found.hasChildren)
      return settleAndDelete({ connection, task, terms }, fence, settlement);
    // A mark changed between the statements for staying and for leaving: again.
  }
}

/** A task with children isn't removed at once: it is deleted as by its user, who need not wait for theirs to go first. */
async function settleAndDelete(context: Context, fence: Fence, settlement: Settlement): Promise<void> {
  const { task, terms } = context;
  await inTransaction(context.connection, async (connection) => {
    await settleTask({ connection, task, terms }, { fence, settlement: { ...settlement, remove: false } });
    await applyEvent(connection, task, terms, 'delete', { where: { sql: 'id = ?', values: [fence.id] } });
  });
}

/**
 * As SQL: `errors`, and behind it one line more with the error that `line` is: when, in which attempt, on which replica. Goes
 * before `attempt` and `owner` are changed.
 */
export function errorsAnd(line: string, errors: string, now: string): string {
  const parts = `'{"at":', ${now}, ',"attempt":', attempt, ',"replica":"', owner, '","error":', COALESCE(${line}, ''), '}', '\n'`;
  return `CONCAT(COALESCE(${errors}, ''), ${parts})`;
}

export function fenceWhere({ id, owner, epoch }: Fence): Fragment {
  return { sql: 'id = ? AND owner = ? AND epoch = ?', values: [id, owner, epoch] };
}

/** A task's status, and who holds it in which epoch; undefined if there is none. `lock` may end the SELECT. */
export async function ownerOf(
  connection: Connection,
  task: string,
  where: Fragment,
  lock = '',
): Promise<{ status: Status; owner: unknown; epoch: number; hasChildren: boolean } | undefined> {
  const sql = `SELECT status, owner, epoch, has_children FROM ${task} WHERE ${where.sql} ${lock}`;
  const row = (await connection.query(sql, where.values)).rows[0];
  if (row === undefined) return undefined;
  return {
    status: row['status'] as Status,
    owner: row['owner'],
    epoch: Number(row['epoch']),
    hasChildren: Number(row['has_children']) === 1,
  };
}

/** Of two claims of a task, only the later one can still be good. */
function claimsOf(items: readonly { readonly fence: Fence }[]): Claims {
  const claims = new Map<number, number>();
  for (const { fence } of items) claims.set(fence.id, Math.max(fence.epoch, claims.get(fence.id) ?? 0));
  return claims;
}

/** Of each, whether it is among the claims that were changed. */
function areIn(changed: Claims, items: readonly { readonly fence: Fence }[]): readonly boolean[] {
  return items.map(({ fence }) => changed.get(fence.id) === fence.epoch);
}

/** The values of `CHECKPOINT_COLUMNS`. */
function checkpointRow({ fence, checkpoint }: FencedCheckpoint): (string | number | null)[] {
  const { id, owner, epoch } = fence;
  const { context, progress, message, version = null, nth = null, options = null } = checkpoint;
  return [id, owner, epoch, context, progress, message, context === null ? null : version, nth, options];
}

/** The values of `SETTLEMENT_COLUMNS`. */
function settlementRow({ fence, settlement }: FencedSettlement): readonly (string | number | null)[] {
  const { checkpoint, error, errors = null, due } = settlement;
  return checkpointRow({ fence, checkpoint }).concat(
    error,
    error === null ? null : asJson(error),
    errors,
    due !== undefined && 'delay' in due ? Math.round(due.delay) : null,
    due !== undefined && 'at' in due ? Math.round(due.at) : null,
  );
}

/** Set only where somebody traces. */
function optionsSet(checkpoints: readonly Checkpoint[]): string {
  const traced = checkpoints.some(({ options }) => options !== undefined);
  return traced ? ', options = COALESCE(v_options, options)' : '';
}

export function leaseLost({ id, epoch }: Fence): TaskbatonError {
  return new TaskbatonError('LEASE_LOST', { id, epoch });
}
