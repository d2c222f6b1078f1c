/**
 * A whole system in memory, for the tests of those who write tasks: replicas that can be stopped, crashed and frozen, a
 * database, and time that goes on only when the test says so.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Connection, Database, QueryResult, SqlValue, WakeListener } from '../core/connection.ts';
import { type Duration, milliseconds } from '../core/duration.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import type { TaskbatonOptions } from '../core/options.ts';
import { openDatabase } from '../database/open.ts';
import { asScope } from '../database/transaction.ts';
import { tablesOf } from '../store/schema.ts';
import { isHandlersWrite } from '../store/settlement.ts';
import { Taskbaton } from '../taskbaton.ts';
import { type Owner, VirtualTime } from './virtual-clock.ts';

/** As for `new Taskbaton`, without a database; silent unless you give a logger. */
export type TestSystemOptions = Omit<TaskbatonOptions, 'db' | 'prefix' | 'schema' | 'migrate'>;

const PREFIX = 'taskbaton_';
const START = new Date('2030-01-01T00:00:00Z');
/** A system that isn't idle after so long never will be. */
const LONGEST_RUN = 7 * 86_400_000;
/** Nor will one that waits for later all the time. */
const LONGEST_WAIT = 100 * 86_400_000;
const NOW = 'virtual_now()';
/** Seldom, so that hours pass quickly; hints arrive at once anyway. */
const POLL = 5000;

export class TestSystem {
  readonly #options: TestSystemOptions;
  readonly #handle: DatabaseSync;
  readonly #time: VirtualTime;
  readonly #database: Database;
  readonly #replicas = new Map<Taskbaton, Owner>();
  readonly #hints = new Set<WakeListener>();

  private constructor(
    options: TestSystemOptions,
    { handle, time, database }: { handle: DatabaseSync; time: VirtualTime; database: Database },
  ) {
    this.#options = options;
    this.#handle = handle;
    this.#time = time;
    this.#database = database;
  }

  /** A system without replicas; its tables are made. */
  static async open(options: TestSystemOptions): Promise<TestSystem> {
    const handle = new DatabaseSync(':memory:');
    const time = new VirtualTime(START);
    handle.function('virtual_now', () => time.now);
    const database = await openDatabase(handle, { clock: time.clockFor({ state: 'alive' }) });
    const system = new TestSystem(options, { handle, time, database });
    await system.#through(system.instance().migrate());
    return system;
  }

