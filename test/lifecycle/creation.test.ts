/** Creating tasks: only once by a key, or many at once. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { declareTask, defineTask, isTaskbatonError, type NewTaskItem } from '../../src/index.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { Store } from '../../src/store/store.ts';
import { RecordingDatabase } from '../../src/testing/recording.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, reaches, vanishes } from '../support/system.ts';

const echo = defineTask<number>({ type: 'echo', run: async () => undefined });
const other = declareTask<number>({ type: 'other' });

eachBackend((backend) => {
  it('a key makes a task the only one of its type while it exists, whoever asks at once', async (t) => {
    const system = await openSystem(backend, t);
    const batons = [system.instance(), system.instance(), system.instance()];
    await batons[0]?.migrate();
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, index) => batons[index % 3]!.createTask(echo, index, { key: 'a' })),
    );
    assert.equal(new Set(ids).size, 1);
    const baton = batons[0]!;
    assert.notEqual(await baton.createTask(echo, 1, { key: 'b' }), ids[0]);
    assert.notEqual(await baton.createTask(other, 1, { key: 'a' }), ids[0]);
    assert.equal((await baton.getTasks()).tasks.length, 3);
    assert.equal((await baton.getTask(ids[0]!)).key, 'a');
    await baton.deleteTask(ids[0]!);
    assert.notEqual(await baton.createTask(echo, 1, { key: 'a' }), ids[0]);
  });

  it('a key outlives its task’s end, and is free again once the task is gone', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ tasks: [echo] });
    const id = await baton.createTask(echo, 1, { key: 'a' });
    await reaches(baton, id, 'finished');
    assert.equal(await baton.createTask(echo, 2, { key: 'a' }), id);
    await baton.deleteTask(id);
    const next = await baton.createTask(echo, 3, { key: 'a' });
    assert.notEqual(next, id);
    await vanishes(baton, id);
    assert.equal((await reaches(baton, next, 'finished')).input, 3);
  });

  it('a task that has not started can be replaced by its key, and one that has is left alone', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const id = await baton.createTask(echo, 1, { key: 'a', delay: '1h' });
    const again = { key: 'a', replace: true, user: 'ada', priority: 7, delay: '2h' } as const;
    assert.equal(await baton.createTask(echo, 2, again), id);
    const replaced = await baton.getTask(id);
    assert.deepEqual([replaced.input, replaced.user, replaced.priority], [2, 'ada', 7]);
    assert.ok((replaced.dueAt?.getTime() ?? 0) - replaced.createdAt.getTime() >= 7_200_000);
    const running = gate();
    const hold = defineTask<number>({ type: 'echo', run: () => running.opened });
    const replica = await system.replica({ tasks: [hold] });
    await replica.runTask(id);
    await reaches(replica, id, 'running');
    assert.equal(await baton.createTask(echo, 3, again), id);
    assert.equal((await baton.getTask(id)).input, 2);
    running.open();
  });

  it('ten thousand tasks are created at once, in order, and all of them run', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const items: NewTaskItem[] = Array.from({ length: 10_000 }, (_, index) => ({
      task: index % 2 === 0 ? echo : other,
      input: index,
      user: `user-${index % 7}`,
      priority: index % 3,
      ...(index % 1000 === 0 ? { key: `key-${index}` } : {}),
      ...(index % 5 === 0 ? { delay: '1h' as const } : {}),
    }));
    const ids = await baton.createTasks(items);
    assert.equal(new Set(ids).size, 10_000);
    for (const index of [0, 1, 4999, 5000, 9999]) {
      const task = await baton.getTask(ids[index]!);
      const { type, input, user, priority, key, dueAt } = task;
      assert.deepEqual(
        [type, input, user, priority, key, dueAt !== undefined],
        [
          index % 2 === 0 ? 'echo' : 'other',
          index,
          `user-${index % 7}`,
          index % 3,
          items[index]?.key,
          index % 5 === 0,
        ],
      );
    }
    assert.deepEqual(
      await baton.createTasks(items.filter(({ key }) => key !== undefined)),
      Array.from({ length: 10 }, (_, index) => ids[index * 1000]),
    );
    assert.deepEqual(await baton.createTasks([]), []);
  });

  it('an item whose parent is not there is named, and nothing is created', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const parent = await baton.createTask(echo, 0, { user: 'parent' });
    const item = { task: echo, input: 1 };
    await assert.rejects(
      baton.createTasks([item, { ...item, parent }, { ...item, parent: 4711 }, { ...item, parent: 4711 }]),
      (error) => {
        assert.ok(isTaskbatonError(error, 'INVALID_ITEM'));
        assert.match(error.message, /^item 2 cannot be created: there is no task 4711\. Correct/);
        return isTaskbatonError(error.cause, 'TASK_NOT_FOUND');
      },
    );
    const { tasks } = await baton.getTasks();
    assert.deepEqual(
      tasks.map(({ id }) => id),
      [parent],
    );
  });

  it('children of many parents are created in as many statements as those of one', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const parents = await baton.createTasks(
      Array.from({ length: 300 }, (_, input) => ({ task: echo, input, autoRun: input % 2 === 0 })),
    );
    const opened = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => opened.close());
    const database = new RecordingDatabase(opened);
    const store = new Store(database, system.backend.prefix);
    const child = { type: 'echo', user: 'child', group: '', input: '1', context: null, autoRun: true };
    await store.createMany(parents.map((parent) => ({ ...child, parent })));
    assert.ok(database.statements.length < 20, `${database.statements.length} statements`);
    const { tasks } = await baton.getTasks({ user: 'child', limit: 1000 });
    assert.deepEqual(
      tasks.map(({ parent }) => parent),
      parents.toReversed(),
    );
    for (const [index, id] of parents.slice(0, 2).entries())
      assert.equal((await baton.getTask(id)).state, index === 0 ? 'pending' : 'paused');
  });

  it('one bad item is named, and nothing is created', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const good = { task: echo, input: 1 };
    for (const bad of [
      { task: echo, input: 1, delay: -1 },
      { task: echo, input: 1n },
      { task: echo, input: 1, key: 'k'.repeat(256) },
      { task: echo, input: 1, key: '' },
      { task: 'nobody', input: 1 },
      { task: echo, input: 1, replace: true },
      undefined,
    ]) {
      await assert.rejects(baton.createTasks([good, good, bad as NewTaskItem, good]), {
        code: 'INVALID_ITEM',
        message: /^item 2 cannot be created: /,
      });
    }
    assert.deepEqual((await baton.getTasks()).tasks, []);
  });
});
