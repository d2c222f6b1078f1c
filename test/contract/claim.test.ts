/** Taking tasks, on every database; the cases are in `src/testing`. Here is what only databases with row locks can do. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openBench, runnable, TYPE } from '../../src/testing/bench.ts';
import { claim } from '../../src/testing/contract/claim.ts';
import type { Claim } from '../../src/store/record.ts';
import { backends } from '../backends.ts';
import { eachStore, eachStoreWithHistory, openContractStore } from '../support/stores.ts';

eachStore(claim);
eachStoreWithHistory(claim);

/** What has become of a task, column by column: each alone must reach whoever claims it. */
const PAST: Readonly<Record<string, (claim: Claim) => unknown>> = {
  reports: ({ reports }) => reports,
  worked: ({ worked }) => worked.total,
  worked_before: ({ worked }) => -worked.attempt,
  attempt: ({ attempt }) => attempt,
  retries: ({ retries }) => retries,
  has_children: ({ hasChildren }) => (hasChildren ? 7 : 0),
  parent: ({ parent }) => parent,
};

for (const backend of backends) {
  it(`${backend.name}: a claim hands over whatever has become of a task`, async (context) => {
    const bench = await openBench(() => openContractStore(backend));
    context.after(() => bench.close());
    const replica = await bench.register();
    for (const [column, of] of Object.entries(PAST)) {
      const id = await bench.create({ autoRun: true });
      const value = column === 'has_children' ? 1 : 7;
      await bench.database.query(`UPDATE ${bench.tables.task} SET ${column} = ? WHERE id = ?`, [value, id]);
      const { claims } = await bench.store.claim({ replica, queue: 'run', types: runnable(TYPE), limit: 1 });
      assert.deepEqual(claims.map(of), [7], column);
    }
  });
}

for (const backend of backends.filter(({ name }) => name === 'postgres')) {
  it('postgres: a task that somebody else is changing is passed over, not waited for', async (context) => {
    const bench = await openBench(() => openContractStore(backend));
    context.after(() => bench.close());
    const replica = await bench.register();
    const [locked, free] = [await bench.create({ autoRun: true }), await bench.create({ autoRun: true })];
    await bench.database.transaction(async (connection) => {
      await connection.query(`UPDATE ${bench.tables.task} SET retries = 0 WHERE id = ?`, [locked]);
      const { claims } = await bench.store.claim({
        replica,
        queue: 'run',
        types: runnable(TYPE),
        limit: 1,
      });
      assert.deepEqual(
        claims.map(({ id }) => id),
        [free],
      );
    });
  });
}
