/**
 * Reads the history of all tasks from a position on, each entry once, whatever order they are committed in: it looks again
 * for numbers that it has passed over, until nothing can come under them any more.
 */
import { type Clock, sleep } from '../core/clock.ts';
import type { Row } from '../core/connection.ts';
import { lookingFor, type Position, type Range, readTo } from '../core/cursor.ts';
import { closeGap, readHorizon } from '../store/gaps.ts';
import { newestEntry, oldestEntry, readEntries } from '../store/history.ts';
import type { Store } from '../store/store.ts';

/** So many numbers before the newest are looked at for what may still be under way. */
const LOOKED_BACK = 1000;
/** So many gaps are remembered; who reads on must wait until some are closed. */
const MOST_GAPS = 200;
/** Nobody takes so many milliseconds from being given a number to putting a row there. */
const VOID_AFTER = 5000;
/** In ms: whoever is held looks again after that. */
const HELD = 250;

/** All that was passed over up to `last` had been passed over by then: a number of a transaction, or a time. */
interface Mark {
  readonly last: number;
  readonly by: number;
}

export interface Reading {
  readonly rows: readonly Row[];
  /** Whether there may be more at once. */
  readonly more: boolean;
  /** Whether there is more, behind so much that was passed over that it has to wait. */
  readonly isHeld: boolean;
}

export class EntryReader {
  readonly #store: Store;
  readonly #clock: Clock;
  #position: Position;
  #marks: readonly Mark[] = [];

  constructor(store: Store, clock: Clock, position: Position) {
    this.#store = store;
    this.#clock = clock;
    this.#position = position;
  }

  get position(): Position {
    return this.#position;
  }

  /** Looks for these as well. */
  lookFor(gaps: readonly Range[]): void {
    this.#position = lookingFor(this.#position, gaps);
  }

  /** The next entries as they are stored, late ones first. */
  async next(limit: number): Promise<Reading> {
    const over = await this.#over();
    const { gaps } = this.#position;
    const { late, next } = await readEntries(this.#store.scopes, this.#position, limit);
    const taken = next.findIndex((row) => !this.#take(row));
    const rows = [...late, ...(taken < 0 ? next : next.slice(0, taken))];
    for (const row of late) this.#position = readTo(this.#position, Number(row['id']));
    // Of what was not read it isn't known whether it is there.
    if (late.length < limit) this.#drop(gaps, over);
    const isHeld = taken >= 0;
    return { rows, more: late.length === limit || (!isHeld && next.length === limit), isHeld };
  }

  /** All that there is, up to what is there at the end; it goes on waiting for whatever holds it. */
  async *all(limit: number): AsyncGenerator<readonly Row[], void, void> {
    for (;;) {
      const { rows, more, isHeld } = await this.next(limit);
      yield rows;
      if (isHeld) await sleep(this.#clock, HELD);
      else if (!more) return;
    }
  }

  /** Reads on, unless too much would have been passed over. */
  #take(row: Row): boolean {
    const next = readTo(this.#position, Number(row['id']));
    const { gaps } = this.#position;
    if (this.#store.dialect.gaps === 'never') this.#position = { last: next.last, gaps };
    else if (next.gaps.length > MOST_GAPS && next.gaps.length > gaps.length) return false;
    else this.#position = next;
    return true;
  }

  /** Up to which number nothing will come any more that isn't there when it's read from now on. */
  async #over(): Promise<number> {
    const { scopes, dialect } = this.#store;
    const { last, gaps } = this.#position;
    if (dialect.gaps === 'never') return last;
    if (gaps.length === 0) this.#marks = [];
    if (gaps.length === 0) return 0;
    const horizon = await readHorizon(scopes);
    const now = this.#clock.monotonic();
    // The mark comes after the look that passed them over.
    if (this.#marks.at(-1)?.last !== last) this.#marks = [...this.#marks, { last, by: horizon?.next ?? now }];
    const passed = this.#marks.filter(({ by }) => by <= (horizon?.oldest ?? now - VOID_AFTER));
    const over = passed.at(-1)?.last ?? 0;
    if (horizon !== undefined) return over;
    // What is put there will be found, like any other entry.
    for (const gap of gaps) if (gap[1] <= over) await closeGap(scopes, gap);
    return 0;
  }

  /** Gives up those that were looked for after it was known that nothing comes up to `over`. */
  #drop(looked: readonly Range[], over: number): void {
    const { last, gaps } = this.#position;
    const vain = looked.filter(([, to]) => to <= over);
    const left = gaps.filter(([from, to]) => !vain.some(([first, end]) => first <= from && to <= end));
    this.#marks = this.#marks.filter((mark) => mark.last > over);
    this.#position = { last, gaps: left };
  }
}

/** Behind all that there is, but for what is still under way among the last. */
export async function positionOfNow({ scopes }: Store): Promise<Position> {
  const newest = await newestEntry(scopes);
  const before = Math.max(0, newest - LOOKED_BACK);
  const { next } = await readEntries(scopes, { last: before, gaps: [] }, LOOKED_BACK);
  return next
    .map((row) => Number(row['id']))
    .filter((id) => id <= newest)
    .reduce(readTo, { last: before, gaps: [] });
}

/** Before all that is kept, and what is still under way before it. */
export async function positionOfStart({ scopes }: Store): Promise<Position> {
  const last = Math.max(0, (await oldestEntry(scopes)) - 1);
  return { last, gaps: last === 0 || last > LOOKED_BACK ? [] : [[1, last]] };
}
