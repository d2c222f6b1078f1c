/** The real clock: the only file that asks the machine for time, timers and randomness. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';

/** setTimeout takes no more; a longer wait ends early, which every user of the clock bears. */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  real: true,
  // Not performance.now(), which each thread counts from its own beginning.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  after: (ms, callback, { hold = false } = {}) => {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_TIMER));
    if (!hold) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  random: () => Math.random(),
  uuid: () => randomUUID(),
};
