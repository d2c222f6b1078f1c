/**
 * One claim, from the start of its handler to the write that ends it. It drives user code and trusts none of it: a
 * handler may throw, hang, ignore its signal or report nonsense, and costs nobody but its own task.
 */
import { type Clock, jittered, sleep, type Timer } from '../core/clock.ts';
import type { Children, NewChild } from '../core/children.ts';
import type { Connection } from '../core/connection.ts';
import type { TaskDefinition } from '../core/definition.ts';
import { isTaskbatonError, messageFrom, TaskbatonError } from '../core/errors.ts';
import {
  type Handler,
  type HandlerArguments,
  type HandlerIterator,
  isIterator,
  type Report,
  type RunningTask,
  type StopReason,
  TaskStopped,
  type Transaction,
} from '../core/handler.ts';
import { decodeJson } from '../core/json.ts';
import type { Settings } from '../core/options.ts';
import type { QueueName } from '../core/status.ts';
import type { StoredError } from '../core/task.ts';
import { FIRST_VERSION } from '../core/version.ts';
import { deleteChildren, wakeParent } from '../store/children.ts';
import { writeLog } from '../store/history.ts';
import type { Claim } from '../store/record.ts';
import type { Checkpoint, Fence, Settlement } from '../store/settlement.ts';
import type { Store } from '../store/store.ts';
import { Switch } from './switch.ts';
import type { Writes } from './writes.ts';
import { childrenOf } from './children.ts';
import { type Given, readGiven } from './given.ts';
import type { LoopWatch } from './loop-watch.ts';
import type { EventDetails, Observer, TaskDetails, TaskEventName } from './observer.ts';
import { FINISHED, nearestLimit, Outcome, WAITING, YIELDED } from './outcome.ts';
import type { RunningPolicy } from './policy.ts';
import { encodePlainError, encodeReport } from './report.ts';
import { afterAny } from './long-timer.ts';
import { handlerLog, TaskLog } from './task-log.ts';
import type { Stint, Tracing } from './tracing.ts';
import { doWork, isInWork, unlessAborted } from './work.ts';

/** What all executions of a replica have in common. */
export interface ExecutionHost {
  readonly store: Store;
  readonly writes: Pick<Writes, 'checkpoint' | 'settle'>;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly settings: Pick<Settings, 'maxPayload' | 'stopGrace'>;
  readonly tracing: Tracing;
  /** Runs a piece of a handler, under the eyes of whoever watches the event loop. */
  readonly watch: Pick<LoopWatch, 'enter'>;
  /** Creates tasks below a claimed one, in a transaction of ours. */
  createChildren(claim: Claim, items: readonly NewChild[], tx: Connection): Promise<readonly number[]>;
  /** Its handler has ended, or won't be waited for. */
  handled(execution: Execution): void;
}

export interface ExecutionOptions {
  readonly host: ExecutionHost;
  readonly claim: Claim;
  readonly queue: QueueName;
  readonly definition: TaskDefinition;
  readonly policy: RunningPolicy;
  /** The replica that claimed it. */
  readonly replica: string;
  /** When the handler may begin: everything else that is due has had its turn. */
  readonly turn: Promise<void>;
}

const SHORTEST_RETRY = 25;
/** The longest pause before a write is tried again. */
export const LONGEST_RETRY = 1000;

/**
 * A replica may run a thousand of these at once, and most are over in a moment: what not every handler needs is made when it
 * is asked for, and what is there at once isn't waited for.
 */
export class Execution {
  readonly fence: Fence;
  readonly queue: QueueName;
  /** Whom its handler works for. */
  readonly task: RunningTask;
  /** Resolves when nothing of it is left but, perhaps, a handler that was abandoned; never rejects. */
  readonly ended: Promise<void>;

  readonly #host: ExecutionHost;
  readonly #options: ExecutionOptions;
  readonly #stint: Stint;
  readonly #stop = new Switch();
  /** Fires when nothing can be written any more, which calls off the retries of writes. */
  readonly #gone = new Switch();
  /** Fires when its handler isn't waited for any longer. */
  readonly #left = new Switch();
  #grace: Timer | undefined;
  #abandon: (settlement: Settlement) => void = () => undefined;
  #closed = false;
  /** The last of those that were asked for. */
  #writes: Promise<unknown> | undefined;
  #reports: number;
  #log: TaskLog | undefined;
  #children: Children<Report<unknown>> | undefined;

