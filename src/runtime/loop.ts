/**
 * A piece of work done again and again: at intervals, at once when woken, never twice at a time. It knows no database.
 * When the work fails it is tried again after a growing, jittered pause, and a whole row of failures is told once.
 */
import type { Clock, Timer } from '../core/clock.ts';
import { jittered } from '../core/clock.ts';
import { messageFrom } from '../core/errors.ts';
import type { Observer } from './observer.ts';

export interface LoopOptions {
  readonly name: string;
  /** Milliseconds from the end of one round to the next, at most; with Infinity it is only done when woken. */
  readonly interval: number;
  /** One round; true asks for the next one at once, a number for it after so many milliseconds, if that is sooner. */
  readonly work: () => Promise<boolean | number | void>;
  /** Keep the process alive while it runs; false by default. */
  readonly hold?: boolean;
  readonly clock: Clock;
  readonly observer: Observer;
}

const LONGEST_PAUSE = 2000;
const SHORTEST_PAUSE = 50;

export class Loop {
  readonly #options: LoopOptions;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #round: Promise<void> | undefined;
  #woken = false;
  #timer: Timer | undefined;
  #failures = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Starts with a round at once. Starting again, or after a stop, does nothing. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.wake();
  }

  /** Asks for a round as soon as possible: now, or right after the one under way. */
  wake(): void {
    if (this.#state !== 'running') return;
    this.#woken = true;
    // A row of failures keeps its pause, or hints would turn it into a hot loop.
    if (this.#round === undefined && this.#failures === 0) this.#begin();
  }

  /** No further rounds; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    await this.#round;
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#woken = false;
    this.#round = this.#work().then((again) => {
      this.#round = undefined;
      if (this.#state !== 'running') return;
      if (this.#failures === 0 && (again === 0 || this.#woken)) this.#begin();
      else this.#rest(this.#pause(again));
    });
  }

  #rest(pause: number): void {
    const { clock, hold = false } = this.#options;
    if (pause < Infinity) this.#timer = clock.after(pause, () => this.#begin(), { hold });
  }

  /** One round; in how many milliseconds the next one is wanted. Never rejects. */
  async #work(): Promise<number> {
    const { name, work, clock, observer } = this.#options;
    try {
      await clock.turn();
      const again = await work();
      if (this.#failures > 0) observer.emit('loop.recovered', { loop: name, failures: this.#failures });
      this.#failures = 0;
      return again === true ? 0 : typeof again === 'number' ? again : Infinity;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) observer.emit('loop.failing', { loop: name, error: messageFrom(error) });
      return Infinity;
    }
  }

  #pause(wanted: number): number {
    const { clock, interval } = this.#options;
    if (this.#failures === 0) return Math.min(wanted, interval * (0.9 + 0.2 * clock.random()));
    return jittered(clock, Math.min(SHORTEST_PAUSE * 2 ** Math.min(this.#failures, 10), LONGEST_PAUSE));
  }
}
