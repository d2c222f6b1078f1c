/**
 * What is dear to read and may be some seconds old: read once for all who ask meanwhile, and kept for the longer the more it
 * costs, so that however many look, it takes no more than a small part of the database's time.
 */
import type { Clock } from '../core/clock.ts';

interface Entry<Value> {
  readonly value: Promise<Value>;
  /** By the monotonic clock; undefined while it is being read. */
  until: number | undefined;
}

/** In ms: nothing is read more often. */
const LEAST = 1000;
/** It is kept for so many times what it cost. */
const FACTOR = 20;
const MOST = 60_000;

export class Cache<Key, Value> {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #entries = new Map<Key, Entry<Value>>();

  /** Keeps at most so many values. */
  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  get(key: Key, read: () => Promise<Value>): Promise<Value> {
    const found = this.#entries.get(key);
    const now = this.#clock.monotonic();
    if (found !== undefined && (found.until === undefined || now < found.until)) return found.value;
    const entry: Entry<Value> = { value: read(), until: undefined };
    this.#keep(key, entry);
    entry.value.then(
      () => {
        const end = this.#clock.monotonic();
        entry.until = end + Math.min(MOST, Math.max(LEAST, (end - now) * FACTOR));
      },
      // Whoever asks next finds out for themselves.
      () => void (this.#entries.get(key) === entry && this.#entries.delete(key)),
    );
    return entry.value;
  }

  #keep(key: Key, entry: Entry<Value>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#most && oldest !== undefined) this.#entries.delete(oldest);
  }
}
