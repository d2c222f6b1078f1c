/** Moving a task to another group, in whatever state it is. */
import assert from 'node:assert/strict';
import { STATUSES } from '../../core/status.ts';
import { refused } from '../bench.ts';
import type { Operation } from '../operation.ts';

export const changeGroup: Operation = {
  name: 'change group',
  cases: {
    'a task moves in whatever status it is, and nothing else changes': async (bench) => {
      for (const status of STATUSES) {
        const id = await bench.place(status, { task_group: 'day' });
        const row = await bench.row(id);
        await bench.store.changeGroup(id, 'night');
        assert.deepEqual(await bench.row(id), { ...row, task_group: 'night' });
      }
    },

    'other tasks of the group stay': async (bench) => {
      const [moved, stays] = [await bench.create({ group: 'day' }), await bench.create({ group: 'day' })];
      await bench.store.changeGroup(moved, 'night');
      assert.equal((await bench.row(stays)).task_group, 'day');
    },

    'a move to the group where it is already is fine': async (bench) => {
      const id = await bench.create({ group: 'day' });
      await bench.store.changeGroup(id, 'day');
      assert.equal((await bench.row(id)).task_group, 'day');
    },

    'a running task moves without its owner noticing': async (bench) => {
      const fence = await bench.hold('running/run');
      await bench.store.changeGroup(fence.id, 'night');
      await bench.store.checkpoint(fence, { context: '1', progress: null, message: null });
      assert.equal((await bench.row(fence.id)).context, '1');
    },

    'a task that is not there is not found': async (bench) => {
      await refused(bench.store.changeGroup(999_999_999, 'night'), 'TASK_NOT_FOUND', { id: 999_999_999 });
    },
  },
};
