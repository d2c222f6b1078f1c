/**
 * What becomes of a driver's error. A conflict (deadlock, lock, busy file) wrote nothing and is tried again, bounded
 * and with jittered pauses; everything else is told to the caller as one of three errors, with the driver's as cause.
 */
import { type Clock, jittered, sleep } from '../core/clock.ts';
import { isTaskbatonError, messageFrom, TaskbatonError } from '../core/errors.ts';

/** A failure that the database asks to try again; it never leaves the store. */
export class Conflict extends Error {
  constructor(cause: unknown) {
    super(describe(cause), { cause });
  }
}

/** How long conflicts are borne: until either runs out. */
export interface Patience {
  readonly retries: number;
  readonly ms: number;
}

const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

/** Runs `attempt` until it ends otherwise than by a `Conflict`, or throws DATABASE_BUSY. */
export async function retryConflicts<Result>(
  clock: Clock,
  patience: Patience,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const begin = clock.monotonic();
  for (let retry = 0; ; retry++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (retry >= patience.retries || clock.monotonic() - begin >= patience.ms) throw busy(error.cause);
    }
    await sleep(clock, jittered(clock, Math.min(FIRST_PAUSE * 2 ** retry, LONGEST_PAUSE)));
  }
}

/** Nothing was written, and trying again later may help. */
export function busy(cause: unknown): TaskbatonError {
  return new TaskbatonError('DATABASE_BUSY', { problem: describe(cause) }, { cause });
}

/** Not reached, or lost; `place` says which database, where the driver's message doesn't. */
export function unavailable(cause: unknown, place?: string): TaskbatonError {
  return new TaskbatonError('DATABASE_UNAVAILABLE', { problem: problemAt(place, cause) }, { cause });
}

/** The database understood and refused. */
export function failed(cause: unknown, place?: string): TaskbatonError {
  return new TaskbatonError('DATABASE_FAILED', { problem: problemAt(place, cause) }, { cause });
}

/** The `code` of a driver's error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Whether a statement was refused because a row with this key exists. */
export function isDuplicateKey(error: unknown): boolean {
  if (!isTaskbatonError(error, 'DATABASE_FAILED')) return false;
  const cause = error.cause as { code?: unknown; errcode?: unknown } | undefined;
  const codes: readonly unknown[] = [
    '23505',
    'ER_DUP_ENTRY',
    'SQLITE_CONSTRAINT_UNIQUE',
    'SQLITE_CONSTRAINT_PRIMARYKEY',
    2067,
    1555,
  ];
  return codes.includes(cause?.code) || codes.includes(cause?.errcode);
}

function problemAt(place: string | undefined, cause: unknown): string {
  return place === undefined ? describe(cause) : `${place}: ${describe(cause)}`;
}

/** An error of several addresses (a name that stands for more than one) says nothing by itself. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError) return [...new Set(cause.errors.map(messageFrom))].join('; ');
  return messageFrom(cause) || codeOf(cause) || 'no reason given';
}
