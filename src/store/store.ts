/**
 * All that the engine asks of its database, in one SQL text for every database. Each method is one statement or one
 * short transaction; none takes a time from a replica; every write for a running task carries its fence.
 */
import type { Database, Subscription, WakeListener, WakeTopic } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import {
  arrows,
  type Event,
  LEASED,
  stateOf,
  type Status,
  transition,
  type UserEvent,
} from '../core/status.ts';
import type { CheckedFilter, Replica, Task, TaskPage } from '../core/task.ts';
import { DIALECTS, type Dialect } from './dialect.ts';
import { isAmong, selectPage } from './page.ts';
import { type Claim, TASK_COLUMNS, taskFrom } from './record.ts';
import { checkVersion, migrate, type Tables, tablesOf } from './schema.ts';
import { claimTasks, type ClaimRequest } from './claim.ts';
import { applyEvent, type EventScope, type Fragment } from './transition.ts';

/** What makes a write good: it was this replica that claimed this task the last time it was claimed. */
export interface Fence {
  readonly id: number;
  readonly owner: string;
  readonly epoch: number;
}

/** A report as it is stored: JSON texts; null leaves what is there. */
export interface Checkpoint {
  readonly context: string | null;
  readonly progress: number | null;
  readonly message: string | null;
}

export interface Settlement {
  readonly event: 'yield' | 'finish' | 'fail';
  readonly checkpoint: Checkpoint;
  /** JSON of a StoredError; null for none. */
  readonly error: string | null;
  readonly remove: boolean;
}

export interface NewTask {
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly input: string | null;
  readonly context: string | null;
  readonly autoRun: boolean;
}

export interface NewReplica {
  readonly id: string;
  readonly name: string;
  readonly lease: number;
  readonly types: readonly string[];
  readonly concurrency: number;
}

/** A task that the database says this replica holds. */
export interface Held {
  readonly id: number;
  readonly epoch: number;
  readonly status: Status;
}

/** What replicas should look at after a user's event. */
const HINTS: Readonly<Record<UserEvent, readonly WakeTopic[]>> = {
  run: ['claim'],
  pause: ['tick'],
  delete: ['tick', 'claim'],
};

/** The statuses in which a crash is a failure: elsewhere a mark says what becomes of the task. */
const FAILING_CRASHES = arrows('expire')
  .filter(({ to }) => to !== 'removed' && stateOf(to) === 'failed')
  .map(({ from }) => `'${from}'`)
  .join(', ');

/** How many tasks a rescue takes on at once. */
const RESCUE_BATCH = 500;

export class Store {
  readonly database: Database;
  readonly tables: Tables;
  readonly #dialect: Dialect;

  constructor(
    database: Database,
    prefix: string,
    schema?: string,
    dialect: Dialect = DIALECTS[database.dialect],
  ) {
    this.database = database;
    this.tables = tablesOf(prefix, schema);
    this.#dialect = dialect;
  }

  async prepare(mayMigrate: boolean): Promise<void> {
    await (mayMigrate ? migrate(this.database, this.tables) : checkVersion(this.database, this.tables));
  }

  // Hints: sent after the fact, so that a lost one costs a poll interval and nothing else

  hint(topic: WakeTopic): Promise<void> {
    return this.database.notify(this.tables.wake, topic);
  }

  listen(listener: WakeListener): Promise<Subscription> {
    return this.database.listen(this.tables.wake, listener);
  }

  // Users' side

  /** The new task's id. */
  async create(task: NewTask): Promise<number> {
    const id = await this.#insert(task);
    if (task.autoRun) void this.hint('claim');
    return id;
  }

