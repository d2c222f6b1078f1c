/**
 * Time that only a test moves on. It is the clock of every replica and of the database: timers fire in their order, the
 * same each time, and an hour takes no longer than what happens in it.
 */
import type { Clock, Timer } from '../core/clock.ts';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  /** Whose timer it is: that of a crashed or frozen replica doesn't fire. */
  readonly owner: Owner;
}

/** A replica, as far as its time goes. */
export interface Owner {
  state: 'alive' | 'frozen' | 'crashed';
  /** Told of each write of a handler. */
  onWrite?: ((moment: 'before' | 'after') => void) | undefined;
}

/** After so many turns of the event loop in which nobody asked for anything, all have come to rest. */
const QUIET_TURNS = 8;

export class VirtualTime {
  /** Milliseconds since 1970. */
  now: number;
  readonly #timers = new Set<Pending>();
  #order = 0;
  #seed = 1;
  #activity = 0;

  constructor(start: Date) {
    this.now = start.getTime();
  }

  /** The clock of one replica. */
  clockFor(owner: Owner): Clock {
    return {
      monotonic: () => this.now,
      after: (ms, callback) => this.#after(ms, callback, owner),
      turn: () => {
        this.active();
        return new Promise((resolve) => setImmediate(resolve));
      },
      random: () => this.#random(),
      uuid: () => `00000000-0000-4000-8000-${String(++this.#order).padStart(12, '0')}`,
    };
  }

  /** Something is going on that isn't seen otherwise. */
  active(): void {
    this.#activity += 1;
  }

  /** Lets a moment of real time go by. */
  pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** Fires the next timer that is due by `end`, moving time to it; false if there is none. */
  async step(end: number): Promise<boolean> {
    const due = [...this.#timers].filter(({ at, owner }) => at <= end && owner.state === 'alive');
    const [next] = due.toSorted((one, other) => one.at - other.at || one.order - other.order);
    if (next === undefined) return false;
    this.now = Math.max(this.now, next.at);
    this.#timers.delete(next);
    next.callback();
    await this.rest();
    return true;
  }

  /** Waits until everybody waits for time. */
  async rest(): Promise<void> {
    for (let quiet = 0, seen = this.#activity; quiet < QUIET_TURNS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (seen === this.#activity) continue;
      seen = this.#activity;
      quiet = -1;
    }
  }

  #after(ms: number, callback: () => void, owner: Owner): Timer {
    this.active();
    // Whole milliseconds, as in databases.
    const timer: Pending = {
      at: this.now + Math.ceil(Math.max(0, ms)),
      order: ++this.#order,
      callback,
      owner,
    };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** The generator of Park and Miller: the same numbers in every run. */
  #random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }
}
