/**
 * The status table as SQL: any event is one guarded UPDATE (or DELETE, where it leads out of the database), made from
 * the arrows of `core/status.ts`. This is the only place that writes a status, and all that follows from it: which
 * queue a task waits in and when its turn is, that it has no owner, when it was done.
 */
import type { Author } from '../core/author.ts';
import type { Connection, Database } from '../core/connection.ts';
import type { OwnQueues, TaskQueue } from '../core/queue.ts';
import {
  type Arrow,
  arrows,
  type Event,
  type QueueName,
  QUEUES,
  removable,
  STATUS,
  type Status,
} from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import { FOREMOST } from '../queue/precedence.ts';
import type { Dialect } from './dialect.ts';
import { type EntryColumn, entryOf, type HistoryTerms } from './entry.ts';
import { changeAll, changeEach, type Claims, countUnlocked, type Given, inTransaction } from './given.ts';
import { LATER, WAITING_COLUMNS, waitingTaskFrom } from './record.ts';
import { carryOut, type TaskWrite } from './write.ts';

/** What the values of columns are made of, as SQL. */
export interface Terms {
  readonly dialect: Dialect;
  readonly now: string;
  /** The precedence of a task that begins to wait now. */
  readonly precedence: Readonly<Record<QueueName, string>>;
  /** Where changes are noted; undefined where no history is kept. */
  readonly history: HistoryTerms | undefined;
  /** Queues of the user's own, which are told who begins and who ceases to wait. */
  readonly ownQueues: OwnQueues;
  /** What a queue of the user's own threw: reconciling puts it right. */
  readonly onQueueError: (queue: QueueName, error: unknown) => void;
}

export interface EventScope {
  /** Which tasks, besides being in a status that accepts the event. */
  readonly where: Fragment;
  /** Rows handed over, one for each task, which `where` and `set` may name. */
  readonly given?: Given | undefined;
  /** Whether `where` says which by their ids, as a claim that has picked them. */
  readonly picked?: boolean | undefined;
  /** Only those in this status, where that is known. */
  readonly from?: Status | undefined;
  /** More columns to write in the same statement: `column = ?, …`; with `given` it has no parameters. */
  readonly set?: Fragment | undefined;
  /** There are no more than these: once so many have changed, nothing further is tried. */
  readonly most?: number | undefined;
  /** Let a finished or failed task be removed instead of kept. */
  readonly remove?: boolean | undefined;
  /** When those that begin to wait are due, as SQL; at once by default. What its run asked for puts no cleanup off. */
  readonly due?: string | undefined;
  /** Who asks for it. */
  readonly by?: Author | undefined;
  /** What the history is to say besides. */
  readonly note?: Readonly<Partial<Record<EntryColumn, string | Fragment>>> | undefined;
}

/** Applies `event` to all tasks in `scope` that it changes; says how many. */
export async function applyEvent(
  connection: Connection,
  table: string,
  terms: Terms,
  event: Event,
  scope: EventScope,
): Promise<number> {
  if (Object.keys(terms.ownQueues).length > 0) {
    return inTransaction(connection, (inner) => applyTelling(inner, table, terms, event, scope));
  }
  return apply(connection, table, terms, event, scope);
}

async function apply(
  connection: Connection,
  table: string,
  terms: Terms,
  event: Event,
  scope: EventScope,
): Promise<number> {
  let changed = 0;
  for (const write of writesFor(table, terms, event, scope)) {
    if (changed < (scope.most ?? Infinity)) changed += (await carryOut(connection, terms, write)).changes;
  }
  return changed;
}

/** The one first that most tasks go by. */
function writesFor(table: string, terms: Terms, event: Event, scope: EventScope): readonly TaskWrite[] {
  const [update, removal] = [updateFor(table, terms, event, scope), deleteFor(table, terms, event, scope)];
  const inOrder = scope.remove === true ? [removal, update] : [update, removal];
  return inOrder.filter((write) => write !== undefined);
}

/**
 * Applies `event` to tasks that were handed over; says which of these claims it changed. Where the database can't say which,
 * it changes all or none.
 */
export async function applyToGiven(
  connection: Connection | Database,
  table: string,
  terms: Terms,
  event: Event,
  { claims, ...scope }: EventScope & { readonly given: Given; readonly claims: Claims },
): Promise<Claims> {
  const saysWhich = terms.dialect.returning === true && Object.keys(terms.ownQueues).length === 0;
  const most = { ...scope, most: claims.size };
  return saysWhich
    ? changeEach(claims.size, writesFor(table, terms, event, scope), (write) =>
        carryOut(connection, terms, write, 'id, epoch'),
      )
    : changeAll(connection, claims, countUnlocked(terms.dialect, table, scope.given), (inner) =>
        applyEvent(inner, table, terms, event, most),
      );
}

