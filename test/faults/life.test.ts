/**
 * A replica lives a whole life over a connection that is lost once, at each of the statements of that life in turn: it
 * starts, claims, reports, writes in transactions of its handlers, ends tasks in all ways there are, cleans up, and stops.
 * Nothing that was acknowledged is lost, nothing is done twice, and it costs no lease, no attempt and no crash.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  defineTask,
  isTaskbatonError,
  snooze,
  type TaskDefinition,
  Taskbaton,
  typed,
} from '../../src/index.ts';
import type { Database } from '../../src/core/connection.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { tablesOf } from '../../src/store/schema.ts';
import type { TestBackend } from '../backends.ts';
import { eachDatabase } from '../support/process.ts';
import { reaches, until, vanishes } from '../support/system.ts';
import type { Fault } from '../support/tcp-proxy.ts';
import { canConflict, type Line, type Route, ROUTES } from './line.ts';

const STEPS = 3;
/** So many lives go on beside each other, each in a system of its own. */
const LIVES = 8;
const ALL = process.env['FAULTS'] === 'all';
/** Of each way to a database, at most so many lives by default. */
const SAMPLE = 50;
/** All lives of one take a quarter of an hour. */
const TIME = ALL ? { timeout: 3_600_000 } : {};

/** What the handlers of one life did, outside the database. */
class Ledger {
  readonly #begun = new Map<string, number>();
  readonly #acked = new Map<number, number>();
  readonly #at = new Set<number>();
  readonly wrongs: string[] = [];

  begin(type: string, id: number, from: number): void {
    this.#begun.set(type, this.begun(type) + 1);
    if (this.#at.has(id)) this.wrongs.push(`${type} runs twice at once`);
    const acked = this.#acked.get(id) ?? 0;
    if (from < acked) this.wrongs.push(`${type} goes on from ${from}, and ${acked} was acknowledged`);
    this.#at.add(id);
  }

  acknowledge(id: number, step: number): void {
    this.#acked.set(id, step);
  }

  end(id: number): void {
    this.#at.delete(id);
  }

  begun(type: string): number {
    return this.#begun.get(type) ?? 0;
  }
}

interface Step {
  readonly step: number;
}

const context = typed<Step>();

/** How often the handler of each type begins in a life, at most: not once more, whatever is lost. */
const BEGUN = {
  long: 1,
  exact: 1,
  flaky: 2,
  sleepy: 2,
  parent: 2,
  child: 2,
  stopped: 1,
  removed: 2,
  endless: 1,
};

function definitionsOf(ledger: Ledger, table: string): readonly TaskDefinition[] {
  const define = (
    type: keyof typeof BEGUN,
    run: (
      given: Parameters<Parameters<typeof defineTask<unknown, unknown, Step>>[0]['run']>[0],
    ) => Promise<unknown>,
    more: object = {},
  ): TaskDefinition =>
    defineTask({
      type,
      context,
      ...more,
      async run(given) {
        const { id } = given.task;
        ledger.begin(type, id, given.context?.step ?? 0);
        try {
          return (await run(given)) as undefined;
        } finally {
          ledger.end(id);
        }
      },
    });
  const forEver = async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
    await pause(60_000, undefined, { signal, ref: false });
  };
  return [
    define('long', async ({ task, report }) => {
      for (let step = 1; step <= STEPS; step++) {
        await report({ context: { step }, progress: step / STEPS });
        ledger.acknowledge(task.id, step);
      }
    }),
    define('exact', async ({ task, transaction }) => {
      for (let step = 1; step <= STEPS; step++) {
        await transaction(async (tx) => {
          await tx.query(`INSERT INTO ${table} VALUES (?, ?)`, [task.id, step]);
          return { context: { step } };
        });
        ledger.acknowledge(task.id, step);
      }
    }),
    define(
      'flaky',
      async ({ context: known, report }) => {
        if (known !== undefined) return;
        await report({ context: { step: 1 } });
        throw new Error('not this time');
      },
      { retry: { attempts: 2, delay: 10, jitter: 0 } },
    ),
    define('sleepy', async ({ context: known }) =>
      known === undefined ? snooze(10, { context: { step: 1 } }) : undefined,
    ),
    define('parent', async ({ context: known, children }) => {
      const two = Array.from({ length: 2 }, () => ({ task: { type: 'child' }, input: undefined }));
      if (known === undefined) await children.create(two, { context: { step: 1 } });
      assert.equal((await children.done()).length, 2);
    }),
    define('child', async () => undefined),
    define('stopped', forEver),
    define('removed', forEver, {
      cleanup: async ({ task }: { readonly task: { readonly id: number } }) =>
        ledger.begin('removed', -task.id, 0),
    }),
    define('endless', forEver),
  ];
}

/** A system that lives go on in, one after the other. */
class Stage {
  readonly place: TestBackend;
  readonly direct: Taskbaton;
  readonly table: string;
  readonly #database: Database;

  private constructor(place: TestBackend, database: Database) {
    this.place = place;
    this.#database = database;
    this.table = `${place.prefix}ledger`;
    this.direct = new Taskbaton({ db: place.url, prefix: place.prefix, logger: null });
  }

  static async open(place: TestBackend): Promise<Stage> {
    const stage = new Stage(place, await openDatabase(place.url, { clock: systemClock }));
    await stage.direct.migrate();
    // Without a key, so that whatever is doubled shows.
    await stage.#database.query(`CREATE TABLE ${stage.table} (task BIGINT, step INT)`);
    return stage;
  }

