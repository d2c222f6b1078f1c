/**
 * Server-sent events: what changes, as it changes, to all who look. However many streams are open, the database is asked
 * once; a stream whose reader doesn't keep up is ended, and its browser comes back for what it missed.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { Task } from '../core/task.ts';
import type { CheckedVisitor } from './access.ts';
import type { EventName } from './api.ts';
import { Refusal } from './failure.ts';
import { DATA_HEADERS } from './guard.ts';
import { taskView } from './views.ts';

/** Something that tells of changes until the function that it returns is called. */
export type Source = (
  listener: (change: { readonly tasks: readonly Task[]; readonly gone: readonly number[] }) => void,
  ids: readonly number[],
) => () => void;

export interface EventStreamsOptions {
  readonly clock: Clock;
  readonly source: Source;
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
  readonly unlisten: () => void;
}

/** In ms: proxies end what is silent for longer, and readers that have gone are noticed. */
const TICK = 15_000;
/** In ms: when a browser whose stream has ended comes back. */
const RETRY = 2000;

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Set<Stream>();
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
  stream(visitor: CheckedVisitor, task: number | undefined): Response {
    if (this.#streams.size >= this.#options.most)
      throw new Refusal('TOO_MANY_STREAMS', 'too many streams are open; poll instead', {
        'retry-after': '10',
      });
    let stream: Stream | undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream = this.#begin(visitor, task, controller);
        },
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

  #begin(
    visitor: CheckedVisitor,
    task: number | undefined,
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Stream {
    const unlisten = this.#options.source(
      (change) => this.#tell(stream, change),
      task === undefined ? [] : [task],
    );
    const stream: Stream = { visitor, task, controller, unlisten };
    this.#streams.add(stream);
    this.#send(stream, `retry: ${RETRY}\n${this.#tick()}`);
    this.#timer ??= this.#options.clock.after(TICK, () => this.#beat());
    return stream;
  }

  #end(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    stream.unlisten();
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

  #tell(stream: Stream, { tasks, gone }: Parameters<Parameters<Source>[0]>[0]): void {
    const { visitor, task: only } = stream;
    const isIts = (id: number, user: string | undefined): boolean =>
      (only === undefined || only === id) && (visitor.owner === undefined || visitor.owner === user);
    for (const task of tasks) {
      this.#users.set(task.id, task.user);
      if (isIts(task.id, task.user)) this.#send(stream, message('task', taskView(task, visitor)));
    }
    for (const id of gone) if (isIts(id, this.#users.get(id))) this.#send(stream, message('gone', { id }));
  }

  #beat(): void {
    for (const stream of this.#streams) this.#send(stream, this.#tick());
    this.#timer = this.#options.clock.after(TICK, () => this.#beat());
  }

  #tick(): string {
    return message('tick', {});
  }

  #send(stream: Stream, text: string): void {
    if (!this.#streams.has(stream)) return;
    stream.controller.enqueue(new TextEncoder().encode(text));
    if ((stream.controller.desiredSize ?? 0) < 0) this.#end(stream);
  }
}

/** JSON has no line breaks of its own. */
function message(name: EventName, data: object, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
