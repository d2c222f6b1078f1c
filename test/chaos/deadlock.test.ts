/**
 * Transactions that lock the same tasks in opposite orders, from as many connections as a hundred replicas would have:
 * the database breaks the deadlocks, what it broke is done again, and every task ends done once.
 */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import pg from 'pg';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { Store } from '../../src/store/store.ts';
import { NO_CHECKPOINT, runnable, TYPE } from '../../src/testing/bench.ts';
import { postgres } from '../../src/database/postgres.ts';
import { eachBackend, type TestBackend } from '../backends.ts';

const HANDLES = 10;
const WORKERS = 100;
const TASKS = 300;
/** PostgreSQL looks for deadlocks after a second only, so each clash may keep connections for that long. */
const CLASHES = 3;

eachBackend((backend) => {
  it('a storm of transactions in opposite orders does every task once', async (t) => {
    const place = await backend.open();
    t.after(() => place.close());
    const databases = await Promise.all(
      Array.from({ length: HANDLES }, () => openDatabase(handleOn(place, t), { clock: systemClock })),
    );
    t.after(() => Promise.all(databases.map((database) => database.close())));
    const [first] = databases;
    assert.ok(first !== undefined);
    const setUp = new Store(first, place.prefix);
    await setUp.prepare(true);
    const ids: number[] = [];
    for (let index = 0; index < TASKS; index++)
      ids.push(
        await setUp.create({ type: TYPE, user: '', group: '', input: null, context: null, autoRun: true }),
      );

    const claimed = new Map<number, number>();
    let storms = 0;
    async function work(worker: number): Promise<void> {
      const database = databases[worker % HANDLES] ?? assert.fail();
      const store = new Store(database, place.prefix);
      const replica = `storm-${worker}`;
      await store.register({
        id: replica,
        name: replica,
        lease: 600_000,
        types: runnable(TYPE),
        concurrency: 5,
      });
      let clashes = 0;
      while (claimed.size < TASKS) {
        if (clashes++ < CLASHES) await clash(store, worker);
        const request = { replica, queue: 'run', types: runnable(TYPE), limit: 3 } as const;
        for (const { id, epoch } of (await store.claim(request)).claims) {
          claimed.set(id, (claimed.get(id) ?? 0) + 1);
          const settlement = {
            event: 'finish',
            checkpoint: NO_CHECKPOINT,
            error: null,
            remove: false,
          } as const;
          await store.settle({ id, owner: replica, epoch }, settlement);
        }
      }
    }

    /** Touches the same few tasks forwards or backwards: two that meet in the middle wait for each other. */
    async function clash({ database, tables }: Store, worker: number): Promise<void> {
      const some = ids.slice((storms++ * 7) % TASKS).slice(0, 4);
      const order = worker % 2 === 0 ? some : some.toReversed();
      await database.transaction(async (connection) => {
        for (const id of order)
          await connection.query(`UPDATE ${tables.task} SET message = NULL WHERE id = ?`, [id]);
      });
    }

    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
    assert.deepEqual([...new Set(claimed.values())], [1], 'some task was claimed twice');
    const { rows } = await first.query(
      `SELECT status, epoch, COUNT(*) AS tasks FROM ${setUp.tables.task} GROUP BY status, epoch`,
    );
    assert.deepEqual(
      rows.map((row) => [row['status'], Number(row['epoch']), Number(row['tasks'])]),
      [['finished/run', 1, TASKS]],
    );
  });
});

/** So many wait for so few connections that the patience of a pool of ours may run out on a busy machine. */
function handleOn({ url }: TestBackend, t: TestContext): unknown {
  if (!url.startsWith('postgres:')) return url;
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  t.after(() => pool.end());
  return postgres(pool, { statementTimeout: 120_000 });
}
