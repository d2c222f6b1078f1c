/**
 * One replica at work: it keeps its lease, reads the marks of the tasks it holds, takes new ones into free slots,
 * rescues those of the dead, and hands its own over when it stops. All replicas are equal and run this same code.
 */
import { atMost, type Clock } from '../core/clock.ts';
import type { Subscription, WakeTopic } from '../core/connection.ts';
import { messageFrom, TaskbatonError } from '../core/errors.ts';
import type { Settings } from '../core/options.ts';
import { markOf, type QueueName, QUEUES, type Status } from '../core/status.ts';
import type { Draining } from '../core/replica.ts';
import { wakeParents } from '../store/children.ts';
import { pruneHistory, pruneInterval } from '../store/history.ts';
import type { Claim } from '../store/record.ts';
import type { Held, Look } from '../store/lease.ts';
import type { Store } from '../store/store.ts';
import { createChildren } from './creation.ts';
import { LONGEST_RETRY } from './claim-writer.ts';
import { Execution, type ExecutionHost } from './execution.ts';
import { removeKept } from './keeping.ts';
import { type Heartbeat, NO_HEARTBEAT, startHeartbeat } from './heartbeat.ts';
import { Intake } from './intake.ts';
import { Lease } from './lease.ts';
import { Loop } from './loop.ts';
import { LoopWatch } from './loop-watch.ts';
import type { Observer } from './observer.ts';
import { policyOf } from './policy.ts';
import type { Registry } from './registry.ts';
import { encodeError } from './report.ts';
import { keyOf, Strays } from './strays.ts';
import type { Tracing } from './tracing.ts';
import { Writes } from './writes.ts';

export interface ReplicaOptions {
  readonly store: Store;
  readonly settings: Settings;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly tracing: Tracing;
  /** For people. */
  readonly name: string;
}

/** Without a stack: it would show who rescued the task, not what crashed. */
const CRASHED = encodeError(Object.assign(new TaskbatonError('CRASHED'), { stack: undefined }));

