/**
 * What the engine needs of time and chance. Everything above `core` gets it injected, so that a test or a
 * simulation can own time; the real one is `runtime/clock.ts`. No time read here ever reaches the database.
 */

/** A timer that can be called off; calling it off twice is fine. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Time that goes on by itself, for all threads: not a test's or a simulation's. */
  readonly real?: true;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  monotonic(): number;
  /** Runs `callback` once after `ms` milliseconds. The timer doesn't keep the process alive unless `hold` is set. */
  after(ms: number, callback: () => void, options?: { readonly hold?: boolean }): Timer;
  /** Lets everything else that is due have its turn: I/O, timers, other tasks. */
  turn(): Promise<void>;
  /** A number in [0, 1), for jitter only. */
  random(): number;
  /** A new identity for a replica, unique for ever. */
  uuid(): string;
}

/** Resolves after `ms` milliseconds of `clock`, or at once when `signal` fires. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(ms, end, { hold: true });
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** Waits for `work` for so many milliseconds at most, and takes no notice of how it ends. */
export function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve, { hold: true });
    void work
      .catch(() => undefined)
      .then(() => {
        timer.cancel();
        resolve();
      });
  });
}

/** `ms` spread over [½, 1½] of itself, so that replicas that failed together don't come back together. */
export function jittered(clock: Clock, ms: number): number {
  return ms * (0.5 + clock.random());
}
