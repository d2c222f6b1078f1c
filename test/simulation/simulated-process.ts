/**
 * A process of a simulated system: a clock of its own that goes a little wrong, timers that are a little late, and a life
 * that may end or stand still at any moment.
 */
import type { Clock, Timer } from '../../src/core/clock.ts';
import { Random } from './random.ts';
import type { Occurrence, Timeline } from './timeline.ts';

export interface ClockError {
  /** By how many milliseconds its clocks are off. */
  readonly offset: number;
  /** How much faster than time they go: 0.001 is a second in a quarter of an hour. */
  readonly drift: number;
}

/** Timers are late by so many milliseconds at most. */
const LATE = 1.5;
/** A turn of the event loop takes so many at most. */
const TURN = 0.1;

export class SimulatedProcess {
  /** Where it runs; whoever is started after its end runs there too. */
  readonly place: number;
  readonly name: string;
  /** `ended` is what has stopped by itself and left nothing behind. */
  state: 'alive' | 'frozen' | 'crashed' | 'ended' = 'alive';
  /** Since when it has not stood still. */
  awakeSince = 0;
  /** Until when the database can't be reached. */
  cutOffUntil = 0;
  /** Until when its statements take their time. */
  slowUntil = 0;
  /** What happens when it goes on. */
  readonly held: Occurrence[] = [];
  readonly random: Random;
  /** The ids of its leases, past ones too. */
  readonly leases = new Set<string>();
  /** Its timers that are still to fire. */
  readonly timers = new Set<Occurrence>();
  readonly clock: Clock;
  /** Told when it dies. */
  onCrash: () => void = () => undefined;
  readonly #timeline: Timeline;
  readonly #error: ClockError;
  #lastTurn = 0;
  #uuids = 0;

  /** The `life`-th in its place. */
  constructor(timeline: Timeline, seed: number, place: number, life: number, error: ClockError) {
    this.place = place;
    this.name = `p${place}${life === 0 ? '' : `.${life}`}`;
    this.random = new Random(seed, 1, place, life);
    this.#timeline = timeline;
    this.#error = error;
    this.clock = {
      monotonic: () => this.time,
      after: (ms, callback) => this.#after(ms, callback),
      turn: () => this.#turn(),
      random: () => this.random.next(),
      uuid: () => `${this.name}-${++this.#uuids}`,
    };
  }

  /** What its clocks show. */
  get time(): number {
    return this.#error.offset + this.#timeline.now * (1 + this.#error.drift);
  }

  /** It stands still, as if it had been suspended; its clocks go on. */
  freeze(): void {
    if (this.state === 'alive') this.state = 'frozen';
  }

  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'alive';
    this.awakeSince = this.#timeline.now;
    // Timers fire in their order; answers come in among them.
    for (const late of this.held.splice(0)) {
      const wait = late.what === 'timer' ? 0 : this.random.next() * 2;
      this.#timeline.after(wait, late.what, this, () => {
        // It may have been called off meanwhile.
        const { run } = late;
        late.run = undefined;
        run?.();
      });
    }
  }

  crash(): void {
    if (this.state === 'crashed' || this.state === 'ended') return;
    this.state = 'crashed';
    this.held.length = 0;
    this.timers.clear();
    this.onCrash();
  }

  #after(ms: number, callback: () => void): Timer {
    const late = this.random.next() * LATE;
    const wait = Math.max(1, ms) / (1 + this.#error.drift) + late;
    const timer = this.#timeline.after(wait, 'timer', this, () => {
      this.timers.delete(timer);
      callback();
    });
    this.timers.add(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
        timer.run = undefined;
      },
    };
  }

  /** Turns come in the order in which they were asked for. */
  #turn(): Promise<void> {
    const { now } = this.#timeline;
    this.#lastTurn = Math.max(this.#lastTurn, now) + this.random.next() * TURN;
    return new Promise((resolve) => this.#timeline.at(this.#lastTurn, 'turn', this, resolve));
  }
}
