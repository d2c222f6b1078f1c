/** The store of an instance: opened at its first use, once, whoever comes first; closed with the instance. */
import type { Clock } from '../core/clock.ts';
import { TaskbatonError } from '../core/errors.ts';
import type { Settings } from '../core/options.ts';
import type { NewTask } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import { openStore } from './open-store.ts';
import { storeIn } from './transaction.ts';
import { Writes } from './writes.ts';

function notOpened(): TaskbatonError {
  const problem =
    'it is the very handle of this instance, which has not been opened yet: call migrate() or start() before you begin';
  return new TaskbatonError('INVALID_ARGUMENT', { argument: 'tx', value: 'that transaction', problem });
}

export class StoreHolder {
  readonly #db: unknown;
  readonly #settings: Settings;
  readonly #clock: Clock;
  #writes: Writes | undefined;
  #store: Promise<Store> | undefined;
  #closed = false;

  constructor(db: unknown, settings: Settings, clock: Clock) {
    this.#db = db;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Ready for use. A database that failed to open is tried again by the next call. */
  open(migrate = false): Promise<Store> {
    if (this.#closed) return Promise.reject(new TaskbatonError('NOT_RUNNING'));
    this.#store ??= openStore(this.#db, this.#settings, { clock: this.#clock, migrate }).catch(
      (error: unknown) => {
        this.#store = undefined;
        throw error;
      },
    );
    return this.#store;
  }

  /** The same, in the transaction if there is one. */
  async in({ tx }: { readonly tx?: unknown }): Promise<Store> {
    // Whoever opens it would wait for the end of the transaction that waits for this.
    if (tx !== undefined && tx === this.#db && this.#store === undefined) throw notOpened();
    const store = await this.open();
    return tx === undefined ? store : storeIn(tx, store);
  }

  /** Creates a task: in the transaction, or in one commit with others that are created at the same time. */
  create(task: NewTask, { tx }: { readonly tx?: unknown }): Promise<number> {
    if (tx !== undefined) return this.in({ tx }).then((store) => store.create(task));
    if (this.#writes !== undefined && !this.#closed) return this.#writes.create(task);
    return this.open().then((store) => {
      this.#writes ??= new Writes(store, this.#clock);
      return this.#writes.create(task);
    });
  }

  /** What was handed in stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    const store = await this.#store?.catch(() => undefined);
    await store?.database.close();
  }
}
