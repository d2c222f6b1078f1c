/**
 * One stream of events: tells its reader what it has missed, and from then on what its audience hears, as fast as it is
 * taken.
 */
import { isRead, parseCursor, type Position } from '../core/cursor.ts';
import { isTaskbatonError } from '../core/errors.ts';
import { type Audience, message, type Member } from './audience.ts';

/** So many bytes wait for a reader here; what else there is stays with the audience. */
const ROOM = 65_536;
/** In ms: when a browser whose stream has ended comes back. */
const RETRY = 2000;

export class EventStream implements Member {
  readonly body: ReadableStream<Uint8Array>;
  readonly #audience: Audience;
  readonly #onEnd: () => void;
  readonly #ended = new AbortController();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #position: number;
  /** What it had read before it came; undefined if it came for the first time. */
  #known: Position | undefined;
  /** Whether it has caught up with the others. */
  #isLive = false;
  /** Called when its reader has taken something. */
  #taken: () => void = () => undefined;

  /** Begins behind the cursor `since`, or with what happens from now on. */
  constructor(audience: Audience, since: string | undefined, onEnd: () => void) {
    this.#audience = audience;
    this.#position = audience.log.end;
    this.#onEnd = onEnd;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#taken();
          this.pump();
        },
        cancel: () => this.end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: ROOM }),
    );
    audience.join(this);
    this.#send(Buffer.from(`retry: ${RETRY}\n\n`));
    void this.#begin(since);
  }

  get position(): number {
    return this.#position;
  }

  pump(): void {
    const { log } = this.#audience;
    const known = this.#known;
    const isKnown = known === undefined ? undefined : (entry: number): boolean => isRead(known, entry);
    while (this.#isLive && this.#room > 0 && this.#position < log.end && this.#position >= log.first) {
      const { words, to } = log.read(this.#position, this.#room, isKnown);
      this.#position = to;
      if (words.byteLength > 0) this.#send(words);
    }
  }

  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#taken();
    this.#audience.leave(this);
    try {
      this.#controller?.close();
    } catch {
      // Its reader has ended it already.
    }
    this.#onEnd();
  }

  get #room(): number {
    return this.#ended.signal.aborted ? 0 : (this.#controller?.desiredSize ?? 0);
  }

  /**
   * The first tick says that from here on nothing is missed: whoever reads a task after it and then listens is never behind.
   * Never rejects.
   */
  async #begin(since: string | undefined): Promise<void> {
    try {
      await this.#audience.opened;
      const { cursor } = this.#audience;
      this.#position = this.#audience.log.end;
      const goesOn = since !== undefined && cursor !== undefined;
      this.#send(message('tick', {}, goesOn ? undefined : cursor));
      if (goesOn) await this.#catchUp(since, cursor);
      this.#isLive = true;
      this.pump();
    } catch {
      // Where the database doesn't answer, its browser comes back.
      this.end();
    }
  }

  async #catchUp(since: string, until: string): Promise<void> {
    try {
      for await (const words of this.#audience.missed(since, until, this.#ended.signal)) {
        await this.#hasRoom();
        this.#send(words);
      }
      if (since !== 'start') this.#known = parseCursor('since', since);
    } catch (error) {
      if (!isTaskbatonError(error, 'INVALID_ARGUMENT', 'CURSOR_EXPIRED')) throw error;
      // What it asks to go on from is not there, or no such thing.
      this.#send(message('missed', {}));
      this.#send(message('tick', {}, until));
    }
  }

  async #hasRoom(): Promise<void> {
    while (!this.#ended.signal.aborted && this.#room <= 0)
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
      });
  }

  #send(words: Uint8Array): void {
    if (!this.#ended.signal.aborted) this.#controller?.enqueue(words);
  }
}
