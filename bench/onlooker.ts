/** Somebody with a dashboard open: listens to the stream of events, and asks anew for what is shown when that is old, at the pace of the page. */
import { setTimeout as sleep } from 'node:timers/promises';

/** What is shown, and how often it is asked for at most, in ms; as the page does it. */
const VIEWS = [
  { path: 'api/overview', pace: 2000 },
  { path: 'api/tasks?limit=50', pace: 1500 },
] as const;

/** Ms. */
const RETRY = 500;

export class Onlooker {
  readonly #url: string;
  readonly #view: (typeof VIEWS)[number];
  readonly #gone = new AbortController();
  #old = true;
  /** Of the last message that has one, as a browser keeps it. */
  #lastId: string | undefined;

  private constructor(url: string, view: (typeof VIEWS)[number]) {
    this.#url = url;
    this.#view = view;
  }

  /** Resolves once each of so many hears what happens; half look at the overview, half at the tasks. */
  static async open(url: string, count: number): Promise<readonly Onlooker[]> {
    const all = Array.from(
      { length: count },
      (_, index) => new Onlooker(url, VIEWS[index % VIEWS.length] ?? VIEWS[0]),
    );
    await Promise.all(all.map((one) => one.#look()));
    return all;
  }

  close(): void {
    this.#gone.abort();
  }

  async #look(): Promise<void> {
    const listening = await this.#listen();
    let ended = listening.ended;
    void this.#keep(async () => {
      await ended.catch(() => undefined);
      ended = (await this.#listen()).ended;
    });
    void this.#keep(() => this.#refresh());
  }

  /** Resolves once it hears what happens. */
  async #listen(): Promise<{ readonly ended: Promise<void> }> {
    const headers: Record<string, string> =
      this.#lastId === undefined ? {} : { 'last-event-id': this.#lastId };
    const { body } = await fetch(`${this.#url}api/events`, { headers, signal: this.#gone.signal });
    const reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined = body?.getReader();
    const hear = async (): Promise<boolean> => {
      const read = await reader?.read();
      if (read?.value !== undefined) this.#hear(Buffer.from(read.value));
      return read?.done === false;
    };
    await hear();
    const ended = (async () => {
      while (await hear()) this.#old = true;
    })();
    return { ended };
  }

  #hear(words: Buffer): void {
    const at = words.lastIndexOf('id: ');
    const end = words.indexOf('\n', at);
    if (at >= 0 && end >= 0) this.#lastId = words.toString('utf8', at + 'id: '.length, end);
  }

  async #refresh(): Promise<void> {
    if (this.#old) {
      this.#old = false;
      const init = { headers: { 'cache-control': 'max-age=1' }, signal: this.#gone.signal };
      await (await fetch(this.#url + this.#view.path, init)).arrayBuffer();
    }
    await sleep(this.#view.pace, undefined, { signal: this.#gone.signal });
  }

  /** Again and again, until it is closed; after a broken connection too, as a browser does. */
  async #keep(work: () => Promise<void>): Promise<void> {
    while (!this.#gone.signal.aborted) await work().catch(() => sleep(RETRY));
  }
}
