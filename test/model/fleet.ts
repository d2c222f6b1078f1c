/**
 * Real replicas on a real database, for a test that is told what they should come to: their handlers do what the test
 * says and nothing by themselves, their clocks are hurried, and a crash is the end of all they could do.
 */
import type { TestContext } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import type { Connection, Database } from '../../src/core/connection.ts';
import { openDatabase } from '../../src/database/open.ts';
import { Schedules } from '../../src/cron/index.ts';
import {
  defineTask,
  finished,
  snooze,
  type TaskDefinition,
  type TaskSignal,
  Taskbaton,
  typed,
} from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { dialectOf } from '../../src/store/dialect.ts';
import { type Tables, tablesOf } from '../../src/store/schema.ts';
import type { TestBackend } from '../backends.ts';
import { until } from '../support/system.ts';
import { PAUSED_KINDS, type PausedKind, type ReferenceScope, SLOTS } from './reference.ts';

/** Timers of replicas go off so much sooner; leases are judged by the database's time all the same. */
const HURRY = 20;
const LEASE = 60_000;
export const TYPES = ['modelled', 'other'] as const;
/** Longer than any test. */
export const LATER = '1h' as const;

export type Order = { readonly report: number } | 'wait' | 'snooze' | 'finish' | 'fail';

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

  isAsked(id: number, epoch: number): boolean {
    return this.#asking.has(`${id}/${epoch}`);
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
  /** Recurring tasks, which the controller creates. */
  readonly schedules: Schedules;
  readonly #tasks: ReadonlyMap<string, TaskDefinition<undefined, undefined, number>>;
  readonly #place: TestBackend;
  readonly #raw: Database;
  /** Those that crashed close nothing themselves. */
  readonly #crashed: Life[] = [];
  /** Scopes that were given a limit since the last clearing. */
  readonly #limited = new Map<string, ReferenceScope>();

  private constructor(place: TestBackend, raw: Database) {
    this.#place = place;
    this.#raw = raw;
    this.#tasks = new Map(TYPES.map((type) => [type, this.#define(type)]));
    this.controller = this.#instance({ over: false }, false);
    this.schedules = new Schedules(this.controller);
  }

  static async open(place: TestBackend, context: TestContext): Promise<Fleet> {
    const fleet = new Fleet(place, await openDatabase(place.url, { clock: systemClock }));
    context.after(() => fleet.#close());
    await fleet.controller.migrate();
    await fleet.schedules.start();
    return fleet;
  }

  taskOf(type: string): TaskDefinition<undefined, undefined, number> {
    const task = this.#tasks.get(type);
    if (task === undefined) throw new Error(`there is no type ${type}`);
    return task;
  }

  async start(): Promise<void> {
    const life: Life = { over: false };
    const baton = this.#instance(life, true);
    await baton.start();
    this.members.push({ baton, life });
  }

  /** The tasks that it held are handed over when this resolves. */
  async stop(index: number): Promise<void> {
    const [member] = this.members.splice(index, 1);
    await member?.baton.stop();
  }

  /** Nothing it does from now on has an effect, and its lease ends. */
  async crash(index: number): Promise<void> {
    const id = this.idOf(index);
    const [member] = this.members.splice(index, 1);
    if (member !== undefined) {
      member.life.over = true;
      this.#crashed.push(member.life);
    }
    const { replica } = this.#tables;
    await this.#raw.query(`UPDATE ${replica} SET lease_until = 0 WHERE id = ?`, [id]);
  }

  note(sort: string): void {
    this.carriedOut.set(sort, (this.carriedOut.get(sort) ?? 0) + 1);
  }

  idOf(index: number): string {
    return this.members[index]?.baton.replicaId ?? '';
  }

  async limit([kind, name = '', second = '']: ReferenceScope, limit: number | null): Promise<void> {
    if (kind === 'user/group') await this.controller.setLimit(kind, [name, second], limit);
    else await this.controller.setLimit(kind, name, limit);
    this.#limited.set(String([kind, name, second]), [kind, name, second]);
  }

  async hold(kind: PausedKind, name: string, running: boolean): Promise<void> {
    const { controller } = this;
    const calls = { group: 'pauseGroup', user: 'pauseUser', type: 'pauseType' } as const;
    await controller[calls[kind]](name, { running });
  }

  async release(kind: PausedKind, name: string): Promise<void> {
    const { controller } = this;
    const calls = { group: 'resumeGroup', user: 'resumeUser', type: 'resumeType' } as const;
    await controller[calls[kind]](name);
  }

  /** For all that wait for a time to come, it has; resolves once replicas have let them in. */
  async becomeDue(): Promise<void> {
    const { task } = this.#tables;
    const now = dialectOf(this.#raw).now;
    await this.#raw.query(`UPDATE ${task} SET turn = ${now} WHERE queue = 'later'`);
    await until('those that are due are let in', async () => {
      const { rows } = await this.#raw.query(`SELECT id FROM ${task} WHERE queue = 'later'`);
      return rows.length === 0;
    });
  }

  /** The schedule is due; resolves to the task that it has created. */
  async fire(name: string): Promise<number> {
    const before = (await this.schedules.get(name)).lastTask;
    const now = dialectOf(this.#raw).now;
    await this.#raw.query(`UPDATE ${this.#tables.schedule} SET next_at = ${now} WHERE name = ?`, [name]);
    return until(`the schedule ${name} creates a task`, async () => {
      const { lastTask } = await this.schedules.get(name);
      return lastTask !== before && lastTask;
    });
  }

  /** Every task, rule and schedule of an earlier run goes; replicas that are left stop. */
  async clear(): Promise<void> {
    while (this.members.length > 0) await this.stop(0);
    for (const scope of this.#limited.values()) await this.limit(scope, null);
    this.#limited.clear();
    const calls = { group: 'groups', user: 'users', type: 'types' } as const;
    for (const kind of PAUSED_KINDS)
      for (const { name, paused } of await this.controller[calls[kind]]())
        if (paused) await this.release(kind, name);
    const { task, replica, slot, lane, schedule } = this.#tables;
    for (const table of [task, replica, slot, lane, schedule]) await this.#raw.query(`DELETE FROM ${table}`);
    this.cleanups.clear();
  }

  /** The database's time in milliseconds: of two things in the same one it doesn't know which came first. */
  async now(): Promise<number> {
    const { rows } = await this.#raw.query(`SELECT ${dialectOf(this.#raw).now} AS at_ms`);
    return Number(rows[0]?.['at_ms']);
  }

  get #tables(): Tables {
    return tablesOf(this.#place.prefix, undefined);
  }

  #define(type: string): TaskDefinition<undefined, undefined, number> {
    return defineTask({
      type,
      input: typed<undefined>(),
      context: typed<number>(),
      onCrash: 'resume',
      run: async ({ task, signal, report, children }) => {
        for (;;) {
          const { order, done } = await this.desk.ask(task.id, task.epoch, signal);
          if (typeof order === 'object') await report({ context: order.report });
          done();
          if (order === 'wait') await children.done({ onFailure: 'ignore' });
          if (order === 'snooze') return snooze(LATER);
          if (order === 'finish') return finished();
          if (order === 'fail') throw new Error('as ordered');
        }
      },
      cleanup: async ({ task }) => void this.cleanups.set(task.id, (this.cleanups.get(task.id) ?? 0) + 1),
    });
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
    const tasks = runs ? [...this.#tasks.values()] : [];
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
