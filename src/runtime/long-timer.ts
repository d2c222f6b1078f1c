/** A timer for any time at all: those of the system count to about 24 days. */
import type { Clock, Timer } from '../core/clock.ts';

const LONGEST = 2 ** 31 - 1;

/** Runs `callback` once after `ms` milliseconds, at once for what is over already; never, and without a timer, for Infinity. */
export function afterAny(clock: Clock, ms: number, callback: () => void): Timer | undefined {
  if (ms === Infinity) return undefined;
  let timer: Timer | undefined;
  const wait = (rest: number): void => {
    const some = Math.min(Math.max(0, rest), LONGEST);
    timer = clock.after(some, () => (some < rest ? wait(rest - some) : callback()));
  };
  wait(ms);
  return { cancel: () => timer?.cancel() };
}
