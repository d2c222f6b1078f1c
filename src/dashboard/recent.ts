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

/** In ms: nothing is kept for longer. */
const LONGEST = 5000;

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
    if (age === 0) return read();
    const [now, news] = [this.#clock.monotonic(), this.#news()];
    for (const [other, { begun, news: before }] of this.#readings)
      if (before !== news || now - begun >= LONGEST) this.#readings.delete(other);
    const found = this.#readings.get(key);
    if (found !== undefined && now - found.begun < age) return found.value;
    const reading = { value: read(), begun: now, news };
    this.#readings.set(key, reading);
    // Whoever asks next finds out for themselves.
    reading.value.catch(() => void (this.#readings.get(key) === reading && this.#readings.delete(key)));
    return reading.value;
  }
}

/** How old an answer may be, in ms, for whoever sends these headers: `cache-control: max-age=1`; 0 if they don't say. */
export function ageIn(headers: Headers): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])/.exec(headers.get('cache-control') ?? '')?.[1];
  return Math.min(Number(seconds ?? 0) * 1000, LONGEST);
}
