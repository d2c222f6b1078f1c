/** Tasks that are done go by themselves once they have been kept long enough. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  defineTask,
  type Duration,
  finished,
  type Keep,
  type TaskDefinition,
  typed,
} from '../../src/index.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { tablesOf } from '../../src/store/schema.ts';
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
    const ended = await baton.createTask(short, false);
    const failed = await baton.createTask(short, true);
    const other = await baton.createTask(always, undefined);
    const waiting = await baton.createTask(short, false, { autoRun: false });
    await reaches(baton, ended, 'finished');
    await vanishes(baton, ended);
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

  it('however many are due, all go at once and not a batch at each poll', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const many = kept('many', 0);
    await baton.createTasks(Array.from({ length: 3000 }, () => ({ task: many, autoRun: false })));
    const database = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => database.close());
    const { task } = tablesOf(system.backend.prefix, undefined);
    await database.query(`UPDATE ${task} SET status = 'finished/run', done_at = 1`);
    await system.replica({ tasks: [many], pollInterval: '1m', lease: '10m' });
    await until('all have gone', async () => (await baton.getTasks()).tasks.length === 0);
  });

  it('a child stays until its parent has finished, since one that failed may go on with what it came to', async (t) => {
    const system = await openSystem(backend, t);
    let broken = true;
    const part = defineTask<number, number, number>({
      type: 'part',
      keep: 0,
      run: async ({ input }) => finished({ context: input }),
    });
    const sum = defineTask({
      type: 'sum',
      context: typed<number>(),
      async run({ context, children }) {
        if (context === undefined)
          await children.create(
            [1, 2, 3].map((input) => ({ task: part, input })),
            { context: 0 },
          );
        const done = await children.done();
        if (broken) throw new Error('no');
        return finished({ context: done.reduce((total, child) => total + Number(child.context), 0) });
      },
    });
    const spare = kept('spare', 0);
    const baton = await system.replica({ ...FAST, tasks: [part, sum, spare] });
    const id = await baton.createTask(sum, undefined);
    await reaches(baton, id, 'failed');
    // Looked at after it had failed, and so were its children.
    for (let looks = 0; looks < 2; looks++) await vanishes(baton, await baton.createTask(spare, false));
    broken = false;
    await baton.runTask(id, { children: true });
    assert.equal((await reaches(baton, id, 'finished')).context, 6);
    await until('they have gone', async () => (await baton.getTasks({ types: [part] })).tasks.length === 0);
  });

  it('a time that is none is refused', () => {
    for (const wrong of ['soon', -1, { done: '1d' }, { finished: 'long' }, { cleanup: 1 }, null])
      assert.throws(() => kept('wrong', wrong as Duration), { name: 'TaskbatonError' });
  });
});
