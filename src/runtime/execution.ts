/**
 * One claim, from the start of its handler to the write that ends it. It drives user code and trusts none of it: a
 * handler may throw, hang, ignore its signal or report nonsense, and costs nobody but its own task.
 */
import type { Children, NewChild } from '../core/children.ts';
import type { Timer } from '../core/clock.ts';
import type { Connection } from '../core/connection.ts';
import type { TaskDefinition } from '../core/definition.ts';
import { TaskbatonError } from '../core/errors.ts';
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
import type { Settings } from '../core/options.ts';
import type { QueueName } from '../core/status.ts';
import { deleteChildren } from '../store/children.ts';
import type { Claim } from '../store/record.ts';
import type { Checkpoint, Fence, Settlement } from '../store/settlement.ts';
import { childrenOf } from './children.ts';
import { type ClaimHolder, ClaimWriter, type ClaimWriterHost } from './claim-writer.ts';
import { type Given, readGiven } from './given.ts';
import { afterAny } from './long-timer.ts';
import type { LoopWatch } from './loop-watch.ts';
import { FINISHED, nearestLimit, Outcome, UNCLAIMED, WAITING, YIELDED } from './outcome.ts';
import type { RunningPolicy } from './policy.ts';
import { encodeReport } from './report.ts';
import { Switch } from './switch.ts';
import { handlerLog } from './task-log.ts';
import type { Stint, Tracing } from './tracing.ts';
import { doWork, isInWork } from './work.ts';

/** What all executions of a replica have in common. */
export interface ExecutionHost extends ClaimWriterHost {
  readonly settings: Pick<Settings, 'maxPayload' | 'stopGrace'>;
  readonly tracing: Tracing;
  /** Handlers run under the eyes of whoever watches the event loop. */
  readonly watch: Pick<LoopWatch, 'begin' | 'enter' | 'end'>;
  /** Creates tasks below a claimed one, in a transaction of ours. */
  readonly createChildren: (
    claim: Claim,
    items: readonly NewChild[],
    tx: Connection,
  ) => Promise<readonly number[]>;
  /** Its handler has ended or won't be waited for, or won't begin. */
  readonly handled: (execution: Execution) => void;
  /** Nothing of it is left but, perhaps, a handler that was abandoned. */
  readonly ended: (execution: Execution) => void;
}

export interface ExecutionOptions {
  readonly host: ExecutionHost;
  readonly claim: Claim;
  readonly queue: QueueName;
  readonly definition: TaskDefinition;
  readonly policy: RunningPolicy;
  /** The replica that claimed it. */
  readonly replica: string;
}

/**
 * A replica may run a thousand of these at once, and most are over in a moment: what not every handler needs is made when it
 * is asked for, and what is there at once isn't waited for.
 */
export class Execution implements ClaimHolder {
  readonly fence: Fence;
  readonly queue: QueueName;
  /** Whom its handler works for. */
  readonly task: RunningTask;

  readonly #host: ExecutionHost;
  readonly #options: ExecutionOptions;
  readonly #writer: ClaimWriter;
  readonly #stop = new Switch();
  /** Fires when its handler isn't waited for any longer. */
  readonly #left = new Switch();
  #timeLimit: Timer | undefined;
  #grace: Timer | undefined;
  #closed = false;
  #children: Children<Report<unknown>> | undefined;

  constructor(options: ExecutionOptions) {
    const { host, claim, definition, replica, queue } = options;
    const { id, type, user, group, epoch, attempt } = claim;
    this.#host = host;
    this.#options = options;
    this.queue = queue;
    this.fence = { id, owner: replica, epoch };
    this.task = Object.freeze({ id, type, user, group, attempt, epoch, replica });
    this.#writer = new ClaimWriter(host, this, claim, definition);
  }

  /** Whether its handler has begun. */
  get begun(): boolean {
    return this.#writer.stint !== undefined;
  }

  /** Lets its handler begin, once; not when it was given back. */
  begin(): void {
    const { clock, observer, tracing, watch } = this.#host;
    const { claim, policy } = this.#options;
    const stint = tracing.begin(this.task, this.queue, claim.options);
    this.#writer.stint = stint;
    watch.begin(this.task);
    observer.emitOf(this, 'task.started', { attempt: claim.attempt });
    // Cleanups have as much time as they need.
    const rest = this.queue === 'run' ? nearestLimit(claim, policy.limits).rest : Infinity;
    this.#timeLimit = afterAny(clock, rest, () => this.stop('timeout'));
    void this.#handle(stint).then((settlement) => this.#close(settlement));
  }

  /** Gives the task back, unless its handler has begun. */
  release(): void {
    if (this.begun) return;
    // To its user, one that has begun before runs until it ends.
    this.#close(this.#options.claim.worked.attempt > 0 ? YIELDED : UNCLAIMED);
  }

