/**
 * All that the engine asks of its database, in one SQL text for every database. Each method is one statement or one
 * short transaction; none takes a time from a replica; every write for a running task carries its fence.
 */
import type { Author } from '../core/author.ts';
import type { CheckedBulkFilter } from '../core/bulk.ts';
import type { Connection, Database, Subscription, WakeListener, WakeTopic } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { type CheckedHistory, NO_HISTORY } from '../core/history.ts';
import type { CheckedKeep } from '../core/keep.ts';
import { type CheckedLimits, NO_LIMITS } from '../core/limit.ts';
import { type CheckedPolicy, FIFO } from '../core/policy.ts';
import type { OwnQueues } from '../core/queue.ts';
import { type Event, type QueueName, QUEUES, STATUS, type Status, type UserEvent } from '../core/status.ts';
import type { Replica } from '../core/replica.ts';
import type { CheckedFilter, Task, TaskPage } from '../core/task.ts';
import type { Runnable } from '../core/version.ts';
import { hasStatus } from './at-rest.ts';
import { applyToMany, bulkWhere } from './bulk.ts';
import { changeTask, type How } from './change.ts';
import { Control } from './control.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import { historyTerms } from './entry.ts';
import { moveTask, moveTasks } from './move.ts';
import { isTask } from './page.ts';
import { selectPage } from './search.ts';
import { insertEach, insertTask, insertTasks, isPlain } from './create.ts';
import { type Attempt, writeAlike } from './given.ts';
import { admitDue } from './due.ts';
import { reconcile } from './own-queue.ts';
import { Payloads } from './payload.ts';
import { type Due, type NewTask, TASK_COLUMNS } from './record.ts';
import { checkVersion, migrate, readIdentity, type Tables, tablesOf } from './schema.ts';
import { type Claimed, claimTasks, type ClaimRequest } from './claim.ts';
import { endLease, type Look, lookAround, type NewReplica, renewLease, takeLease } from './lease.ts';
import { listReplicas } from './replicas.ts';
import { buryDead, rescueTasks } from './rescue.ts';
import { removeKept } from './retention.ts';
import type { limitScope } from './scope.ts';
import {
  type Checkpoint,
  type Fence,
  fenceWhere,
  type FencedCheckpoint,
  type FencedSettlement,
  isCommitted,
  leaseLost,
  type Settlement,
  settleTask,
  settleTasks,
  writeCheckpoints,
} from './settlement.ts';
import { endTopics, HINTS, topicsOf } from './topics.ts';
import { applyEvent, type EventScope } from './transition.ts';

/** Who is next, as this process was told. */
export interface Scheduling {
  readonly policies: Readonly<Record<QueueName, CheckedPolicy>>;
  readonly limits: CheckedLimits;
  readonly ownQueues?: OwnQueues;
}

const PLAIN: Scheduling = { policies: { run: FIFO, cleanup: FIFO }, limits: NO_LIMITS };

const AS_THEY_ARE = new Payloads({ unique: () => '' });

export class Store {
  readonly database: Database;
  readonly tables: Tables;
  readonly control: Control;
  readonly dialect: Dialect;
  readonly payloads: Payloads;
  readonly history: CheckedHistory;
  readonly #scheduling: Scheduling;
  #identity: string | undefined;
  /** For each queue of the user's own the last task that was entered again. */
  readonly #reconciledTo: Record<QueueName, number> = { run: 0, cleanup: 0 };

  constructor(
    database: Database,
    prefix: string,
    schema?: string,
    dialect: Dialect = dialectOf(database),
    scheduling: Scheduling = PLAIN,
    payloads: Payloads = AS_THEY_ARE,
    history: CheckedHistory = NO_HISTORY,
  ) {
    this.payloads = payloads;
    this.history = history;
    this.database = database;
    this.tables = tablesOf(prefix, schema);
    this.dialect = dialect;
    this.#scheduling = scheduling;
    this.control = new Control(database, this.tables, dialect, {
      limits: scheduling.limits,
      ownQueues: scheduling.ownQueues ?? {},
      history: historyTerms(this.tables, history),
    });
  }

