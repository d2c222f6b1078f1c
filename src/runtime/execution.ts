/**
 * One claim, from the start of its handler to the write that ends it. It drives user code and trusts none of it: a
 * handler may throw, hang, ignore its signal or report nonsense, and costs nobody but its own task.
 */
import { type Clock, jittered, sleep, type Timer } from '../core/clock.ts';
import type { NewChild } from '../core/children.ts';
import type { Connection } from '../core/connection.ts';
import type { TaskDefinition } from '../core/definition.ts';
import { isTaskbatonError, messageFrom, TaskbatonError } from '../core/errors.ts';
import {
  type Handler,
  type HandlerArguments,
  isIterator,
  type StopReason,
  TaskStopped,
  type Transaction,
} from '../core/handler.ts';
import { decodeJson } from '../core/json.ts';
import type { QueueName } from '../core/status.ts';
import type { StoredError } from '../core/task.ts';
import { FIRST_VERSION } from '../core/version.ts';
import { deleteChildren, wakeParent } from '../store/children.ts';
import { writeLog } from '../store/history.ts';
import type { Checkpoint, Fence, Settlement } from '../store/settlement.ts';
import type { Store } from '../store/store.ts';
import { Switch } from './switch.ts';
import type { Writes } from './writes.ts';
import { childrenOf } from './children.ts';
import { readGiven } from './given.ts';
import type { Observer } from './observer.ts';
import { FINISHED, nearestLimit, Outcome, type OutcomeOptions, WAITING, YIELDED } from './outcome.ts';
import { encodePlainError, encodeReport } from './report.ts';
import { afterAny } from './long-timer.ts';
import { TaskLog } from './task-log.ts';
import type { Stint } from './tracing.ts';
import { doWork, isInWork, unlessAborted } from './work.ts';

export interface ExecutionOptions extends OutcomeOptions {
  readonly definition: TaskDefinition;
  /** The replica that claimed it. */
  readonly replica: string;
  readonly store: Store;
  readonly writes: Pick<Writes, 'checkpoint' | 'settle'>;
  readonly clock: Clock;
  /** When the handler may begin: everything else that is due has had its turn. */
  readonly turn: Promise<void>;
  readonly observer: Observer;
  readonly stopGrace: number;
  readonly stint: Stint;
  /** Runs a piece of the handler, under the eyes of whoever watches the event loop. */
  readonly enter: <Result>(code: () => Result) => Result;
  /** Why the task can't be run; it can be cleaned up all the same. */
  readonly refusal?: Error | undefined;
  /** Creates tasks below this one, in a transaction of ours. */
  readonly createChildren: (items: readonly NewChild[], tx: Connection) => Promise<readonly number[]>;
}

const SHORTEST_RETRY = 25;
/** The longest pause before a write is tried again. */
export const LONGEST_RETRY = 1000;

export class Execution {
  readonly fence: Fence;
  readonly queue: QueueName;
  /** Resolves when its handler has ended, or won't be waited for; never rejects. */
  readonly handled: Promise<void>;
  /** Resolves when nothing of it is left but, perhaps, a handler that was abandoned; never rejects. */
  readonly ended: Promise<void>;

  readonly #options: ExecutionOptions;
  readonly #stop = new Switch();
  /** Fires when nothing can be written any more, which calls off the retries of writes. */
  readonly #gone = new Switch();
  /** Fires when its handler isn't waited for any longer. */
  readonly #left = new Switch();
  #grace: Timer | undefined;
  #abandon: (settlement: Settlement) => void = () => undefined;
  #closed = false;
  #writes: Promise<unknown> = Promise.resolve();
  #reports: number;
  readonly #outcome: Outcome;
  readonly #log: TaskLog;

