/**
 * Somebody holds the row of a task in a transaction of their own. Whoever writes other tasks doesn't wait for it, even where
 * there are so few tasks that a database would rather read all than look into an index.
 */
import assert from 'node:assert/strict';
import { type Bench, NO_CHECKPOINT, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';

const ERROR = '{"name":"Error","message":"crashed"}';

export const lockedTask: Operation = {
  name: 'locked task',
  cases: {
    'holds up no report and no end of others': async (bench) => {
      const [paused, finished, removed] = [
        await bench.hold('running/pause'),
        await bench.hold('running/run'),
        await bench.hold('running/run'),
      ];
      const end = { checkpoint: NO_CHECKPOINT, error: null, remove: false } as const;
      await whileLocked(bench, async () => {
        for (const fence of [paused, finished, removed])
          await bench.store.checkpoint(fence, { ...NO_CHECKPOINT, context: '1' });
        await bench.store.settle(paused, { ...end, event: 'yield' });
        await bench.store.settle(finished, { ...end, event: 'finish' });
        await bench.store.settle(removed, { ...end, event: 'finish', remove: true });
      });
      assert.equal((await bench.row(paused.id)).status, 'paused/pause');
      assert.equal((await bench.row(finished.id)).status, 'finished/run');
      assert.equal(await bench.find(removed.id), undefined);
    },

    'holds up no claim of others': async (bench) => {
      const replica = await bench.register();
      const ids = [await bench.create({ autoRun: true }), await bench.create({ autoRun: true })];
      await whileLocked(bench, async () => {
        const request = { replica, queue: 'run', types: runnable(TYPE), limit: 5 } as const;
        const { claims } = await bench.store.claim(request);
        assert.deepEqual(
          claims.map(({ id }) => id),
          ids,
        );
      });
    },

    'holds up nobody whose time has come': async (bench) => {
      const id = await bench.create({ autoRun: true, due: { delay: -1000 } });
      await whileLocked(bench, () => bench.store.admitDue());
      assert.equal((await bench.row(id)).queue, 'run');
    },

    'holds up no rescue of others': async (bench) => {
      const id = await bench.place('running/run', { owner: await bench.dead(), crash_budget: 1 });
      await whileLocked(bench, () => bench.store.rescue(ERROR));
      assert.equal((await bench.row(id)).status, 'paused/run');
    },

    'holds up no replica that hands over its own': async (bench) => {
      const { id, owner } = await bench.hold('running/run');
      await whileLocked(bench, () => bench.store.releaseAll(owner));
      assert.equal((await bench.row(id)).status, 'paused/run');
    },

    'holds up no cleanup that is to be tried again': async (bench) => {
      const id = await bench.place('failed/delete', { turn: 1 });
      await whileLocked(bench, () => bench.store.retryCleanups());
      assert.equal((await bench.row(id)).status, 'pending/delete');
    },
  },
};

/** Does `work` while a task is locked that somebody runs. SQLite has no locks of rows. */
async function whileLocked(bench: Bench, work: () => Promise<unknown>): Promise<void> {
  const { id } = await bench.hold('running/run');
  if (bench.database.dialect === 'sqlite') return void (await work());
  const { database } = await bench.connect();
  await database.transaction(async (connection) => {
    await connection.query(`UPDATE ${bench.tables.task} SET priority = 1 WHERE id = ?`, [id]);
    await work();
  });
}