  /** The time now, for everybody. */
  get now(): Date {
    return new Date(this.#time.now);
  }

  /** An instance that runs nothing: for creating and controlling tasks. */
  instance(options: TestSystemOptions = {}): Taskbaton {
    const owner: Owner = { state: 'alive' };
    const db = mortal(this.#database, owner, this.#time, this.#hints);
    const baton = new Taskbaton(
      { logger: null, pollInterval: POLL, ...this.#options, ...options, db },
      { clock: this.#time.clockFor(owner) },
    );
    this.#replicas.set(baton, owner);
    return baton;
  }

  /** A started replica. */
  async replica(options: TestSystemOptions = {}): Promise<Taskbaton> {
    const baton = this.instance(options);
    await this.#through(baton.start());
    return baton;
  }

  /** Lets time go on; all that is due on the way happens at its moment. */
  async advance(duration: Duration): Promise<void> {
    const ms = milliseconds(duration);
    if (ms === undefined) {
      const problem = `it must be milliseconds, or a text such as '30s'`;
      throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'duration', value: show(duration), problem });
    }
    const end = this.#time.now + ms;
    await this.#time.rest();
    while (await this.#time.step(end));
    this.#time.now = end;
    await this.#time.rest();
  }

  /** Lets time go on until no task waits for a slot, runs or is cleaned up; those that are due later don't count. */
  async runUntilIdle(): Promise<void> {
    const end = this.#time.now + LONGEST_RUN;
    await this.#time.rest();
    while (this.#busy() > 0) {
      if (await this.#time.step(end)) continue;
      const problem = `${this.#busy()} tasks still wait or run after ${LONGEST_RUN} ms`;
      throw new TaskbatonError('INVALID_ARGUMENT', {
        argument: 'runUntilIdle',
        value: 'this system',
        problem,
      });
    }
  }

  /**
   * Lets time go on until the task has finished or failed for good, or is gone; where all wait for later, to when the next one
   * is due. Throws NOT_DONE for one that hasn't ended after 100 days.
   */
  async runUntilDone(id: number): Promise<void> {
    const begin = this.#time.now;
    const end = begin + LONGEST_WAIT;
    await this.#time.rest();
    while (!this.#isDone(id)) {
      const due = this.#busy() > 0 ? undefined : this.#nextDue();
      // Nobody holds a task, so it costs nothing that all leases end on the way.
      if (due !== undefined && due <= end) this.#time.now = Math.max(this.#time.now, due);
      if ((due ?? 0) > end || !(await this.#time.step(end)))
        throw new TaskbatonError('NOT_DONE', { id, timeout: Math.round(this.#time.now - begin) });
    }
  }

  /** Lets time go on until `promise` is settled. */
  through<Result>(promise: Promise<Result>): Promise<Result> {
    return this.#through(promise);
  }

  /** Resolves when so much time has gone by; somebody else must let it go on. */
  wait(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.#time.clockFor({ state: 'alive' }).after(duration, resolve);
    });
  }

  /** Calls `listener` right before and right after each write of a handler: each report, and each end. */
  onWrite(replica: Taskbaton, listener: (moment: 'before' | 'after') => void): void {
    this.#ownerOf(replica).onWrite = listener;
  }

  /** Ends a replica as if its process had been killed: nothing it does from now on has an effect. */
  crash(replica: Taskbaton): void {
    this.#ownerOf(replica).state = 'crashed';
  }

  /** Lets a replica stand still, as a process that is suspended; the returned function wakes it. */
  freeze(replica: Taskbaton): () => void {
    const owner = this.#ownerOf(replica);
    if (owner.state === 'alive') owner.state = 'frozen';
    return () => {
      if (owner.state === 'frozen') owner.state = 'alive';
    };
  }

  /** Stops what is alive, and forgets everything. */
  async close(): Promise<void> {
    for (const [baton, owner] of this.#replicas)
      if (owner.state === 'alive') await this.#through(baton.stop());
    for (const owner of this.#replicas.values()) owner.state = 'crashed';
    await this.#database.close();
    this.#handle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #through<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false;
    const end = (): void => {
      settled = true;
    };
    promise.then(end, end);
    const latest = this.#time.now + LONGEST_RUN;
    for (await this.#time.rest(); !settled && (await this.#time.step(latest)););
    return promise;
  }

  #busy(): number {
    const { task } = tablesOf(PREFIX, undefined);
    // Of those that wait for children, whoever waits for nobody any more is about to be woken.
    const sql = `SELECT COUNT(*) AS tasks FROM ${task} p WHERE p.queue IN ('run', 'cleanup') OR p.owner IS NOT NULL
      OR (p.status IN ('waiting/run', 'waiting/delete') AND NOT EXISTS (SELECT 1 FROM ${task} c WHERE c.parent = p.id AND c.done_at IS NULL))`;
    return Number(this.#handle.prepare(sql).get()?.['tasks']);
  }

  #isDone(id: number): boolean {
    const { task } = tablesOf(PREFIX, undefined);
    const row = this.#handle.prepare(`SELECT done_at FROM ${task} WHERE id = ?`).get(id);
    return row === undefined || row['done_at'] !== null;
  }

  #nextDue(): number | undefined {
    const { task } = tablesOf(PREFIX, undefined);
    const sql = `SELECT MIN(turn) AS due FROM ${task} WHERE queue = 'later'`;
    const due = this.#handle.prepare(sql).get()?.['due'] ?? null;
    return due === null ? undefined : Number(due);
  }

  #ownerOf(replica: Taskbaton): Owner {
    const owner = this.#replicas.get(replica);
    if (owner !== undefined) return owner;
    const problem = 'it must be a replica of this system';
    throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'replica', value: 'that one', problem });
  }
}

class Crashed extends Error {}

/** Only who is alive hears anything. */
function heardBy(owner: Owner, listener: WakeListener): WakeListener {
  return {
    wake: (topic) => {
      if (owner.state === 'alive') listener.wake(topic);
    },
    health: () => undefined,
  };
}

/** The database as one replica sees it: for a crashed one nothing is ever answered, for a frozen one not yet. */
function mortal(database: Database, owner: Owner, time: VirtualTime, hints: Set<WakeListener>): Database {
  const awake = async (): Promise<void> => {
    time.active();
    while (owner.state === 'frozen') await time.pause();
    if (owner.state === 'crashed') await new Promise(() => undefined);
  };
  const answered = async <Result>(send: () => Promise<Result>): Promise<Result> => {
    await awake();
    const result = await send().catch(async (error: unknown) => {
      if (error instanceof Crashed) await awake();
      throw error;
    });
    await awake();
    return result;
  };
  const committed = async <Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> => {
    let written = false;
    const result = await database.transaction((connection) =>
      work(dying(connection, owner, time, () => (written = true))),
    );
    if (written) owner.onWrite?.('after');
    return result;
  };
  const sent = async (sql: string, values?: readonly SqlValue[]): Promise<QueryResult> => {
    if (!isHandlersWrite(sql)) return database.query(sql, values);
    owner.onWrite?.('before');
    await awake();
    const result = await database.query(sql, values);
    owner.onWrite?.('after');
    return result;
  };
  return {
    dialect: database.dialect,
    now: NOW,
    query: (sql, values) => answered(() => sent(sql, values)),
    transaction: (work) => answered(() => committed(work)),
    listen: async (_channel, listener) => {
      const heard = heardBy(owner, listener);
      hints.add(heard);
      return { close: async () => void hints.delete(heard) };
    },
    notify: async (_channel, topic) => {
      if (owner.state === 'alive') for (const listener of hints) listener.wake(topic);
    },
    close: async () => undefined,
  };
}

/** What was begun before the crash is rolled back, for the others must not wait for it. */
function dying(connection: Connection, owner: Owner, time: VirtualTime, onWritten: () => void): Connection {
  return asScope({
    native: connection.native,
    query: async (sql, values): Promise<QueryResult> => {
      if (owner.state === 'crashed') throw new Crashed();
      time.active();
      if (!isHandlersWrite(sql)) return connection.query(sql, values);
      owner.onWrite?.('before');
      if (owner.state !== 'alive') throw new Crashed();
      onWritten();
      return connection.query(sql, values);
    },
  });
}
