/**
 * What a replica takes from one queue: as many tasks as it has free slots, and where handlers end faster than claims are
 * answered, those ahead whose turn comes meanwhile. They wait here for a slot, in order, and are given back when none is
 * free in time: somebody else may have one.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { QueueName } from '../core/status.ts';
import type { Claimed } from '../store/claim.ts';
import type { Claim } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import type { Execution } from './execution.ts';
import { Front } from './front.ts';
import type { Observer } from './observer.ts';
import { Pace } from './pace.ts';
import type { Registry } from './registry.ts';
import { Slots } from './slots.ts';
import type { Strays } from './strays.ts';

export interface IntakeOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly strays: Strays;
  readonly queue: QueueName;
  readonly capacity: number;
  /** Under which lease tasks may be taken now; undefined for none. */
  readonly taker: () => string | undefined;
  /** Of a task that was claimed under the lease `replica`; it has not begun. */
  readonly execution: (claim: Claim, replica: string) => Execution;
  /** Stops what was claimed for a replica that may not run it any more. */
  readonly check: (execution: Execution) => void;
  /** There may be something to claim. */
  readonly wake: () => void;
}

/** How long a task may wait here for a slot, in milliseconds; twice that, if it came right after a look. */
const PATIENCE = 250;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #slots: Slots;
  readonly #front = new Front();
  readonly #pace = new Pace();
  /** Claimed and not begun, in the order of their claims. */
  readonly #waiting = new Set<Execution>();
  /** Those that waited at the last look. */
  #overdue: readonly Execution[] = [];
  #nextLook: Timer | undefined;
  #beginning = false;
  /** Tasks whose slots the next round may take back; one that is forgotten is found by a later round. */
  readonly #ended: number[] = [];
  /** Whether tasks wait that no round has sorted in yet. */
  #unsorted = false;
  /** Whether there may be more to take than the last claim could, so that a slot that becomes free is worth another. */
  #more = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#slots = new Slots(options.capacity);
  }

  /** One claim; true if there may be more to take. */
  async claim(): Promise<boolean> {
    const { store, registry, clock, observer, strays, queue, taker } = this.#options;
    const replica = taker();
    if (replica === undefined) return false;
    const sentAt = clock.monotonic();
    const limit = this.#slots.reserve(this.#ahead(sentAt));
    this.#more = true;
    if (limit === 0 && !this.#unsorted) return false;
    this.#pace.sent(sentAt);
    const ended = this.#ended.splice(0);
    let answer: Claimed | undefined;
    const answered = strays.claim();
    const after = this.#front.from(limit, sentAt);
    try {
      answer = await store.claim({ replica, queue, types: registry.runnable, limit, after, ended });
    } finally {
      const claims = answer?.claims ?? [];
      const full = claims.length === limit;
      const answeredAt = clock.monotonic();
      this.#pace.answered(answeredAt - sentAt);
      const more = this.#front.claimed({ after, last: answer?.last, full, sentAt, answeredAt });
      this.#more = more || answer === undefined;
      this.#take(claims, limit, replica);
      answered();
    }
    const count = answer.claims.length;
    observer.emit('tasks.claimed', { replica, queue, count, took: clock.monotonic() - sentAt });
    this.#unsorted = answer.more;
    return answer.more || (limit > 0 && this.#more);
  }

  /** Others may start while its end is stored. */
  handled(execution: Execution): void {
    this.#waiting.delete(execution);
    this.#slots.end(execution.begun);
    if (execution.begun) this.#pace.ended();
    this.#beginSoon();
    if (this.#more) this.#options.wake();
  }

  /** Nothing of it is left. */
  ended({ fence }: Execution): void {
    const { store, queue, wake } = this.#options;
    this.#ended.push(fence.id);
    // Only now a limit has room for others.
    if (this.#slots.stored() || store.control.usesLanes(queue)) wake();
  }

  /** Once nothing is claimed and nothing waits any more. */
  stop(): void {
    this.#nextLook?.cancel();
  }

  /** How many may be claimed ahead of their slots. Whoever decides in rounds has limits and shares to go by, in which they'd count. */
  #ahead(now: number): number {
    const { store, queue } = this.#options;
    return store.control.playsRounds(queue) ? 0 : this.#pace.ahead(now);
  }

  #take(claims: readonly Claim[], reserved: number, replica: string): void {
    const { execution, check } = this.#options;
    this.#slots.claimed(claims.length, reserved);
    const taken = claims.map((claim) => execution(claim, replica));
    for (const one of taken) this.#waiting.add(one);
    taken.forEach(check);
    this.#beginSoon();
  }

  /** Everything else that is due has its turn before the handlers. */
  #beginSoon(): void {
    if (this.#beginning || this.#waiting.size === 0) return;
    this.#beginning = true;
    void this.#options.clock.turn().then(() => this.#begin());
  }

  #begin(): void {
    this.#beginning = false;
    for (const execution of this.#waiting) {
      if (!this.#slots.begin()) return this.#lookLater();
      this.#waiting.delete(execution);
      execution.begin();
    }
  }

  /** Gives back those that wait too long. */
  #lookLater(): void {
    if (this.#nextLook !== undefined) return;
    this.#nextLook = this.#options.clock.after(PATIENCE, () => {
      this.#nextLook = undefined;
      for (const execution of this.#overdue) if (this.#waiting.has(execution)) execution.release();
      this.#overdue = [...this.#waiting];
      if (this.#overdue.length > 0) this.#lookLater();
    });
  }
}
