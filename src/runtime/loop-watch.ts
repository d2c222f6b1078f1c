/**
 * Whether the event loop turns. At short intervals it leaves a sign in memory that the heartbeat's thread can read; when it
 * comes late it says for how long the loop stood still, and whose code that may have been. What it knows of that is told
 * with it, for nobody sees all the code that runs on the loop.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { Settings } from '../core/options.ts';
import type { Blocked } from '../core/replica.ts';
import type { Evidence, Observer, Suspect } from './observer.ts';
import { SharedCells } from './shared-cells.ts';

/** `beat`: when the loop turned last. `suspect`: the task whose handler was entered last. `blocked`…: what was noticed last. */
export const WATCHED = ['beat', 'suspect', 'blocked', 'blockedBy', 'noticedAt'] as const;

export interface LoopWatchOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly settings: Pick<Settings, 'lease' | 'maxBlock'>;
}

/** How often the heartbeat's thread sees whether the loop turns: often enough to be close to the bound with its last renewal. */
export function watchedEvery({ lease, maxBlock }: Pick<Settings, 'lease' | 'maxBlock'>): number {
  return Math.max(SHORTEST_STEP, Math.min(lease, maxBlock) / 24);
}

/** From when on a blocked loop is worth a word, in milliseconds. */
export function blockedFrom({ lease }: Pick<Settings, 'lease'>): number {
  return Math.min(1000, lease / 6);
}

const SHORTEST_STEP = 20;
const LONGEST_INTERVAL = 500;

/** For how long it is shown that the loop was blocked. */
export const SHOWN_MS = 60_000;

export class LoopWatch {
  readonly cells: SharedCells<(typeof WATCHED)[number]> = new SharedCells(WATCHED);
  readonly #options: LoopWatchOptions;
  readonly #running = new Set<Suspect>();
  /** Those that ended since the last sign: they may have blocked the loop with the last that they did. */
  #ended: Suspect[] = [];
  #last: Suspect | undefined;
  /** The longest time since the last sign that a handler took before it gave the loop back. */
  #longest: { readonly ms: number; readonly suspect: Suspect } | undefined;
  #timer: Timer | undefined;

  constructor(options: LoopWatchOptions) {
    this.#options = options;
  }

  /** Starting again does nothing. */
  start(): void {
    if (this.#timer === undefined) this.#beat(this.#options.clock.monotonic());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** A handler begins. */
  begin(suspect: Suspect): void {
    this.#running.add(suspect);
  }

  /** It has ended, or isn't waited for any longer. */
  end(suspect: Suspect): void {
    this.#running.delete(suspect);
    if (this.#timer !== undefined) this.#ended.push(suspect);
  }

  /** Runs a piece of a handler, and takes the time until it gives the loop back. */
  enter<Result>(suspect: Suspect, code: () => Result): Result {
    const begun = this.#sign();
    this.#last = suspect;
    this.cells.write('suspect', suspect.id);
    try {
      return code();
    } finally {
      const ms = this.#sign() - begun;
      if (ms > (this.#longest?.ms ?? 0)) this.#longest = { ms, suspect };
    }
  }

  /** What is to be shown of it. */
  get lately(): Blocked {
    return blockedLately(this.cells, this.#options.clock.monotonic());
  }

  #beat(due: number): void {
    const { clock, settings } = this.#options;
    const interval = Math.min(LONGEST_INTERVAL, watchedEvery(settings) / 2);
    const now = this.#sign();
    if (now - due >= blockedFrom(settings)) this.#notice(now - due, now);
    this.#ended = [];
    this.#longest = undefined;
    this.#timer = clock.after(interval, () => this.#beat(now + interval));
  }

  /**
   * Leaves the sign, and says when. It is left wherever the engine gets a word in, for where several handlers hold the loop one
   * after another, its timers have to wait for all of them.
   */
  #sign(): number {
    const now = this.#options.clock.monotonic();
    this.cells.write('beat', now);
    return now;
  }

  #notice(late: number, now: number): void {
    const ms = Math.round(late);
    const suspects = new Set([...this.#running, ...this.#ended]);
    const { suspect, ...evidence } = this.#accuse(suspects);
    if (now - this.cells.read('noticedAt') > SHOWN_MS || ms >= this.cells.read('blocked')) {
      this.cells.write('blocked', ms);
      this.cells.write('blockedBy', suspect?.id ?? 0);
      this.cells.write('noticedAt', now);
    }
    const named = suspect && { id: suspect.id, type: suspect.type, epoch: suspect.epoch };
    this.#options.observer.emit('loop.blocked', { ms, ...named, ...evidence, running: suspects.size });
  }

  #accuse(suspects: ReadonlySet<Suspect>): {
    readonly suspect: Suspect | undefined;
    readonly evidence: Evidence;
    readonly measured?: number;
  } {
    const { ms = 0, suspect } = this.#longest ?? {};
    if (ms >= blockedFrom(this.#options.settings))
      return { suspect, evidence: 'measured', measured: Math.round(ms) };
    if (suspects.size === 0) return { suspect: undefined, evidence: 'none' };
    const [only] = suspects;
    if (suspects.size === 1) return { suspect: only, evidence: 'alone' };
    return { suspect: this.#last, evidence: 'last' };
  }
}

/** By the cells: the longest that was noticed in the last minute, or the one that is under way, if that is longer already. */
export function blockedLately(
  cells: SharedCells<(typeof WATCHED)[number]>,
  now: number,
  threshold: number = Infinity,
): Blocked {
  const present = now - cells.read('beat');
  const recent = now - cells.read('noticedAt') <= SHOWN_MS ? cells.read('blocked') : 0;
  if (present >= threshold && present > recent) return { ms: present, task: cells.read('suspect') };
  return { ms: recent, task: recent === 0 ? 0 : cells.read('blockedBy') };
}
