/** A clock that stands still until a test moves it: timers fire in their order, and nothing is left to chance. */
import type { Clock, Timer } from '../../src/core/clock.ts';

interface Pending {
  readonly at: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  /** What `random` says; in the middle by default. */
  chance = 0.5;
  #now: number;
  #uuids = 0;
  readonly #timers = new Set<Pending>();

  constructor(start = 0) {
    this.#now = start;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): Timer {
    const timer: Pending = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Lets everything run that needs no time. */
  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  random(): number {
    return this.chance;
  }

  uuid(): string {
    return `uuid-${++this.#uuids}`;
  }

  /** How many timers are waiting. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, stopping at each timer that is due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (;;) {
      const next = [...this.#timers].toSorted((one, other) => one.at - other.at).find(({ at }) => at <= end);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.callback();
      await this.settle();
    }
    this.#now = end;
  }

  /** Lets time pass while nothing runs, as where the event loop is blocked: what came due is late. */
  stand(ms: number): void {
    this.#now += ms;
  }

  /** Lets promises and immediates come to rest. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 5; turns++) await this.turn();
  }
}
