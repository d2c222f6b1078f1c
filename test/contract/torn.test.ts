/**
 * Whatever statement of an operation is the last that arrives: what waits is in the queue of its status, and what is held
 * has an owner. So nobody who dies on the way leaves a task that none will ever look at.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection, Database, QueryResult } from '../../src/core/connection.ts';
import { TaskbatonError } from '../../src/core/errors.ts';
import { LEASED, STATUS } from '../../src/core/status.ts';
import { Store } from '../../src/store/store.ts';
import { type Bench, NO_CHECKPOINT, openBench, runnable, TYPE } from '../../src/testing/bench.ts';
import { eachBackend } from '../backends.ts';
import { openContractStore } from '../support/stores.ts';

type Step = (store: Store, bench: Bench) => Promise<unknown>;

/** Each makes what it needs by the bench, and does the one thing by the store whose statements are cut off. */
const OPERATIONS: Readonly<Record<string, Step>> = {
  create: (store) =>
    store.create({ type: TYPE, user: '', group: '', input: null, context: null, autoRun: true }),
  run: async (store, bench) => store.change(await bench.place('paused/pause'), 'run'),
  pause: async (store, bench) => store.change(await bench.place('pending/run'), 'pause'),
  delete: async (store, bench) => store.change(await bench.place('finished/run'), 'delete'),
  claim: async (store, bench) => {
    await bench.place('pending/run');
    const replica = await bench.register();
    await store.claim({ replica, queue: 'run', types: runnable(TYPE), limit: 5 });
  },
  yield: async (store, bench) => {
    const settlement = { event: 'yield', checkpoint: NO_CHECKPOINT, error: null, remove: false } as const;
    await store.settle(await bench.hold('running/run'), settlement);
  },
  release: async (store, bench) => store.release(await bench.hold('running/delete')),
  rescue: async (store, bench) => {
    await bench.place('running/run', { owner: await bench.dead(), crash_budget: 3 });
    await store.rescue('{"name":"Error","message":"crashed"}');
  },
  'retry a cleanup': async (store, bench) => {
    await bench.place('failed/delete');
    await store.retryCleanups();
  },
};

eachBackend((backend) => {
  describe('an operation that breaks off', () => {
    let bench: Bench;
    before(async () => {
      bench = await openBench(() => openContractStore(backend));
    });
    after(() => bench.close());

    for (const [name, operation] of Object.entries(OPERATIONS))
      it(`leaves every task in its queue, wherever it breaks off: ${name}`, async () => {
        for (let statements = 0, over = false; !over; statements++) {
          await bench.clear();
          const cut = new CutDatabase(bench.database, statements);
          const store = new Store(cut, bench.world.prefix);
          await operation(store, bench).catch((error: unknown) => {
            if (!(error instanceof TaskbatonError)) throw error;
          });
          over = !cut.wasCut;
          await checkRows(bench, statements);
        }
      });
  });
});

async function checkRows(bench: Bench, statements: number): Promise<void> {
  const { rows } = await bench.database.query(`SELECT id FROM ${bench.tables.task}`);
  for (const { id } of rows) {
    const { status, queue, owner } = await bench.row(Number(id));
    const when = `${status} after ${statements} statements`;
    assert.equal(queue, STATUS[status].waits?.queue ?? null, when);
    assert.equal(owner !== null, LEASED.includes(status), when);
  }
}

/** A database that can't be reached any more after so many statements; transactions count as one. */
class CutDatabase implements Database {
  readonly dialect: Database['dialect'];
  wasCut = false;
  readonly #real: Database;
  #left: number;

  constructor(real: Database, statements: number) {
    this.dialect = real.dialect;
    this.#real = real;
    this.#left = statements;
  }

  async query(...[sql, values]: Parameters<Connection['query']>): Promise<QueryResult> {
    this.#count();
    return this.#real.query(sql, values);
  }

  async transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    this.#count();
    return this.#real.transaction(work);
  }

  #count(): void {
    if (this.#left-- > 0) return;
    this.wasCut = true;
    throw new TaskbatonError('DATABASE_UNAVAILABLE', { problem: 'cut off' });
  }

  listen(): never {
    throw new Error('nobody listens');
  }

  async notify(): Promise<void> {}

  async close(): Promise<void> {}
}
