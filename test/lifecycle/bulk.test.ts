/** Many tasks at once: which are changed, that running ones stop too, and when it is known that they have. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, isTaskbatonError, type TaskDefinition } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, reaches, until, vanishes, work } from '../support/system.ts';

/** Runs until it is told to stop, and then until the gate opens. */
function holding(): { definition: TaskDefinition<undefined>; cleaned: number[]; release: () => void } {
  const released = gate();
  const cleaned: number[] = [];
  const definition = defineTask<undefined>({
    type: 'holding',
    async run({ signal }) {
      while (!signal.aborted) await work(2);
      await released.opened;
      throw signal.reason;
    },
    async cleanup({ task }) {
      cleaned.push(task.id);
    },
  });
  return { definition, cleaned, release: () => released.open() };
}

eachBackend((backend) => {
  it('running and waiting tasks are paused in one call, and settled() waits for the handlers', async (t) => {
    const system = await openSystem(backend, t);
    const { definition, release } = holding();
    const baton = await system.replica({ tasks: [definition], concurrency: 3 });
    const mine: number[] = [];
    for (let index = 0; index < 6; index++) {
      mine.push(await baton.createTask(definition, undefined, { user: 'ada' }));
    }
    const other = await baton.createTask(definition, undefined, { user: 'bob', autoRun: false });
    await until('three run', async () => (await baton.getTasks({ states: ['running'] })).tasks.length === 3);
    const change = await baton.pauseTasks({ user: 'ada' });
    assert.equal(change.changed, 6);
    await assert.rejects(change.settled({ timeout: 30 }), (error) => isTaskbatonError(error, 'NOT_SETTLED'));
    await assert.rejects(change.settled({ signal: AbortSignal.abort(new Error('enough')) }), /enough/);
    release();
    await change.settled();
    for (const id of mine) assert.equal((await baton.getTask(id)).state, 'paused');
    assert.equal((await baton.getTask(other)).state, 'init');
    assert.equal((await baton.pauseTasks({ user: 'ada' })).changed, 0);
    assert.equal((await baton.runTasks({ ids: [...mine, other, 999_999], states: ['paused'] })).changed, 6);
  });

  it('all tasks of a group are deleted, with their cleanups', async (t) => {
    const system = await openSystem(backend, t);
    const { definition, cleaned, release } = holding();
    const baton = await system.replica({ tasks: [definition] });
    const ids: number[] = [];
    for (let index = 0; index < 3; index++)
      ids.push(await baton.createTask(definition, undefined, { group: 'g' }));
    const [first = 0] = ids;
    const kept = await baton.createTask(definition, undefined, { autoRun: false });
    await reaches(baton, first, 'running');
    release();
    const change = await baton.deleteTasks({ group: 'g' });
    assert.equal(change.changed, 3);
    await change.settled();
    for (const id of ids) await vanishes(baton, id);
    assert.deepEqual(
      cleaned.toSorted((one, other) => one - other),
      ids,
    );
    assert.equal((await baton.getTask(kept)).state, 'init');
  });

  it('tasks are moved together, and those that are there already are not counted', async (t) => {
    const baton = (await openSystem(backend, t)).instance();
    const { definition } = holding();
    const [a, b] = [
      await baton.createTask(definition, undefined),
      await baton.createTask(definition, undefined, { group: 'g' }),
    ];
    const change = await baton.changeTasksGroup({ all: true }, 'g');
    assert.equal(change.changed, 1);
    await change.settled();
    for (const id of [a, b]) assert.equal((await baton.getTask(id)).group, 'g');
  });

  it('settled() of an instance that is stopped says so', async (t) => {
    const system = await openSystem(backend, t);
    const { definition, release } = holding();
    const worker = await system.replica({ tasks: [definition] });
    const web = system.instance();
    await reaches(web, await web.createTask(definition, undefined), 'running');
    const change = await web.pauseTasks({ all: true });
    const settled = change.settled();
    await Promise.all([
      assert.rejects(
        settled,
        (error) => isTaskbatonError(error, 'NOT_RUNNING') || isTaskbatonError(error, 'DATABASE_UNAVAILABLE'),
      ),
      web.stop(),
    ]);
    release();
    await worker.stop();
  });

  it('a filter that is wrong, or that would match everything, is refused, and nothing is changed', async (t) => {
    const baton = (await openSystem(backend, t)).instance();
    const { definition } = holding();
    const id = await baton.createTask(definition, undefined);
    const wrong: readonly object[] = [
      {},
      { all: false },
      { all: true, user: 'ada' },
      { usr: 'ada' },
      { ids: 1 },
      { ids: [0] },
      { parent: 0 },
      { ids: Array.from({ length: 1001 }, (_, index) => index + 1) },
      { states: ['sleeping'] },
      { user: 'x'.repeat(256) },
    ];
    for (const filter of wrong) {
      await assert.rejects(baton.pauseTasks(filter), (error) => isTaskbatonError(error, 'INVALID_ARGUMENT'));
    }
    assert.equal((await baton.pauseTasks({ ids: [] })).changed, 0);
    assert.equal((await baton.getTask(id)).state, 'pending');
  });
});
