/**
 * The vocabulary between the engine and a handler: what a handler is given, what it may report, and the ways in which
 * it ends. A handler is an async generator that yields reports, or an async function that awaits `report(…)`.
 */
import type { Children } from './children.ts';
import type { Duration } from './duration.ts';

/** What a handler tells about its task. Only what is given changes. */
export interface Report<Context> {
  /** The checkpoint: JSON from which the handler could go on after a pause, a hand-over or a crash. */
  readonly context?: Context | undefined;
  /** How far it is, from 0 to 1; what is beyond counts as the end. */
  readonly progress?: number | undefined;
  /** A line for people, at most 1,000 characters. */
  readonly message?: string | undefined;
}

/**
 * Why a handler is asked to stop: the user paused or deleted the task, its time limit is over, the replica shuts down, it
 * lost its lease (then the task may be running elsewhere already, and what is written for it counts only if it isn't), or
 * the handler itself gave its slot back to wait for its task's children.
 */
export type StopReason = 'pause' | 'delete' | 'shutdown' | 'lease-lost' | 'timeout' | 'children';

/** The reason of a stop signal. Thrown out of a handler it means "stopped, go on later", never "failed". */
export class TaskStopped extends Error {
  override readonly name: string = 'TaskStopped';
  readonly why: StopReason;

  constructor(why: StopReason) {
    super(`the task was asked to stop: ${why}`);
    this.why = why;
  }
}

/** Whether `thrown` says "stopped" rather than "failed", once `signal` has fired. */
export function isStop(thrown: unknown, signal: Pick<AbortSignal, 'aborted' | 'reason'>): boolean {
  if (!signal.aborted || typeof thrown !== 'object' || thrown === null) return false;
  if (thrown === signal.reason) return true;
  try {
    const { name, cause } = thrown as { name?: unknown; cause?: unknown };
    return cause === signal.reason || name === 'TaskStopped' || name === 'AbortError';
  } catch {
    // It throws when it is looked at.
    return false;
  }
}

/** An AbortSignal whose reason says why. */
export interface TaskSignal extends AbortSignal {
  readonly reason: TaskStopped;
}

/** Who the handler works for. */
export interface RunningTask {
  readonly id: number;
  readonly type: string;
  readonly user: string;
  readonly group: string;
  /** 1 at first, one more each time the failed task is run again. Pauses, hand-overs and crashes don't count. */
  readonly attempt: number;
  /** Raised by each claim: hand it to other systems as a fencing token, so that they can refuse a stale replica. */
  readonly epoch: number;
  /** The replica that runs it. */
  readonly replica: string;
}

/** Lines for people, kept in the task's history; at most 1,000 for each claim. A line that can't be kept costs nothing. */
export interface HandlerLog {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

export interface HandlerArguments<Input, Context> {
  readonly input: Input;
  /** What was last reported, or given at creation; undefined at first. */
  readonly context: Context | undefined;
  /** Fires when the handler should stop, at most once. */
  readonly signal: TaskSignal;
  readonly task: RunningTask;
  readonly children: Children<Report<Context>>;
  readonly log: HandlerLog;
  /**
   * Stores a report, for handlers that are plain functions; resolves once it is committed. Rejects with a
   * `TaskStopped` (after storing) when the task must stop: let it pass through.
   */
  readonly report: (report: Report<Context>) => Promise<void>;
  /**
   * Writes rows of your own and a report in one transaction: both are there or neither, and neither if the task is no
   * longer held. `work` may be called again after a conflict, so it must have no other effects, and must not report by other
   * means. Rejects with what `work` throws, and, once it is stored, with a `TaskStopped` when the task must stop.
   */
  readonly transaction: (
    work: (tx: Transaction) => Promise<Report<Context> | undefined | void>,
  ) => Promise<void>;
}

/** A transaction in the system's database. */
export interface Transaction {
  /** Sends a statement with `?` for its parameters, on every database; there must be no other `?` in it. */
  query(
    sql: string,
    values?: readonly (string | number | null)[],
  ): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly changes: number }>;
  /** The driver's own connection in this transaction: what its client, `sql` or database is called there. */
  readonly native?: unknown;
}

/** Options of an ending. */
export interface Ending<Context> {
  /** The last context; for a finished task, its result. */
  readonly context?: Context | undefined;
  /** Also remove the record. A cleanup that is due (a delete was asked for) still runs first. */
  readonly remove?: boolean | undefined;
}

/** What `finished(…)` returns. */
export class Finished<Context = unknown> {
  readonly ending: Ending<Context>;

  constructor(ending: Ending<Context>) {
    this.ending = ending;
  }
}

/** Ends a handler explicitly as finished, even where a stop was asked for: `return finished({ context, remove })`. */
export function finished<Context>(ending: Ending<Context> = {}): Finished<Context> {
  return new Finished(ending);
}

/** Ends a handler as failed, with more to say than a plain error: `throw new TaskFailed('no such file', { remove: true })`. */
export class TaskFailed<Context = unknown> extends Error {
  override readonly name: string = 'TaskFailed';
  readonly ending: Ending<Context>;

  /** Whether it may be tried again, if its type or the task itself says how; true. */
  readonly retry: boolean;

  constructor(
    reason: string,
    { cause, retry = true, ...ending }: Ending<Context> & ErrorOptions & { readonly retry?: boolean } = {},
  ) {
    super(reason, cause === undefined ? undefined : { cause });
    this.ending = ending;
    this.retry = retry;
  }
}

/** What `snooze(…)` returns. */
export class Snoozed<Context = unknown> {
  readonly duration: Duration;
  readonly context: Context | undefined;

  constructor(duration: Duration, context: Context | undefined) {
    this.duration = duration;
    this.context = context;
  }
}

/** Gives the slot back and goes on after `duration`, in whichever replica: `return snooze('10m', { context })`. */
export function snooze<Context>(
  duration: Duration,
  { context }: { readonly context?: Context | undefined } = {},
): Snoozed<Context> {
  return new Snoozed(duration, context);
}

type Yielded<Context> = Report<Context> | undefined | void;
type Returned<Context> = Finished<Context> | Snoozed<Context> | undefined | void;

/** User code that does a task's work; see the guide on handlers. */
export type Handler<Input, Context> = (
  given: HandlerArguments<Input, Context>,
) =>
  | AsyncGenerator<Yielded<Context>, Returned<Context>, void>
  | Generator<Yielded<Context>, Returned<Context>, void>
  | Promise<Returned<Context>>
  | Returned<Context>;

/** What comes of calling a handler that yields. */
export type HandlerIterator = AsyncIterator<unknown, unknown, void>;

/** Whether a handler's answer is to be asked for one report after another. */
export function isIterator(value: unknown): value is HandlerIterator {
  return (
    typeof value === 'object' && value !== null && typeof (value as { next?: unknown }).next === 'function'
  );
}
