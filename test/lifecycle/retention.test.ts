/** Tasks that are done go by themselves once they have been kept long enough. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, type Duration, type Keep, type TaskDefinition } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { openSystem, reaches, record, until, vanishes } from '../support/system.ts';

const FAST = { lease: 1000, pollInterval: 50 };

function kept(type: string, keep: Duration | Keep, cleaned?: number[]): TaskDefinition<boolean> {
  return defineTask<boolean>({
    type,
    keep,
    run: async ({ input: fail }) => (fail ? Promise.reject(new Error('no')) : undefined),
    cleanup: async ({ task }) => void cleaned?.push(task.id),
  });
}

eachBackend((backend) => {
  it('finished and failed tasks are kept as long as their type says, and those of other types for ever', async (t) => {
    const system = await openSystem(backend, t);
    const cleaned: number[] = [];
    const short = kept('short', { finished: 300, failed: '1h' }, cleaned);
    const always = defineTask({ type: 'always', run: async () => undefined });
    const baton = await system.replica({ ...FAST, tasks: [short, always] });
    const events = record(baton);
    const finished = await baton.createTask(short, false);
    const failed = await baton.createTask(short, true);
    const other = await baton.createTask(always, undefined);
    const waiting = await baton.createTask(short, false, { autoRun: false });
    await reaches(baton, finished, 'finished');
    await vanishes(baton, finished);
    await events.next('tasks.removed', ({ type, count }) => type === 'short' && count === 1);
    assert.equal((await reaches(baton, failed, 'failed')).state, 'failed');
    assert.equal((await baton.getTask(other)).state, 'finished');
    assert.equal((await baton.getTask(waiting)).state, 'init');
    assert.deepEqual(cleaned, []);
  });

  it('their cleanup runs before they go, if that is wanted', async (t) => {
    const system = await openSystem(backend, t);
    const cleaned: number[] = [];
    const tidy = kept('tidy', { failed: 0, cleanup: true }, cleaned);
    const baton = await system.replica({ ...FAST, tasks: [tidy] });
    const id = await baton.createTask(tidy, true);
    await vanishes(baton, id);
    assert.deepEqual(cleaned, [id]);
  });

  it('a task that is run again in time is not removed, and more than a batch go in the end', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const many = kept('many', 0);
    await baton.createTasks(Array.from({ length: 1200 }, () => ({ task: many, input: false })));
    const replica = await system.replica({ ...FAST, tasks: [many], concurrency: 200 });
    await until('all have gone', async () => (await replica.getTasks()).tasks.length === 0, 60_000);
  });

  it('a time that is none is refused', () => {
    for (const wrong of ['soon', -1, { done: '1d' }, { finished: 'long' }, { cleanup: 1 }, null])
      assert.throws(() => kept('wrong', wrong as Duration), { name: 'TaskbatonError' });
  });
});
