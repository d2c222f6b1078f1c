/**
 * Real replicas on a real database, for a test that is told what they should come to: their handlers do what the test
 * says and nothing by themselves, their clocks are hurried, and a crash is the end of all they could do.
 */
import type { TestContext } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import type { Connection, Database } from '../../src/core/connection.ts';
import { openDatabase } from '../../src/database/open.ts';
import { defineTask, finished, type TaskSignal, Taskbaton, typed } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { dialectOf } from '../../src/store/dialect.ts';
import { tablesOf } from '../../src/store/schema.ts';
import type { TestBackend } from '../backends.ts';

/** Timers of replicas go off so much sooner; leases are judged by the database's time all the same. */
const HURRY = 20;
const LEASE = 60_000;
export const SLOTS = 2;

export type Order = { readonly report: number } | 'wait' | 'finish' | 'fail';

interface Pending {
  readonly order: Order;
  readonly done: () => void;
}

/** What handlers ask for orders; the test gives them. */
class Desk {
  readonly #asking = new Map<string, (pending: Pending) => void>();

  give(id: number, epoch: number, order: Order): Promise<void> | undefined {
    const answer = this.#asking.get(`${id}/${epoch}`);
    if (answer === undefined) return undefined;
    this.#asking.delete(`${id}/${epoch}`);
    return new Promise((done) => answer({ order, done }));
  }

  ask(id: number, epoch: number, signal: TaskSignal): Promise<Pending> {
    return new Promise((resolve, reject) => {
      this.#asking.set(`${id}/${epoch}`, resolve);
      const stop = (): void => reject(signal.reason);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }
}

interface Member {
  readonly baton: Taskbaton;
  readonly life: Life;
}

interface Life {
  over: boolean;
  close?: () => Promise<void>;
}

export class Fleet {
  readonly desk = new Desk();
  /** For creating, changing and looking; it runs nothing. */
  readonly controller: Taskbaton;
  /** In the order in which they were started. */
  readonly members: Member[] = [];
  /** How many cleanups there were of each task. */
  readonly cleanups = new Map<number, number>();
  /** How often each sort of command was carried out. */
  readonly carriedOut = new Map<string, number>();
  readonly task = defineTask({
    type: 'modelled',
    input: typed<undefined>(),
    context: typed<number>(),
    onCrash: 'resume',
    run: async ({ task, signal, report, children }) => {
      for (;;) {
        const { order, done } = await this.desk.ask(task.id, task.epoch, signal);
        if (typeof order === 'object') await report({ context: order.report });
        done();
        if (order === 'wait') await children.done({ onFailure: 'ignore' });
        if (order === 'finish') return finished();
        if (order === 'fail') throw new Error('as ordered');
      }
    },
    cleanup: async ({ task }) => void this.cleanups.set(task.id, (this.cleanups.get(task.id) ?? 0) + 1),
  });
  readonly #place: TestBackend;
  readonly #raw: Database;
  /** Those that crashed close nothing themselves. */
  readonly #crashed: Life[] = [];

  private constructor(place: TestBackend, raw: Database) {
    this.#place = place;
    this.#raw = raw;
    this.controller = this.#instance({ over: false }, false);
  }

  static async open(place: TestBackend, context: TestContext): Promise<Fleet> {
    const fleet = new Fleet(place, await openDatabase(place.url, { clock: systemClock }));
    context.after(() => fleet.#close());
    await fleet.controller.migrate();
    return fleet;
  }

  async start(): Promise<void> {
    const life: Life = { over: false };
    const baton = this.#instance(life, true);
    await baton.start();
    this.members.push({ baton, life });
  }

  /** The tasks that it held are handed over when this resolves. */
  async stop(index: number): Promise<string | undefined> {
    const [member] = this.members.splice(index, 1);
    const id = member?.baton.replicaId;
    await member?.baton.stop();
    return id;
  }

  /** Nothing it does from now on has an effect, and its lease ends. */
  async crash(index: number): Promise<string | undefined> {
    const [member] = this.members.splice(index, 1);
    const id = member?.baton.replicaId;
    if (member !== undefined) {
      member.life.over = true;
      this.#crashed.push(member.life);
    }
    const { replica } = tablesOf(this.#place.prefix, undefined);
    await this.#raw.query(`UPDATE ${replica} SET lease_until = 0 WHERE id = ?`, [id ?? '']);
    return id;
  }

  note(command: string): void {
    const sort = command
      .replaceAll(/ #\d+| \d+$/g, '')
      .split(' ')
      .slice(0, 2)
      .join(' ');
    this.carriedOut.set(sort, (this.carriedOut.get(sort) ?? 0) + 1);
  }

  /** Of all replicas. */
  get slots(): number {
    return this.members.length * SLOTS;
  }

  /** Every task and rule of an earlier run goes; replicas that are left stop. */
  async clear(): Promise<void> {
    while (this.members.length > 0) await this.stop(0);
    for (const { name, limit, paused } of await this.controller.groups()) {
      if (limit !== undefined) await this.controller.setLimit('group', name, null);
      if (paused) await this.controller.resumeGroup(name);
    }
    const { task, replica, slot, lane } = tablesOf(this.#place.prefix, undefined);
    for (const table of [task, replica, slot, lane]) await this.#raw.query(`DELETE FROM ${table}`);
    this.cleanups.clear();
  }

  /** The database's time in milliseconds: of two things in the same one it doesn't know which came first. */
  async now(): Promise<number> {
    const { rows } = await this.#raw.query(`SELECT ${dialectOf(this.#raw).now} AS at_ms`);
    return Number(rows[0]?.['at_ms']);
  }

  #instance(life: Life, runs: boolean): Taskbaton {
    const { url, prefix } = this.#place;
    const db = {
      openDatabase: async () => {
        const database = await openDatabase(url, { clock: systemClock });
        life.close = () => database.close();
        return mortal(database, life);
      },
    };
    const tasks = runs ? [this.task] : [];
    const options = { db, prefix, tasks, logger: null, lease: LEASE, concurrency: SLOTS, pollInterval: 1000 };
    return new Taskbaton(options, { clock: hurried(life) });
  }

  async #close(): Promise<void> {
    while (this.members.length > 0) await this.stop(0);
    await this.controller.stop();
    for (const life of this.#crashed) await life.close?.();
    await this.#raw.close();
    await this.#place.close();
  }
}

function hurried(life: Life): Clock {
  return {
    ...systemClock,
    monotonic: () => systemClock.monotonic() * HURRY,
    after: (ms, callback, options) =>
      systemClock.after(ms / HURRY, () => void (life.over || callback()), options),
  };
}

const NEVER = new Promise<never>(() => undefined);

function mortal(database: Database, life: Life): Database {
  const alive = async <Answer>(send: () => Promise<Answer>): Promise<Answer> => {
    if (life.over) return NEVER;
    const answer = await send();
    return life.over ? NEVER : answer;
  };
  return {
    dialect: database.dialect,
    longestStatement: database.longestStatement,
    query: (sql, values) => alive(() => database.query(sql, values)),
    transaction: <Answer>(work: (connection: Connection) => Promise<Answer>) =>
      alive(() => database.transaction(work)),
    listen: (channel, listener) => database.listen(channel, listener),
    notify: async (channel, topic) => {
      if (!life.over) await database.notify(channel, topic);
    },
    close: () => database.close(),
  };
}
