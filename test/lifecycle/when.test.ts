/** Tasks that are not to run at once: delayed, at a time, put off while they wait, or snoozing. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, snooze } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, reaches, record, until } from '../support/system.ts';

const noop = defineTask({ type: 'noop', run: async () => undefined });
const FAST = { tasks: [noop], lease: 1000, pollInterval: 50 };

eachBackend((backend) => {
  it('a delayed task waits in nobody’s way, and starts when it is due', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica(FAST);
    const id = await baton.createTask(noop, undefined, { delay: 1500 });
    const waiting = await baton.getTask(id);
    assert.equal(waiting.state, 'pending');
    const due = waiting.dueAt?.getTime() ?? 0;
    assert.equal(due - waiting.createdAt.getTime(), 1500);
    const other = await baton.createTask(noop, undefined);
    await reaches(baton, other, 'finished');
    assert.equal((await baton.getTask(id)).state, 'pending');
    const { startedAt, dueAt } = await reaches(baton, id, 'finished');
    assert.ok((startedAt?.getTime() ?? 0) >= due);
    assert.equal(dueAt, undefined);
  });

  it('a task for a time far away can be run now, put off, paused and deleted', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica(FAST);
    const runAt = new Date('2999-12-31T23:59:59Z');
    const create = (): Promise<number> => baton.createTask(noop, undefined, { runAt });
    const [now, later, paused, gone] = [await create(), await create(), await create(), await create()];
    assert.deepEqual((await baton.getTask(now)).dueAt, runAt);
    await baton.runTask(now);
    await reaches(baton, now, 'finished');
    const other = new Date('2998-01-01T00:00:00Z');
    await baton.runTask(later, { runAt: other });
    assert.deepEqual((await baton.getTask(later)).dueAt, other);
    await baton.pauseTask(paused);
    assert.deepEqual((await baton.getTask(paused)).dueAt, undefined);
    await baton.runTask(paused, { delay: 300 });
    await reaches(baton, paused, 'finished');
    await baton.deleteTask(gone);
    await until(
      'it is gone',
      async () => (await baton.getTasks({ includeDeleting: true })).tasks.length === 3,
    );
  });

  it('a time that has passed already is now', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica(FAST);
    await reaches(baton, await baton.createTask(noop, undefined, { runAt: new Date(0) }), 'finished');
  });

  it('a task that waits for a slot can be put off, and is not started before', async (t) => {
    const system = await openSystem(backend, t);
    const busy = gate();
    const hold = defineTask({ type: 'hold', run: () => busy.opened });
    const baton = await system.replica({ ...FAST, tasks: [noop, hold], concurrency: 1 });
    const holding = await baton.createTask(hold, undefined);
    await reaches(baton, holding, 'running');
    const id = await baton.createTask(noop, undefined);
    await baton.runTask(id, { delay: '1h' });
    busy.open();
    await reaches(baton, await baton.createTask(noop, undefined), 'finished');
    assert.equal((await baton.getTask(id)).state, 'pending');
  });

  it('due tasks keep their turn under limits and fair shares', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ ...FAST, queues: { run: 'fair' }, limits: { user: 1 } });
    const ids = [];
    for (const user of ['ada', 'ada', 'ben'])
      ids.push(await baton.createTask(noop, undefined, { user, delay: 200 }));
    for (const id of ids) await reaches(baton, id, 'finished');
  });

  it('a snoozing handler gives its slot back, and goes on from its checkpoint later, with no attempt counted', async (t) => {
    const system = await openSystem(backend, t);
    const contexts: unknown[] = [];
    const poll = defineTask<undefined, undefined, { readonly asked: number }>({
      type: 'poll',
      async run({ context }) {
        contexts.push(context?.asked);
        const asked = (context?.asked ?? 0) + 1;
        return asked < 3 ? snooze(200, { context: { asked } }) : undefined;
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [poll, noop], concurrency: 1 });
    const events = record(baton);
    const id = await baton.createTask(poll, undefined);
    await events.next('task.ended', (event) => event.id === id && event.event === 'snooze');
    const between = await baton.createTask(noop, undefined);
    await reaches(baton, between, 'finished');
    const done = await reaches(baton, id, 'finished');
    assert.deepEqual(contexts, [undefined, 1, 2]);
    assert.deepEqual([done.attempt, done.retries, done.errors], [1, 0, []]);
  });

  it('a pause wins over a snooze, and what makes no sense as a duration is a failure', async (t) => {
    const system = await openSystem(backend, t);
    const entered = gate();
    const sleepy = defineTask<string>({
      type: 'sleepy',
      async run({ input, signal }) {
        if (input !== 'wait') return snooze(input as '1s');
        entered.open();
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        return snooze('1h');
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [sleepy] });
    const id = await baton.createTask(sleepy, 'wait');
    await entered.opened;
    await baton.pauseTask(id);
    const paused = await reaches(baton, id, 'paused');
    assert.equal(paused.dueAt, undefined);
    const failed = await reaches(baton, await baton.createTask(sleepy, 'soon'), 'failed');
    assert.equal(failed.error?.code, 'INVALID_ARGUMENT');
  });

  it('a time that is none is refused, and nothing is written', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    for (const wrong of [
      { runAt: new Date('no such day') },
      { runAt: '2030-01-01' as never },
      { delay: -1 },
      { delay: 'soon' as never },
      { delay: '1s', runAt: new Date(0) },
      { delay: '1s', autoRun: false },
    ] as const) {
      await assert.rejects(baton.createTask(noop, undefined, wrong), { code: 'INVALID_ARGUMENT' });
    }
    assert.deepEqual((await baton.getTasks()).tasks, []);
  });
});