  /** Why it was told to stop, if it was. */
  get stopping(): StopReason | undefined {
    return this.#stop.aborted ? (this.#stop.reason as TaskStopped).why : undefined;
  }

  /** Fires the handler's signal, once. One that has not ended when the grace is over is abandoned, one that has not begun never does. */
  stop(why: StopReason): void {
    if (this.#closed || this.#stop.aborted) return;
    const { clock, settings } = this.#host;
    if (this.begun) {
      this.#host.observer.emitOf(this, 'task.stopping', { why });
      this.#grace = clock.after(settings.stopGrace, () => this.#giveUp(), { hold: true });
    }
    this.#stop.abort(new TaskStopped(why));
    this.release();
  }

  /** The task is another's, or the database won't be waited for: the handler is told, and nothing is written any more. */
  lose(): void {
    if (this.#writer.isClosed) return;
    this.#writer.close();
    this.stop('lease-lost');
  }

  /** Its handler has ended, or isn't waited for any longer; what comes after that doesn't count. */
  #close(settlement: Settlement): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timeLimit?.cancel();
    this.#grace?.cancel();
    if (this.begun) this.#host.watch.end(this.task);
    this.#host.handled(this);
    const { rest } = this.#writer;
    const end = (): Promise<void> => this.#writer.end(settlement);
    void (rest === undefined ? end() : rest.then(end)).then(() => this.#end());
  }

  #end(): void {
    // A transaction of a handler that was abandoned isn't tried again.
    this.#writer.close();
    this.#writer.stint?.end();
    this.#host.ended(this);
  }

  // The handler

  /** Runs the handler to its end; never rejects. */
  async #handle(stint: Stint): Promise<Settlement> {
    try {
      const { definition, policy } = this.#options;
      if (this.queue === 'run' && policy.refusal !== undefined) throw policy.refusal;
      const handler = this.queue === 'run' ? definition.run : definition.cleanup;
      if (this.queue === 'cleanup' && (await this.#hasChildren())) return WAITING;
      if (handler === undefined) return FINISHED;
      const given = readGiven(this.#options, this.#host.store.payloads);
      const args = this.#arguments(given instanceof Promise ? await given : given);
      if (this.#stop.aborted) return this.#outcome.ofStop();
      const returned = await stint.run(() => this.#drive(handler, args));
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
      log: handlerLog(() => this.#writer.log),
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
      misused: (problem) => this.#host.observer.emitOf(this, 'task.misused', { problem }),
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
      ask: (question) => this.#writer.write(question),
      checkDone: () => this.#checkOutside('children.done'),
      stop: (why) => this.stop(why),
    });
  }

  /** Whether the task's children, which go before it, are still there; now they are on their way. */
  async #hasChildren(): Promise<boolean> {
    const { store } = this.#host;
    const { claim } = this.#options;
    if (!claim.hasChildren) return false;
    return this.#writer.write(async () => {
      const left = await deleteChildren(store.scopes, claim.id);
      void store.hint('tick', 'cleanup');
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
    this.#host.observer.emitOf(this, 'task.abandoned', { grace });
    this.#left.abort(new TaskbatonError('HANDLER_ABANDONED', { id: this.task.id, grace }));
    this.#close(this.#outcome.ofStop());
  }

  // Writing

  #fromFunction(written: Promise<void>): Promise<void> {
    const reported = written.then(() => this.#enter(() => this.#stop.throwIfAborted()));
    // A handler that doesn't await its reports must not bring the process down when one is refused.
    reported.catch(() => undefined);
    return reported;
  }

  async #report(report: unknown, call = 'yield'): Promise<void> {
    const { clock, observer } = this.#host;
    const began = clock.monotonic();
    this.#checkOpen();
    this.#checkOutside(call);
    await this.#writer.report(report === undefined ? undefined : this.#checkpoint(report));
    if (report === undefined) return;
    observer.emitOf(this, 'task.reported', { took: clock.monotonic() - began });
  }

  async #transact(work: (tx: Transaction) => Promise<unknown>, call: string): Promise<void> {
    this.#checkOpen();
    this.#checkOutside(call);
    const left = this.#left.signal;
    const reporting = async (tx: Transaction): Promise<Checkpoint> =>
      this.#checkpoint(await doWork(this, left, () => work(tx)));
    await this.#writer.transact(reporting, left);
    this.#host.observer.emitOf(this, 'task.reported', {});
  }

  #checkpoint(report: unknown): Checkpoint {
    return encodeReport(report, this.task.type, this.#host.settings.maxPayload);
  }

  #checkOpen(): void {
    this.#left.throwIfAborted();
    if (this.#closed) throw new TaskbatonError('REPORT_AFTER_END', { id: this.fence.id });
  }

  /** What waits for the end of a transaction would, inside it, wait for ever. */
  #checkOutside(call: string): void {
    if (isInWork(this)) throw new TaskbatonError('INSIDE_TRANSACTION', { id: this.fence.id, call });
  }
}
