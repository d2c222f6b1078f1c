/**
 * This replica's right to hold tasks, renewed by a heartbeat beside the event loop, or by the tick where there is none. It ends by the database's clock for the others, and a margin earlier by our own
 * monotonic clock for us, counted from before the last good renewal was sent: so our handlers are told to stop before
 * anyone else may take their tasks, even if the database can't be reached at all.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { Blocked, Draining } from '../core/replica.ts';
import type { Runnable } from '../core/version.ts';
import type { Store } from '../store/store.ts';
import { type Heartbeat, RENEWED_AFTER } from './heartbeat.ts';

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
  /** What renews it beside the tick. */
  readonly heartbeat: () => Heartbeat;
  /** How the event loop has fared lately. */
  readonly blocked: () => Blocked;
  /** Called for each lease that is taken. */
  readonly onTaken: (replica: string) => void;
  /** Called once for each lease that is lost. */
  readonly onLost: (replica: string) => void;
}

const MARGIN = 1 / 6;
/** The tick takes over from a heartbeat that has not renewed for so much of the lease. */
const LATE = 1 / 2;

export class Lease {
  readonly #options: LeaseOptions;
  #replica: string | undefined;
  #sentAt = 0;
  #takenAt = 0;
  /** How many types the database was told of. */
  #types = 0;
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
    const { store, clock, length, blocked } = this.#options;
    const replica = this.#replica;
    const sentAt = clock.monotonic();
    if (replica === undefined) return this.#register(sentAt);
    if (!this.#isDue(sentAt)) return replica;
    const types = this.#options.types();
    const renewal = { id: replica, lease: length, types, blocked: blocked() };
    if (!(await store.renew(renewal))) this.lose(replica);
    else if (this.#replica === replica) this.#extend(sentAt);
    this.#types = types.size;
    return this.#replica;
  }

  #isDue(now: number): boolean {
    const { length, heartbeat, types } = this.#options;
    if (!heartbeat().working) return now - this.#sentAt >= length * RENEWED_AFTER;
    this.#catchUp();
    return now - this.#sentAt >= length * LATE || types().size !== this.#types;
  }

  /** Goes by what the heartbeat has renewed. True if that was later than what was known. */
  #catchUp(): boolean {
    const { renewedAt } = this.#options.heartbeat();
    if (renewedAt <= this.#sentAt) return false;
    this.#extend(renewedAt);
    return true;
  }

  /** Gives up `replica`: from now on this process holds nothing under it. */
  lose(replica: string): void {
    if (this.#replica !== replica) return;
    this.#giveUp();
    this.#options.onLost(replica);
  }

  /** Ends the lease, once nothing is held any more. */
  async end(): Promise<void> {
    const replica = this.#replica;
    this.#giveUp();
    if (replica !== undefined) await this.#options.store.unregister(replica);
  }

  #giveUp(): void {
    this.#fence?.cancel();
    this.#replica = undefined;
    this.#options.heartbeat().renew(undefined);
  }

  async #register(sentAt: number): Promise<string> {
    const { store, clock, length, name, types, concurrency, draining, heartbeat } = this.#options;
    const replica = clock.uuid();
    const registered = types();
    await store.register({
      id: replica,
      name,
      lease: length,
      types: registered,
      concurrency,
      draining: draining(),
    });
    this.#types = registered.size;
    this.#replica = replica;
    this.#takenAt = sentAt;
    heartbeat().renew(replica);
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
      // While the loop stood still the heartbeat may have renewed.
      if (replica !== undefined && !this.#catchUp()) this.lose(replica);
    });
  }
}