  async stepsOf(task: number): Promise<readonly number[]> {
    const { rows } = await this.#database.query(
      `SELECT step FROM ${this.table} WHERE task = ? ORDER BY step`,
      [task],
    );
    return rows.map(({ step }) => Number(step));
  }

  /** What no life may leave: tasks of nobody's, and what was counted against them. */
  async blemishes(): Promise<readonly unknown[]> {
    const { task } = tablesOf(this.place.prefix, undefined);
    const sql = `SELECT type, status, owner, crashes, attempt FROM ${task}
      WHERE owner IS NOT NULL OR crashes > 0 OR attempt > CASE WHEN type = 'flaky' THEN 2 ELSE 1 END`;
    return (await this.#database.query(sql)).rows;
  }

  async clear(): Promise<void> {
    const { task, replica } = tablesOf(this.place.prefix, undefined);
    for (const table of [task, replica, this.table]) await this.#database.query(`DELETE FROM ${table}`);
  }

  async close(): Promise<void> {
    await this.direct.stop();
    await this.#database.close();
    await this.place.close();
  }
}

/** Statements are counted over all of a life; says what the fault befell, if anything. */
function strike(line: Line, fault: Fault | undefined, number: number): { count: number; struck: string } {
  const seen = { count: 0, struck: '' };
  line.judge = (text) => {
    if (++seen.count !== number) return undefined;
    seen.struck = text;
    return typeof fault === 'object' && !canConflict(text) ? undefined : fault;
  };
  return seen;
}

/** The replica may have been refused at its start, as it then says; it's started again, as by any service. */
async function start(baton: Taskbaton): Promise<void> {
  for (;;) {
    try {
      return await baton.start();
    } catch (error) {
      if (!isTaskbatonError(error, 'DATABASE_UNAVAILABLE')) throw error;
    }
  }
}

/** Says how many statements it took. */
async function live(stage: Stage, route: Route, number: number, fault?: Fault): Promise<number> {
  const { direct, place, table } = stage;
  const line = await route.open(place.url);
  const seen = strike(line, fault, number);
  const ledger = new Ledger();
  const tasks = definitionsOf(ledger, table);
  const options = { lease: 10_000, pollInterval: 50, concurrency: 20, stopGrace: 2000, logger: null };
  const baton = new Taskbaton({ db: line.db, prefix: place.prefix, tasks, ...options });
  try {
    await start(baton);
    const create = (type: keyof typeof BEGUN): Promise<number> => direct.createTask({ type }, undefined);
    const endings = (['long', 'exact', 'flaky', 'sleepy', 'parent'] as const).map(create);
    const [stopped, removed, endless] = [create('stopped'), create('removed'), create('endless')];
    await until('they run', () =>
      (['stopped', 'removed', 'endless'] as const).every((type) => ledger.begun(type) > 0),
    );
    await Promise.all([direct.pauseTask(await stopped), direct.deleteTask(await removed)]);
    for (const ending of endings) await reaches(direct, await ending, 'finished');
    await reaches(direct, await stopped, 'paused');
    await vanishes(direct, await removed);
    await baton.stop();
    assert.equal((await direct.getTask(await endless)).state, 'running');
    assert.deepEqual(await stage.stepsOf((await endings[1])!), [1, 2, 3]);
    assert.deepEqual(await stage.blemishes(), []);
    assert.deepEqual(ledger.wrongs, []);
    for (const [type, most] of Object.entries(BEGUN)) {
      const times = ledger.begun(type);
      // Whose children were quick has nothing to wait for.
      assert.ok(times === most || (type === 'parent' && times === 1), `${type} began ${times} times`);
    }
    await stage.clear();
  } catch (error) {
    throw new Error(`${JSON.stringify(fault)} at statement ${number}: ${seen.struck.slice(0, 300)}`, {
      cause: error,
    });
  } finally {
    await baton.stop();
    await line.close();
  }
  return seen.count;
}

/** Some statements all over a life meet one of the faults, in turn; with FAULTS=all every statement meets all of them. */
function cutsOf({ faults }: Route, statements: number): [number, Fault][] {
  const numbers = Array.from({ length: statements }, (_, index) => index + 1);
  if (ALL) return numbers.flatMap((number) => faults.map((fault): [number, Fault] => [number, fault]));
  const apart = Math.ceil(statements / SAMPLE);
  return numbers
    .filter((number) => number % apart === 0)
    .map((number, index) => [number, faults[index % faults.length] ?? 'closed']);
}

describe('a connection is lost at any statement of the life of a replica', () => {
  eachDatabase((open, backend) => {
    for (const route of ROUTES.filter((one) => one.backend === backend)) {
      it(`${route.name}: nothing is lost or doubled, and nothing counts against a task`, TIME, async (t) => {
        const first = await Stage.open(await open());
        const statements = await live(first, route, 0);
        await first.close();
        const cuts = cutsOf(route, statements);
        const total = cuts.length;
        const worker = async (): Promise<void> => {
          const stage = await Stage.open(await open());
          try {
            for (let cut = cuts.shift(); cut !== undefined; cut = cuts.shift())
              await live(stage, route, ...cut);
          } finally {
            await stage.close();
          }
        };
        await Promise.all(Array.from({ length: LIVES }, worker));
        t.diagnostic(`${total} lives of ${statements} statements`);
      });
    }
  });
});
