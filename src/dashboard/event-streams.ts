/**
 * Server-sent events: what changes, as it changes, to all who look. However many streams are open, the database is asked
 * once; a stream whose reader doesn't keep up is ended, and its browser comes back for what it missed.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { CheckedVisitor } from './access.ts';
import { Audience, message, type Sources, Users } from './audience.ts';
import { EventStream } from './event-stream.ts';
import { Refusal } from './failure.ts';
import { DATA_HEADERS } from './guard.ts';

export interface EventStreamsOptions {
  readonly clock: Clock;
  readonly sources: Sources;
  /** So many streams at once. */
  readonly most: number;
  /** The reader of a stream may be so many bytes behind. */
  readonly buffered: number;
}

/** In ms: proxies end what is silent for longer, and readers that have gone are noticed. */
const TICK = 15_000;

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Set<EventStream>();
  readonly #audiences = new Map<string, Audience>();
  #users = new Users();
  #timer: Timer | undefined;
  #news = 0;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#streams.size;
  }

  /** Another number whenever somebody who listens is told of something. */
  get news(): number {
    return this.#news;
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
    const stream = new EventStream(this.#audience(visitor, task), since, () => this.#forget(stream));
    this.#streams.add(stream);
    this.#timer ??= this.#options.clock.after(TICK, () => this.#beat());
    const headers = { ...DATA_HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    return new Response(stream.body, { headers });
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    for (const stream of this.#streams) stream.end();
  }

  /** What somebody is shown depends on whose tasks they see, and on what they may do about them. */
  #audience(visitor: CheckedVisitor, task: number | undefined): Audience {
    const key = JSON.stringify([visitor.owner ?? null, task ?? null, ...[...visitor.can].toSorted()]);
    const { clock, sources, buffered: kept } = this.#options;
    const onNews = (): void => void this.#news++;
    const found =
      this.#audiences.get(key) ??
      new Audience({ clock, sources, users: this.#users, visitor, task, kept, onNews });
    this.#audiences.set(key, found);
    return found;
  }

  #forget(stream: EventStream): void {
    this.#streams.delete(stream);
    for (const [key, { isEmpty }] of this.#audiences) if (isEmpty) this.#audiences.delete(key);
    if (this.#streams.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#users = new Users();
  }

  #beat(): void {
    for (const audience of this.#audiences.values()) audience.say(message('tick', {}));
    this.#timer = this.#options.clock.after(TICK, () => this.#beat());
  }
}
