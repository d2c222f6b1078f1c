/**
 * What one claim writes: log lines and reports in their order, and the one write that ends it. Each is tried again until the
 * database has answered or the lease is gone, and counts once, whichever reply gets lost.
 */
import { type Clock, jittered, sleep } from '../core/clock.ts';
import type { TaskDefinition } from '../core/definition.ts';
import { isTaskbatonError, messageFrom } from '../core/errors.ts';
import type { RunningTask, Transaction } from '../core/handler.ts';
import { decodeJson } from '../core/json.ts';
import { type QueueName, QUEUES } from '../core/status.ts';
import type { StoredError } from '../core/task.ts';
import { FIRST_VERSION } from '../core/version.ts';
import { wakeParent } from '../store/children.ts';
import { writeLog } from '../store/history.ts';
import type { Claim } from '../store/record.ts';
import { type Checkpoint, type Fence, leaseLost, type Settlement } from '../store/settlement.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';
import { YIELDED } from './outcome.ts';
import { encodePlainError } from './report.ts';
import { Switch } from './switch.ts';
import { TaskLog } from './task-log.ts';
import type { Stint } from './tracing.ts';
import { unlessAborted } from './work.ts';
import type { Writes } from './writes.ts';

export interface ClaimWriterHost {
  readonly store: Store;
  readonly writes: Pick<Writes, 'checkpoint' | 'settle'>;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** Whose claim it is. */
export interface ClaimHolder {
  readonly task: RunningTask;
  readonly queue: QueueName;
  readonly fence: Fence;
  /** It isn't its claim any more. */
  lose(): void;
}

const SHORTEST_RETRY = 25;
/** The longest pause before a write is tried again. */
export const LONGEST_RETRY = 1000;

export class ClaimWriter {
  readonly #host: ClaimWriterHost;
  readonly #holder: ClaimHolder;
  readonly #claim: Claim;
  readonly #definition: TaskDefinition;
  /** What its handler is traced by; undefined until that has begun. */
  stint: Stint | undefined;
  /** Calls off the retries. */
  readonly #closed = new Switch();
  /** The last of those that were asked for. */
  #last: Promise<unknown> | undefined;
  #reports: number;
  #log: TaskLog | undefined;

  constructor(host: ClaimWriterHost, holder: ClaimHolder, claim: Claim, definition: TaskDefinition) {
    this.#host = host;
    this.#holder = holder;
    this.#claim = claim;
    this.#definition = definition;
    this.#reports = claim.reports;
  }

  get isClosed(): boolean {
    return this.#closed.aborted;
  }

  /** Nothing is written any more. */
  close(): void {
    this.#closed.abort();
  }