/** The same, telling queues of the user's own: so it has to be known beforehand which tasks change, and from where. */
async function applyTelling(
  connection: Connection,
  table: string,
  terms: Terms,
  event: Event,
  scope: EventScope,
): Promise<number> {
  const { given } = scope;
  const source = given === undefined ? table : `${table} CROSS JOIN ${given.sql}`;
  const { rows } = await connection.query(
    `SELECT ${WAITING_COLUMNS}, status FROM ${source} WHERE status IN (${sources(arrows(event))}) AND ${scope.where.sql} ${terms.dialect.exclusiveLock}`,
    [...(given?.values ?? []), ...scope.where.values],
  );
  if (rows.length === 0) return 0;
  const ids = rows.map((found) => Number(found['id']));
  const marks = ids.map(() => '?').join(', ');
  const still = { sql: `id IN (${marks}) AND ${scope.where.sql}`, values: [...ids, ...scope.where.values] };
  const changed = await apply(connection, table, terms, event, { ...scope, where: still });
  const moves = rows.map((found) => {
    const from = found['status'] as Status;
    const arrow = arrows(event).find((candidate) => candidate.from === from);
    const gone = arrow === undefined || leaves(arrow, scope);
    const waits = gone || isLater(arrow, scope.due) ? undefined : row(arrow.to)?.waits;
    return { found, before: row(from)?.waits, after: waits };
  });
  for (const queue of QUEUES) {
    const left = moves.filter(({ before, after }) => before?.queue === queue && after?.queue !== queue);
    const entered = moves.filter(({ before, after }) => before?.queue !== queue && after?.queue === queue);
    await tell(terms, queue, (own) =>
      left.length === 0
        ? undefined
        : own.leave(
            left.map(({ found }) => Number(found['id'])),
            connection,
          ),
    );
    await tell(terms, queue, (own) =>
      entered.length === 0
        ? undefined
        : own.enter(
            entered.map(({ found, after }) => waitingTaskFrom(found, after?.ahead === true)),
            connection,
          ),
    );
  }
  return changed;
}

/** A queue that writes to our database and fails there fails the transaction too; any other costs nothing but order. */
export async function tell(
  { ownQueues, onQueueError }: Terms,
  queue: QueueName,
  call: (queue: TaskQueue) => Promise<void> | undefined,
): Promise<void> {
  const own = ownQueues[queue];
  if (own === undefined) return;
  try {
    await call(own);
  } catch (error) {
    onQueueError(queue, error);
  }
}

/** The UPDATE for the arrows of `event` that stay in the database. */
export function updateFor(
  table: string,
  terms: Terms,
  event: Event,
  scope: EventScope,
): TaskWrite | undefined {
  const staying = arrowsIn(event, scope).filter((arrow) => !leaves(arrow, scope));
  if (staying.length === 0) return undefined;
  const assigned = assignments(event, staying, { ...terms, due: scope.due });
  const { given, set: more } = scope;
  return {
    table,
    given,
    set: {
      sql: [...(more === undefined ? [] : [more.sql]), ...assigned].join(', '),
      values: more?.values ?? [],
    },
    where: { sql: `${statusAmong(staying, scope)} AND ${scope.where.sql}`, values: scope.where.values },
    entry: noteOf(terms, event, staying, scope),
  };
}

function deleteFor(table: string, terms: Terms, event: Event, scope: EventScope): TaskWrite | undefined {
  const leaving = arrowsIn(event, scope).filter((arrow) => leaves(arrow, scope));
  if (leaving.length === 0) return undefined;
  const cleaned = leaving.filter(({ to }) => to === 'removed');
  // Where no cleanup has seen to its children, it doesn't go without them.
  const childless = cleaned.length === leaving.length ? '' : childlessOr(cleaned, scope.given);
  const { given } = scope;
  return {
    table,
    given,
    where: {
      sql: `${statusAmong(leaving, scope)} AND ${childless} ${scope.where.sql}`,
      values: scope.where.values,
    },
    entry: noteOf(
      terms,
      event,
      leaving.map(({ from }) => ({ from, to: 'removed' })),
      scope,
    ),
  };
}

