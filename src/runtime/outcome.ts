/**
 * What the end of a handler comes to: whatever it returned or threw, and why it was stopped, becomes the one write that
 * ends its claim. Whether a failure is tried again is decided here.
 */
import { show, TaskbatonError } from '../core/errors.ts';
import {
  type Ending,
  Finished,
  isStop,
  Snoozed,
  type StopReason,
  TaskFailed,
  type TaskStopped,
} from '../core/handler.ts';
import { checkDuration, type CheckedRetry, type CheckedTimeLimits, nextAttempt } from '../core/retry.ts';
import type { QueueName } from '../core/status.ts';
import { type Claim, errorLines, ERRORS_KEPT } from '../store/record.ts';
import type { Settlement } from '../store/settlement.ts';
import { encodeContext, encodeError, NO_CHECKPOINT } from './report.ts';
import type { Switch } from './switch.ts';

export interface OutcomeOptions {
  readonly claim: Claim;
  readonly queue: QueueName;
  readonly maxPayload: number;
  readonly retry: CheckedRetry;
  readonly limits: CheckedTimeLimits;
}

interface Context extends OutcomeOptions {
  readonly stop: Pick<Switch, 'aborted' | 'reason'>;
  /** From 0 to 1, at random. */
  readonly random: () => number;
  /** Told of what user code did wrong and the task survives. */
  readonly misused: (problem: string) => void;
}

export const YIELDED: Settlement = { event: 'yield', checkpoint: NO_CHECKPOINT, error: null, remove: false };
/** As if it had never been claimed. */
export const UNCLAIMED: Settlement = { ...YIELDED, event: 'unclaim' };
/** Until its children are done, or gone. */
export const WAITING: Settlement = { ...YIELDED, event: 'wait' };
export const FINISHED: Settlement = {
  ...YIELDED,
  event: 'finish',
  checkpoint: { ...NO_CHECKPOINT, progress: 1 },
};

export class Outcome {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  ofReturn(value: unknown): Settlement {
    if (isInstance(value, Finished)) return this.#ending('finish', value, null);
    if (isInstance(value, Snoozed)) return this.#snoozed(value);
    if (value !== undefined)
      this.#context.misused(
        'it returned something that is not finished(…) or snooze(…); the last context is the result',
      );
    return this.#context.stop.aborted ? this.ofStop() : FINISHED;
  }

  ofThrow(thrown: unknown): Settlement {
    if (isStop(thrown, this.#context.stop)) return this.ofStop();
    const said = isInstance(thrown, TaskFailed) ? thrown : undefined;
    const failed = this.#ending('fail', said, thrown);
    return failed.remove || isFinal(said) ? failed : this.#orRetried(failed, thrown);
  }

  /** A stop keeps the task as it is, unless it came because its time was over. */
  ofStop(): Settlement {
    const { claim, limits, stop } = this.#context;
    const why = whyOf(stop);
    if (why === 'children') return WAITING;
    if (why !== 'timeout') return YIELDED;
    const { which, limit } = nearestLimit(claim, limits);
    const error = new TaskbatonError('TIMED_OUT', { id: claim.id, limit, which });
    const failed = this.#ending('fail', undefined, error);
    return which === 'total' ? failed : this.#orRetried(failed, error);
  }

  /** The failure, or another attempt if there is one left. */
  #orRetried(failed: Settlement, error: unknown): Settlement {
    const { retry, claim, queue, random, misused } = this.#context;
    if (queue !== 'run') return failed;
    const next = nextAttempt(retry, claim.retries + 1, error, random());
    if (next === undefined) return failed;
    if ('delay' in next) return { ...failed, event: 'retry', due: next };
    misused(next.problem);
    return failed;
  }

  #snoozed({ duration, context }: Snoozed): Settlement {
    const { claim, maxPayload } = this.#context;
    try {
      const due = { delay: checkDuration('duration', duration, refuse) };
      const checkpoint = { ...NO_CHECKPOINT, context: encodeContext(context, claim.type, maxPayload) };
      return { ...YIELDED, event: 'snooze', checkpoint, due };
    } catch (refusal) {
      return this.#failure(refusal);
    }
  }

  /** An ending whose context can't be stored is a failure that says so. */
  #ending(event: 'finish' | 'fail', said: Finished | TaskFailed | undefined, thrown: unknown): Settlement {
    const { claim, maxPayload } = this.#context;
    try {
      const ending: Ending<unknown> = said?.ending ?? {};
      const context = encodeContext(ending.context, claim.type, maxPayload);
      return {
        event,
        checkpoint: { context, progress: event === 'finish' ? 1 : null, message: null },
        error: event === 'fail' ? encodeError(thrown) : null,
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
    const lines = errorLines(this.#context.claim.errors).slice(1 - ERRORS_KEPT);
    return lines.map((line) => `${line}\n`).join('');
  }
}

/** The time limit that is over first, and how much of it is left, in milliseconds. */
export function nearestLimit(
  { worked }: Claim,
  limits: CheckedTimeLimits,
): { readonly which: 'attempt' | 'total'; readonly limit: number; readonly rest: number } {
  const rest = { attempt: limits.attempt - worked.attempt, total: limits.total - worked.total };
  const which = rest.attempt < rest.total ? 'attempt' : 'total';
  return { which, limit: limits[which], rest: rest[which] };
}

/** Why a handler was told to stop. */
function whyOf({ reason }: Context['stop']): StopReason {
  return (reason as TaskStopped).why;
}

/** Whether another attempt would be in vain; so it is, too, for one that throws when it is asked. */
function isFinal(failed: TaskFailed | undefined): boolean {
  try {
    return failed?.retry === false;
  } catch {
    return true;
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

function refuse(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