  constructor(options: ExecutionOptions) {
    const { claim, replica, queue, store, clock, observer } = options;
    const misused = (problem: string): void => observer.emit('task.misused', { ...this.#details(), problem });
    this.#options = options;
    this.queue = queue;
    this.#reports = claim.reports;
    this.fence = { id: claim.id, owner: replica, epoch: claim.epoch };
    this.#outcome = new Outcome({ ...options, stop: this.#stop, random: () => clock.random(), misused });
    this.#log = new TaskLog({
      clock,
      write: (lines) => this.#write(() => writeLog(store.scopes, claim, replica, lines)),
      onLine: (line) => observer.emit('task.logged', { ...this.#details(), ...line }),
      onRefused: misused,
    });
    const settlement = this.#live();
    this.handled = settlement.then(() => undefined);
    this.ended = settlement.then((end) => this.#end(end)).finally(() => options.stint.end());
  }

  /** Why it was told to stop, if it was. */
  get stopping(): StopReason | undefined {
    return this.#stop.aborted ? (this.#stop.reason as TaskStopped).why : undefined;
  }

  /** Fires the handler's signal, once; a handler that has not ended when the grace is over is abandoned. */
  stop(why: StopReason): void {
    if (this.#closed || this.#stop.aborted) return;
    const { clock, stopGrace, observer } = this.#options;
    observer.emit('task.stopping', { ...this.#details(), why });
    this.#grace = clock.after(stopGrace, () => this.#giveUp(), { hold: true });
    this.#stop.abort(new TaskStopped(why));
  }

  /** The task is another's, or the database won't be waited for: the handler is told, and nothing is written any more. */
  lose(): void {
    if (this.#gone.aborted) return;
    this.#gone.abort();
    this.stop('lease-lost');
  }

  /** Runs the handler; resolves to how the claim is to end. */
  async #live(): Promise<Settlement> {
    const { observer, claim, clock, queue, turn, limits } = this.#options;
    observer.emit('task.started', { ...this.#details(), attempt: claim.attempt });
    // Cleanups have as much time as they need.
    const rest = queue === 'run' ? nearestLimit(claim, limits).rest : Infinity;
    const timeLimit = afterAny(clock, rest, () => this.stop('timeout'));
    await turn;
    const settlement = await new Promise<Settlement>((resolve) => {
      this.#abandon = resolve;
      void this.#handle().then(resolve);
    });
    this.#closed = true;
    timeLimit.cancel();
    this.#grace?.cancel();
    return settlement;
  }

  async #end(settlement: Settlement): Promise<void> {
    await this.#writes;
    await this.#log.end();
    await this.#settle(settlement);
    // A transaction of a handler that was abandoned isn't tried again.
    this.#gone.abort();
  }

  // The handler

  /** Runs the handler to its end; never rejects. */
  async #handle(): Promise<Settlement> {
    try {
      const { definition, refusal } = this.#options;
      if (this.queue === 'run' && refusal !== undefined) throw refusal;
      const handler = this.queue === 'run' ? definition.run : definition.cleanup;
      if (this.queue === 'cleanup' && (await this.#hasChildren())) return WAITING;
      if (handler === undefined) return FINISHED;
      const given = await this.#given();
      if (this.#stop.aborted) return this.#outcome.ofStop();
      return this.#outcome.ofReturn(await this.#options.stint.run(() => this.#drive(handler, given)));
    } catch (thrown) {
      return this.#outcome.ofThrow(thrown);
    }
  }

  async #given(): Promise<HandlerArguments<unknown, unknown>> {
    const { claim, definition, queue, replica, store } = this.#options;
    const { id, type, user, group, epoch, attempt } = claim;
    const [stop, children] = [this.#stop, once(() => this.#children())];
    return {
      ...(await readGiven({ claim, definition, queue, payloads: store.payloads })),
      // Made only for handlers that look at them.
      get signal() {
        return stop.signal;
      },
      get children() {
        return children();
      },
      log: this.#log.log,
      task: Object.freeze({ id, type, user, group, attempt, epoch, replica }),
      report: (report) => this.#fromFunction(this.#report(report, 'report')),
      transaction: (work) => this.#fromFunction(this.#transact(work, 'transaction')),
    };
  }

  #children(): HandlerArguments<unknown, unknown>['children'] {
    const { claim, store, createChildren } = this.#options;
    return childrenOf({
      parent: claim.id,
      store,
      signal: this.#stop.signal,
      create: createChildren,
      transaction: (work) => this.#fromFunction(this.#transact(work, 'children.create')),
      ask: (question) => this.#write(question),
      checkDone: () => this.#checkOutside('children.done'),
      stop: (why) => this.stop(why),
    });
  }

  /** Whether the task's children, which go before it, are still there; now they are on their way. */
  async #hasChildren(): Promise<boolean> {
    const { claim, store } = this.#options;
    if (!claim.hasChildren) return false;
    return this.#write(async () => {
      const left = await deleteChildren(store.scopes, claim.id);
      void store.hint('tick');
      void store.hint('claim');
      return left;
    });
  }

  /** What the handler returned, after all its yields; a stop that it noticed at a yield returns undefined. */
  async #drive(
    handler: Handler<unknown, unknown>,
    given: HandlerArguments<unknown, unknown>,
  ): Promise<unknown> {
    const { enter } = this.#options;
    const running: unknown = enter(() => handler(given));
    if (!isIterator(running)) return running;
    const fail = running.throw?.bind(running);
    let step = await enter(() => running.next());
    while (step.done !== true) {
      const refusal = await this.#report(step.value).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (this.#stop.aborted) {
        await enter(() => running.return?.());
        return undefined;
      }
      if (refusal === undefined) step = await enter(() => running.next());
      else if (fail === undefined) throw refusal.error;
      else step = await enter(() => fail(refusal.error));
    }
    return step.value;
  }

  #giveUp(): void {
    const { observer, claim, stopGrace } = this.#options;
    observer.emit('task.abandoned', { ...this.#details(), grace: stopGrace });
    this.#left.abort(new TaskbatonError('HANDLER_ABANDONED', { id: claim.id, grace: stopGrace }));
    this.#abandon(this.#outcome.ofStop());
  }

  // Writing

  #fromFunction(written: Promise<void>): Promise<void> {
    const reported = written.then(() => this.#options.enter(() => this.#stop.throwIfAborted()));
    // A handler that doesn't await its reports must not bring the process down when one is refused.
    reported.catch(() => undefined);
    return reported;
  }

  async #report(report: unknown, call = 'yield'): Promise<void> {
    const { writes, observer, claim, clock, maxPayload } = this.#options;
    const began = clock.monotonic();
    this.#checkOpen();
    this.#checkOutside(call);
    const checkpoint = encodeReport(report, claim.type, maxPayload);
    await this.#inTurn(async () => {
      if (report === undefined) return;
      const stored = await this.#stored(checkpoint);
      const nth = this.#reports + 1;
      await this.#write(() => writes.checkpoint(this.fence, { ...stored, nth }));
      this.#reports = nth;
    });
    const took = clock.monotonic() - began;
    if (report !== undefined) observer.emit('task.reported', { ...this.#details(), took });
  }

  /** As it goes into the database: of this release's version, whichever wrote the one before, and encoded. */
  async #stored(checkpoint: Checkpoint): Promise<Checkpoint> {
    const { claim, definition, store, stint } = this.#options;
    const { version = FIRST_VERSION } = definition;
    return {
      ...checkpoint,
      context: await store.payloads.encode(checkpoint.context, claim),
      message: await store.payloads.encode(checkpoint.message, claim),
      version: version === claim.version ? undefined : version,
      options: stint.toStore,
    };
  }

  async #transact(work: (tx: Transaction) => Promise<unknown>, call: string): Promise<void> {
    this.#checkOpen();
    this.#checkOutside(call);
    // One that hangs is rolled back when it can be, and the task's end doesn't wait for that.
    await this.#inTurn(() => unlessAborted(this.#left.signal, () => this.#commit(work)));
    this.#options.observer.emit('task.reported', this.#details());
  }

  async #commit(work: (tx: Transaction) => Promise<unknown>): Promise<void> {
    const { store, claim, maxPayload } = this.#options;
    const nth = this.#reports + 1;
    let uncertain = false;
    await this.#write(async () => {
      if (uncertain && (await store.isCommitted(this.fence, nth))) return;
      this.#left.throwIfAborted();
      try {
        await store.transact(this.fence, nth, async (tx) => {
          const report = await doWork(this, this.#left.signal, () => work(tx));
          return this.#stored(encodeReport(report, claim.type, maxPayload));
        });
      } catch (error) {
        // A COMMIT that was not answered may still be carried out, until ours has had to wait for it.
        const unanswered = uncertain && isTaskbatonError(error, 'LEASE_LOST');
        if (unanswered && (await store.isCommitted(this.fence, nth))) return;
        uncertain ||= isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
        throw error;
      }
    });
    this.#reports = nth;
  }

  #checkOpen(): void {
    this.#left.throwIfAborted();
    if (this.#closed) throw new TaskbatonError('REPORT_AFTER_END', { id: this.fence.id });
  }

  /** What waits for the end of a transaction would, inside it, wait for ever. */
  #checkOutside(call: string): void {
    if (isInWork(this)) throw new TaskbatonError('INSIDE_TRANSACTION', { id: this.fence.id, call });
  }

  /** Writes one after another, in the order in which they were asked for. */
  async #inTurn(write: () => Promise<void>): Promise<void> {
    // A handler that yields without ever waiting for anything must not starve heartbeats and its own stop signal.
    const written = this.#writes
      .then(() => this.#options.clock.turn())
      .then(() => (this.#log.isEmpty ? write() : this.#log.flush().then(write)));
    this.#writes = written.catch(() => undefined);
    await written;
  }

  async #settle(settlement: Settlement, refused = false): Promise<void> {
    const { store, writes, claim, observer } = this.#options;
    let uncertain = false;
    const settle = async (wanted: Settlement): Promise<void> => {
      try {
        await writes.settle(this.fence, wanted);
      } catch (error) {
        // After a lost reply, "not yours any more" is what our own success looks like.
        if (uncertain && isTaskbatonError(error, 'LEASE_LOST')) return;
        uncertain ||= isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
        throw error;
      }
    };
    try {
      // What became of an ending that could not be stored is said in words of ours, which need no codec.
      const error = refused ? settlement.error : await store.payloads.encode(settlement.error, claim);
      const stored = { ...settlement, checkpoint: await this.#stored(settlement.checkpoint), error };
      await this.#write(() => settle(stored));
      await this.#wakeParent(settlement.event);
      const thrown = decodeJson(settlement.error) as StoredError | undefined;
      observer.emit('task.ended', { ...this.#details(), event: settlement.event, error: thrown });
    } catch (error) {
      if (isTaskbatonError(error, 'LEASE_LOST')) return observer.emit('task.lost', this.#details());
      observer.emit('task.misused', { ...this.#details(), problem: messageFrom(error) });
      // The database refuses what the task ended with: it fails and says so, or it would be run again for ever.
      if (!refused) await this.#settle({ ...YIELDED, event: 'fail', error: encodePlainError(error) }, true);
    }
  }

  /** Nobody waits for it: a parent that is forgotten is found by a rescue. */
  async #wakeParent(event: Settlement['event']): Promise<void> {
    const { claim, store } = this.#options;
    const parent = event === 'wait' ? claim.id : claim.parent;
    if (parent === undefined) return;
    const woken = await wakeParent(store.scopes, parent).catch(() => false);
    if (woken) void store.hint('claim');
  }

  /** Writes, or asks, until the database has answered, or until the lease is gone. */
  async #write<Written>(write: () => Promise<Written>): Promise<Written> {
    const { clock, claim } = this.#options;
    for (let failures = 0; ; failures++) {
      if (this.#gone.aborted) throw new TaskbatonError('LEASE_LOST', { id: claim.id, epoch: claim.epoch });
      try {
        return await write();
      } catch (error) {
        if (isTaskbatonError(error, 'LEASE_LOST')) this.lose();
        if (!isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY')) throw error;
        const pause = Math.min(SHORTEST_RETRY * 2 ** failures, LONGEST_RETRY / 1.5);
        await sleep(clock, jittered(clock, pause), this.#gone.signal);
      }
    }
  }

  #details(): { id: number; type: string; epoch: number; replica: string; queue: QueueName } {
    const { claim, replica, queue } = this.#options;
    return { id: claim.id, type: claim.type, epoch: claim.epoch, replica, queue };
  }
}

function once<Result>(make: () => Result): () => Result {
  let made: { readonly result: Result } | undefined;
  return () => (made ??= { result: make() }).result;
}