function noteOf(
  { history, now }: Terms,
  event: Event,
  list: readonly Arrow[],
  { by, note }: EventScope,
): TaskWrite['entry'] {
  if (history === undefined) return undefined;
  const [only, ...others] = new Set(list.map(({ to }) => to));
  const whens = list.map(({ from, to }) => `WHEN '${from}' THEN '${to}'`).join(' ');
  const to = others.length === 0 ? literal(only) : `CASE status ${whens} END`;
  return entryOf(event, now, by, { from_status: 'status', to_status: to, ...note });
}

function arrowsIn(event: Event, { from }: EventScope): readonly Arrow[] {
  return arrows(event).filter((arrow) => from === undefined || arrow.from === from);
}

function childlessOr(cleaned: readonly Arrow[], given: Given | undefined): string {
  const childless = given === undefined ? 'has_children' : 'COALESCE(has_children, v_epoch)';
  return `(${childless} = 0${cleaned.length === 0 ? '' : ` OR status IN (${sources(cleaned)})`}) AND`;
}

function leaves({ to }: Arrow, { remove = false }: EventScope): boolean {
  return to === 'removed' || (remove && removable(to));
}

/**
 * What is given or picked is found by its id. Were the status not hidden, its index might look the better way while few are in it; and
 * were it no condition on both tables, the few rows that a planner expects to be left of a table without statistics might come first,
 * and those given be looked through for each.
 */
function statusAmong(list: readonly Arrow[], { given, picked = false }: EventScope): string {
  const hidden = picked ? "COALESCE(status, '')" : 'status';
  return `${given === undefined ? hidden : 'COALESCE(status, v_owner)'} IN (${sources(list)})`;
}

function sources(list: readonly Arrow[]): string {
  return list.map(({ from }) => `'${from}'`).join(', ');
}

/** What a column becomes on an arrow; undefined leaves it alone. */
type Column = (arrow: Arrow, event: Event, terms: Context) => string | undefined;

type Context = Terms & Pick<EventScope, 'due'>;

/**
 * In this order, since MySQL evaluates assignments from left to right: a column is written after those that are
 * computed from it, and `status` last.
 */
const COLUMNS: readonly (readonly [name: string, column: Column])[] = [
  ['queue', (arrow, _event, { due }) => literal(isLater(arrow, due) ? LATER : row(arrow.to)?.waits?.queue)],
  // Whoever begins to wait is in no lane, and whoever waits no longer isn't either.
  ['lane', ({ from, to }) => (row(from)?.waits === row(to)?.waits ? undefined : '0')],
  ['precedence', precedenceAt],
  ['turn', turnAt],
  [
    'worked_before',
    (arrow, event, { now }) => (isAttempt(arrow, event) ? workedAt(arrow, event, now) : undefined),
  ],
  ['worked', (arrow, event, { now }) => (isLeaving(arrow) ? workedAt(arrow, event, now) : undefined)],
  ['owner', (arrow) => (isLeaving(arrow) ? 'NULL' : undefined)],
  ['started_at', (_arrow, event) => (event === 'unclaim' ? 'NULL' : undefined)],
  ['done_at', ({ to }, event, { now }) => (removable(to) ? now : event === 'run' ? 'NULL' : undefined)],
  ['paused_by', (_arrow, event) => (event === 'run' ? 'NULL' : undefined)],
  // Once its task is on its way out, a key may be used again.
  ['task_key', (_arrow, event) => (event === 'delete' ? 'NULL' : undefined)],
  ['error', (_arrow, event) => (event === 'run' ? 'NULL' : undefined)],
  ['attempt', (arrow, event) => (isAttempt(arrow, event) ? 'attempt + 1' : undefined)],
  ['crashes', (arrow, event) => (isAskedAnew(arrow, event) ? '0' : undefined)],
  ['retries', retriesAt],
  ['status', ({ to }) => literal(to)],
];

/** What says how a task begins, in the order of `beginning`. */
export const BEGINNING: readonly string[] = ['queue', 'precedence', 'turn', 'lane', 'status'];

/** How a task begins, as SQL: a new one, or one that has never started and takes on what a new one would have been. */
export function beginning(
  { now }: Terms,
  {
    autoRun,
    due,
    precedence,
  }: { readonly autoRun: boolean; readonly due: string | undefined; readonly precedence: string },
): readonly string[] {
  const status: Status = autoRun ? 'pending/run' : 'init/none';
  const queue = autoRun ? literal(due === undefined ? row(status)?.waits?.queue : LATER) : 'NULL';
  const waits = autoRun ? [due === undefined ? precedence : '0', due ?? now] : ['NULL', 'NULL'];
  return [queue, ...waits, '0', literal(status)];
}

