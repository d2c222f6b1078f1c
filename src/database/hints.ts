/**
 * Sends hints no faster than anybody can use them: the first at once, then at most one per gap, the last never lost.
 */
import { type Clock, sleep } from '../core/clock.ts';

const GAP_MS = 10;
const CLOSE_MS = 1000;

interface Lane {
  /** Over when the next hint may go out. */
  gap: Promise<void>;
  /** The hint that goes out then, for all who asked meanwhile. */
  waiting: Promise<void> | undefined;
}

export class Hints {
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  readonly #closing = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when a hint that was sent after this call is out, or lost; never rejects. */
  notify(key: string, send: () => Promise<unknown>): Promise<void> {
    const lane = this.#lanes.get(key);
    if (this.#closing.signal.aborted) return Promise.resolve();
    if (lane === undefined) return this.#send(key, send);
    lane.waiting ??= lane.gap.then(() => this.#send(key, send));
    return lane.waiting;
  }

  /** Whether a hint may go out now, by the hand of whoever asks. */
  take(key: string): boolean {
    const free = !this.#lanes.has(key) && !this.#closing.signal.aborted;
    if (free) void this.#send(key, async () => undefined);
    return free;
  }

  /** Sends at once what is waiting, and waits for it, though not for long. */
  async close(): Promise<void> {
    this.#closing.abort();
    const late = new AbortController();
    await Promise.race([this.#flushed(), sleep(this.#clock, CLOSE_MS, late.signal)]);
    late.abort();
  }

  async #flushed(): Promise<void> {
    while (this.#lanes.size > 0) {
      await Promise.all(Array.from(this.#lanes.values(), ({ gap, waiting }) => waiting ?? gap));
    }
  }

  #send(key: string, send: () => Promise<unknown>): Promise<void> {
    const sent = send().then(ignore, ignore);
    const pause = sleep(this.#clock, GAP_MS, this.#closing.signal);
    const lane: Lane = { gap: Promise.all([sent, pause]).then(ignore), waiting: undefined };
    this.#lanes.set(key, lane);
    void lane.gap.then(() => {
      if (lane.waiting === undefined) this.#lanes.delete(key);
    });
    return sent;
  }
}

function ignore(): void {
  // A hint may be lost.
}
