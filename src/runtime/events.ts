/**
 * Everybody in this process who follows what happens in all replicas: one look at the history for all of them at each poll.
 * Whoever comes with an older cursor, or is too slow, catches up by looking for itself, and misses nothing.
 */
import type { Clock } from '../core/clock.ts';
import type { Row } from '../core/connection.ts';
import { cursorOf, isRead, parseCursor, type Position, readTo, together } from '../core/cursor.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { checkEvents, type EventsOptions, type HistoryEntry, type Noted } from '../core/history.ts';
import { entryFrom, hasEntry, isVoid, oldestEntry } from '../store/history.ts';
import type { Store } from '../store/store.ts';
import { EntryReader, positionOfNow, positionOfStart } from './entry-reader.ts';
import { Loop } from './loop.ts';
import type { Observer } from './observer.ts';

export interface EventsContext {
  readonly store: () => Promise<Store>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** The number of the newest entry, if somebody else looks at it as often; `wake` is called when it is another. */
  readonly newest: () => number | undefined;
  /** Fires when this instance has been stopped. */
  readonly stopped: AbortSignal;
}

/** What one look came to. */
interface Batch {
  readonly rows: readonly Row[];
  /** Where whoever has read all of it stands; undefined if it was for others to say. */
  readonly position?: Position;
}

const ROWS_AT_ONCE = 1000;
/** So many entries wait for whoever is slow; then it has to look for itself. */
const MOST_WAITING = 5000;

export class Events {
  readonly #context: EventsContext;
  readonly #followers = new Set<Follower>();
  /** What was made of a row last, for whoever may not see all of it: most of them stand at the same place, and share it. */
  readonly #redacted = new WeakMap<Row, { readonly cursor: string; readonly entry: Promise<HistoryEntry> }>();
  #shared: Promise<EntryReader> | undefined;
  #loop: Loop | undefined;

  constructor(context: EventsContext) {
    this.#context = context;
    // Whoever was left in the middle of it never says that it follows no longer.
    context.stopped.addEventListener('abort', () => void this.#loop?.stop());
  }

  /** The cursor of whoever has read all that there is by now. Throws HISTORY_OFF. */
  async now(): Promise<string> {
    const store = await this.#context.store();
    if (store.history.level === 'off') throw new TaskbatonError('HISTORY_OFF');
    return cursorOf(await positionOfNow(store));
  }

  /** Looks at once, if anybody follows. */
  wake(): void {
    this.#loop?.wake();
  }

  /** See `Taskbaton.events`. */
  async *follow(options: EventsOptions): AsyncGenerator<Noted, void, void> {
    const { since, signal, task, user, redacted } = checkEvents(options);
    const { stopped } = this.#context;
    const goOn = (): void => {
      signal?.throwIfAborted();
      if (stopped.aborted) throw new TaskbatonError('NOT_RUNNING');
    };
    goOn();
    const store = await this.#context.store();
    if (store.history.level === 'off') throw new TaskbatonError('HISTORY_OFF');
    const from = since === undefined ? undefined : await startOf(store, since);
    const follower = new Follower([stopped, ...(signal === undefined ? [] : [signal])]);
    try {
      const shared = await this.#join(follower, store);
      let position = from ?? shared.position;
      follower.behind = from !== undefined;
      for await (const batch of this.#batches(follower, { store, shared, position: () => position })) {
        for (const row of batch.rows) {
          goOn();
          const id = Number(row['id']);
          if (isRead(position, id)) continue;
          position = readTo(position, id);
          if (!isWanted(row, task, user)) continue;
          yield { id, entry: await this.#entry(store, row, cursorOf(position), redacted) };
        }
        if (batch.position !== undefined) position = together(position, batch.position);
      }
      goOn();
    } finally {
      follower.end();
      this.#leave(follower);
    }
  }

  /**
   * What somebody has missed who has read all up to `since`, of what others have read who are at `until`. Throws
   * INVALID_ARGUMENT, CURSOR_EXPIRED and the signal's reason.
   */
  async *missed(options: EventsOptions, until: string): AsyncGenerator<Noted, void, void> {
    const { since = 'start', signal, task, user, redacted } = checkEvents(options);
    const store = await this.#context.store();
    const end = parseCursor('until', until);
    let position = await startOf(store, since);
    const reader = new EntryReader(store, this.#context.clock, position);
    for await (const rows of reader.all(ROWS_AT_ONCE)) {
      // Nothing may come for a while, and nobody may wait for it any more.
      signal?.throwIfAborted();
      for (const row of rows) {
        signal?.throwIfAborted();
        const id = Number(row['id']);
        if (isRead(position, id) || !isRead(end, id)) continue;
        position = readTo(position, id);
        if (!isWanted(row, task, user)) continue;
        yield { id, entry: await this.#entry(store, row, cursorOf(position), redacted) };
      }
      if (reader.position.last >= end.last) return;
    }
  }

  #entry({ payloads }: Store, row: Row, cursor: string, redacted: boolean): Promise<HistoryEntry> {
    if (!redacted) return entryFrom(row, { payloads, redacted, cursor });
    const known = this.#redacted.get(row);
    if (known?.cursor === cursor) return known.entry;
    const entry = entryFrom(row, { payloads, redacted, cursor });
    this.#redacted.set(row, { cursor, entry });
    return entry;
  }

  /** All that may be new to a follower, until it is called off. */
  async *#batches(
    follower: Follower,
    {
      store,
      shared,
      position,
    }: { readonly store: Store; readonly shared: EntryReader; readonly position: () => Position },
  ): AsyncGenerator<Batch, void, void> {
    while (!follower.isOver) {
      if (follower.behind) {
        // What comes from here on waits for it.
        follower.behind = false;
        const reader = new EntryReader(store, this.#context.clock, position());
        for await (const rows of reader.all(ROWS_AT_ONCE)) {
          yield { rows, position: reader.position };
          if (follower.isOver) return;
        }
        // From here on the others look for what it has passed over; what waits was read before they did.
        const earlier = follower.drain();
        shared.lookFor(position().gaps);
        for (const { rows } of earlier) yield { rows };
      }
      const [batch] = follower.drain(1);
      if (batch === undefined) await follower.waits();
      else yield batch;
    }
  }

  /** The reader of all who follow, who wait for what it reads from now on. */
  async #join(follower: Follower, store: Store): Promise<EntryReader> {
    this.#followers.add(follower);
    const { clock } = this.#context;
    this.#shared ??= positionOfNow(store).then((position) => new EntryReader(store, clock, position));
    const shared = await this.#shared.catch((error: unknown) => {
      this.#shared = undefined;
      throw error;
    });
    if (this.#loop === undefined && this.#followers.size > 0) this.#look(shared);
    return shared;
  }

  #look(shared: EntryReader): void {
    const { clock, observer, interval } = this.#context;
    this.#loop = new Loop({
      name: 'follow',
      interval,
      work: async () => {
        if (this.#isAllRead(shared.position)) return false;
        const { rows, more } = await shared.next(ROWS_AT_ONCE);
        for (const follower of this.#followers) follower.push({ rows, position: shared.position });
        return more;
      },
      clock,
      observer,
      hold: true,
    });
    this.#loop.start();
  }

