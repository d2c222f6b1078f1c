/**
 * One claim, from the start of its handler to the write that ends it. It drives user code and trusts none of it: a
 * handler may throw, hang, ignore its signal or report nonsense, and costs nobody but its own task.
 */
import { type Clock, jittered, sleep, type Timer } from '../core/clock.ts';
import type { TaskDefinition } from '../core/definition.ts';
import { type ErrorCode, isTaskbatonError, messageFrom, show, TaskbatonError } from '../core/errors.ts';
import {
  type Ending,
  Finished,
  type Handler,
  type HandlerArguments,
  isStop,
  type Report,
  Snoozed,
  type StopReason,
  TaskFailed,
  TaskStopped,
} from '../core/handler.ts';
import { decodeJson } from '../core/json.ts';
import { checkDuration, type CheckedRetry, type CheckedTimeLimits, nextAttempt } from '../core/retry.ts';
import { type StandardSchema, validate } from '../core/schema.ts';
import type { QueueName } from '../core/status.ts';
import type { StoredError } from '../core/task.ts';
import { type Claim, errorLines, ERRORS_KEPT } from '../store/record.ts';
import type { Fence, Settlement } from '../store/settlement.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';
import { encodeContext, encodeError, encodePlainError, encodeReport, NO_CHECKPOINT } from './report.ts';

export interface ExecutionOptions {
  readonly claim: Claim;
  readonly queue: QueueName;
  readonly definition: TaskDefinition;
  /** The replica that claimed it. */
  readonly replica: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly maxPayload: number;
  readonly stopGrace: number;
  readonly retry: CheckedRetry;
  readonly limits: CheckedTimeLimits;
}

const YIELDED: Settlement = { event: 'yield', checkpoint: NO_CHECKPOINT, error: null, remove: false };
const FINISHED: Settlement = { ...YIELDED, event: 'finish', checkpoint: { ...NO_CHECKPOINT, progress: 1 } };

const SHORTEST_RETRY = 25;
/** The longest pause before a write is tried again. */
export const LONGEST_RETRY = 1000;

