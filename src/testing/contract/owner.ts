/** What is asked on somebody's behalf: tasks of other users are as if they weren't there, in every statement. */
import assert from 'node:assert/strict';
import { type Status, STATUSES, type UserEvent } from '../../core/status.ts';
import { checkFilter } from '../../core/task.ts';
import { Store } from '../../store/store.ts';
import { type Bench, refused } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';

const EVENTS: readonly UserEvent[] = ['run', 'pause', 'delete'];

export const owner: Operation = {
  name: 'owner',
  cases: {
    'a task of another user is not found, whatever is asked of it, and stays as it is': async (bench) => {
      for (const status of STATUSES) {
        const id = await bench.place(status, { task_user: 'bob', task_group: 'day' });
        const before = await bench.find(id);
        await refused(bench.store.get(id, true, false, 'ada'), 'TASK_NOT_FOUND', { id });
        for (const event of EVENTS)
          await refused(bench.store.change(id, event, { owner: 'ada' }), 'TASK_NOT_FOUND', { id });
        await refused(
          bench.store.change(id, 'run', { when: { delay: 1000 }, owner: 'ada' }),
          'TASK_NOT_FOUND',
          { id },
        );
        await refused(bench.store.changeGroup(id, 'night', { owner: 'ada' }), 'TASK_NOT_FOUND', { id });
        assert.deepEqual(await bench.find(id), before, status);
      }
    },

    'what is asked for an own task happens': async (bench) => {
      const id = await bench.place('init/none', { task_user: 'ada' });
      assert.equal((await bench.store.get(id, false, false, 'ada')).user, 'ada');
      await bench.store.changeGroup(id, 'night', { owner: 'ada' });
      assert.equal(await bench.store.change(id, 'pause', { owner: 'ada' }), true);
      assert.equal(await bench.store.change(id, 'pause', { owner: 'ada' }), false);
      assert.equal((await bench.find(id))?.status, 'paused/pause');
      assert.equal(await bench.store.change(id, 'delete', { owner: 'ada' }), true);
    },

    'lists hold own tasks only, and nothing at all of a user who is somebody else': async (bench) => {
      const own = await bench.create({ user: 'ada', group: 'day' });
      await bench.create({ user: 'bob', group: 'day' });
      const nobody = await bench.create({ group: 'day' });
      const ids = async (filter: object): Promise<readonly number[]> =>
        (await bench.store.list(checkFilter(filter))).tasks.map(({ id }) => id);
      assert.deepEqual(await ids({ owner: 'ada' }), [own]);
      assert.deepEqual(await ids({ owner: 'ada', group: 'day', states: ['init'] }), [own]);
      assert.deepEqual(await ids({ owner: 'ada', user: 'ada' }), [own]);
      assert.deepEqual(await ids({ owner: 'ada', user: 'bob' }), []);
      assert.deepEqual(await ids({ owner: '' }), [nobody]);
    },

    'changes of many leave tasks of other users alone': async (bench) => {
      const statuses = async (ids: readonly number[]): Promise<readonly (Status | undefined)[]> =>
        Promise.all(ids.map(async (id) => (await bench.find(id))?.status));
      const own = await bench.place('pending/run', { task_user: 'ada' });
      const other = await bench.place('pending/run', { task_user: 'bob' });
      const all = { ids: undefined, user: undefined, group: undefined, types: undefined, states: undefined };
      assert.equal((await bench.store.changeMany('pause', { ...all, owner: 'ada' })).changed, 1);
      assert.equal(
        (await bench.store.changeMany('delete', { ...all, ids: [other], owner: 'ada' })).changed,
        0,
      );
      assert.equal((await bench.store.changeMany('run', { ...all, user: 'bob', owner: 'ada' })).changed, 0);
      assert.equal(await bench.store.moveMany({ ...all, ids: [own, other], owner: 'ada' }, 'night'), 1);
      assert.deepEqual(await statuses([own, other]), ['paused/pause', 'pending/run']);
    },

    'every statement about tasks names the owner': async (bench) => {
      const recording = new RecordingDatabase(bench.database);
      const { prefix, schema, dialect } = bench.world;
      const store = new Store(recording, prefix, schema, dialect);
      const id = await placeOwn(bench);
      await store.get(id, false, false, 'ada');
      for (const event of EVENTS) await store.change(id, event, { owner: 'ada' });
      await store.change(await placeOwn(bench), 'run', { when: { delay: 1000 }, owner: 'ada' });
      await store.changeGroup(await placeOwn(bench), 'night', { owner: 'ada' });
      await store.list(checkFilter({ owner: 'ada', types: ['import'], states: ['running', 'failed'] }));
      const filter = { ids: [id], user: undefined, group: undefined, types: undefined, states: undefined };
      await store.changeMany('pause', { ...filter, owner: 'ada' });
      const about = new RegExp(`(FROM|UPDATE) ${bench.tables.task.replace('.', '\\.')}\\b`);
      const silent = recording.statements.filter(
        ({ sql }) => about.test(sql) && !sql.includes('task_user = ?') && !sql.includes(bench.tables.slot),
      );
      assert.deepEqual(
        silent.map(({ sql }) => sql),
        [],
      );
    },
  },
};

function placeOwn(bench: Bench): Promise<number> {
  return bench.place('pending/run', { task_user: 'ada' });
}