  async #insert(task: NewTask): Promise<number> {
    const { now, returning } = this.#dialect;
    const status: Status = task.autoRun ? 'pending/run' : 'init/none';
    const insert = `INSERT INTO ${this.tables.task}
      (type, task_user, task_group, status, queue, turn, epoch, attempt, crashes, crash_budget, retries, created_at, input, context)
      VALUES (?, ?, ?, '${status}', ${task.autoRun ? `'run', ${now}` : 'NULL, NULL'}, 0, 1, 0, 0, 0, ${now}, ?, ?)`;
    const values = [task.type, task.user, task.group, task.input, task.context];
    if (returning === true) {
      const { rows } = await this.database.query(`${insert} RETURNING id`, values);
      return Number(rows[0]?.['id']);
    }
    return this.database.transaction(async (connection) => {
      await connection.query(insert, values);
      const { rows } = await connection.query(returning.lastInsertId);
      return Number(rows[0]?.['id']);
    });
  }

  /** Throws TASK_NOT_FOUND, also for a task that is being deleted unless that is asked for. */
  async get(id: number, includeDeleting: boolean): Promise<Task> {
    const sql = `SELECT ${TASK_COLUMNS} FROM ${this.tables.task} WHERE id = ?`;
    const row = (await this.database.query(sql, [id])).rows[0];
    const task = row === undefined ? undefined : taskFrom(row);
    if (task === undefined || (task.state === 'deleting' && !includeDeleting))
      throw new TaskbatonError('TASK_NOT_FOUND', { id });
    return task;
  }

  async list(filter: CheckedFilter): Promise<TaskPage> {
    const page = selectPage(this.tables.task, TASK_COLUMNS, filter);
    const rows = page === undefined ? [] : (await this.database.query(page.sql, page.values)).rows;
    const tasks = rows.slice(0, filter.limit).map(taskFrom);
    return { tasks, next: rows.length > filter.limit ? tasks.at(-1)?.id : undefined };
  }

  /** Applies what a user asked for. False if it held already; throws TASK_NOT_FOUND or STATE_CONFLICT. */
  async change(id: number, event: UserEvent): Promise<boolean> {
    for (;;) {
      if ((await this.#apply(event, { where: { sql: 'id = ?', values: [id] } })) > 0) {
        for (const topic of HINTS[event]) void this.hint(topic);
        return true;
      }
      const status = (await this.#where(id))?.status;
      if (status === undefined) throw new TaskbatonError('TASK_NOT_FOUND', { id });
      const target = transition(status, event);
      if (target === undefined) throw new TaskbatonError('STATE_CONFLICT', { id, status, event });
      if (target === status) return false;
      // It came to accept the event between the two statements: again.
    }
  }

  /** Moves a task, whatever its state, without touching its place in the queue. Throws TASK_NOT_FOUND. */
  async changeGroup(id: number, group: string): Promise<void> {
    const { changes } = await this.database.query(
      `UPDATE ${this.tables.task} SET task_group = ? WHERE id = ?`,
      [group, id],
    );
    if (changes === 0) throw new TaskbatonError('TASK_NOT_FOUND', { id });
  }

  // Handlers' side: every write is fenced

  /** Stores a report. Throws LEASE_LOST. */
  async checkpoint(fence: Fence, checkpoint: Checkpoint): Promise<void> {
    const set = checkpointSet(checkpoint);
    const held = isAmong('status', LEASED);
    const where = fenceWhere(fence);
    const { changes } = await this.database.query(
      `UPDATE ${this.tables.task} SET ${set.sql} WHERE ${held.sql} AND ${where.sql}`,
      [...set.values, ...held.values, ...where.values],
    );
    if (changes === 0) throw leaseLost(fence);
  }

  /** Ends a claim, moving context and status together. Throws LEASE_LOST. */
  async settle(fence: Fence, { event, checkpoint, error, remove }: Settlement): Promise<void> {
    const set = checkpointSet(checkpoint);
    const scope: EventScope = {
      where: fenceWhere(fence),
      set: { sql: `${set.sql}, error = ?`, values: [...set.values, error] },
      remove,
    };
    for (;;) {
      if ((await this.#apply(event, scope)) > 0) {
        if (event === 'yield') void this.hint('claim');
        return;
      }
      const found = await this.#where(fence.id);
      const mine = found?.owner === fence.owner && found.epoch === fence.epoch;
      if (!mine || transition(found.status, event) === undefined) throw leaseLost(fence);
      // A mark changed between the statements for staying and for leaving: again.
    }
  }

  /** Gives back a claim that never ran, or whose handler won't be waited for. True if it was still held. */
  async release(fence: Fence): Promise<boolean> {
    const released = (await this.#apply('recover', { where: fenceWhere(fence) })) > 0;
    if (released) void this.hint('claim');
    return released;
  }

  /** Gives back all that `owner` still holds; only for one whose executions have all ended. */
  async releaseAll(owner: string): Promise<number> {
    return this.#apply('recover', { where: { sql: 'owner = ?', values: [owner] } });
  }

  // Replicas' side

  async register(replica: NewReplica): Promise<void> {
    const { now } = this.#dialect;
    await this.database.query(
      `INSERT INTO ${this.tables.replica} (id, name, started_at, lease_until, types, concurrency) VALUES (?, ?, ${now}, ${now} + ?, ?, ?)`,
      [replica.id, replica.name, replica.lease, JSON.stringify(replica.types), replica.concurrency],
    );
  }

  async unregister(id: string): Promise<void> {
    await this.database.query(`DELETE FROM ${this.tables.replica} WHERE id = ?`, [id]);
  }

  /** Prolongs a lease that has not ended, and says what it runs by now; false if it has, for it never comes back. */
  async renew({ id, lease, types }: Pick<NewReplica, 'id' | 'lease' | 'types'>): Promise<boolean> {
    const { now } = this.#dialect;
    const { changes } = await this.database.query(
      `UPDATE ${this.tables.replica} SET lease_until = ${now} + ?, types = ? WHERE id = ? AND lease_until > ${now}`,
      [lease, JSON.stringify(types), id],
    );
    return changes > 0;
  }

  /** The tasks that the replica holds, with their marks; undefined if its lease has ended. */
  async held(id: string): Promise<readonly Held[] | undefined> {
    const { rows } = await this.database.query(
      `SELECT t.id, t.epoch, t.status FROM ${this.tables.replica} r LEFT JOIN ${this.tables.task} t ON t.owner = r.id
       WHERE r.id = ? AND r.lease_until > ${this.#dialect.now}`,
      [id],
    );
    if (rows.length === 0) return undefined;
    return rows
      .filter((row) => row['id'] !== null)
      .map((row) => ({
        id: Number(row['id']),
        epoch: Number(row['epoch']),
        status: row['status'] as Status,
      }));
  }

  async claim(request: ClaimRequest): Promise<readonly Claim[]> {
    return claimTasks(this.database, this.tables, this.#dialect, request);
  }

  /** Strikes replicas off whose lease has ended: from here on their tasks are nobody's. Says how many. */
  async bury(): Promise<number> {
    const sql = `DELETE FROM ${this.tables.replica} WHERE lease_until <= ${this.#dialect.now}`;
    return (await this.database.query(sql)).changes;
  }

  /**
   * Takes tasks from replicas that are no more, honouring marks; says how many. `error` is kept on those that fail.
   *
   * The dead are read first and then named: ids are never used again, whereas "has no live replica", asked inside the
   * UPDATE, could be answered for a new owner from a snapshot that is older than that owner.
   */
  async rescue(error: string): Promise<number> {
    const { task, replica } = this.tables;
    const { rows } = await this.database.query(
      `SELECT DISTINCT owner FROM ${task} WHERE owner IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM ${replica} WHERE ${replica}.id = ${task}.owner)`,
    );
    if (rows.length === 0) return 0;
    const dead = isAmong(
      'owner',
      rows.map((row) => String(row['owner'])),
    );
    const rescueBy = (event: 'recover' | 'expire', condition: string, set: Fragment): Promise<number> => {
      const pick = `SELECT id FROM ${task} WHERE ${dead.sql} AND ${condition} ORDER BY owner, id LIMIT ${RESCUE_BATCH} ${this.#dialect.skipLocked}`;
      return this.#apply(event, {
        where: {
          sql: `id ${this.#dialect.among(pick)} AND ${dead.sql}`,
          values: [...dead.values, ...dead.values],
        },
        set,
      });
    };
    const counted = 'crashes = crashes + 1';
    const resumed = await rescueBy('recover', 'crashes < crash_budget', { sql: counted, values: [] });
    const failed = await rescueBy('expire', 'crashes >= crash_budget', {
      sql: `${counted}, error = CASE WHEN status IN (${FAILING_CRASHES}) THEN ? ELSE error END`,
      values: [error],
    });
    if (resumed + failed > 0) void this.hint('claim');
    return resumed + failed;
  }

  /** Queues failed cleanups whose pause is over; says how many. */
  async retryCleanups(): Promise<number> {
    const retried = await this.#apply('retry', {
      where: { sql: `turn <= ${this.#dialect.now}`, values: [] },
    });
    if (retried > 0) void this.hint('claim');
    return retried;
  }

  async replicas(): Promise<readonly Replica[]> {
    const { task, replica } = this.tables;
    const alive = await this.database.query(
      `SELECT id, name, started_at, lease_until, types, concurrency FROM ${replica} WHERE lease_until > ${this.#dialect.now} ORDER BY started_at, id`,
    );
    const held = await this.database.query(
      `SELECT id, type, epoch, owner FROM ${task} WHERE owner IS NOT NULL ORDER BY owner, id`,
    );
    return alive.rows.map((row) => ({
      id: String(row['id']),
      name: String(row['name']),
      startedAt: new Date(Number(row['started_at'])),
      leaseUntil: new Date(Number(row['lease_until'])),
      types: JSON.parse(String(row['types'])) as string[],
      concurrency: Number(row['concurrency']),
      running: held.rows
        .filter(({ owner }) => owner === row['id'])
        .map(({ id, type, epoch }) => ({ id: Number(id), type: String(type), epoch: Number(epoch) })),
    }));
  }

  #apply(event: Event, scope: EventScope): Promise<number> {
    return applyEvent(this.database, this.tables.task, this.#dialect, event, scope);
  }

  async #where(id: number): Promise<{ status: Status; owner: unknown; epoch: number } | undefined> {
    const row = (
      await this.database.query(`SELECT status, owner, epoch FROM ${this.tables.task} WHERE id = ?`, [id])
    ).rows[0];
    return row === undefined
      ? undefined
      : { status: row['status'] as Status, owner: row['owner'], epoch: Number(row['epoch']) };
  }
}

function checkpointSet({ context, progress, message }: Checkpoint): Fragment {
  return {
    sql: 'context = COALESCE(?, context), progress = COALESCE(?, progress), message = COALESCE(?, message)',
    values: [context, progress, message],
  };
}

function fenceWhere({ id, owner, epoch }: Fence): Fragment {
  return { sql: 'id = ? AND owner = ? AND epoch = ?', values: [id, owner, epoch] };
}

function leaseLost({ id, epoch }: Fence): TaskbatonError {
  return new TaskbatonError('LEASE_LOST', { id, epoch });
}
