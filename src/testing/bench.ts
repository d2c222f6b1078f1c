/**
 * What a case of the contract works with: a store on a fresh database, further handles on the same one, and raw access
 * to its rows, so that a case can put a task into any state and see what an operation really wrote.
 */
import assert from 'node:assert/strict';
import type { Connection, Database, Row, SqlValue } from '../core/connection.ts';
import { type ErrorCode, isTaskbatonError, type TaskbatonError } from '../core/errors.ts';
import type { CheckedHistory } from '../core/history.ts';
import { STATUS, type Status } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';
import { FOREMOST } from '../queue/precedence.ts';
import { DIALECTS, type Dialect } from '../store/dialect.ts';
import type { Tables } from '../store/schema.ts';
import type { NewTask } from '../store/record.ts';
import type { Checkpoint, Fence } from '../store/settlement.ts';
import { Store } from '../store/store.ts';

/** A fresh database, as the contract needs it. */
export interface ContractStore {
  /** Opens one more handle on it, as another replica would. The contract closes what it opened. */
  connect(): Promise<Database>;
  /** What the names of the tables begin with. */
  readonly prefix: string;
  readonly schema?: string | undefined;
  /** How the database speaks SQL, if it isn't the dialect its handles name. */
  readonly dialect?: Dialect | undefined;
  /** What its stores remember of tasks; nothing by default. */
  readonly history?: CheckedHistory | undefined;
  /** Removes everything; called when all handles are closed. */
  close(): Promise<void>;
}

export type OpenStore = () => Promise<ContractStore>;

export type Columns = Readonly<Record<string, SqlValue>>;

/** A row of the task table with its numbers as numbers, whatever the driver makes of them. */
export interface TaskRow {
  readonly id: number;
  readonly type: string;
  readonly version: number;
  readonly task_user: string;
  readonly task_group: string;
  readonly status: Status;
  readonly queue: string | null;
  readonly lane: number;
  readonly precedence: number | null;
  readonly turn: number | null;
  readonly priority: number;
  readonly task_key: string | null;
  readonly parent: number | null;
  readonly has_children: number;
  readonly paused_by: string | null;
  readonly owner: string | null;
  readonly epoch: number;
  readonly attempt: number;
  readonly crashes: number;
  readonly crash_budget: number;
  readonly retries: number;
  readonly progress: number | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly done_at: number | null;
  readonly held_until: number | null;
  readonly worked: number;
  readonly worked_before: number;
  readonly reports: number;
  readonly revision: number;
  readonly options: string | null;
  readonly input: string | null;
  readonly context: string | null;
  readonly message: string | null;
  readonly error: string | null;
  readonly errors: string | null;
}

const TEXTS: ReadonlySet<string> = new Set([
  'type',
  'task_user',
  'task_group',
  'status',
  'queue',
  'task_key',
  'paused_by',
  'owner',
  'input',
  'context',
  'message',
  'error',
  'errors',
  'options',
]);

export const NO_CHECKPOINT: Checkpoint = { context: null, progress: null, message: null };

/** The type of the tasks of a case that doesn't care. */
export const TYPE = 'contract';

const LEASE = 60_000;
/** A turn in the past, so that a placed task is next. */
const PAST = 1000;
/** The epoch of placed tasks: not what a new one would have. */
const EPOCH = 7;

export class Bench {
  readonly world: ContractStore;
  readonly store: Store;
  readonly #stores: Store[];
  #replicas = 0;

  constructor(world: ContractStore, store: Store) {
    this.world = world;
    this.store = store;
    this.#stores = [store];
  }

  get database(): Database {
    return this.store.database;
  }

  get tables(): Tables {
    return this.store.tables;
  }

  get dialect(): Dialect {
    return this.world.dialect ?? DIALECTS[this.database.dialect];
  }

