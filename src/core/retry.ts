/**
 * What becomes of a task that fails or takes too long: how often it is tried again, after which pauses, and how long it
 * may work. A type says it for its tasks; a task may say otherwise for itself, in data only, since that is stored.
 */
import { type Duration, milliseconds } from './duration.ts';
import { messageFrom } from './errors.ts';
import { checkParts } from './name.ts';

/** The pause before the next attempt: always the same, doubled each time, or what the function says. */
export type Backoff = 'fixed' | 'exponential' | ((attempt: number, error: unknown) => Duration);

export interface StoredRetryPolicy {
  /** How many attempts there are in all, before it stays failed until somebody runs it again; 3. */
  readonly attempts?: number | undefined;
  /** `exponential` by default. */
  readonly backoff?: 'fixed' | 'exponential' | undefined;
  /** The first pause; 1 s. */
  readonly delay?: Duration | undefined;
  /** The longest pause; 1 h. */
  readonly max?: Duration | undefined;
  /** By how much of itself a pause may be longer or shorter, at random, so that many don't come back at once; 0.1. */
  readonly jitter?: number | undefined;
}

/** How a failed task is tried again. Each attempt goes on from the last checkpoint. */
export interface RetryPolicy extends Omit<StoredRetryPolicy, 'backoff'> {
  readonly backoff?: Backoff | undefined;
}

/** How long a task may work, waiting and pauses not counted. Then its signal fires with `timeout`. */
export interface TimeLimits {
  /** In one attempt; what is over is a failure like others, and may be tried again. */
  readonly attempt?: Duration | undefined;
  /** In all attempts together; what is over is never tried again. */
  readonly total?: Duration | undefined;
}

/** What a task may say for itself. */
export interface TaskPolicy {
  readonly retry?: number | StoredRetryPolicy | undefined;
  readonly timeout?: Duration | TimeLimits | undefined;
}

/** A policy that has been checked, in milliseconds. */
export interface CheckedRetry {
  readonly attempts: number;
  /** The pause after the failure of an attempt; `random` is from 0 to 1. Throws where the user's function makes no sense. */
  readonly pause: (attempt: number, error: unknown, random: number) => number;
}

export interface CheckedTimeLimits {
  readonly attempt: number;
  readonly total: number;
}

export const NO_RETRY: CheckedRetry = { attempts: 1, pause: () => 0 };
export const NO_TIME_LIMITS: CheckedTimeLimits = { attempt: Infinity, total: Infinity };

const RETRY_PARTS = ['attempts', 'backoff', 'delay', 'max', 'jitter'];
const TIME_LIMIT_PARTS = ['attempt', 'total'];
const MOST_ATTEMPTS = 1_000_000;
/** Doubled more often, every pause is beyond its max. */
const MOST_DOUBLINGS = 60;
const LONGEST_NAME = 100;
const YEAR = 365 * 86_400_000;

type Refuse = (argument: string, value: unknown, problem: string) => never;

/** `retry: 5` is short for `retry: { attempts: 5 }`. */
export function checkRetry(given: unknown, refuse: Refuse, mayBeFunction: boolean): CheckedRetry {
  if (given === undefined) return NO_RETRY;
  const policy: unknown = typeof given === 'number' ? { attempts: given } : given;
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy))
    return refuse('retry', given, 'it must be a number of attempts or an object');
  checkParts('retry', policy, RETRY_PARTS);
  const {
    attempts = 3,
    backoff = 'exponential',
    delay = 1000,
    max = '1h',
    jitter = 0.1,
  } = policy as RetryPolicy;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > MOST_ATTEMPTS)
    refuse('retry.attempts', attempts, `it must be a whole number from 1 to ${MOST_ATTEMPTS}`);
  if (backoff !== 'fixed' && backoff !== 'exponential' && !(mayBeFunction && typeof backoff === 'function'))
    refuse(
      'retry.backoff',
      backoff,
      `it must be 'fixed' or 'exponential'${mayBeFunction ? ', or a function' : ''}`,
    );
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1))
    refuse('retry.jitter', jitter, 'it must be a number from 0 to 1');
  const first = checkDuration('retry.delay', delay, refuse);
  const longest = checkDuration('retry.max', max, refuse);
  const plain = (attempt: number, error: unknown): number => {
    if (typeof backoff === 'function') return asked(backoff, attempt, error);
    return backoff === 'fixed' ? first : first * 2 ** Math.min(attempt - 1, MOST_DOUBLINGS);
  };
  // Before it is spread, or those that have come to the longest pause would all come back at once; and after.
  const pause = (attempt: number, error: unknown, random: number): number =>
    Math.round(Math.min(longest, Math.min(longest, plain(attempt, error)) * (1 + jitter * (2 * random - 1))));
  return { attempts, pause };
}

