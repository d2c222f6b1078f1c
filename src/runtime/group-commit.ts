/**
 * Group commit: what is asked for while one write is under way goes as the next one, so that many callers share a commit.
 * Each learns what became of its own. An idle system writes at once, so that whoever comes alone waits for nobody; and a
 * group that can't grow any more doesn't wait for the one before it.
 */
import type { Clock } from '../core/clock.ts';

export interface GroupCommitOptions<Item, Result> {
  readonly clock: Clock;
  /** Writes a group; says what became of each of its items, in their order, undefined for those that it left out. */
  readonly write: (items: readonly Item[]) => Promise<readonly (PromiseSettledResult<Result> | undefined)[]>;
  /** Writes one that was left out; the others don't wait for it. */
  readonly writeAlone: (item: Item) => Promise<Result>;
  /** Bytes that an item takes, roughly. */
  readonly sizeOf: (item: Item) => number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

/** So many go as one at most; with more, others would wait for long. */
const MOST_ITEMS = 1000;
/** So many groups are written at the same time, if they are full. */
const MOST_WRITES = 2;
/** For so many milliseconds the next group waits for the one before it. */
const PATIENCE = 250;
/** Unless one alone has more, a group has at most so much to carry. */
const MOST_BYTES = 2 ** 20;

export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #writers = 0;

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
  }

  /** Resolves once `item` is committed. Rejects with what was refused of it, or of the whole group. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#isDue) void this.#writeAll();
    });
  }

  /** Whether there is something for one writer more. */
  get #isDue(): boolean {
    if (this.#writers === 0) return this.#waiting.length > 0;
    return this.#writers < MOST_WRITES && this.#waiting.length >= MOST_ITEMS;
  }

  async #writeAll(): Promise<void> {
    do {
      this.#writers += 1;
      // Whoever was just answered has the time to ask for the next thing.
      await this.#options.clock.turn();
      const group = this.#waiting.splice(0, this.#fitting());
      if (group.length > 0) await this.#within(PATIENCE, this.#write(group));
      this.#writers -= 1;
    } while (this.#isDue);
  }

  /** A write that somebody's lock or a slow server holds up doesn't hold up the next ones. */
  #within(ms: number, written: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, resolve);
      void written.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** How many of those that wait go together. */
  #fitting(): number {
    let bytes = 0;
    const first = this.#waiting.slice(0, MOST_ITEMS);
    const over = first.findIndex(({ item }) => (bytes += this.#options.sizeOf(item)) > MOST_BYTES);
    return over < 0 ? first.length : Math.max(1, over);
  }

  async #write(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.write(group.map(({ item }) => item));
      group.forEach((waiting, index) => this.#answer(waiting, results[index]));
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
    }
  }

  #answer(waiting: Waiting<Item, Result>, result: PromiseSettledResult<Result> | undefined): void {
    if (result?.status === 'fulfilled') waiting.resolve(result.value);
    else if (result?.status === 'rejected') waiting.reject(result.reason);
    else
      this.#options.writeAlone(waiting.item).then(
        (written) => waiting.resolve(written),
        (error: unknown) => waiting.reject(error),
      );
  }
}