  async prepare(mayMigrate: boolean): Promise<void> {
    await (mayMigrate ? migrate(this.database, this.tables) : checkVersion(this.database, this.tables));
    await this.control.adopt(this.#scheduling.policies, true);
    await this.identity();
    const { prefix, schema } = this.tables;
    for (const queue of QUEUES) {
      const qualified = `${schema === undefined ? '' : `${schema}.`}${prefix}`;
      const place = { connection: this.database, dialect: this.database.dialect, prefix: qualified, queue };
      await this.#scheduling.ownQueues?.[queue]?.prepare?.(place);
    }
  }

  /** This store on another connection to its database, such as a transaction of the user's. */
  async on(database: Database): Promise<Store> {
    const { prefix, schema } = this.tables;
    const { dialect, payloads, history } = this;
    const store = new Store(database, prefix, schema, dialect, this.#scheduling, payloads, history);
    await store.control.refresh();
    return store;
  }

  /** Resolves if the database answers. */
  async ping(): Promise<void> {
    await this.database.query('SELECT 1');
  }

  /** What tells this system from all others. */
  async identity(): Promise<string> {
    this.#identity ??= await readIdentity(this.database, this.tables);
    return this.#identity;
  }

  /** Enters some more of those that wait, of `types`, into the queues of the user's own. */
  async reconcile(types: ReadonlyMap<string, Runnable>): Promise<void> {
    const { task: table } = this.tables;
    const { terms } = this.control;
    for (const queue of QUEUES) {
      if (terms.ownQueues[queue] === undefined) continue;
      this.#reconciledTo[queue] = await this.database.transaction((connection) =>
        reconcile(connection, { table, terms }, types, queue, this.#reconciledTo[queue]),
      );
    }
  }

  /** Lets the policies of this process be those of the system. */
  async lead(): Promise<void> {
    await this.control.adopt(this.#scheduling.policies, false);
  }

  // Hints: sent with the fact or after it; a lost one costs a poll interval and nothing else

  async hint(...topics: readonly WakeTopic[]): Promise<void> {
    for (const sent of topics.map((topic) => this.database.notify(this.tables.wake, topic))) await sent;
  }

  /** Whether whoever commits something can't but send the hint that belongs to it. */
  get hintsInTransactions(): boolean {
    return this.database.notifyIn !== undefined;
  }

  /** Nobody waits for a hint, except on a connection that isn't ours and takes one statement at a time. */
  async #tell(...topics: readonly WakeTopic[]): Promise<void> {
    const sent = this.hint(...topics);
    if (this.database.borrowed === true) await sent;
  }

  listen(listener: WakeListener): Promise<Subscription> {
    return this.database.listen(this.tables.wake, listener);
  }

  // Users' side

  /** The new task's id, or that of the one with the same key. */
  async create(task: NewTask): Promise<number> {
    const id = await insertTask(this.scopes, task);
    await this.#tell(...topicsOf(task));
    return id;
  }

  /** Whether it may be created together with others. */
  isPlain(task: NewTask): boolean {
    return isPlain(this, task);
  }

  /** Creates plain tasks in as few statements as they begin in different ways; whoever is left out is to be created alone. */
  async createEach(tasks: readonly NewTask[]): Promise<readonly Attempt<number>[]> {
    const [topic, another] = new Set(tasks.flatMap(topicsOf));
    const only = topic !== undefined && another === undefined;
    const hint = only ? this.database.hintWithin?.(this.tables.wake, topic) : undefined;
    const results = await insertEach(this.scopes, tasks, hint);
    const created = tasks.filter((_, index) => results[index]?.status === 'fulfilled');
    if (hint === undefined) await this.#tell(...new Set(created.flatMap(topicsOf)));
    return results;
  }

  /** The new tasks' ids, in their order; all are created or none. */
  async createMany(tasks: readonly NewTask[]): Promise<readonly number[]> {
    const ids = await insertTasks(this.scopes, tasks);
    await this.#tell(...new Set(tasks.flatMap(topicsOf)));
    return ids;
  }

  /** Throws TASK_NOT_FOUND, also for a task that is being deleted unless that is asked for. */
  async get(id: number, includeDeleting: boolean, redacted = false, owner?: string): Promise<Task> {
    const { sql, values } = isTask(id, owner);
    const select = `SELECT ${TASK_COLUMNS} FROM ${this.tables.task} WHERE ${sql}`;
    const row = (await this.database.query(select, values)).rows[0];
    const deleting = row !== undefined && STATUS[row['status'] as Status].shows === 'deleting';
    if (row === undefined || (deleting && !includeDeleting))
      throw new TaskbatonError('TASK_NOT_FOUND', { id });
    return this.payloads.taskFrom(row, redacted);
  }

  async list(filter: CheckedFilter): Promise<TaskPage> {
    const page = await selectPage(this.scopes, TASK_COLUMNS, filter);
    const rows = page === undefined ? [] : (await this.database.query(page.sql, page.values)).rows;
    const shown = rows.slice(0, filter.limit);
    const tasks = await Promise.all(shown.map((row) => this.payloads.taskFrom(row, filter.redacted)));
    return { tasks, next: rows.length > filter.limit ? tasks.at(-1)?.id : undefined };
  }

  /** Applies what a user asked for. False if it held already; throws TASK_NOT_FOUND or STATE_CONFLICT. */
  async change(
    id: number,
    event: UserEvent,
    how: How & { readonly when?: Due | undefined } = {},
  ): Promise<boolean> {
    const changed = await changeTask(this, id, event, how);
    if (changed) await this.#tell(...(how.when === undefined ? HINTS[event] : (['due'] as const)));
    return changed;
  }

  /** Moves a task, whatever its state, without touching its place in the queue. Throws TASK_NOT_FOUND. */
  async changeGroup(id: number, group: string, how: How = {}): Promise<void> {
    if (await moveTask(this, id, group, how)) await this.#tell(...QUEUES);
  }

  /** What operations on users, groups and types as a whole work with. */
  get scopes(): Parameters<typeof limitScope>[0] & {
    readonly connection: Database;
    readonly payloads: Payloads;
  } {
    const { database: connection, tables, dialect, control, payloads } = this;
    return { connection, tables, dialect, control, payloads };
  }

  /** Applies an event to many tasks. */
  async changeMany(
    event: UserEvent,
    filter: CheckedBulkFilter,
    by?: Author,
  ): Promise<Awaited<ReturnType<typeof applyToMany>>> {
    const change = await applyToMany(this.scopes, event, filter, by);
    if (change.changed > 0) await this.#tell(...HINTS[event]);
    return change;
  }

  /** Moves many tasks; says how many were elsewhere. */
  async moveMany(filter: CheckedBulkFilter, group: string, by?: Author): Promise<number> {
    const where = bulkWhere(this.dialect, filter);
    const moved = where === undefined ? 0 : await moveTasks(this, where, group, by);
    if (moved > 0) await this.#tell(...QUEUES);
    return moved;
  }

  // Handlers' side: every write is fenced

  /** Stores a report. Throws LEASE_LOST. */
  async checkpoint(fence: Fence, checkpoint: Checkpoint): Promise<void> {
    const [stored] = await writeCheckpoints(this.#handlers, [{ fence, checkpoint }]);
    if (stored !== true) throw leaseLost(fence);
  }

  /** Stores reports in one statement; whoever is left out is to be stored alone. */
  checkpointEach(items: readonly FencedCheckpoint[]): Promise<readonly Attempt<true>[]> {
    return writeAlike(
      items,
      () => true,
      async (group) => (await writeCheckpoints(this.#handlers, group)).map((stored) => stored || undefined),
    );
  }

  /** Stores what `work` writes and the report it returns, the `nth`: both once, or neither. Throws LEASE_LOST, and what `work` throws. */
  async transact(fence: Fence, nth: number, work: (tx: Connection) => Promise<Checkpoint>): Promise<void> {
    const { task } = this.tables;
    const { terms } = this.control;
    const transact = async (connection: Connection): Promise<void> => {
      const checkpoint = { ...(await work(connection)), nth };
      const [stored] = await writeCheckpoints({ connection, task, terms }, [{ fence, checkpoint }], true);
      if (stored !== true) throw leaseLost(fence);
    };
    await this.database.transaction(transact, { idle: Infinity });
  }

  /** Whether the `nth` report was stored. */
  isCommitted(fence: Fence, nth: number): Promise<boolean> {
    return isCommitted(this.#handlers, fence, nth);
  }

  /** Ends a claim, moving context and status together. Throws LEASE_LOST. */
  async settle(fence: Fence, settlement: Settlement): Promise<void> {
    await settleTask(this.#handlers, { fence, settlement });
    await this.#tell(...endTopics([{ fence, settlement }]));
  }

  /** Ends claims in as few statements as there are kinds of ends; whoever is left out is to be ended alone. */
  async settleEach(items: readonly FencedSettlement[]): Promise<readonly Attempt<true>[]> {
    const results = await settleTasks(this.#handlers, items);
    await this.#tell(...endTopics(items.filter((_, index) => results[index]?.status === 'fulfilled')));
    return results;
  }

  /** Gives back a claim that never ran, or whose handler won't be waited for. True if it was still held. */
  async release(fence: Fence): Promise<boolean> {
    const released = (await this.#apply('recover', { where: fenceWhere(fence) })) > 0;
    if (released) await this.#tell(...QUEUES);
    return released;
  }

  /** Gives back all that `owner` still holds; only for one whose executions have all ended. */
  async releaseAll(owner: string): Promise<number> {
    return this.#apply('recover', { where: { sql: 'owner = ?', values: [owner] } });
  }

  // Replicas' side

  register(replica: NewReplica): Promise<void> {
    return takeLease(this.scopes, replica);
  }

  async unregister(id: string): Promise<void> {
    await endLease(this.scopes, id);
  }

  /** Prolongs a lease that has not ended, and says what it runs by now; false if it has, for it never comes back. */
  renew(renewal: Parameters<typeof renewLease>[1]): Promise<boolean> {
    return renewLease(this.scopes, renewal);
  }

  /** What the replica holds, and what there is to do for anybody; undefined if its lease has ended. */
  look(id: string): Promise<Look | undefined> {
    return lookAround(this.scopes, id);
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    const { database, tables, control } = this;
    const { policies } = this.#scheduling;
    return claimTasks({ database, tables, dialect: this.dialect, control, policies }, request);
  }

  /** Strikes replicas off whose lease has ended: from here on their tasks are nobody's. Says how many. */
  bury(): Promise<number> {
    return buryDead(this.scopes);
  }

  /** Takes tasks from replicas that are no more, honouring marks; says how many. `error` is kept on those that fail. */
  async rescue(error: string): Promise<number> {
    const rescued = await rescueTasks(this.scopes, error);
    if (rescued > 0) await this.#tell(...QUEUES);
    return rescued;
  }

  /** Lets those into their queue that were to wait until now; says in how many milliseconds the next one is due. */
  async admitDue(): Promise<number | undefined> {
    const { admitted, next } = await admitDue(this);
    if (admitted > 0) await this.#tell('run');
    return next;
  }

  /** Removes some of those of `type` that have been kept long enough; says how many. */
  async removeKept(type: string, keep: CheckedKeep): Promise<number> {
    const removed = await removeKept(this.scopes, type, keep);
    if (removed > 0 && keep.cleanup) await this.#tell('cleanup');
    return removed;
  }

  /** Queues failed cleanups whose pause is over; says how many. */
  async retryCleanups(): Promise<number> {
    const retried = await this.#apply('retry', {
      where: {
        sql: `turn <= ${this.dialect.now} AND ${hasStatus(this.dialect, ['failed/delete']).sql}`,
        values: [],
      },
    });
    if (retried > 0) await this.#tell('cleanup');
    return retried;
  }

  replicas(owner?: string): Promise<readonly Replica[]> {
    return listReplicas(this.scopes, owner);
  }

  #apply(event: Event, scope: EventScope): Promise<number> {
    return applyEvent(this.database, this.tables.task, this.control.terms, event, scope);
  }

  get #handlers(): Parameters<typeof settleTask>[0] {
    return { connection: this.database, task: this.tables.task, terms: this.control.terms };
  }
}
