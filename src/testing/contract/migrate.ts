/** Making the tables, and refusing those of another age. Each case begins with a database of its own. */
import assert from 'node:assert/strict';
import { checkFilter } from '../../core/task.ts';
import { SCHEMA_VERSION } from '../../store/schema.ts';
import { type Bench, openBareBench, type OpenStore, refused, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';

export const migrate: Operation = {
  name: 'migrate',
  cases: {
    'a fresh database gets its tables, step by step': (_bench, open) =>
      fresh(open, async (bench) => {
        await bench.store.prepare(true);
        assert.deepEqual(
          await bench.versions(),
          Array.from({ length: SCHEMA_VERSION }, (_, index) => index + 1),
        );
        await bench.create();
      }),

    'a second time changes nothing': (_bench, open) =>
      fresh(open, async (bench) => {
        await bench.store.prepare(true);
        const row = await bench.row(await bench.create());
        await bench.store.prepare(true);
        await bench.store.prepare(false);
        assert.deepEqual(await bench.row(row.id), row);
        assert.equal((await bench.versions()).length, SCHEMA_VERSION);
      }),

    'ten replicas that start together on a fresh database all find it ready': (_bench, open) =>
      fresh(open, async (bench) => {
        const stores = await Promise.all(Array.from({ length: 10 }, () => bench.connect()));
        await Promise.all(stores.map((store) => store.prepare(true)));
        assert.equal((await bench.versions()).length, SCHEMA_VERSION);
        const task = { type: TYPE, user: '', group: '', input: null, context: null, autoRun: true };
        const ids = await Promise.all(stores.map((store) => store.create(task)));
        assert.equal(new Set(ids).size, 10);
      }),

    'who may not migrate refuses a database without tables': (_bench, open) =>
      fresh(open, async (bench) => {
        await refused(bench.store.prepare(false), 'SCHEMA_OUTDATED', { actual: 0, expected: SCHEMA_VERSION });
        await refused(bench.store.get(1, true), 'DATABASE_FAILED');
      }),

    'who may not migrate refuses tables that are older': (_bench, open) =>
      fresh(open, async (bench) => {
        await bench.store.prepare(true);
        await bench.setVersion(SCHEMA_VERSION - 1);
        const details = { actual: SCHEMA_VERSION - 1, expected: SCHEMA_VERSION };
        await refused(bench.store.prepare(false), 'SCHEMA_OUTDATED', details);
      }),

    'tables that are newer by one are fine, and stay as they are': (_bench, open) =>
      fresh(open, async (bench) => {
        await bench.store.prepare(true);
        await bench.setVersion(SCHEMA_VERSION + 1);
        await bench.store.prepare(false);
        await bench.store.prepare(true);
        assert.equal((await bench.versions()).at(-1), SCHEMA_VERSION + 1);
      }),

    'tables that are newer by two are refused, whether or not one may migrate': (_bench, open) =>
      fresh(open, async (bench) => {
        await bench.store.prepare(true);
        await bench.setVersion(SCHEMA_VERSION + 2);
        const details = { actual: SCHEMA_VERSION + 2, expected: SCHEMA_VERSION };
        await refused(bench.store.prepare(false), 'SCHEMA_TOO_NEW', details);
        await refused(bench.store.prepare(true), 'SCHEMA_TOO_NEW', details);
      }),

    'two systems with two prefixes live side by side and know nothing of each other': (_bench, open) =>
      fresh(open, async (bench) => {
        const neighbour = await bench.connect(`${bench.world.prefix}b_`);
        await Promise.all([bench.store.prepare(true), neighbour.prepare(true)]);
        await bench.create({ autoRun: true });
        const replica = { id: 'theirs', name: 'x', lease: 60_000, types: runnable(TYPE), concurrency: 1 };
        await neighbour.register(replica);
        assert.deepEqual((await neighbour.list(checkFilter({}))).tasks, []);
        const request = { replica: 'theirs', queue: 'run', types: runnable(TYPE), limit: 1 } as const;
        assert.deepEqual((await neighbour.claim(request)).claims, []);
        assert.deepEqual((await bench.store.claim(request)).claims, []);
        assert.deepEqual(await bench.replicaIds(), []);
      }),
  },
};

async function fresh(open: OpenStore, prove: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = await openBareBench(open);
  try {
    await prove(bench);
  } finally {
    await bench.close();
  }
}
