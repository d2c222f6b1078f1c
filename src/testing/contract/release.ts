/** Giving back a claim that never ran, or whose handler isn't waited for. */
import assert from 'node:assert/strict';
import { LEASED, transition } from '../../core/status.ts';
import { runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { rescuedFrom, wrongFences } from './checkpoint.ts';

export const release: Operation = {
  name: 'release',
  cases: {
    'a task that is given back keeps its checkpoint and its mark, and counts neither attempt nor crash':
      async (bench) => {
        for (const status of LEASED) {
          const fence = await bench.hold(status, {
            context: '"here"',
            progress: 0.5,
            attempt: 2,
            crashes: 1,
          });
          assert.equal(await bench.store.release(fence), true);
          const row = await bench.row(fence.id);
          assert.deepEqual([row.status, row.owner], [transition(status, 'recover'), null]);
          assert.deepEqual([row.context, row.progress, row.attempt, row.crashes], ['"here"', 0.5, 2, 1]);
        }
      },

    'a task that is given back is the next to be taken': async (bench) => {
      const fence = await bench.hold('running/run');
      await bench.place('pending/run', { turn: 1 });
      await bench.store.release(fence);
      const request = { replica: fence.owner, queue: 'run', types: runnable(TYPE), limit: 1 } as const;
      assert.deepEqual(
        (await bench.store.claim(request)).claims.map(({ id, epoch }) => [id, epoch]),
        [[fence.id, fence.epoch + 1]],
      );
    },

    'giving back twice gives back once': async (bench) => {
      const fence = await bench.hold('running/run');
      assert.equal(await bench.store.release(fence), true);
      assert.equal(await bench.store.release(fence), false);
    },

    'whoever has the wrong epoch, owner or id gives nothing back': async (bench) => {
      const fence = await bench.hold('running/run');
      const row = await bench.row(fence.id);
      for (const wrong of wrongFences(fence)) assert.equal(await bench.store.release(wrong), false);
      assert.deepEqual(await bench.row(fence.id), row);
    },

    'a replica that is rescued from gives nothing back': async (bench) => {
      const fence = await rescuedFrom(bench);
      const row = await bench.row(fence.id);
      assert.equal(await bench.store.release(fence), false);
      assert.deepEqual(await bench.row(fence.id), row);
    },
  },
};
