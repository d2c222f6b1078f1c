/** Failed cleanups come back by themselves, after pauses that grow. */
import assert from 'node:assert/strict';
import { type Bench, NO_CHECKPOINT, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';

export const retryCleanups: Operation = {
  name: 'retry cleanups',
  cases: {
    'a cleanup whose pause is over queues up again': async (bench) => {
      const id = await bench.place('failed/delete', { turn: 1, retries: 2 });
      assert.equal(await bench.store.retryCleanups(), 1);
      const row = await bench.row(id);
      assert.deepEqual([row.status, row.queue, row.retries], ['pending/delete', 'cleanup', 2]);
      assert.equal(await bench.store.retryCleanups(), 0);
    },

    'a cleanup whose pause is not over waits': async (bench) => {
      const id = await bench.place('failed/delete', { turn: (await bench.now()) + 60_000 });
      const row = await bench.row(id);
      assert.equal(await bench.store.retryCleanups(), 0);
      assert.deepEqual(await bench.row(id), row);
    },

    'nothing else is retried, however long ago its turn was': async (bench) => {
      await bench.place('failed/run', { turn: 1 });
      await bench.place('pending/run', { turn: 1 });
      await bench.place('finished/run', { turn: 1 });
      assert.equal(await bench.store.retryCleanups(), 0);
    },

    'the pauses double from one second to five minutes': async (bench) => {
      const replica = await bench.register();
      const id = await bench.place('pending/delete');
      const pauses: number[] = [];
      for (let round = 0; round < 11; round++) {
        const { claims } = await bench.store.claim({
          replica,
          queue: 'cleanup',
          types: runnable(TYPE),
          limit: 1,
        });
        const [claim] = claims;
        assert.ok(claim !== undefined);
        pauses.push(await failCleanup(bench, { id, owner: replica, epoch: claim.epoch }));
        await bench.update(id, { turn: 1 });
        await bench.store.retryCleanups();
      }
      assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 300, 300, 300]);
    },

    'a cleanup that takes its replicas with it is resumed three times, and then after pauses from a minute to a day':
      async (bench) => {
        const id = await bench.place('pending/run', { crashes: 2 });
        await bench.store.change(id, 'delete');
        const pauses: number[] = [];
        for (let crash = 1; crash <= 17; crash++) {
          const replica = await bench.register();
          await bench.store.claim({ replica, queue: 'cleanup', types: runnable([TYPE, 9]), limit: 1 });
          await bench.store.unregister(replica);
          const from = await bench.now();
          await bench.store.rescue('{"name":"TaskbatonError","message":"crashed"}');
          const { status, turn } = await bench.row(id);
          assert.equal(status, crash <= 3 ? 'paused/delete' : 'failed/delete');
          if (status === 'paused/delete') continue;
          pauses.push(Math.floor((Number(turn) - from) / 60_000));
          await bench.update(id, { turn: 1 });
          await bench.store.retryCleanups();
        }
        assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440, 1440]);
        const replica = await bench.register();
        await bench.store.claim({ replica, queue: 'cleanup', types: runnable(TYPE), limit: 1 });
        await bench.store.unregister(replica);
        await bench.store.rescue('{}');
        await bench.store.change(id, 'delete');
        const { status, crashes, retries } = await bench.row(id);
        assert.deepEqual([status, crashes, retries], ['pending/delete', 0, 0]);
      },
  },
};

/** For how many seconds, about, the cleanup pauses after this failure. */
async function failCleanup(
  bench: Bench,
  fence: { id: number; owner: string; epoch: number },
): Promise<number> {
  const from = await bench.now();
  await bench.store.settle(fence, { event: 'fail', checkpoint: NO_CHECKPOINT, error: '{}', remove: false });
  return Math.floor((Number((await bench.row(fence.id)).turn) - from) / 1000);
}