  /** Whether others have seen that there is nothing more, and nothing can come late. */
  #isAllRead({ last, gaps }: Position): boolean {
    const newest = this.#context.newest();
    return newest !== undefined && newest <= last && gaps.length === 0;
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    void this.#loop?.stop();
    this.#loop = this.#shared = undefined;
  }
}

/** Somebody who follows, and what waits for it. */
class Follower {
  /** Whether it must look for itself what it has missed. */
  behind = false;
  #batches: Batch[] = [];
  #waiting = 0;
  #wake: () => void = () => undefined;
  readonly #signals: readonly AbortSignal[];
  readonly #abort = (): void => this.#wake();

  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener('abort', this.#abort);
  }

  get isOver(): boolean {
    return this.#signals.some(({ aborted }) => aborted);
  }

  push(batch: Batch): void {
    if (this.behind) return;
    this.#batches.push(batch);
    this.#waiting += batch.rows.length;
    this.behind = this.#waiting > MOST_WAITING;
    if (this.behind) this.drain();
    this.#wake();
  }

  /** Takes what waits, or the first of it. */
  drain(most = Infinity): readonly Batch[] {
    const taken = this.#batches.splice(0, Math.min(most, this.#batches.length));
    for (const { rows } of taken) this.#waiting -= rows.length;
    return taken;
  }

  /** Until something waits, or nothing ever will. */
  waits(): Promise<void> {
    if (this.isOver || this.behind || this.#batches.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  end(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#abort);
  }
}

/** Throws INVALID_ARGUMENT, or CURSOR_EXPIRED. */
async function startOf(store: Store, since: string): Promise<Position> {
  if (since === 'start') return positionOfStart(store);
  const position = parseCursor('since', since);
  const { last, gaps } = position;
  const oldest = await oldestEntry(store.scopes);
  // What goes, goes from the beginning, and an entry that is there goes before all behind it.
  const kept = last === 0 || ((await hasEntry(store.scopes, last)) && (gaps[0]?.[0] ?? oldest) >= oldest);
  if (!kept) throw new TaskbatonError('CURSOR_EXPIRED', { cursor: show(since) });
  return position;
}

function isWanted(row: Row, task: number | undefined, user: string | undefined): boolean {
  if (isVoid(row) || (task !== undefined && Number(row['task']) !== task)) return false;
  return user === undefined || (row['task'] !== null && row['task_user'] === user);
}
