/**
 * Tells of tasks that change, wherever they run: one look at the database, at each poll, for all who listen in this process.
 * It sees tasks that are at work, tasks that were when it looked before, and those that somebody names.
 */
import type { Clock } from '../core/clock.ts';
import type { Task } from '../core/task.ts';
import type { Store } from '../store/store.ts';
import { readMarksAtWork, readWatched } from '../store/watch.ts';
import { Loop } from './loop.ts';
import type { Observer } from './observer.ts';

export interface FeedOptions {
  readonly store: () => Promise<Store>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Called when the history goes further than at the last look. */
  readonly onEntries: () => void;
}

/** What has changed since the last look. */
export interface FeedChange {
  /** As they are now, redacted. */
  readonly tasks: readonly Task[];
  /** They are there no more. */
  readonly gone: readonly number[];
}

export type FeedListener = (change: FeedChange) => void;

interface Subscription {
  readonly listener: FeedListener;
  readonly ids: readonly number[];
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #subscriptions = new Set<Subscription>();
  /** The tasks that were seen at the last look, with what tells whether they have changed. */
  #marks: ReadonlyMap<number, string> | undefined;
  #included = new Set<number>();
  #newest: number | undefined;
  #loop: Loop | undefined;
  /** Resolved by the first look. */
  #looked: PromiseWithResolvers<void> | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** The number of the newest entry of the history at the last look; undefined while nobody looks. */
  get newest(): number | undefined {
    return this.#newest;
  }

  /** Resolves once all that changes from then on is told to those who listen. */
  async ready(): Promise<void> {
    await this.#looked?.promise;
  }

  /** Has a look at this one too, next time. */
  include(id: number): void {
    if (this.#loop !== undefined) this.#included.add(id);
  }

  /** Calls `listener` with what changes from now on, until the returned function is called. */
  listen(listener: FeedListener, ids: readonly number[]): () => void {
    const subscription = { listener, ids };
    this.#subscriptions.add(subscription);
    const { clock, observer, interval } = this.#options;
    this.#looked ??= Promise.withResolvers();
    this.#loop ??= new Loop({ name: 'feed', interval, work: () => this.#look(), clock, observer });
    this.#loop.start();
    return () => {
      this.#subscriptions.delete(subscription);
      if (this.#subscriptions.size > 0) return;
      void this.stop();
    };
  }

  async stop(): Promise<void> {
    const loop = this.#loop;
    this.#looked?.resolve();
    this.#loop = this.#marks = this.#looked = this.#newest = undefined;
    this.#subscriptions.clear();
    this.#included.clear();
    await loop?.stop();
  }

  async #look(): Promise<void> {
    const loop = this.#loop;
    const { scopes } = await this.#options.store();
    const before = this.#marks;
    const included = this.#included;
    this.#included = new Set();
    const named = [...this.#subscriptions].flatMap(({ ids }) => ids);
    const known = [...(before?.keys() ?? []), ...included];
    const { marks, atWork, newest } = await readMarksAtWork(scopes, [...new Set([...named, ...known])]);
    // Everybody has left meanwhile.
    if (loop !== this.#loop) return;
    // Whoever has stopped working is told of once more, and then looked at no longer.
    const kept = new Set([...atWork, ...named]);
    this.#marks = new Map([...marks].filter(([id]) => kept.has(id)));
    const further = newest !== this.#newest;
    this.#newest = newest;
    if (further) this.#options.onEntries();
    this.#looked?.resolve();
    if (before === undefined) return;
    const changed = [...marks.keys()].filter((id) => before.get(id) !== marks.get(id));
    const gone = [...new Set(known)].filter((id) => !marks.has(id));
    if (changed.length + gone.length === 0) return;
    const found = await readWatched(scopes, changed, true);
    const tasks = [...found.values()].flatMap(({ task }) =>
      task.status === 'fulfilled' ? [task.value] : [],
    );
    for (const { listener } of this.#subscriptions) listener({ tasks, gone });
  }
}