/** What the user's function says. What it throws or returns may hold what nobody is to see. */
function asked(backoff: Exclude<Backoff, string>, attempt: number, error: unknown): number {
  let said: unknown;
  try {
    said = backoff(attempt, error);
  } catch (thrown) {
    throw new TypeError(`the function retry.backoff threw ${nameOf(thrown)}`);
  }
  const pause = milliseconds(said);
  if (pause !== undefined) return pause;
  throw new TypeError(`the function retry.backoff returned a ${typeof said} that is no duration`);
}

function nameOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return `a ${String(thrown.name).slice(0, LONGEST_NAME)}`;
  } catch {
    // It throws when it is looked at.
  }
  return 'something that is no error';
}

/** `timeout: '1h'` is short for `timeout: { attempt: '1h' }`. */
export function checkTimeLimits(given: unknown, refuse: Refuse): CheckedTimeLimits {
  if (given === undefined) return NO_TIME_LIMITS;
  const limits: unknown = typeof given === 'object' ? given : { attempt: given };
  if (limits === null || Array.isArray(limits))
    return refuse('timeout', given, 'it must be a duration or an object');
  checkParts('timeout', limits, TIME_LIMIT_PARTS);
  const { attempt, total } = limits as TimeLimits;
  const limit = (part: string, value: unknown): number => {
    if (value === undefined) return Infinity;
    const ms = checkDuration(part, value, refuse);
    return ms > 0 ? ms : refuse(part, value, 'it must be longer than nothing');
  };
  return { attempt: limit('timeout.attempt', attempt), total: limit('timeout.total', total) };
}

/** What a task says for itself, without what only a later release knows. It is still to be checked. */
export function storedPolicy(stored: unknown): { readonly retry?: unknown; readonly timeout?: unknown } {
  const { retry, timeout } = (stored ?? {}) as { readonly retry?: unknown; readonly timeout?: unknown };
  return {
    ...(retry === undefined ? {} : { retry: withParts(retry, RETRY_PARTS) }),
    ...(timeout === undefined ? {} : { timeout: withParts(timeout, TIME_LIMIT_PARTS) }),
  };
}

function withParts(value: unknown, parts: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([part]) => parts.includes(part)));
}

/** Whole milliseconds, a year at most. */
export function checkDuration(argument: string, value: unknown, refuse: Refuse): number {
  const ms = milliseconds(value);
  return ms !== undefined && ms <= YEAR
    ? ms
    : refuse(argument, value, `it must be milliseconds or a text such as '30s', a year at most`);
}

/** The pause before the next attempt; undefined if there is none left, or if the user's function makes no sense. */
export function nextAttempt(
  { attempts, pause }: CheckedRetry,
  failures: number,
  error: unknown,
  random: number,
): { readonly delay: number } | { readonly problem: string } | undefined {
  if (failures >= attempts) return undefined;
  try {
    return { delay: pause(failures, error, random) };
  } catch (thrown) {
    return { problem: messageFrom(thrown) };
  }
}
