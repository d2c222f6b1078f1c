/**
 * Those who may see the same of what happens. It is followed and put into words once for all of them, into a log in memory,
 * however many they are.
 */
import type { Clock } from '../core/clock.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { EventsOptions, HistoryEntry, Noted } from '../core/history.ts';
import type { Task } from '../core/task.ts';
import type { CheckedVisitor } from './access.ts';
import type { EventName } from './api.ts';
import { MessageLog } from './message-log.ts';
import { historyView, taskView } from './views.ts';

/** Where they have it from. */
export interface Sources {
  /** Tells of tasks that have changed, and of `ids` in any case, until the function that it returns is called. */
  readonly changes: (listener: (change: Change) => void, ids: readonly number[]) => () => void;
  /** Resolves once whatever changes from then on is told. */
  readonly ready: () => Promise<void>;
  /** Lets those who listen be told of this task too. */
  readonly include: (id: number) => void;
  /** Where the history is by now. Throws HISTORY_OFF. */
  readonly now: () => Promise<string>;
  /** What is noted of tasks, from a cursor on. */
  readonly history: (options: EventsOptions) => AsyncIterable<Noted>;
  /** What was noted between two cursors. Throws INVALID_ARGUMENT and CURSOR_EXPIRED. */
  readonly missed: (options: EventsOptions, until: string) => AsyncIterable<Noted>;
}

interface Change {
  readonly tasks: readonly Task[];
  readonly gone: readonly number[];
}

/** Whose tasks were told of, so that nobody else hears that one is gone. */
export class Users {
  readonly #users = new Map<number, string>();

  remember({ id, user }: Pick<Task, 'id' | 'user'>): void {
    this.#users.delete(id);
    this.#users.set(id, user);
    const [oldest] = this.#users.keys();
    if (this.#users.size > MOST_REMEMBERED && oldest !== undefined) this.#users.delete(oldest);
  }

  of(id: number): string | undefined {
    return this.#users.get(id);
  }
}

const MOST_REMEMBERED = 10_000;

/** One of them. */
export interface Member {
  /** The number of the message that it takes next. */
  readonly position: number;
  /** Takes what there is, in so far as it has room. */
  pump(): void;
  end(): void;
}

export interface AudienceOptions {
  readonly clock: Clock;
  readonly sources: Sources;
  readonly users: Users;
  readonly visitor: CheckedVisitor;
  /** The only task that they want to hear of. */
  readonly task: number | undefined;
  /** So many bytes are kept for whoever is slow. */
  readonly kept: number;
  /** Called when there is something new. */
  readonly onNews: () => void;
}

export class Audience {
  readonly log: MessageLog = new MessageLog();
  /** Resolves once nothing that happens from then on is missed; rejects when the database doesn't say where that is. */
  readonly opened: Promise<void>;
  readonly #options: AudienceOptions;
  readonly #members = new Set<Member>();
  readonly #ended = new AbortController();
  /** Behind all of the history that is in the log; undefined where there is no history. */
  #cursor: string | undefined;
  #isAwake = false;

  constructor(options: AudienceOptions) {
    this.#options = options;
    const { sources, task } = options;
    const unlisten = sources.changes((change) => this.#hear(change), task === undefined ? [] : [task]);
    this.#ended.signal.addEventListener('abort', unlisten);
    this.opened = this.#open();
    this.opened.then(
      () => this.#follow(),
      () => undefined,
    );
  }

  get cursor(): string | undefined {
    return this.#cursor;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  join(member: Member): void {
    this.#members.add(member);
  }

  /** The last to leave ends it. */
  leave(member: Member): void {
    this.#members.delete(member);
    if (this.isEmpty) this.#ended.abort();
  }

  /** Tells all of them. */
  say(words: Uint8Array, entry?: number): void {
    this.log.append({ words, entry });
    if (this.#isAwake) return;
    this.#isAwake = true;
    // Whatever else comes in the same turn goes out in one piece.
    void this.#options.clock.turn().then(() => this.#pump());
  }

  /** What was noted between `since` and `until`, in words. */
  async *missed(since: string, until: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    for await (const { entry } of this.#options.sources.missed(this.#wanted(since, signal), until)) {
      this.#notice(entry);
      yield wordsOf(entry);
    }
  }

  async #open(): Promise<void> {
    const { sources } = this.#options;
    await sources.ready();
    try {
      this.#cursor = await sources.now();
    } catch (error) {
      if (!isTaskbatonError(error, 'HISTORY_OFF')) throw error;
    }
  }

  /** Never rejects: who can't be told any more what happens is let go, and comes back. */
  async #follow(): Promise<void> {
    if (this.#cursor === undefined) return;
    const { sources, onNews } = this.#options;
    try {
      for await (const { id, entry } of sources.history(this.#wanted(this.#cursor, this.#ended.signal))) {
        this.#notice(entry);
        this.#cursor = entry.cursor;
        this.say(wordsOf(entry), id);
        onNews();
      }
    } catch {
      for (const member of this.#members) member.end();
    }
  }

  #wanted(since: string, signal: AbortSignal): EventsOptions {
    const { task, visitor } = this.#options;
    return { since, task, user: visitor.owner, redacted: true, signal };
  }

  #notice({ task: id, user }: HistoryEntry): void {
    if (id === undefined) return;
    this.#options.users.remember({ id, user });
    this.#options.sources.include(id);
  }

  #hear({ tasks, gone }: Change): void {
    const { users, visitor, task: only, onNews } = this.#options;
    const isTheirs = (id: number, user: string | undefined): boolean =>
      (only === undefined || only === id) && (visitor.owner === undefined || visitor.owner === user);
    for (const task of tasks) {
      users.remember(task);
      if (isTheirs(task.id, task.user)) this.say(message('task', taskView(task, visitor)));
    }
    for (const id of gone) if (isTheirs(id, users.of(id))) this.say(message('gone', { id }));
    onNews();
  }

  #pump(): void {
    this.#isAwake = false;
    for (const member of this.#members) member.pump();
    const positions = Array.from(this.#members, ({ position }) => position);
    this.log.trim(Math.min(this.log.end, ...positions), this.#options.kept);
    for (const member of this.#members) if (member.position < this.log.first) member.end();
  }
}

function wordsOf(entry: HistoryEntry): Uint8Array {
  return message('change', historyView(entry), entry.cursor);
}

const ENCODER = new TextEncoder();

/** A message of a stream of events; JSON has no line breaks of its own. */
export function message(name: EventName, data: object, id?: string): Uint8Array {
  return ENCODER.encode(
    `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`,
  );
}
