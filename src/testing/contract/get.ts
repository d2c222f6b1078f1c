/** Reading one task. */
import assert from 'node:assert/strict';
import { STATUS, STATUSES } from '../../core/status.ts';
import { refused } from '../bench.ts';
import type { Operation } from '../operation.ts';

export const get: Operation = {
  name: 'get',
  cases: {
    'a task shows all that is known of it, with dates and values for their texts': async (bench) => {
      const id = await bench.place('running/run', {
        type: 'import',
        version: 3,
        task_user: 'ada',
        task_group: 'day',
        owner: 'replica-9',
        epoch: 4,
        attempt: 2,
        crashes: 1,
        retries: 4,
        task_key: 'a.csv',
        parent: 7,
        worked: 1500,
        errors: `{"at":1000,"attempt":1,"replica":"r","error":{"name":"Error","message":"first"}}\n`,
        progress: 0.25,
        created_at: 1000,
        started_at: 2000,
        done_at: 3000,
        input: '{"file":"a.csv"}',
        context: '[1,null]',
        message: '"half way"',
        error: '{"name":"Error","message":"no"}',
      });
      assert.deepEqual(await bench.store.get(id, false), {
        id,
        type: 'import',
        version: 3,
        user: 'ada',
        group: 'day',
        state: 'running',
        input: { file: 'a.csv' },
        context: [1, null],
        progress: 0.25,
        message: 'half way',
        error: { name: 'Error', message: 'no' },
        errors: [{ name: 'Error', message: 'first', at: new Date(1000), attempt: 1, replica: 'r' }],
        priority: 0,
        attempt: 2,
        crashes: 1,
        retries: 4,
        key: 'a.csv',
        parent: 7,
        dueAt: undefined,
        worked: 1500,
        epoch: 4,
        replica: 'replica-9',
        createdAt: new Date(1000),
        startedAt: new Date(2000),
        doneAt: new Date(3000),
      });
    },

    'what was never written is undefined, and a null that was written is null': async (bench) => {
      const task = await bench.store.get(await bench.create({ input: 'null' }), false);
      const { progress, message, error, replica, startedAt, doneAt } = task;
      for (const value of [task.context, progress, message, error, replica, startedAt, doneAt]) {
        assert.equal(value, undefined);
      }
      assert.equal(task.input, null);
    },

    'every status shows its public state, and one that is being deleted only on request': async (bench) => {
      for (const status of STATUSES) {
        const id = await bench.place(status);
        assert.equal((await bench.store.get(id, true)).state, STATUS[status].shows);
        if (STATUS[status].shows === 'deleting')
          await refused(bench.store.get(id, false), 'TASK_NOT_FOUND', { id });
        else assert.equal((await bench.store.get(id, false)).state, STATUS[status].shows);
      }
    },

    'a task that is not there is not found': async (bench) => {
      await refused(bench.store.get(999_999_999, true), 'TASK_NOT_FOUND', { id: 999_999_999 });
    },
  },
};
