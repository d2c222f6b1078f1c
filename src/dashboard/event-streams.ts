/**
 * Server-sent events: what changes, as it changes, to all who look. However many streams are open, the database is asked
 * once; a stream whose reader doesn't keep up is ended, and its browser comes back for what it missed.
 */
import type { Clock, Timer } from '../core/clock.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { EventsOptions, HistoryEntry } from '../core/history.ts';
import type { Task } from '../core/task.ts';
import type { CheckedVisitor } from './access.ts';
import type { EventName } from './api.ts';
import { Refusal } from './failure.ts';
import { DATA_HEADERS } from './guard.ts';
import { historyView, taskView } from './views.ts';

/** Where streams have it from. */
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
  readonly history: (options: EventsOptions) => AsyncIterable<HistoryEntry>;
}

interface Change {
  readonly tasks: readonly Task[];
  readonly gone: readonly number[];
}

export interface EventStreamsOptions {
  readonly clock: Clock;
  readonly sources: Sources;
  /** So many streams at once. */
  readonly most: number;
  /** A stream may have so many bytes that its reader hasn't taken. */
  readonly buffered: number;
}

interface Stream {
  readonly visitor: CheckedVisitor;
  /** The only task that it is about. */
  readonly task: number | undefined;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly ended: AbortController;
  /** Called when its reader has taken something. */
  taken: () => void;
}

/** In ms: proxies end what is silent for longer, and readers that have gone are noticed. */
const TICK = 15_000;
const MOST_REMEMBERED = 10_000;
const ENCODER = new TextEncoder();
/** In ms: when a browser whose stream has ended comes back. */
const RETRY = 2000;

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Set<Stream>();
  /** What was sent of a task or an entry, by what its reader may do: it is put into words once for all alike. */
  readonly #words = new WeakMap<object, Map<string, Uint8Array>>();
  /** Whose tasks were told of, so that nobody else hears that one is gone. */
  readonly #users = new Map<number, string>();
  #timer: Timer | undefined;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#streams.size;
  }

  /** Throws TOO_MANY_STREAMS. */
  stream(
    visitor: CheckedVisitor,
    { task, since }: { readonly task: number | undefined; readonly since: string | undefined },
  ): Response {
    if (this.#streams.size >= this.#options.most)
      throw new Refusal('TOO_MANY_STREAMS', 'too many streams are open; poll instead', {
        'retry-after': '10',
      });
    let stream: Stream | undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream = { visitor, task, controller, ended: new AbortController(), taken: () => undefined };
          this.#begin(stream, since);
        },
        pull: () => stream?.taken(),
        cancel: () => void (stream !== undefined && this.#end(stream)),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: this.#options.buffered }),
    );
    const headers = { ...DATA_HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    return new Response(body, { headers });
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    for (const stream of this.#streams) this.#end(stream);
  }

  #begin(stream: Stream, since: string | undefined): void {
    const { task, ended } = stream;
    this.#streams.add(stream);
    this.#send(stream, `retry: ${RETRY}\n\n`);
    const { changes } = this.#options.sources;
    const unlisten = changes((change) => this.#tell(stream, change), task === undefined ? [] : [task]);
    ended.signal.addEventListener('abort', unlisten);
    void this.#follow(stream, since);
    this.#timer ??= this.#options.clock.after(TICK, () => this.#beat());
  }

  #end(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    stream.ended.abort();
    stream.taken();
    try {
      stream.controller.close();
    } catch {
      // Its reader has ended it already.
    }
    if (this.#streams.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#users.clear();
  }

  /**
   * Sends what is noted, as fast as it is taken. The first tick says that from here on nothing is missed: whoever reads a task
   * after it and then listens is never behind. Never rejects.
   */
  async #follow(stream: Stream, last: string | undefined): Promise<void> {
    const { visitor, task, ended } = stream;
    const { sources } = this.#options;
    try {
      await sources.ready();
      const since = last ?? (await sources.now());
      this.#send(stream, message('tick', {}, last === undefined ? since : undefined));
      const options = { since, task, user: visitor.owner, redacted: true, signal: ended.signal };
      for await (const entry of sources.history(options)) {
        this.#send(
          stream,
          this.#shared(entry, '', () => message('change', historyView(entry), entry.cursor)),
        );
        if (entry.task !== undefined) {
          this.#remember({ id: entry.task, user: entry.user });
          sources.include(entry.task);
        }
        await hasRoom(stream);
      }
    } catch (error) {
      if (ended.signal.aborted) return;
      if (isTaskbatonError(error, 'HISTORY_OFF')) return this.#send(stream, message('tick', {}));
      if (last === undefined) return this.#end(stream);
      // What it asks to go on from is not there, or no such thing.
      this.#send(stream, message('missed', {}));
      await this.#follow(stream, undefined);
    }
  }

  #tell(stream: Stream, { tasks, gone }: Change): void {
    const { visitor, task: only } = stream;
    const isIts = (id: number, user: string | undefined): boolean =>
      (only === undefined || only === id) && (visitor.owner === undefined || visitor.owner === user);
    const rights = [...visitor.can].toSorted().join();
    for (const task of tasks) {
      this.#remember(task);
      if (!isIts(task.id, task.user)) continue;
      this.#send(
        stream,
        this.#shared(task, rights, () => message('task', taskView(task, visitor))),
      );
    }
    for (const id of gone) if (isIts(id, this.#users.get(id))) this.#send(stream, message('gone', { id }));
  }

  #remember({ id, user }: Pick<Task, 'id' | 'user'>): void {
    this.#users.delete(id);
    this.#users.set(id, user);
    const [oldest] = this.#users.keys();
    if (this.#users.size > MOST_REMEMBERED && oldest !== undefined) this.#users.delete(oldest);
  }

  #beat(): void {
    for (const stream of this.#streams) this.#send(stream, message('tick', {}));
    this.#timer = this.#options.clock.after(TICK, () => this.#beat());
  }

  #shared(subject: object, key: string, make: () => string): Uint8Array {
    const known = this.#words.get(subject) ?? new Map<string, Uint8Array>();
    this.#words.set(subject, known);
    const words = known.get(key) ?? ENCODER.encode(make());
    known.set(key, words);
    return words;
  }

  #send(stream: Stream, words: string | Uint8Array): void {
    if (!this.#streams.has(stream)) return;
    stream.controller.enqueue(typeof words === 'string' ? ENCODER.encode(words) : words);
    if ((stream.controller.desiredSize ?? 0) < 0) this.#end(stream);
  }
}

async function hasRoom(stream: Stream): Promise<void> {
  while (!stream.ended.signal.aborted && (stream.controller.desiredSize ?? 0) <= 0)
    await new Promise<void>((resolve) => {
      stream.taken = resolve;
    });
}

/** JSON has no line breaks of its own. */
function message(name: EventName, data: object, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
