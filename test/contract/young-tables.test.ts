/**
 * Tables of which the database knows nothing yet, since they have grown within the last minute: nobody's reports and ends may cost
 * a look at what is given, or at the table, for each of the tasks that run. (On PostgreSQL they did, up to twenty thousand tasks.)
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type CheckedHistory, NO_HISTORY } from '../../src/core/history.ts';
import type { Store } from '../../src/store/store.ts';
import { type Bench, openBench } from '../../src/testing/bench.ts';
import { eachBackend } from '../backends.ts';
import { explain, type Step } from '../support/plans.ts';
import { openContractStore } from '../support/stores.ts';

const SIZES = [10, 1000, 3000, 10_000, 30_000];
const KEPT: CheckedHistory = { level: 'all', keep: 3_600_000, contexts: true };
const OWNER = 'replica-1';

eachBackend((backend) => {
  it('groups of reports and ends look once through what is given, however large a young table is', async (t) => {
    const bench = await openBench(() => openContractStore(backend));
    t.after(() => bench.close());
    let size = 0;
    for (const wanted of SIZES) {
      await addRunning(bench, wanted - size);
      size = wanted;
      for (const history of [NO_HISTORY, KEPT])
        for (const steps of await explain(bench, size, writeTogether, history)) onceOnly(steps, size);
    }
  });
});

async function addRunning({ database, tables: { task } }: Bench, count: number): Promise<void> {
  const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ');
  const places = ['a', 'b', 'c', 'd', 'e'].map((place) => `(${digits}) ${place}`);
  await database.query(
    `INSERT INTO ${task} (type, task_user, task_group, status, owner, lane, priority, epoch, attempt, crashes, crash_budget, retries, worked, worked_before, created_at, input)
     SELECT 'resize', '', '', 'running/run', '${OWNER}', 0, 0, 1, 1, 0, 3, 0, 0, 0, 0, '{"file":"some.csv"}'
     FROM ${places.join(' CROSS JOIN ')} LIMIT ${count}`,
  );
}

async function writeTogether(store: Store): Promise<void> {
  const fences = [1, 2, 3].map((id) => ({ id, owner: OWNER, epoch: 2 }));
  const checkpoint = { context: '1', progress: null, message: null };
  await store.checkpointEach(fences.map((fence) => ({ fence, checkpoint })));
  for (const remove of [false, true]) {
    const settlement = { event: 'finish', checkpoint, error: null, remove } as const;
    await store.settleEach(fences.map((fence) => ({ fence, settlement })));
  }
}

function onceOnly(steps: readonly Step[], size: number): void {
  const repeated = steps.filter(
    ({ again, how, text }) => again === true && (how === 'scan' || text.startsWith('LockRows')),
  );
  assert.deepEqual(repeated, [], `of ${size} tasks:\n${steps.map(({ text }) => text).join('\n')}`);
}
