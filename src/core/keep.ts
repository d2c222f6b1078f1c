/** For how long the tasks of a type are kept once they are done. */
import type { Duration } from './duration.ts';
import { checkParts } from './name.ts';
import { checkDuration } from './retry.ts';

export interface Keep {
  /** How long finished tasks are kept; for ever by default. */
  readonly finished?: Duration | undefined;
  /** How long failed ones are; for ever by default. */
  readonly failed?: Duration | undefined;
  /** Whether their cleanup runs before they go; false. */
  readonly cleanup?: boolean | undefined;
}

/** In milliseconds; Infinity for ever. */
export interface CheckedKeep {
  readonly finished: number;
  readonly failed: number;
  readonly cleanup: boolean;
}

/** `keep: '7d'` is short for `{ finished: '7d', failed: '7d' }`; undefined keeps all. */
export function checkKeep(
  given: unknown,
  refuse: (part: string, value: unknown, problem: string) => never,
): CheckedKeep | undefined {
  if (given === undefined) return undefined;
  const keep: unknown = typeof given === 'object' ? given : { finished: given, failed: given };
  if (keep === null || Array.isArray(keep))
    return refuse('keep', given, 'it must be a duration or an object');
  checkParts('keep', keep, ['finished', 'failed', 'cleanup']);
  const { finished, failed, cleanup = false } = keep as Keep;
  if (typeof cleanup !== 'boolean') refuse('keep.cleanup', cleanup, 'it must be true or false');
  const age = (part: string, value: unknown): number =>
    value === undefined ? Infinity : checkDuration(part, value, refuse);
  return { finished: age('keep.finished', finished), failed: age('keep.failed', failed), cleanup };
}