  /** A store on a further handle of the same database. */
  async connect(prefix: string = this.world.prefix, history?: CheckedHistory): Promise<Store> {
    const store = await connect(this.world, prefix, history);
    this.#stores.push(store);
    return store;
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map(({ database }) => database.close()));
    await this.world.close();
  }

  /** Leaves no task, no replica and no rule. */
  async clear(): Promise<void> {
    const { task, replica, claimant, rule, lane, slot, history } = this.tables;
    for (const table of [task, replica, claimant, rule, lane, slot, history])
      await this.database.query(`DELETE FROM ${table}`);
    await this.database.query(
      `UPDATE ${this.tables.control} SET orders = NULL, reordered_to = NULL, swept_at = 0`,
    );
    await this.store.control.refresh();
  }

  /** The database's time. */
  async now(): Promise<number> {
    const { rows } = await this.database.query(`SELECT ${this.dialect.now} AS now`);
    return Number(rows[0]?.['now']);
  }

  // Tasks

  /** A new task, by the store. */
  create(task: Partial<NewTask> = {}): Promise<number> {
    const nothing = { type: TYPE, user: '', group: '', input: null, context: null, autoRun: false };
    return this.store.create({ ...nothing, ...task });
  }

  /** A task put into `status` behind the store's back, with all that belongs to that status. */
  async place(status: Status, columns: Columns = {}): Promise<number> {
    const id = await this.create();
    const holder =
      STATUS[status].leased === true ? { owner: columns['owner'] ?? (await this.register()) } : {};
    await this.update(id, { ...belongings(status), epoch: EPOCH, ...columns, ...holder });
    return id;
  }

  /** A task that a live replica holds, and the fence for its writes. */
  async hold(status: Status, columns: Columns = {}): Promise<Fence> {
    const owner = await this.register();
    const id = await this.place(status, { owner, ...columns });
    return { id, owner, epoch: EPOCH };
  }

  async update(id: number, columns: Columns): Promise<void> {
    await writeColumns(this.database, this.tables.task, id, columns);
  }

  async find(id: number): Promise<TaskRow | undefined> {
    const { rows } = await this.database.query(`SELECT * FROM ${this.tables.task} WHERE id = ?`, [id]);
    return rows[0] === undefined ? undefined : taskRow(rows[0]);
  }

  async row(id: number): Promise<TaskRow> {
    const row = await this.find(id);
    assert.ok(row !== undefined, `task ${id} is gone`);
    return row;
  }

  // Replicas

  /** A replica with a live lease. */
  async register(types: readonly string[] = [TYPE]): Promise<string> {
    const id = `replica-${++this.#replicas}`;
    const name = `${id} of the contract`;
    await this.store.register({ id, name, lease: LEASE, types: runnable(...types), concurrency: 5 });
    return id;
  }

  /** Lets the lease of a replica end now. */
  async expire(replica: string, columns: Columns = {}): Promise<void> {
    await writeColumns(this.database, this.tables.replica, replica, { lease_until: PAST, ...columns });
  }

  /** A replica that was here and is no more. */
  async dead(): Promise<string> {
    const id = await this.register();
    await this.store.unregister(id);
    return id;
  }

  async replicaIds(): Promise<readonly string[]> {
    const { rows } = await this.database.query(`SELECT id FROM ${this.tables.replica} ORDER BY id`);
    return rows.map((row) => String(row['id']));
  }

  // Versions

  /** Makes the tables look as if `version` were the last step that was taken. */
  async setVersion(version: number): Promise<void> {
    const { migration } = this.tables;
    await this.database.query(`DELETE FROM ${migration} WHERE version > ?`, [version]);
    await this.database.query(
      `INSERT INTO ${migration} (version, applied_at) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM ${migration} WHERE version = ?)`,
      [version, version],
    );
  }

  async versions(): Promise<readonly number[]> {
    const { rows } = await this.database.query(
      `SELECT version FROM ${this.tables.migration} ORDER BY version`,
    );
    return rows.map((row) => Number(row['version']));
  }
}

/** A bench on a fresh, migrated database. */
export async function openBench(open: OpenStore): Promise<Bench> {
  const bench = await openBareBench(open);
  await bench.store.prepare(true);
  return bench;
}

/** A bench on a database without our tables. */
export async function openBareBench(open: OpenStore): Promise<Bench> {
  const world = await open();
  return new Bench(world, await connect(world, world.prefix));
}

async function connect(
  world: ContractStore,
  prefix: string,
  history: CheckedHistory | undefined = world.history,
): Promise<Store> {
  const { schema, dialect } = world;
  return new Store(await world.connect(), prefix, schema, dialect, undefined, undefined, history);
}

/** Asserts that `promise` rejects with one of our errors; `details` are those it must name. */
export async function refused(
  promise: Promise<unknown>,
  code: ErrorCode,
  details: Readonly<Record<string, string | number>> = {},
): Promise<TaskbatonError> {
  const error: unknown = await promise.then(
    (value) => assert.fail(`${code} was expected, and it resolved to ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!isTaskbatonError(error, code)) throw error;
  assert.doesNotMatch(error.message, /\{\w+\}/, 'a hole in the message is not filled');
  assert.deepEqual({ ...error.details, ...details }, { ...error.details });
  return error;
}

/** What a row in `status` must also say, to be one that the engine could have written. */
function belongings(status: Status): Columns {
  const { waits } = STATUS[status];
  const failedCleanup = status === 'failed/delete';
  return {
    status,
    queue: waits?.queue ?? null,
    precedence: waits === undefined ? null : waits.ahead ? FOREMOST : 0,
    turn: waits === undefined ? (failedCleanup ? PAST : null) : waits.ahead ? 0 : PAST,
    started_at: STATUS[status].leased === true ? PAST : null,
    done_at: status === 'finished/run' || status === 'failed/run' ? PAST : null,
    error: status === 'failed/run' || failedCleanup ? '{"name":"Error","message":"before"}' : null,
    retries: failedCleanup ? 1 : 0,
  };
}

async function writeColumns(
  connection: Connection,
  table: string,
  id: SqlValue,
  columns: Columns,
): Promise<void> {
  const set = Object.keys(columns).map((name) => `${name} = ?`);
  await connection.query(`UPDATE ${table} SET ${set.join(', ')} WHERE id = ?`, [
    ...Object.values(columns),
    id,
  ]);
}

function taskRow(row: Row): TaskRow {
  const entries = Object.entries(row).map(([name, value]) => {
    return [name, value === null || TEXTS.has(name) ? value : Number(value)];
  });
  return Object.fromEntries(entries) as TaskRow;
}

/** Types at their first version, each with the number of crashes that its tasks survive, if any. */
export function runnable(
  ...types: readonly (string | readonly [type: string, crashBudget: number])[]
): ReadonlyMap<string, Runnable> {
  return new Map(
    types.map((each) => {
      const [type, crashBudget] = typeof each === 'string' ? [each, 0] : each;
      return [type, { crashBudget, versions: { from: 1, to: 1 } }];
    }),
  );
}
