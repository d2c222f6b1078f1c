/**
 * What renews a lease beside the event loop: a thread with a connection of its own, so that a handler that keeps the loop
 * busy does not cost the replica its tasks. The thread renews only while the loop has turned lately: one that hangs for
 * good loses its lease like one that died. Where there is no such thread, the tick renews alone; where it fails, the tick
 * does so again.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../core/clock.ts';
import { messageFrom } from '../core/errors.ts';
import type { Settings } from '../core/options.ts';
import type { Store } from '../store/store.ts';
import { RENEWED, type ThreadData, type ThreadMessage, type ThreadOrder } from './heartbeat-protocol.ts';
import { blockedFrom, type LoopWatch, watchedEvery } from './loop-watch.ts';
import type { Observer } from './observer.ts';
import { SharedCells } from './shared-cells.ts';

export interface Heartbeat {
  /** Whether it can be relied on to renew. */
  readonly working: boolean;
  /** When the last good renewal of the present lease was sent, by the monotonic clock; 0 if none was. */
  readonly renewedAt: number;
  /** From now on it is this one's lease that is renewed, or nobody's. */
  renew(replica: string | undefined): void;
  /** Resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** None: the tick renews alone. */
export const NO_HEARTBEAT: Heartbeat = {
  working: false,
  renewedAt: -Infinity,
  renew: () => undefined,
  close: async () => undefined,
};

export interface HeartbeatOptions {
  readonly store: Store;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly watch: LoopWatch;
  /** The database says that the lease of `replica` has ended. */
  readonly onLost: (replica: string) => void;
}

/** In a thread, where one is wanted and the database can be opened there. */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Heartbeat> {
  const { store, settings, watch } = options;
  const { address } = store.database;
  if (settings.heartbeat === 'loop' || address === undefined) return NO_HEARTBEAT;
  const { prefix, schema } = store.tables;
  const { lease, maxBlock } = settings;
  return new ThreadHeartbeat(options, {
    address,
    prefix,
    schema,
    lease,
    maxBlock,
    identity: await store.identity(),
    renewAfter: lease * RENEWED_AFTER,
    step: watchedEvery(settings),
    timeout: Math.max(SHORTEST_TIMEOUT, lease / 6),
    threshold: blockedFrom(settings),
    watch: watch.cells.memory,
  });
}

/** How much of a lease is over when it is renewed. */
export const RENEWED_AFTER: number = 1 / 3;
const SHORTEST_TIMEOUT = 500;
/** So long an end in good order is waited for. */
const CLOSE_MS = 1000;

/** Run as it lies: from `src` by Node's type stripping, from `dist` as JavaScript. */
const PROGRAM = new URL(
  `./heartbeat-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

export class ThreadHeartbeat implements Heartbeat {
  readonly #options: Pick<HeartbeatOptions, 'clock' | 'observer' | 'onLost'>;
  readonly #worker: Worker | undefined;
  readonly #exited: Promise<void>;
  #working = false;
  #closing = false;
  #renewed = new SharedCells(RENEWED);

  constructor(options: Pick<HeartbeatOptions, 'clock' | 'observer' | 'onLost'>, workerData: ThreadData) {
    this.#options = options;
    const ended = Promise.withResolvers<void>();
    this.#exited = ended.promise;
    try {
      this.#worker = new Worker(PROGRAM, {
        name: 'taskbaton heartbeat',
        workerData,
        // What the program's own hooks and flags do is no business of this thread.
        execArgv: ['--no-warnings'],
      });
    } catch (error) {
      this.#lose(error);
      ended.resolve();
      return;
    }
    this.#worker.unref();
    this.#worker.on('message', (message: ThreadMessage) => this.#hear(message));
    this.#worker.on('error', (error) => this.#lose(error));
    this.#worker.once('exit', () => {
      this.#lose(new Error('its thread ended'));
      ended.resolve();
    });
  }

  get working(): boolean {
    return this.#working;
  }

  get renewedAt(): number {
    return this.#renewed.read('renewedAt');
  }

  renew(replica: string | undefined): void {
    // Memory of its own for each lease, or a renewal of the one before it might be taken for one of this.
    this.#renewed = new SharedCells(RENEWED);
    this.#tell({ replica, renewed: this.#renewed.memory });
  }

  async close(): Promise<void> {
    if (this.#closing) return this.#exited;
    this.#closing = true;
    this.#working = false;
    this.#tell('close');
    const timer = this.#options.clock.after(CLOSE_MS, () => void this.#worker?.terminate(), { hold: true });
    await this.#exited;
    timer.cancel();
  }

  #tell(order: ThreadOrder): void {
    this.#worker?.postMessage(order);
  }

  #hear(message: ThreadMessage): void {
    const { observer, onLost } = this.#options;
    switch (message.what) {
      case 'working':
        if (!this.#closing) this.#working = true;
        return observer.emit('heartbeat.working', {});
      case 'lost':
        return onLost(message.replica);
      case 'failing':
        return observer.emit('loop.failing', { loop: 'heartbeat', error: message.error });
      case 'recovered':
        return observer.emit('loop.recovered', { loop: 'heartbeat', failures: message.failures });
    }
  }

  /** Told once: what follows an error is the end of the thread. */
  #lose(error: unknown): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#working = false;
    this.#options.observer.emit('heartbeat.lost', { error: messageFrom(error) });
  }
}