/** A replica that has nothing to do and gets a hint of whatever is committed looks around so much more seldom. */
const IDLE = 5;
/** Queues of the user's own may have forgotten somebody: they are reconciled at least so often. */
const RECONCILE_INTERVAL = 1000;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #host: ExecutionHost;
  readonly #lease: Lease;
  readonly #watch: LoopWatch;
  #heartbeat: Heartbeat = NO_HEARTBEAT;
  readonly #intakes: Readonly<Record<QueueName, Intake>>;
  readonly #loops: Readonly<Record<'tick' | 'run' | 'cleanup' | 'due' | 'rescue' | 'keep' | 'prune', Loop>>;
  readonly #executions = new Set<Execution>();
  #onLastEnd: () => void = () => undefined;
  readonly #writes: Writes;
  readonly #strays: Strays;
  /** What the next rescue has to do besides looking for whoever was forgotten; what fails is seen again by a tick. */
  readonly #repairs = new Set<'retry' | 'reorder' | 'bury'>();
  /** Up to where it was looked for parents that were forgotten. */
  readonly #looks = new Map<Status, number>();
  #stopping = false;
  #draining: Draining | undefined;
  #hinted = false;
  #hints: Subscription | undefined;

  constructor(options: ReplicaOptions) {
    const { settings, store, clock, registry, name } = options;
    this.#options = options;
    this.#writes = new Writes(store, clock);
    this.#strays = new Strays(options);
    this.#watch = new LoopWatch(options);
    this.#intakes = {
      run: this.#intake('run', settings.concurrency),
      cleanup: this.#intake('cleanup', settings.cleanupConcurrency),
    };
    this.#host = {
      ...options,
      writes: this.#writes,
      watch: this.#watch,
      createChildren: (claim, items, tx) =>
        createChildren({ ...options, maxPayload: settings.maxPayload }, claim, items, tx),
      handled: (execution) => this.#intakes[execution.queue].handled(execution),
      ended: (execution) => this.#ended(execution),
    };
    this.#lease = new Lease({
      store,
      clock,
      name,
      length: settings.lease,
      types: () => registry.runnable,
      concurrency: settings.concurrency,
      draining: () => this.#draining,
      heartbeat: () => this.#heartbeat,
      blocked: () => this.#watch.lately,
      onTaken: (replica) => options.observer.emit('replica.started', { replica }),
      onLost: (replica) => this.#lost(replica),
    });
    const { pollInterval, lease, ownQueues, history } = settings;
    const forgotten = Object.keys(ownQueues).length === 0 ? lease / 2 : RECONCILE_INTERVAL;
    this.#loops = {
      // A replica at work keeps its process alive, or an idle one would end as if it had crashed.
      tick: this.#loop('tick', Math.min(IDLE * pollInterval, lease / 4), () => this.#tick(), true),
      // These are woken when a tick or a hint says that there is something to do.
      run: this.#loop('claim', Infinity, () => this.#intakes.run.claim()),
      cleanup: this.#loop('claim cleanups', Infinity, () => this.#intakes.cleanup.claim()),
      due: this.#loop('admit due', Infinity, () => store.admitDue()),
      rescue: this.#loop('rescue', Math.min(forgotten, lease / 2), () => this.#rescue()),
      keep: this.#loop('remove what was kept', lease / 2, () => removeKept(options)),
      prune: this.#loop('prune the history', pruneInterval(history), () =>
        pruneHistory(store.scopes, history),
      ),
    };
  }

  /** Its id, new with each lease; undefined while it has none. */
  get id(): string | undefined {
    return this.#lease.replica;
  }

  /** Takes a lease and begins. Rejects if the database can't be reached, and then has stopped. */
  async start(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { store, observer } = this.#options;
    this.#hints = await store.listen({
      wake: (topic) => this.wake(topic),
      health: (working, cause) => {
        this.#hinted = working;
        if (working) observer.emit('hints.working', {});
        else observer.emit('hints.lost', { error: messageFrom(cause) });
      },
    });
    store.control.onQueueError = (queue, error) => {
      observer.emit('queue.failing', { queue, error: messageFrom(error) });
    };
    if (this.#options.registry.runnable.size > 0) await store.lead();
    await this.#lookAfterLoop();
    await this.#lease.keep();
    for (const loop of Object.values(this.#loops)) loop.start();
  }

  /** Once there may be handlers that block the loop; in real time only, for no other can be blocked. */
  async #lookAfterLoop(): Promise<void> {
    const { clock, registry } = this.#options;
    if (clock.real !== true || registry.runnable.size === 0 || this.#heartbeat !== NO_HEARTBEAT) return;
    this.#watch.start();
    const onLost = (replica: string): void => this.#lease.lose(replica);
    this.#heartbeat = await startHeartbeat({ ...this.#options, watch: this.#watch, onLost });
    this.#heartbeat.renew(this.#lease.replica);
  }

  /** A hint came, from this process or another. */
  wake(topic: WakeTopic): void {
    this.#loops[topic].wake();
  }

  /**
   * Signals all handlers at once, waits until they have ended or their grace has, and gives everything back. A database
   * that doesn't answer is waited for as long as half a lease; then the tasks are left to be rescued.
   */
  async stop(): Promise<void> {
    const { clock, observer, settings } = this.#options;
    const replica = this.#lease.replica ?? '';
    this.#stopping = true;
    observer.emit('replica.stopping', { replica, running: this.#executions.size });
    for (const execution of this.#executions) {
      if (execution.fence.owner === this.#lease.replica) execution.stop('shutdown');
      else execution.lose();
    }
    await atMost(clock, settings.stopGrace + settings.lease / 2, this.#handOver());
    for (const execution of this.#executions) execution.lose();
    for (const loop of Object.values(this.#loops)) void loop.stop();
    for (const intake of Object.values(this.#intakes)) intake.stop();
    await Promise.all([this.#hints?.close(), this.#heartbeat.close()]);
    this.#watch.stop();
    observer.emit('replica.stopped', { replica });
  }

  async #handOver(): Promise<void> {
    const { store } = this.#options;
    const { tick, ...takers } = this.#loops;
    await Promise.all(Object.values(takers).map((loop) => loop.stop()));
    // The tick goes on until here: a lease must not end while handlers save their contexts.
    if (this.#executions.size > 0) await new Promise<void>((resolve) => (this.#onLastEnd = resolve));
    await tick.stop();
    const replica = this.#lease.replica;
    if (replica === undefined) return;
    // What is still held came from claims whose answers got lost.
    await store.releaseAll(replica);
    await this.#lease.end();
    await store.hint(...QUEUES);
  }

  #loop(name: string, interval: number, work: () => Promise<boolean | number | void>, hold = false): Loop {
    const { clock, observer } = this.#options;
    return new Loop({ name, interval, work, clock, observer, hold });
  }

  // Taking tasks

  #intake(queue: QueueName, capacity: number): Intake {
    return new Intake({
      ...this.#options,
      strays: this.#strays,
      queue,
      capacity,
      taker: () => (this.#handsOver ? undefined : this.#lease.replica),
      execution: (claim, replica) => this.#execution(claim, queue, replica),
      check: (execution) => this.#check(execution),
      wake: () => this.#loops[queue].wake(),
    });
  }

  #execution(claim: Claim, queue: QueueName, replica: string): Execution {
    const definition = this.#options.registry.find(claim.type);
    if (definition === undefined) throw new TaskbatonError('UNKNOWN_TYPE', { type: claim.type });
    const policy = policyOf(definition, claim.options);
    const execution = new Execution({ host: this.#host, claim, queue, definition, policy, replica });
    this.#executions.add(execution);
    return execution;
  }

  /** The world may have changed while its claim was on its way. */
  #check(execution: Execution): void {
    if (this.#lease.replica !== execution.fence.owner) execution.stop('lease-lost');
    else if (this.#handsOver) execution.stop('shutdown');
  }

  /** Whether what runs here is to go on elsewhere. */
  get #handsOver(): boolean {
    return this.#stopping || this.#draining !== undefined;
  }

  #ended(execution: Execution): void {
    const { queue, stopping } = execution;
    this.#executions.delete(execution);
    if (this.#executions.size === 0) this.#onLastEnd();
    this.#intakes[queue].ended(execution);
    // What was deleted waits for its cleanup.
    if (stopping === 'delete') this.#loops.cleanup.wake();
  }

  // Keeping tasks

  /** In how many milliseconds to look around again, if that is sooner than an idle replica does. */
  async #tick(): Promise<number | boolean> {
    const { store } = this.#options;
    await this.#lookAfterLoop();
    const replica = await this.#lease.keep();
    if (replica === undefined) return true;
    const before = [...this.#executions].filter(({ fence }) => fence.owner === replica);
    const look = await store.look(replica);
    if (look === undefined) {
      this.#lease.lose(replica);
      return true;
    }
    const byId = new Map(look.held.map((task) => [task.id, task]));
    this.#drain(replica, look.draining);
    for (const execution of before) this.#compare(execution, byId.get(execution.fence.id));
    this.#wakeFor(look);
    const ended = new Set(before.map(({ fence }) => keyOf(fence)));
    await this.#strays.release(replica, look.held, (task) => ended.has(keyOf(task)) || this.#runs(task));
    return this.#untilNextTick(look);
  }

  /** Goes by the mark that others have set, or taken away. */
  #drain(replica: string, draining: Draining | undefined): void {
    const { observer } = this.#options;
    const before = this.#draining;
    this.#draining = draining;
    if (draining === undefined) {
      if (before !== undefined) observer.emit('replica.undrained', { replica });
      return;
    }
    if (before === undefined) observer.emit('replica.draining', { replica, running: this.#executions.size });
    for (const execution of this.#executions) execution.stop('shutdown');
  }

  #wakeFor({ work, leaseEndsIn }: Look): void {
    if (work.has('run')) this.#loops.run.wake();
    if (work.has('cleanup')) this.#loops.cleanup.wake();
    if (work.has('due')) this.#loops.due.wake();
    for (const repair of ['retry', 'reorder'] as const) if (work.has(repair)) this.#repairs.add(repair);
    if (leaseEndsIn <= 0) this.#repairs.add('bury');
    if (this.#repairs.size > 0) this.#loops.rescue.wake();
  }

  /** Whoever holds something, or left something for others to do, must hear of changes even if a hint gets lost. */
  #untilNextTick({ held, work, leaseEndsIn }: Look): number {
    const { store, settings, clock } = this.#options;
    const poll = settings.pollInterval * (0.9 + 0.2 * clock.random());
    const hinted = this.#hinted && store.hintsInTransactions;
    const idle = hinted && held.length === 0 && work.size === 0 && leaseEndsIn > 0;
    // Whoever dies is struck off at the moment at which its lease ends, not at the next poll.
    return idle || (leaseEndsIn > 0 && leaseEndsIn < poll) ? leaseEndsIn : poll;
  }

  /** Passes a mark on to its handler; what another owner has by now is lost. */
  #compare(execution: Execution, task: Held | undefined): void {
    if (!this.#executions.has(execution)) return;
    if (task === undefined || task.epoch !== execution.fence.epoch) return execution.lose();
    const mark = markOf(task.status);
    if (execution.queue === 'run' && (mark === 'pause' || mark === 'delete')) execution.stop(mark);
  }

  #runs({ id, epoch }: Held): boolean {
    for (const { fence } of this.#executions) if (fence.id === id && fence.epoch === epoch) return true;
    return false;
  }

  /**
   * The lease `replica` is gone, so its handlers must stop. What they saved last is still offered: the database takes
   * it from whoever owns the task in this epoch, which is us as long as nobody has rescued it.
   */
  #lost(replica: string): void {
    const held = [...this.#executions].filter(({ fence }) => fence.owner === replica);
    this.#options.observer.emit('replica.lost', { replica, running: held.length });
    for (const execution of held) {
      // Whoever stops has no time to wait for a database that doesn't answer.
      if (this.#stopping) execution.lose();
      else execution.stop('lease-lost');
    }
    if (!this.#stopping) this.#loops.tick.wake();
  }

  // The others' tasks

  async #rescue(): Promise<boolean> {
    const { store, registry, observer } = this.#options;
    // After an outage that cost all replicas their leases, what their handlers saved last comes before any rescue.
    if (this.#lease.age < LONGEST_RETRY) return false;
    const repairs = new Set(this.#repairs);
    this.#repairs.clear();
    const reordering = repairs.has('reorder') && (await store.control.reorder());
    if (reordering) this.#repairs.add('reorder');
    if (repairs.has('retry')) await store.retryCleanups();
    if (repairs.has('bury')) await store.bury();
    await store.reconcile(registry.runnable);
    const count = await store.rescue(CRASHED);
    if ((await wakeParents(store.scopes, this.#looks)) > 0) void store.hint(...QUEUES);
    if (count > 0) observer.emit('tasks.rescued', { count, replica: this.#lease.replica ?? '' });
    return count > 0 || reordering;
  }
}
