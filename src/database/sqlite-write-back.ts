/**
 * Keeps a file's write-ahead log short. SQLite has the log written back into the file (its word for that is a checkpoint) by
 * whoever's COMMIT makes it long, and the event loop stands still for all of that. Here a thread does it, on a connection of
 * its own, whenever this process has written a good deal. Where the thread fails, commits do it again.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../core/clock.ts';

/** So many rows and statements are written in between: a few hundred pages, as a rule. */
export const ROWS = 1000;
/** So long an end in good order is waited for. */
const CLOSE_MS = 1000;

/** In pages; so long a log is to be begun anew. */
const LONG = 4000;

/** What the thread is told. */
export type WriteBackOrder = 'write back' | 'close';

/** Run as it lies: from `src` by Node's type stripping, from `dist` as JavaScript. */
const PROGRAM = new URL(
  `./sqlite-write-back-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

export interface WriteBackOptions {
  /** Of the file. */
  readonly path: string;
  readonly clock: Clock;
  /**
   * The log is long, and all but its end is written back. Only whoever adds to it can write the rest back before more is added: then it is
   * begun anew.
   */
  readonly onLong: () => void;
  /** The thread has failed, and the log is written back by nobody. */
  readonly onLost: () => void;
}

export class WriteBack {
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  /** What had been written when it was last asked for. */
  #asked = 0;
  #busy = false;
  #closing = false;

  constructor({ path, clock, onLong, onLost }: WriteBackOptions) {
    this.#clock = clock;
    const ended = Promise.withResolvers<void>();
    this.#exited = ended.promise;
    this.#worker = new Worker(PROGRAM, {
      name: 'taskbaton write-back',
      workerData: path,
      // What the program's own hooks and flags do is no business of this thread.
      execArgv: ['--no-warnings'],
    });
    this.#worker.unref();
    this.#worker.on('message', (pages: number) => {
      this.#busy = false;
      if (pages > LONG) onLong();
    });
    // The end of the thread follows.
    this.#worker.on('error', () => undefined);
    this.#worker.once('exit', () => {
      if (!this.#closing) onLost();
      this.#closing = true;
      ended.resolve();
    });
  }

  /** `rows`: how much this process has written since it opened the file. */
  wrote(rows: number): void {
    if (this.#busy || rows - this.#asked < ROWS) return;
    this.#busy = true;
    this.#asked = rows;
    this.#tell('write back');
  }

  /** Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#tell('close');
    const timer = this.#clock.after(CLOSE_MS, () => void this.#worker.terminate(), { hold: true });
    await this.#exited;
    timer.cancel();
  }

  #tell(order: WriteBackOrder): void {
    this.#worker.postMessage(order);
  }
}
