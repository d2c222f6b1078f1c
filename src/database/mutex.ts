/** Turns at a connection that only one may use at a time: first come, first served. */
import type { Clock } from '../core/clock.ts';
import { Conflict } from './retry.ts';

export class Mutex {
  #locked = false;
  readonly #waiting = new Set<() => void>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get locked(): boolean {
    return this.#locked;
  }

  /** Resolves to what ends the turn, to be called once; a `Conflict` when the turn doesn't come within `ms`. */
  lock(ms: number): Promise<() => void> {
    if (!this.#locked) {
      this.#locked = true;
      return Promise.resolve(this.#next);
    }
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        timer.cancel();
        resolve(this.#next);
      };
      const timer = this.#clock.after(ms, () => {
        this.#waiting.delete(begin);
        reject(new Conflict(new Error('another transaction of this process does not end')));
      });
      this.#waiting.add(begin);
    });
  }

  /** Hands the turn on without a gap in which somebody who came later could take it. */
  readonly #next = (): void => {
    const [begin] = this.#waiting;
    if (begin === undefined) this.#locked = false;
    else {
      this.#waiting.delete(begin);
      begin();
    }
  };
}
