/** Creating tasks. */
import assert from 'node:assert/strict';
import type { Operation } from '../operation.ts';

export const create: Operation = {
  name: 'create',
  cases: {
    'a new task waits in the queue, or for its first run, by the time of the database': async (bench) => {
      const from = await bench.now();
      const queued = await bench.row(await bench.create({ autoRun: true }));
      const idle = await bench.row(await bench.create({ autoRun: false }));
      const to = await bench.now();
      assert.deepEqual([queued.status, queued.queue], ['pending/run', 'run']);
      assert.deepEqual([idle.status, idle.queue, idle.turn], ['init/none', null, null]);
      for (const time of [queued.turn, queued.created_at, idle.created_at]) {
        assert.ok(Number(time) >= from && Number(time) <= to, `${time} is not from ${from} to ${to}`);
      }
    },

    'what is given is stored as it is': async (bench) => {
      const given = {
        type: 'import',
        user: 'ada',
        group: 'day',
        input: '{"file":"a.csv"}',
        context: '{"row":1}',
      };
      const row = await bench.row(await bench.create(given));
      assert.deepEqual(
        [row.type, row.task_user, row.task_group, row.input, row.context],
        ['import', 'ada', 'day', '{"file":"a.csv"}', '{"row":1}'],
      );
    },

    'what is not given is nothing': async (bench) => {
      const row = await bench.row(await bench.create());
      const { input, context, progress, message, error, owner, started_at, done_at } = row;
      for (const value of [input, context, progress, message, error, owner, started_at, done_at]) {
        assert.equal(value, null);
      }
      assert.deepEqual([row.epoch, row.attempt, row.crashes, row.retries], [0, 1, 0, 0]);
    },

    'ids are whole numbers in the order of creation, and never come back': async (bench) => {
      const ids: number[] = [];
      for (let index = 0; index < 5; index++) ids.push(await bench.create());
      assert.deepEqual(
        ids,
        ids.toSorted((one, other) => one - other),
      );
      await bench.store.change(Number(ids.at(-1)), 'delete');
      assert.ok((await bench.create()) > Number(ids.at(-1)));
      assert.ok(ids.every(Number.isSafeInteger));
    },

    'those who create at once on several handles each get the id of their own task': async (bench) => {
      const stores = [bench.store, await bench.connect(), await bench.connect()];
      const wanted = Array.from({ length: 60 }, (_, index) => `user-${index}`);
      const ids = await Promise.all(
        wanted.map((user, index) => {
          const task = { type: 'many', user, group: '', input: null, context: null, autoRun: true };
          return (stores[index % stores.length] ?? bench.store).create(task);
        }),
      );
      assert.equal(new Set(ids).size, wanted.length);
      const users = await Promise.all(ids.map(async (id) => (await bench.row(id)).task_user));
      assert.deepEqual(users, wanted);
    },
  },
};
