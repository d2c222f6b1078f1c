/**
 * What several ask for at the same time: read once for all who say that it may be a moment old, as long as nobody who listens
 * has been told of anything since it was begun to be read.
 */
import type { Clock } from '../core/clock.ts';

interface Reading<Value> {
  readonly value: Promise<Value>;
  /** When it was begun, by the monotonic clock, and what was the news then. */
  readonly begun: number;
  readonly news: number;
}

const MOST = 100;
const LONGEST = 60_000;

export class Recent<Value> {
  readonly #clock: Clock;
  readonly #news: () => number;
  readonly #readings = new Map<string, Reading<Value>>();

  /** `news` gives another number when something has been told. */
  constructor(clock: Clock, news: () => number) {
    this.#clock = clock;
    this.#news = news;
  }

  /** At most so many milliseconds old; 0 reads it anew. */
  get(key: string, age: number, read: () => Promise<Value>): Promise<Value> {
    const [found, now, news] = [this.#readings.get(key), this.#clock.monotonic(), this.#news()];
    if (found?.news === news && now - found.begun < age) return found.value;
    const value = read();
    this.#keep(key, { value, begun: now, news });
    // Whoever asks next finds out for themselves.
    value.catch(() => this.#readings.delete(key));
    return value;
  }

  #keep(key: string, reading: Reading<Value>): void {
    this.#readings.delete(key);
    this.#readings.set(key, reading);
    const [oldest] = this.#readings.keys();
    if (this.#readings.size > MOST && oldest !== undefined) this.#readings.delete(oldest);
  }
}

/** How old an answer may be, in ms, for whoever sends these headers: `cache-control: max-age=1`; 0 if they don't say. */
export function ageIn(headers: Headers): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])/.exec(headers.get('cache-control') ?? '')?.[1];
  return Math.min(Number(seconds ?? 0) * 1000, LONGEST);
}
