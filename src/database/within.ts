/** Waits with an end: what a driver would wait for without one, we give up, and what became of it is unknown then. */
import type { Clock } from '../core/clock.ts';

/** A wait that we ended ourselves: its connection can't be used again. */
export class TimedOut extends Error {}

/** `promise`, or `TimedOut` after `ms`; whatever comes later is handed to `late`. */
export function within<Result>(
  clock: Clock,
  ms: number,
  promise: Promise<Result>,
  late: (result: Result) => void = () => undefined,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let over = false;
    const timer = clock.after(ms, () => {
      over = true;
      reject(new TimedOut(`no answer within ${ms} ms`));
    });
    promise
      .then((result) => (over ? late(result) : resolve(result)))
      .catch(reject)
      .finally(() => timer.cancel());
  });
}

/** How long a farewell may take. */
const END_MS = 1000;

/** Ends a pool, which waits for what is in use; after a second, without it. */
export async function endPool(
  clock: Clock,
  pool: { end(): Promise<unknown> },
  inUse: Iterable<{ destroy(): void }>,
): Promise<void> {
  await within(clock, END_MS, pool.end()).catch(() => {
    for (const session of inUse) session.destroy();
  });
}
