/**
 * This replica's right to hold tasks. It ends by the database's clock for the others, and a margin earlier by our own
 * monotonic clock for us, counted from before the last good renewal was sent: so our handlers are told to stop before
 * anyone else may take their tasks, even if the database can't be reached at all.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { Draining } from '../core/task.ts';
import type { Runnable } from '../core/version.ts';
import type { Store } from '../store/store.ts';

export interface LeaseOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly length: number;
  readonly name: string;
  readonly types: () => ReadonlyMap<string, Runnable>;
  readonly concurrency: number;
  /** Whether it takes nothing more: that outlives a lease. */
  readonly draining: () => Draining | undefined;
  /** Called for each lease that is taken. */
  readonly onTaken: (replica: string) => void;
  /** Called once for each lease that is lost. */
  readonly onLost: (replica: string) => void;
}

const MARGIN = 1 / 6;
const RENEWED_AFTER = 1 / 3;

export class Lease {
  readonly #options: LeaseOptions;
  #replica: string | undefined;
  #sentAt = 0;
  #takenAt = 0;
  #fence: Timer | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** The id under which tasks may be held now; undefined without a live lease. */
  get replica(): string | undefined {
    return this.#replica;
  }

  /** For how many milliseconds the present lease has been held; 0 without one. */
  get age(): number {
    return this.#replica === undefined ? 0 : this.#options.clock.monotonic() - this.#takenAt;
  }

  /** Registers if there is no lease, renews if it's time to; the id of the live lease, if there is one afterwards. */
  async keep(): Promise<string | undefined> {
    const { store, clock, length, types } = this.#options;
    const replica = this.#replica;
    const sentAt = clock.monotonic();
    if (replica === undefined) return this.#register(sentAt);
    if (sentAt - this.#sentAt < length * RENEWED_AFTER) return replica;
    if (!(await store.renew({ id: replica, lease: length, types: types() }))) this.lose(replica);
    else if (this.#replica === replica) this.#extend(sentAt);
    return this.#replica;
  }

  /** Gives up `replica`: from now on this process holds nothing under it. */
  lose(replica: string): void {
    if (this.#replica !== replica) return;
    this.#fence?.cancel();
    this.#replica = undefined;
    this.#options.onLost(replica);
  }

  /** Ends the lease, once nothing is held any more. */
  async end(): Promise<void> {
    const replica = this.#replica;
    this.#fence?.cancel();
    this.#replica = undefined;
    if (replica !== undefined) await this.#options.store.unregister(replica);
  }

  async #register(sentAt: number): Promise<string> {
    const { store, clock, length, name, types, concurrency, draining } = this.#options;
    const replica = clock.uuid();
    await store.register({
      id: replica,
      name,
      lease: length,
      types: types(),
      concurrency,
      draining: draining(),
    });
    this.#replica = replica;
    this.#takenAt = sentAt;
    this.#extend(sentAt);
    this.#options.onTaken(replica);
    return replica;
  }

  #extend(sentAt: number): void {
    const { clock, length } = this.#options;
    const replica = this.#replica;
    this.#sentAt = sentAt;
    this.#fence?.cancel();
    const left = sentAt + length * (1 - MARGIN) - clock.monotonic();
    this.#fence = clock.after(Math.max(0, left), () => {
      if (replica !== undefined) this.lose(replica);
    });
  }
}
