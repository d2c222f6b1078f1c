/** Keys of tasks that have a parent, and what a task becomes that is replaced by its key. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, isTaskbatonError, type Task, type Taskbaton } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { openSystem, reaches } from '../support/system.ts';

const echo = defineTask<number>({ type: 'echo', run: async () => undefined });
const HOUR = 3_600_000;

async function replaced(baton: Taskbaton, key: string, options: object = {}): Promise<Task> {
  return baton.getTask(await baton.createTask(echo, 2, { key, replace: true, ...options }));
}

eachBackend((backend) => {
  it('a key that is taken by a task with another parent, or none, is refused to a child', async (t) => {
    const system = await openSystem(backend, t);
    const file = defineTask({ type: 'file', run: async () => undefined });
    const folder = defineTask({
      type: 'folder',
      async run({ context, children }) {
        if (context === undefined) await children.create([{ task: file, key: 'file-1' }], { context: true });
        await children.done();
      },
    });
    const baton = await system.replica({ tasks: [folder, file] });
    const first = await baton.createTask(folder, undefined);
    await reaches(baton, first, 'finished');
    const [child] = (await baton.getTasks({ parent: first })).tasks;
    const second = await baton.createTask(folder, undefined);
    const { error } = await reaches(baton, second, 'failed');
    assert.equal(error?.code, 'KEY_TAKEN');
    const refused = { code: 'KEY_TAKEN', details: { key: '"file-1"', id: child?.id ?? 0, parent: second } };
    await assert.rejects(baton.createTask(file, undefined, { key: 'file-1', parent: second }), refused);
    await assert.rejects(baton.createTasks([{ task: file, key: 'file-1', parent: second }]), refused);
    assert.equal(await baton.createTask(file, undefined, { key: 'file-1', parent: first }), child?.id);
    assert.equal(await baton.createTask(file, undefined, { key: 'file-1' }), child?.id);
    const own = await baton.createTask(file, undefined, { key: 'file-2' });
    await reaches(baton, own, 'finished');
    await assert.rejects(baton.createTask(file, undefined, { key: 'file-2', parent: first, replace: true }), {
      code: 'KEY_TAKEN',
    });
  });

  it('what is replaced waits, or doesn’t, as the new one would have', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const starts = [{}, { autoRun: false }, { delay: '1h' }] as const;
    const shows = (task: Task): unknown => [task.state, task.dueAt !== undefined, task.input];
    for (const [before, one] of starts.entries()) {
      for (const [after, other] of starts.entries()) {
        const key = `${before} ${after}`;
        const id = await baton.createTask(echo, 1, { key, ...one });
        const expected = await baton.getTask(await baton.createTask(echo, 2, other));
        const task = await replaced(baton, key, other);
        assert.equal(task.id, id);
        assert.deepEqual(shows(task), shows(expected), key);
      }
    }
    const paused = await baton.createTask(echo, 1, { key: 'paused' });
    await baton.pauseTask(paused);
    assert.equal((await replaced(baton, 'paused')).state, 'pending');
    await baton.createTask(echo, 1, { key: 'soon', delay: '2h' });
    const { dueAt } = await replaced(baton, 'soon', { delay: '1h' });
    assert.ok((dueAt?.getTime() ?? Infinity) < Date.now() + 1.5 * HOUR);
    const parent = await baton.createTask(echo, 1, { key: 'parent' });
    await baton.createTask(echo, 1, { parent });
    assert.equal((await replaced(baton, 'parent', { autoRun: false })).state, 'paused');
    const replica = await system.replica({ tasks: [echo] });
    await reaches(replica, paused, 'finished');
    await reaches(replica, await replaced(baton, '1 1').then(({ id }) => id), 'finished');
  });

  it('a child that is replaced stays one, and has another parent if one is given', async (t) => {
    const system = await openSystem(backend, t);
    const whole = defineTask({ type: 'whole', run: ({ children }) => children.done().then(() => undefined) });
    const baton = await system.replica({ tasks: [whole] });
    const parent = await baton.createTask(whole, undefined, { autoRun: false });
    const other = await baton.createTask(whole, undefined, { autoRun: false });
    await baton.createTask(echo, 1, { key: 'child', parent });
    await baton.runTask(parent);
    await reaches(baton, parent, 'waiting');
    assert.equal((await replaced(baton, 'child')).parent, parent);
    assert.equal((await replaced(baton, 'child', { parent: other })).parent, other);
    await reaches(baton, parent, 'finished');
    await baton.runTask(other);
    await reaches(baton, other, 'waiting');
  });

  it('of two that would each come to be below the other, one is refused', async (t) => {
    const system = await openSystem(backend, t);
    const [one, other] = [system.instance(), system.instance()];
    const make = (parent?: number, key?: string): Promise<number> =>
      one.createTask(echo, 1, { parent, key, autoRun: false });
    for (let round = 0; round < 20; round++) {
      const [a, b] = [await make(undefined, `a ${round}`), await make(undefined, `b ${round}`)];
      const [belowA, belowB] = [await make(a), await make(b)];
      const results = await Promise.allSettled([
        one.createTask(echo, 2, { key: `a ${round}`, parent: belowB, replace: true, autoRun: false }),
        other.createTask(echo, 2, { key: `b ${round}`, parent: belowA, replace: true, autoRun: false }),
      ]);
      const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      assert.equal(refusals.length, 1, `round ${round}`);
      assert.ok(isTaskbatonError(refusals[0], 'INVALID_ARGUMENT'));
      await one.pauseTask(a, { children: true });
    }
  });
});