/** What timers can count, about 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

type HandlerIterator = AsyncIterator<unknown, unknown, void>;

export class Execution {
  readonly fence: Fence;
  readonly queue: QueueName;
  /** Resolves when nothing of it is left but, perhaps, a handler that was abandoned; never rejects. */
  readonly ended: Promise<void>;

  readonly #options: ExecutionOptions;
  readonly #stop = new AbortController();
  /** Fires when nothing can be written any more, which calls off the retries of writes. */
  readonly #gone = new AbortController();
  #grace: Timer | undefined;
  #timeLimit: Timer | undefined;
  #abandon: (settlement: Settlement) => void = () => undefined;
  #closed = false;
  #abandoned = false;
  #writes: Promise<unknown> = Promise.resolve();

  constructor(options: ExecutionOptions) {
    const { claim, replica, queue } = options;
    this.#options = options;
    this.queue = queue;
    this.fence = { id: claim.id, owner: replica, epoch: claim.epoch };
    this.ended = this.#live();
  }

  /** Why it was told to stop, if it was. */
  get stopping(): StopReason | undefined {
    return this.#stop.signal.aborted ? (this.#stop.signal.reason as TaskStopped).why : undefined;
  }

  /** Fires the handler's signal, once; a handler that has not ended when the grace is over is abandoned. */
  stop(why: StopReason): void {
    if (this.#closed || this.#stop.signal.aborted) return;
    const { clock, stopGrace, observer } = this.#options;
    observer.emit('task.stopping', { ...this.#details(), why });
    this.#grace = clock.after(stopGrace, () => this.#giveUp(), { hold: true });
    this.#stop.abort(new TaskStopped(why));
  }

  /** The task is another's, or the database won't be waited for: the handler is told, and nothing is written any more. */
  lose(): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.stop('lease-lost');
  }

  async #live(): Promise<void> {
    const { observer, claim, clock } = this.#options;
    observer.emit('task.started', { ...this.#details(), attempt: claim.attempt });
    const abandoned = new Promise<Settlement>((resolve) => {
      this.#abandon = resolve;
    });
    this.#limitTime(this.#nearestLimit().rest);
    await clock.turn();
    const settlement = await Promise.race([this.#handle(), abandoned]);
    this.#closed = true;
    this.#timeLimit?.cancel();
    this.#grace?.cancel();
    await this.#writes;
    await this.#settle(settlement);
  }

  /** Stops the handler when its time is over; cleanups have as much as they need. */
  #limitTime(rest: number): void {
    const { clock, queue } = this.#options;
    if (queue !== 'run' || rest === Infinity) return;
    const wait = Math.min(Math.max(0, rest), LONGEST_TIMER);
    this.#timeLimit = clock.after(wait, () =>
      wait < rest ? this.#limitTime(rest - wait) : this.stop('timeout'),
    );
  }

  #nearestLimit(): { readonly which: 'attempt' | 'total'; readonly limit: number; readonly rest: number } {
    const { claim, limits } = this.#options;
    const rest = { attempt: limits.attempt - claim.worked.attempt, total: limits.total - claim.worked.total };
    const which = rest.attempt < rest.total ? 'attempt' : 'total';
    return { which, limit: limits[which], rest: rest[which] };
  }

  // The handler

  /** Runs the handler to its end; never rejects. */
  async #handle(): Promise<Settlement> {
    try {
      const handler =
        this.#options.queue === 'run' ? this.#options.definition.run : this.#options.definition.cleanup;
      if (handler === undefined) return FINISHED;
      const given = await this.#given();
      if (this.#stop.signal.aborted) return this.#stopped();
      return this.#settlementOfReturn(await this.#drive(handler, given));
    } catch (thrown) {
      return this.#settlementOfThrow(thrown);
    }
  }

  async #given(): Promise<HandlerArguments<unknown, unknown>> {
    const { claim, definition, replica } = this.#options;
    const { id, type, user, group, epoch, attempt } = claim;
    const context = decodeJson(claim.context);
    const checked = async (
      schema: StandardSchema | undefined,
      value: unknown,
      code: ErrorCode,
    ): Promise<unknown> =>
      validate(schema, value, code, type).catch((error: unknown) => {
        // What no longer fits its schema must still be deletable: its cleanup sees it as it was stored.
        if (this.#options.queue === 'cleanup') return value;
        throw error;
      });
    return {
      input: await checked(definition.input, decodeJson(claim.input), 'INVALID_INPUT'),
      context:
        context === undefined ? undefined : await checked(definition.context, context, 'INVALID_CONTEXT'),
      signal: this.#stop.signal,
      task: Object.freeze({ id, type, user, group, attempt, epoch, replica }),
      report: (report) => this.#reportFromFunction(report),
    };
  }

  /** What the handler returned, after all its yields; a stop that it noticed at a yield returns undefined. */
  async #drive(
    handler: Handler<unknown, unknown>,
    given: HandlerArguments<unknown, unknown>,
  ): Promise<unknown> {
    const running: unknown = handler(given);
    if (!isIterator(running)) return running;
    let step = await running.next();
    while (step.done !== true) {
      const refusal = await this.#report(step.value).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (this.#stop.signal.aborted) {
        await running.return?.();
        return undefined;
      }
      if (refusal === undefined) step = await running.next();
      else if (running.throw === undefined) throw refusal.error;
      else step = await running.throw(refusal.error);
    }
    return step.value;
  }

  #settlementOfReturn(value: unknown): Settlement {
    if (isInstance(value, Finished)) return this.#ending('finish', value, null);
    if (isInstance(value, Snoozed)) return this.#snoozed(value);
    if (value !== undefined) {
      const problem = 'it returned something that is not finished(…); the last context is the result';
      this.#options.observer.emit('task.misused', { ...this.#details(), problem });
    }
    return this.#stop.signal.aborted ? this.#stopped() : FINISHED;
  }

  #settlementOfThrow(thrown: unknown): Settlement {
    if (isStop(thrown, this.#stop.signal)) return this.#stopped();
    const said = isInstance(thrown, TaskFailed) ? thrown : undefined;
    const failed = this.#ending('fail', said, thrown);
    return failed.remove || isFinal(said) ? failed : this.#orRetried(failed, thrown);
  }

  /** A stop keeps the task as it is, unless it came because its time was over. */
  #stopped(): Settlement {
    if (this.stopping !== 'timeout') return YIELDED;
    const { which, limit } = this.#nearestLimit();
    const error = new TaskbatonError('TIMED_OUT', { id: this.fence.id, limit, which });
    const failed = this.#ending('fail', undefined, error);
    return which === 'total' ? failed : this.#orRetried(failed, error);
  }

  /** The failure, or another attempt if there is one left. */
  #orRetried(failed: Settlement, error: unknown): Settlement {
    const { retry, claim, clock, queue, observer } = this.#options;
    if (queue !== 'run') return failed;
    const next = nextAttempt(retry, claim.retries + 1, error, clock.random());
    if (next === undefined) return failed;
    if ('delay' in next) return { ...failed, event: 'retry', due: next };
    observer.emit('task.misused', { ...this.#details(), problem: next.problem });
    return failed;
  }

  #snoozed({ duration, context }: Snoozed): Settlement {
    const { claim, maxPayload } = this.#options;
    try {
      const refuse = (argument: string, value: unknown, problem: string): never => {
        throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
      };
      const due = { delay: checkDuration('duration', duration, refuse) };
      const checkpoint = { ...NO_CHECKPOINT, context: encodeContext(context, claim.type, maxPayload) };
      return { ...YIELDED, event: 'snooze', checkpoint, due };
    } catch (refusal) {
      return this.#failure(refusal);
    }
  }

  /** An ending whose context can't be stored is a failure that says so. */
  #ending(event: 'finish' | 'fail', said: Finished | TaskFailed | undefined, thrown: unknown): Settlement {
    const { claim, maxPayload } = this.#options;
    try {
      const ending: Ending<unknown> = said?.ending ?? {};
      const context = encodeContext(ending.context, claim.type, maxPayload);
      const progress = event === 'finish' ? 1 : null;
      const error = event === 'fail' ? encodeError(thrown) : null;
      return {
        event,
        checkpoint: { context, progress, message: null },
        error,
        remove: ending.remove === true,
        errors: this.#earlierErrors,
      };
    } catch (refusal) {
      return this.#failure(refusal);
    }
  }

  #failure(refusal: unknown): Settlement {
    return { ...YIELDED, event: 'fail', error: encodeError(refusal), errors: this.#earlierErrors };
  }

  /** All but the oldest, which makes room for one more. */
  get #earlierErrors(): string {
    const lines = errorLines(this.#options.claim.errors).slice(1 - ERRORS_KEPT);
    return lines.map((line) => `${line}\n`).join('');
  }

  #giveUp(): void {
    const { observer, stopGrace } = this.#options;
    observer.emit('task.abandoned', { ...this.#details(), grace: stopGrace });
    this.#abandoned = true;
    this.#abandon(this.#stopped());
  }

  // Writing

  #reportFromFunction(report: Report<unknown>): Promise<void> {
    const reported = this.#report(report).then(() => this.#stop.signal.throwIfAborted());
    // A handler that doesn't await its reports must not bring the process down when one is refused.
    reported.catch(() => undefined);
    return reported;
  }

  async #report(report: unknown): Promise<void> {
    const { store, claim, maxPayload, stopGrace, clock, observer } = this.#options;
    if (this.#abandoned) throw new TaskbatonError('HANDLER_ABANDONED', { id: claim.id, grace: stopGrace });
    if (this.#closed) throw new TaskbatonError('REPORT_AFTER_END', { id: claim.id });
    const checkpoint = encodeReport(report, claim.type, maxPayload);
    // A handler that yields without ever waiting for anything must not starve heartbeats and its own stop signal.
    const written = this.#writes
      .then(() => clock.turn())
      .then(() =>
        checkpoint === NO_CHECKPOINT
          ? undefined
          : this.#write(() => store.checkpoint(this.fence, checkpoint)),
      );
    this.#writes = written.catch(() => undefined);
    await written;
    if (checkpoint === NO_CHECKPOINT) return;
    observer.emit('task.reported', this.#details());
  }

  async #settle(settlement: Settlement, refused = false): Promise<void> {
    const { store, observer } = this.#options;
    let uncertain = false;
    const settle = async (wanted: Settlement): Promise<void> => {
      try {
        await store.settle(this.fence, wanted);
      } catch (error) {
        // After a lost reply, "not yours any more" is what our own success looks like.
        if (uncertain && isTaskbatonError(error, 'LEASE_LOST')) return;
        uncertain ||= isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
        throw error;
      }
    };
    try {
      await this.#write(() => settle(settlement));
      const error = decodeJson(settlement.error) as StoredError | undefined;
      observer.emit('task.ended', { ...this.#details(), event: settlement.event, error });
    } catch (error) {
      if (isTaskbatonError(error, 'LEASE_LOST')) return observer.emit('task.lost', this.#details());
      observer.emit('task.misused', { ...this.#details(), problem: messageFrom(error) });
      // The database refuses what the task ended with: it fails and says so, or it would be run again for ever.
      if (!refused) await this.#settle({ ...YIELDED, event: 'fail', error: encodePlainError(error) }, true);
    }
  }

  /** Writes until the database has answered, or until the lease is gone. */
  async #write(write: () => Promise<void>): Promise<void> {
    const { clock, claim } = this.#options;
    for (let failures = 0; ; failures++) {
      if (this.#gone.signal.aborted)
        throw new TaskbatonError('LEASE_LOST', { id: claim.id, epoch: claim.epoch });
      try {
        return await write();
      } catch (error) {
        if (isTaskbatonError(error, 'LEASE_LOST')) this.lose();
        if (!isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY')) throw error;
        await sleep(
          clock,
          jittered(clock, Math.min(SHORTEST_RETRY * 2 ** failures, LONGEST_RETRY / 1.5)),
          this.#gone.signal,
        );
      }
    }
  }

  #details(): { id: number; type: string; epoch: number; replica: string; queue: QueueName } {
    const { claim, replica, queue } = this.#options;
    return { id: claim.id, type: claim.type, epoch: claim.epoch, replica, queue };
  }
}

/** `instanceof` for what user code hands over: a hostile proxy makes the operator itself throw. */
function isInstance<Class extends abstract new (...given: never[]) => object>(
  value: unknown,
  kind: Class,
): value is InstanceType<Class> {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

/** Whether another attempt would be in vain; so it is, too, for one that throws when it is asked. */
function isFinal(failed: TaskFailed | undefined): boolean {
  try {
    return failed?.retry === false;
  } catch {
    return true;
  }
}

function isIterator(value: unknown): value is HandlerIterator {
  return (
    typeof value === 'object' && value !== null && typeof (value as { next?: unknown }).next === 'function'
  );
}