  constructor(options: ExecutionOptions) {
    const { host, claim, replica, queue } = options;
    const { id, type, user, group, epoch, attempt } = claim;
    this.#host = host;
    this.#options = options;
    this.queue = queue;
    this.#reports = claim.reports;
    this.fence = { id, owner: replica, epoch };
    this.task = Object.freeze({ id, type, user, group, attempt, epoch, replica });
    this.#stint = host.tracing.begin(this.task, queue, claim.options);
    this.ended = this.#live();
  }

  /** Why it was told to stop, if it was. */
  get stopping(): StopReason | undefined {
    return this.#stop.aborted ? (this.#stop.reason as TaskStopped).why : undefined;
  }

  /** Fires the handler's signal, once; a handler that has not ended when the grace is over is abandoned. */
  stop(why: StopReason): void {
    if (this.#closed || this.#stop.aborted) return;
    const { clock, settings } = this.#host;
    this.#tell('task.stopping', { why });
    this.#grace = clock.after(settings.stopGrace, () => this.#giveUp(), { hold: true });
    this.#stop.abort(new TaskStopped(why));
  }

  /** The task is another's, or the database won't be waited for: the handler is told, and nothing is written any more. */
  lose(): void {
    if (this.#gone.aborted) return;
    this.#gone.abort();
    this.stop('lease-lost');
  }

  async #live(): Promise<void> {
    const { claim, turn, policy } = this.#options;
    this.#tell('task.started', { attempt: claim.attempt });
    // Cleanups have as much time as they need.
    const rest = this.queue === 'run' ? nearestLimit(claim, policy.limits).rest : Infinity;
    const timeLimit = afterAny(this.#host.clock, rest, () => this.stop('timeout'));
    await turn;
    const settlement = await new Promise<Settlement>((resolve) => {
      this.#abandon = resolve;
      void this.#handle().then(resolve);
    });
    this.#closed = true;
    timeLimit?.cancel();
    this.#grace?.cancel();
    this.#host.handled(this);
    if (this.#writes !== undefined) await this.#writes;
    if (this.#log !== undefined) await this.#log.end();
    await this.#settle(settlement);
    // A transaction of a handler that was abandoned isn't tried again.
    this.#gone.abort();
    this.#stint.end();
  }

  // The handler

  /** Runs the handler to its end; never rejects. */
  async #handle(): Promise<Settlement> {
    try {
      const { definition, policy } = this.#options;
      if (this.queue === 'run' && policy.refusal !== undefined) throw policy.refusal;
      const handler = this.queue === 'run' ? definition.run : definition.cleanup;
      if (this.queue === 'cleanup' && (await this.#hasChildren())) return WAITING;
      if (handler === undefined) return FINISHED;
      const args = this.#arguments(await readGiven(this.#options, this.#host.store.payloads));
      if (this.#stop.aborted) return this.#outcome.ofStop();
      const returned = await this.#stint.run(() => this.#drive(handler, args));
      return returned === undefined && !this.#stop.aborted ? FINISHED : this.#outcome.ofReturn(returned);
    } catch (thrown) {
      return this.#outcome.ofThrow(thrown);
    }
  }

  #arguments({ input, context }: Given): HandlerArguments<unknown, unknown> {
    const children = (): Children<Report<unknown>> => (this.#children ??= this.#newChildren());
    return {
      input,
      context,
      signal: this.#stop.signal,
      task: this.task,
      log: handlerLog(() => (this.#log ??= this.#newLog())),
      report: (report) => this.#fromFunction(this.#report(report, 'report')),
      transaction: (work) => this.#fromFunction(this.#transact(work, 'transaction')),
      children: {
        create: (items, report) => children().create(items, report),
        done: (options) => children().done(options),
      },
    };
  }

  get #outcome(): Outcome {
    const { clock, settings } = this.#host;
    const { claim, queue, policy } = this.#options;
    return new Outcome({
      ...policy,
      claim,
      queue,
      maxPayload: settings.maxPayload,
      stop: this.#stop,
      random: () => clock.random(),
      misused: (problem) => this.#tell('task.misused', { problem }),
    });
  }

  #newLog(): TaskLog {
    const { clock, store } = this.#host;
    const { claim, replica } = this.#options;
    return new TaskLog({
      clock,
      write: (lines) => this.#write(() => writeLog(store.scopes, claim, replica, lines)),
      onLine: (line) => this.#tell('task.logged', line),
      onRefused: (problem) => this.#tell('task.misused', { problem }),
    });
  }

  #newChildren(): Children<Report<unknown>> {
    const { store, createChildren } = this.#host;
    const { claim } = this.#options;
    return childrenOf({
      parent: claim.id,
      store,
      signal: this.#stop.signal,
      create: (items, tx) => createChildren(claim, items, tx),
      transaction: (work) => this.#fromFunction(this.#transact(work, 'children.create')),
      ask: (question) => this.#write(question),
      checkDone: () => this.#checkOutside('children.done'),
      stop: (why) => this.stop(why),
    });
  }

  /** Whether the task's children, which go before it, are still there; now they are on their way. */
  async #hasChildren(): Promise<boolean> {
    const { store } = this.#host;
    const { claim } = this.#options;
    if (!claim.hasChildren) return false;
    return this.#write(async () => {
      const left = await deleteChildren(store.scopes, claim.id);
      void store.hint('tick');
      void store.hint('claim');
      return left;
    });
  }

  /** What the handler returned, perhaps as a promise; of one that yields, after all its yields. */
  #drive(handler: Handler<unknown, unknown>, given: HandlerArguments<unknown, unknown>): unknown {
    const running: unknown = this.#enter(() => handler(given));
    return isIterator(running) ? this.#iterate(running) : running;
  }

  /** A stop that is noticed at a yield returns undefined. */
  async #iterate(running: HandlerIterator): Promise<unknown> {
    const fail = running.throw?.bind(running);
    let step = await this.#enter(() => running.next());
    while (step.done !== true) {
      const refusal = await this.#report(step.value).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (this.#stop.aborted) {
        await this.#enter(() => running.return?.());
        return undefined;
      }
      if (refusal === undefined) step = await this.#enter(() => running.next());
      else if (fail === undefined) throw refusal.error;
      else step = await this.#enter(() => fail(refusal.error));
    }
    return step.value;
  }

  #enter<Result>(code: () => Result): Result {
    return this.#host.watch.enter(this.task, code);
  }

  #giveUp(): void {
    const { stopGrace: grace } = this.#host.settings;
    this.#tell('task.abandoned', { grace });
    this.#left.abort(new TaskbatonError('HANDLER_ABANDONED', { id: this.task.id, grace }));
    this.#abandon(this.#outcome.ofStop());
  }

  // Writing

  #fromFunction(written: Promise<void>): Promise<void> {
    const reported = written.then(() => this.#enter(() => this.#stop.throwIfAborted()));
    // A handler that doesn't await its reports must not bring the process down when one is refused.
    reported.catch(() => undefined);
    return reported;
  }

  async #report(report: unknown, call = 'yield'): Promise<void> {
    const { writes, clock, settings } = this.#host;
    const began = clock.monotonic();
    this.#checkOpen();
    this.#checkOutside(call);
    const checkpoint = encodeReport(report, this.task.type, settings.maxPayload);
    await this.#inTurn(async () => {
      if (report === undefined) return;
      const stored = await this.#stored(checkpoint);
      const nth = this.#reports + 1;
      await this.#write(() => writes.checkpoint(this.fence, { ...stored, nth }));
      this.#reports = nth;
    });
    if (report !== undefined) this.#tell('task.reported', { took: clock.monotonic() - began });
  }

  /** As it goes into the database. */
  async #stored(checkpoint: Checkpoint): Promise<Checkpoint> {
    const { payloads } = this.#host.store;
    if (!payloads.encodes) return this.#stamped(checkpoint);
    const context = await payloads.encode(checkpoint.context, this.task);
    const message = await payloads.encode(checkpoint.message, this.task);
    return this.#stamped({ ...checkpoint, context, message });
  }

  /** Of this release's version, whichever wrote the one before. */
  #stamped(checkpoint: Checkpoint): Checkpoint {
    const { claim, definition } = this.#options;
    const { version = FIRST_VERSION } = definition;
    return {
      ...checkpoint,
      version: version === claim.version ? undefined : version,
      options: this.#stint.toStore,
    };
  }

  async #transact(work: (tx: Transaction) => Promise<unknown>, call: string): Promise<void> {
    this.#checkOpen();
    this.#checkOutside(call);
    // One that hangs is rolled back when it can be, and the task's end doesn't wait for that.
    await this.#inTurn(() => unlessAborted(this.#left.signal, () => this.#commit(work)));
    this.#tell('task.reported', {});
  }

  async #commit(work: (tx: Transaction) => Promise<unknown>): Promise<void> {
    const { store, settings } = this.#host;
    const nth = this.#reports + 1;
    let uncertain = false;
    await this.#write(async () => {
      if (uncertain && (await store.isCommitted(this.fence, nth))) return;
      this.#left.throwIfAborted();
      try {
        await store.transact(this.fence, nth, async (tx) => {
          const report = await doWork(this, this.#left.signal, () => work(tx));
          return this.#stored(encodeReport(report, this.task.type, settings.maxPayload));
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
    const before = this.#writes ?? Promise.resolve();
    // A handler that yields without ever waiting for anything must not starve heartbeats and its own stop signal.
    const written = before
      .then(() => this.#host.clock.turn())
      .then(() => this.#log?.flush())
      .then(write);
    this.#writes = written.catch(() => undefined);
    await written;
  }

  async #settle(settlement: Settlement, refused = false): Promise<void> {
    const { store, writes } = this.#host;
    const { claim } = this.#options;
    let uncertain = false;
    const unlessDone = (error: unknown): void => {
      // After a lost reply, "not yours any more" is what our own success looks like.
      if (uncertain && isTaskbatonError(error, 'LEASE_LOST')) return;
      uncertain ||= isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
      throw error;
    };
    try {
      // What became of an ending that could not be stored is said in words of ours, which need no codec.
      const stored =
        store.payloads.encodes && !refused
          ? await this.#storedEnd(settlement)
          : { ...settlement, checkpoint: this.#stamped(settlement.checkpoint) };
      await this.#write(() => writes.settle(this.fence, stored).catch(unlessDone));
      const parent = settlement.event === 'wait' ? claim.id : claim.parent;
      if (parent !== undefined) await this.#wake(parent);
      const thrown = decodeJson(settlement.error) as StoredError | undefined;
      this.#tell('task.ended', { event: settlement.event, error: thrown });
    } catch (error) {
      if (isTaskbatonError(error, 'LEASE_LOST')) return this.#tell('task.lost', {});
      this.#tell('task.misused', { problem: messageFrom(error) });
      // The database refuses what the task ended with: it fails and says so, or it would be run again for ever.
      if (!refused) await this.#settle({ ...YIELDED, event: 'fail', error: encodePlainError(error) }, true);
    }
  }

  async #storedEnd(settlement: Settlement): Promise<Settlement> {
    const checkpoint = await this.#stored(settlement.checkpoint);
    const error = await this.#host.store.payloads.encode(settlement.error, this.task);
    return { ...settlement, checkpoint, error };
  }

  /** Nobody waits for it: a parent that is forgotten is found by a rescue. */
  async #wake(parent: number): Promise<void> {
    const { store } = this.#host;
    const woken = await wakeParent(store.scopes, parent).catch(() => false);
    if (woken) void store.hint('claim');
  }

  /** Writes, or asks, until the database has answered, or until the lease is gone. */
  async #write<Written>(write: () => Promise<Written>): Promise<Written> {
    const { clock } = this.#host;
    const { id, epoch } = this.fence;
    for (let failures = 0; ; failures++) {
      if (this.#gone.aborted) throw new TaskbatonError('LEASE_LOST', { id, epoch });
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

  #tell<Name extends TaskEventName>(name: Name, more: Omit<EventDetails[Name], keyof TaskDetails>): void {
    const { observer } = this.#host;
    if (!observer.hears(name)) return;
    const { id, type, epoch, replica } = this.task;
    const details = { id, type, epoch, replica, queue: this.queue, ...more };
    observer.emit(name, details as unknown as EventDetails[Name]);
  }
}
