/** Storing a report: all of it or nothing, and only for who holds the task. */
import assert from 'node:assert/strict';
import { LEASED, STATUSES } from '../../core/status.ts';
import type { Checkpoint, Fence } from '../../store/settlement.ts';
import { type Bench, refused, type TaskRow } from '../bench.ts';
import type { Operation } from '../operation.ts';

const REPORT = { context: '{"row":9}', progress: 0.9, message: '"nine"' };

export const checkpoint: Operation = {
  name: 'checkpoint',
  cases: {
    'a report is stored and counted, and nothing else changes': async (bench) => {
      for (const status of LEASED) {
        const fence = await bench.hold(status, { context: '{"row":1}', progress: 0.1 });
        const row = await bench.row(fence.id);
        await bench.store.checkpoint(fence, REPORT);
        assert.deepEqual(await bench.row(fence.id), { ...row, ...REPORT, ...countedAfter(row) });
      }
    },

    'what a report does not name stays as it was': async (bench) => {
      const fence = await bench.hold('running/run', { context: '1', progress: 0.1, message: '"one"' });
      const nothing = { context: null, progress: null, message: null };
      for (const part of [{ context: '2' }, { progress: 0.2 }, { message: '"two"' }, {}]) {
        const row = await bench.row(fence.id);
        await bench.store.checkpoint(fence, { ...nothing, ...part });
        assert.deepEqual(await bench.row(fence.id), { ...row, ...part, ...countedAfter(row) });
      }
    },

    'a context of null, a progress of nothing and an empty message are reports like others': async (
      bench,
    ) => {
      const fence = await bench.hold('running/run', { context: '1', progress: 0.5, message: '"one"' });
      await bench.store.checkpoint(fence, { context: 'null', progress: 0, message: '""' });
      const task = await bench.store.get(fence.id, true);
      assert.deepEqual([task.context, task.progress, task.message], [null, 0, '']);
    },

    'the same report twice is two reports, not a lost lease': async (bench) => {
      const fence = await bench.hold('running/run');
      await bench.store.checkpoint(fence, REPORT);
      await bench.store.checkpoint(fence, REPORT);
    },

    'a report that arrives after a later one of the same claim is refused': async (bench) => {
      const fence = await bench.hold('running/run');
      const report = (nth: number): Checkpoint => ({ context: `${nth}`, progress: null, message: null, nth });
      for (const nth of [1, 2]) await bench.store.checkpoint(fence, report(nth));
      await refused(bench.store.checkpoint(fence, report(1)), 'LEASE_LOST');
      await refused(
        bench.store.transact(fence, 1, async () => report(1)),
        'LEASE_LOST',
      );
      assert.equal((await bench.row(fence.id)).context, '2');
      // The last one may have been stored without its sender knowing.
      await bench.store.checkpoint(fence, report(2));
      await bench.store.checkpoint(fence, report(3));
      const { context, reports } = await bench.row(fence.id);
      assert.deepEqual([context, reports], ['3', 3]);
    },

    'progress keeps all its digits': async (bench) => {
      const fence = await bench.hold('running/run');
      await bench.store.checkpoint(fence, { ...REPORT, progress: 0.1 + 0.2 });
      assert.equal((await bench.store.get(fence.id, true)).progress, 0.1 + 0.2);
    },

    'whoever has the wrong epoch, owner or id writes nothing': async (bench) => {
      const fence = await bench.hold('running/run');
      for (const wrong of wrongFences(fence)) {
        const row = await bench.row(fence.id);
        await refused(bench.store.checkpoint(wrong, REPORT), 'LEASE_LOST', {
          id: wrong.id,
          epoch: wrong.epoch,
        });
        assert.deepEqual(await bench.row(fence.id), row);
      }
    },

    'a task that is held by nobody takes no report, even with the name and epoch of an owner': async (
      bench,
    ) => {
      const owner = await bench.register();
      for (const status of STATUSES.filter((name) => !LEASED.includes(name))) {
        const id = await bench.place(status, { owner });
        const row = await bench.row(id);
        await refused(bench.store.checkpoint({ id, owner, epoch: row.epoch }, REPORT), 'LEASE_LOST');
        assert.deepEqual(await bench.row(id), row);
      }
    },

    'a replica that is rescued from writes no more': async (bench) => {
      const fence = await rescuedFrom(bench);
      const row = await bench.row(fence.id);
      await refused(bench.store.checkpoint(fence, REPORT), 'LEASE_LOST');
      assert.deepEqual(await bench.row(fence.id), row);
    },
  },
};

/** Fences that differ from the good one in one thing each. */
export function wrongFences(fence: Fence): readonly Fence[] {
  return [
    { ...fence, epoch: fence.epoch - 1 },
    { ...fence, epoch: fence.epoch + 1 },
    { ...fence, owner: 'somebody-else' },
    { ...fence, id: fence.id + 1000 },
  ];
}

/** The fence of a replica whose lease ended and whose task was taken from it. */
export async function rescuedFrom(bench: Bench): Promise<Fence> {
  const fence = await bench.hold('running/run', { crash_budget: 3 });
  await bench.expire(fence.owner);
  assert.equal(await bench.store.bury(), 1);
  assert.equal(await bench.store.rescue('{}'), 1);
  return fence;
}

/** What each report counts. */
function countedAfter({ revision, reports }: TaskRow): Pick<TaskRow, 'revision' | 'reports'> {
  return { revision: revision + 1, reports: reports + 1 };
}