  get log(): TaskLog {
    const { clock, store, observer } = this.#host;
    this.#log ??= new TaskLog({
      clock,
      write: (lines) =>
        this.write(() => writeLog(store.scopes, this.#claim, this.#holder.fence.owner, lines)),
      onLine: (line) => observer.emitOf(this.#holder, 'task.logged', line),
      onRefused: (problem) => observer.emitOf(this.#holder, 'task.misused', { problem }),
    });
    return this.#log;
  }

  /** What the handler has asked for and isn't written yet, if there is any. */
  get rest(): Promise<unknown> | undefined {
    const log = this.#log;
    return log === undefined ? this.#last : Promise.resolve(this.#last).then(() => log.end());
  }

  /** Stores a report when it is its turn; without one, only waits for that. Throws LEASE_LOST. */
  report(checkpoint: Checkpoint | undefined): Promise<void> {
    return this.#inTurn(() => (checkpoint === undefined ? undefined : this.#report(checkpoint)));
  }

  /**
   * Does `work` and stores the report that comes of it in one transaction, when it is its turn; `work` isn't begun once `left` has
   * fired. One that hangs is rolled back when it can be, and nobody waits for that.
   */
  transact(work: (tx: Transaction) => Promise<Checkpoint>, left: AbortSignal): Promise<void> {
    return this.#inTurn(() => unlessAborted(left, () => this.#commit(work, left)));
  }

  /** Ends the claim; never rejects. `refused`: `settlement` only says that another one was. */
  async end(settlement: Settlement, refused = false): Promise<void> {
    const { store, writes, observer } = this.#host;
    const holder = this.#holder;
    try {
      // What became of an ending that could not be stored is said in words of ours, which need no codec.
      const stored =
        store.payloads.encodes && !refused
          ? await this.#encodedEnd(settlement)
          : this.#stampedEnd(settlement);
      await this.write(() => writes.settle(holder.fence, stored), true);
      const parent = settlement.event === 'wait' ? this.#claim.id : this.#claim.parent;
      if (parent !== undefined) await this.#wake(parent);
      const { event } = settlement;
      if (event === 'unclaim' || this.stint === undefined) return this.#tellReleased();
      const error = decodeJson(settlement.error) as StoredError | undefined;
      observer.emitOf(holder, 'task.ended', { event, error });
    } catch (error) {
      if (isTaskbatonError(error, 'LEASE_LOST')) return observer.emitOf(holder, 'task.lost', {});
      observer.emitOf(holder, 'task.misused', { problem: messageFrom(error) });
      // The database refuses what the task ended with: it fails and says so, or it would be run again for ever.
      if (!refused) await this.end({ ...YIELDED, event: 'fail', error: encodePlainError(error) }, true);
    }
  }

  /** Writes, or asks, until the database has answered. Throws LEASE_LOST once the writer is closed. */
  write<Written>(write: () => Promise<Written>): Promise<Written>;
  /** What `ends` the claim may have done so although its reply was lost: "not yours any more" is what that looks like then. */
  write<Written>(write: () => Promise<Written>, ends: boolean): Promise<Written | undefined>;
  write<Written>(write: () => Promise<Written>, ends = false): Promise<Written | undefined> {
    return this.#tryTo(write).catch((error: unknown) => this.#tryAgain(error, write, ends));
  }

  #tryTo<Written>(write: () => Promise<Written>): Promise<Written> {
    return this.#closed.aborted ? Promise.reject(leaseLost(this.#holder.fence)) : write();
  }

  async #tryAgain<Written>(
    failure: unknown,
    write: () => Promise<Written>,
    ends: boolean,
  ): Promise<Written | undefined> {
    const { clock } = this.#host;
    let error = failure;
    let uncertain = false;
    for (let failures = 0; ; failures++) {
      if (isTaskbatonError(error, 'LEASE_LOST')) {
        if (ends && uncertain) return undefined;
        this.#holder.lose();
      }
      uncertain ||= isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
      if (!isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY')) throw error;
      const pause = Math.min(SHORTEST_RETRY * 2 ** failures, LONGEST_RETRY / 1.5);
      await sleep(clock, jittered(clock, pause), this.#closed.signal);
      try {
        return await this.#tryTo(write);
      } catch (next) {
        error = next;
      }
    }
  }

  /** Writes one after another, in the order in which they were asked for. */
  #inTurn(write: () => Promise<void> | undefined): Promise<void> {
    const written = this.#after(this.#last, write);
    this.#last = written.catch(() => undefined);
    return written;
  }

  async #after(before: Promise<unknown> | undefined, write: () => Promise<void> | undefined): Promise<void> {
    if (before !== undefined) await before;
    // A handler that yields without ever waiting for anything must not starve heartbeats and its own stop signal.
    await this.#host.clock.turn();
    if (this.#log !== undefined) await this.#log.flush();
    await write();
  }

  #report(checkpoint: Checkpoint): Promise<void> {
    if (!this.#host.store.payloads.encodes) return this.#store(this.#stamped(checkpoint));
    return this.#encoded(checkpoint).then((encoded) => this.#store(encoded));
  }

  #store(checkpoint: Checkpoint): Promise<void> {
    const nth = this.#reports + 1;
    const numbered = { ...checkpoint, nth };
    return this.write(() => this.#host.writes.checkpoint(this.#holder.fence, numbered)).then(() => {
      this.#reports = nth;
    });
  }

  async #commit(work: (tx: Transaction) => Promise<Checkpoint>, left: AbortSignal): Promise<void> {
    const { store } = this.#host;
    const { fence } = this.#holder;
    const nth = this.#reports + 1;
    let uncertain = false;
    await this.write(async () => {
      if (uncertain && (await store.isCommitted(fence, nth))) return;
      left.throwIfAborted();
      try {
        await store.transact(fence, nth, async (tx) => this.#encoded(await work(tx)));
      } catch (error) {
        // A COMMIT that was not answered may still be carried out, until ours has had to wait for it.
        const unanswered = uncertain && isTaskbatonError(error, 'LEASE_LOST');
        if (unanswered && (await store.isCommitted(fence, nth))) return;
        uncertain ||= isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
        throw error;
      }
    });
    this.#reports = nth;
  }

  /** As it goes into the database. */
  async #encoded(checkpoint: Checkpoint): Promise<Checkpoint> {
    const { payloads } = this.#host.store;
    const context = await payloads.encode(checkpoint.context, this.#claim);
    const message = await payloads.encode(checkpoint.message, this.#claim);
    return this.#stamped({ ...checkpoint, context, message });
  }

  async #encodedEnd(settlement: Settlement): Promise<Settlement> {
    const checkpoint = await this.#encoded(settlement.checkpoint);
    const error = await this.#host.store.payloads.encode(settlement.error, this.#claim);
    return { ...settlement, checkpoint, error };
  }

  #stampedEnd(settlement: Settlement): Settlement {
    const checkpoint = this.#stamped(settlement.checkpoint);
    return checkpoint === settlement.checkpoint ? settlement : { ...settlement, checkpoint };
  }

  /** Where nothing is to be encoded: of this release's version, whichever wrote the one before. */
  #stamped(checkpoint: Checkpoint): Checkpoint {
    const { version = FIRST_VERSION } = this.#definition;
    const options = this.stint?.toStore;
    if (version === this.#claim.version)
      return options === undefined ? checkpoint : { ...checkpoint, options };
    return { ...checkpoint, version, options };
  }

  #tellReleased(): void {
    const { id, epoch, owner } = this.#holder.fence;
    this.#host.observer.emit('task.released', { id, epoch, replica: owner });
  }

  /** Nobody waits for it: a parent that is forgotten is found by a rescue. */
  async #wake(parent: number): Promise<void> {
    const { store } = this.#host;
    const woken = await wakeParent(store.scopes, parent).catch(() => false);
    if (woken) void store.hint(...QUEUES);
  }
}