/** A cleanup that failed is due again after 1 s, 2 s, 4 s … 5 min; whoever rescues looks for those now and then. */
const BACKOFF = '(CASE WHEN retries < 8 THEN 1000 * (1 << retries) ELSE 300000 END)';
/** One that took its replicas with it, after 1 min, 2 min, 4 min … a day: whoever takes it up next may be lost too. */
const CRASH_BACKOFF = '(CASE WHEN retries < 11 THEN 60000 * (1 << retries) ELSE 86400000 END)';

/** Whoever doesn't wait is in no queue, and keeps the place that it had. */
function turnAt(arrow: Arrow, event: Event, { now, due }: Context): string | undefined {
  if (arrow.to === 'failed/delete') return `${now} + ${event === 'expire' ? CRASH_BACKOFF : BACKOFF}`;
  const waits = row(arrow.to)?.waits;
  if (waits === undefined || keepsTurn(arrow, event)) return undefined;
  if (waits.ahead) return '0';
  return isLater(arrow, due) ? due : now;
}

function precedenceAt(arrow: Arrow, event: Event, { now, precedence, due }: Context): string | undefined {
  const waits = row(arrow.to)?.waits;
  if (waits === undefined) return undefined;
  if (isLater(arrow, due)) return '0';
  if (waits.ahead) return String(FOREMOST);
  return keepsTurn(arrow, event) ? precedence[waits.queue].replace(now, 'turn') : precedence[waits.queue];
}

/** It waits on in its queue, as if it had never left it. */
function keepsTurn({ from }: Arrow, event: Event): boolean {
  return event === 'unclaim' && from !== 'running/delete';
}

/** A run that was asked to go says nothing about when its cleanup comes. */
function isLater({ from, to }: Arrow, due: string | undefined): due is string {
  return due !== undefined && from !== 'running/delete' && row(to)?.waits?.ahead === false;
}

/** A replica holds it no longer. */
function isLeaving({ from, to }: Arrow): boolean {
  return row(from)?.leased === true && row(to)?.leased !== true;
}

/** Another attempt begins with this: after a failure, by itself or because a user said so. */
function isAttempt({ from }: Arrow, event: Event): boolean {
  return from === 'failed/run' ? event === 'run' : event === 'retry' && row(from)?.leased === true;
}

/** Whoever is rescued has worked until its replica was last heard of, if it is known when that was. */
function workedAt(arrow: Arrow, event: Event, now: string): string {
  if (!isLeaving(arrow) || event === 'unclaim') return 'worked';
  if (event !== 'recover' && event !== 'expire') return `worked + ${now} - started_at`;
  return `worked + CASE WHEN held_until < started_at THEN 0 ELSE COALESCE(held_until, ${now}) - started_at END`;
}

/** Failures since somebody asked for something. */
function retriesAt(arrow: Arrow, event: Event): string | undefined {
  if (arrow.to === 'failed/delete' || (event === 'retry' && isAttempt(arrow, event))) return 'retries + 1';
  return isAskedAnew(arrow, event) ? '0' : undefined;
}

/** Whoever asks for a cleanup, or for another run, gives it all tries and crashes again. */
function isAskedAnew({ from }: Arrow, event: Event): boolean {
  return event === 'delete' || (event === 'run' && from === 'failed/run');
}

function assignments(event: Event, list: readonly Arrow[], terms: Context): readonly string[] {
  return COLUMNS.flatMap(([name, column]) => {
    const cases = list.map((arrow) => ({ from: arrow.from, value: column(arrow, event, terms) ?? name }));
    const first = cases[0]?.value ?? name;
    if (cases.every(({ value }) => value === first)) return first === name ? [] : [`${name} = ${first}`];
    const whens = cases
      .filter(({ value }) => value !== name)
      .map(({ from, value }) => `WHEN '${from}' THEN ${value}`);
    return [`${name} = CASE status ${whens.join(' ')} ELSE ${name} END`];
  });
}

function row(target: Arrow['to']): (typeof STATUS)[Status] | undefined {
  return target === 'removed' ? undefined : STATUS[target];
}

function literal(value: string | undefined): string {
  return value === undefined ? 'NULL' : `'${value}'`;
}
