/**
 * A store with many waiting tasks, as a benchmark of claims needs it: filled by one INSERT … SELECT, sorted into lanes
 * where the policy has any, topped up after each measurement, and claimed from in batches that are timed.
 */
import type { Database } from '../../src/core/connection.ts';
import { type CheckedLimits, checkLimits } from '../../src/core/limit.ts';
import { checkPolicy, type Policy, type PolicyName } from '../../src/core/policy.ts';
import { DIALECTS } from '../../src/store/dialect.ts';
import { Store } from '../../src/store/store.ts';
import type { Claim } from '../../src/store/record.ts';
import { runnable } from '../../src/testing/bench.ts';

export const TYPE = 'noop';
const REPLICA = 'bench';
const DIGITS = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ');

export interface Kind {
  readonly policy: PolicyName | Policy;
  readonly limits?: unknown;
  readonly users: number;
  readonly groups: number;
}

/** What a series of claims has taken. */
export interface Claimed {
  readonly tasks: number;
  readonly seconds: number;
  /** Milliseconds that each claim took, all its statements and its commit. */
  readonly claims: readonly number[];
}

export class Backlog {
  readonly store: Store;
  readonly #kind: Kind;
  #ended: number[] = [];

  private constructor(store: Store, kind: Kind) {
    this.store = store;
    this.#kind = kind;
  }

  static async open(database: Database, prefix: string, kind: Kind): Promise<Backlog> {
    const refuse = (option: string): never => {
      throw new Error(`the benchmark's ${option} is wrong`);
    };
    const policy = checkPolicy('queue', kind.policy, refuse);
    const limits: CheckedLimits = checkLimits(kind.limits ?? {}, refuse);
    const store = new Store(database, prefix, undefined, DIALECTS[database.dialect], {
      policies: { run: policy, cleanup: policy },
      limits,
    });
    await store.prepare(true);
    await store.lead();
    // As a replica does, for whom some of the work is done beside it then.
    await store.listen({ wake: () => undefined, health: () => undefined });
    const backlog = new Backlog(store, kind);
    await store.register({
      id: REPLICA,
      name: REPLICA,
      lease: 86_400_000,
      types: runnable(TYPE),
      concurrency: 100,
    });
    return backlog;
  }

  /** Adds waiting tasks, users, groups and priorities mixed, in the order of their turns as if they were created one by one. */
  async fill(count: number): Promise<void> {
    const { database, tables } = this.store;
    const { users, groups } = this.#kind;
    const mysql = database.dialect === 'mysql';
    const { now } = DIALECTS[database.dialect];
    const places = Array.from({ length: Math.ceil(Math.log10(count)) }, (_, place) => `p${place}`);
    const number = places.map((place, index) => `${place}.d * ${10 ** index}`).join(' + ');
    const numbers = places.map((place) => `(${DIGITS}) ${place}`).join(' CROSS JOIN ');
    const name = (among: number): string => `CAST(n % ${among} AS ${mysql ? 'CHAR' : 'VARCHAR(20)'})`;
    const precedence = this.store.control.orderOf('run').priority ? '-(n % 10)' : '0';
    await database.query(
      `INSERT INTO ${tables.task} (type, task_user, task_group, status, queue, precedence, turn, lane, priority,
        epoch, attempt, crashes, crash_budget, retries, worked, worked_before, created_at)
       SELECT '${TYPE}', ${name(users)}, ${name(groups)}, 'pending/run', 'run', ${precedence},
        ${now} + n ${mysql ? 'DIV' : '/'} 1000, 0, n % 10, 0, 1, 0, 0, 0, 0, 0, ${now}
       FROM (SELECT ${number} AS n FROM ${numbers}) numbers WHERE n < ${count} ORDER BY n`,
    );
  }

  /** Sorts all that wait into lanes, where the policy has any. */
  async sort(): Promise<void> {
    // No task is of this type, so nothing is claimed.
    while ((await this.#claim(1, 'none')).more);
  }

  /** What the server would do by itself after so many rows came, and while claims are timed. */
  async analyze(): Promise<void> {
    const { database, tables } = this.store;
    const command = { sqlite: 'ANALYZE', postgres: 'VACUUM ANALYZE', mysql: 'ANALYZE TABLE' }[
      database.dialect
    ];
    for (const table of [tables.task, tables.lane, tables.slot]) await database.query(`${command} ${table}`);
  }

  /** Claims in batches, ending what was claimed in between; only the claims are timed. */
  async claim(count: number, batch: number): Promise<Claimed> {
    const claims: number[] = [];
    let tasks = 0;
    while (tasks < count) {
      const begun = performance.now();
      const { claims: claimed, more } = await this.#claim(batch, TYPE);
      claims.push(performance.now() - begun);
      if (claimed.length === 0 && !more) throw new Error(`only ${tasks} of ${count} tasks could be claimed`);
      tasks += claimed.length;
      if (claimed.length > 0) await this.end(claimed);
    }
    return { tasks, seconds: claims.reduce((sum, ms) => sum + ms, 0) / 1000, claims };
  }

  /** Claims and keeps. */
  async hold(count: number): Promise<void> {
    for (let held = 0; held < count;) {
      const { claims, more } = await this.#claim(Math.min(200, count - held), TYPE);
      if (claims.length === 0 && !more) throw new Error(`only ${held} of ${count} tasks could be held`);
      held += claims.length;
    }
  }

  async end(claims: readonly Claim[]): Promise<void> {
    const { database, tables } = this.store;
    const ids = claims.map(({ id }) => id);
    await database.query(`DELETE FROM ${tables.task} WHERE id IN (${ids.join(', ')})`);
    this.#ended = ids;
  }

  async #claim(limit: number, type: string): ReturnType<Store['claim']> {
    const ended = this.#ended;
    this.#ended = [];
    return this.store.claim({ replica: REPLICA, queue: 'run', types: runnable(type), limit, ended });
  }
}
