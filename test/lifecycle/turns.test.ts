/**
 * Whose turn it is, as users of a whole system see it: limits that replicas keep together even when some die, pauses of
 * groups that stop and bring back what runs, fair shares, queues that fail, and what is refused.
 */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { defineTask, isTaskbatonError, type TaskDefinition, type TaskQueue } from '../../src/index.ts';
import { type Backend, eachBackend } from '../backends.ts';
import { openSystem, reaches, record, until, work } from '../support/system.ts';

/** Counts who runs at once by group, and the most there were. */
function counted(): { definition: TaskDefinition<number, number>; most: Map<string, number> } {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const definition = defineTask<number, number>({
    type: 'counted',
    async run({ input, task }) {
      const running = (now.get(task.group) ?? 0) + 1;
      now.set(task.group, running);
      most.set(task.group, Math.max(most.get(task.group) ?? 0, running));
      await work(input);
      now.set(task.group, running - 1 < 0 ? 0 : (now.get(task.group) ?? 1) - 1);
    },
  });
  return { definition, most };
}

const endless = defineTask({
  type: 'endless',
  async *run() {
    for (;;) {
      yield {};
      await work(5);
    }
  },
});

eachBackend((backend) => {
  it('replicas keep a limit together, and all tasks get done', async (t) => {
    const system = await openSystem(backend, t);
    const { definition, most } = counted();
    const replicas = [];
    for (let index = 0; index < 3; index++) {
      replicas.push(await system.replica({ tasks: [definition], limits: { group: { small: 2 } } }));
    }
    const [baton] = replicas;
    assert.ok(baton !== undefined);
    const ids: number[] = [];
    for (let index = 0; index < 20; index++) {
      ids.push(await baton.createTask(definition, 5, { group: index % 2 === 0 ? 'small' : 'large' }));
    }
    for (const id of ids) await reaches(baton, id, 'finished');
    assert.ok((most.get('small') ?? 0) <= 2, `${most.get('small')} ran at once`);
  });

  it('whoever comes back into a long backlog is not passed over for good by claims of many', async (t) => {
    const system = await openSystem(backend, t);
    const done = new Set<number>();
    const brief = defineTask({ type: 'brief', run: async ({ task }) => void done.add(task.id) });
    const web = system.instance({ tasks: [brief] });
    const first = await web.createTasks(Array.from({ length: 40 }, () => ({ task: brief })));
    await web.pauseTasks({ ids: first });
    const rest = await web.createTasks(Array.from({ length: 2000 }, () => ({ task: brief })));
    await system.replica({ tasks: [brief], concurrency: 60 });
    await until('the backlog is begun', async () => done.size > 0);
    for (const id of first) await web.runTask(id);
    await until('all are done', async () => done.size === first.length + rest.length);
  });

  it('a limit set at run time holds in other replicas, and shows in groups()', async (t) => {
    const system = await openSystem(backend, t);
    const worker = await system.replica({ tasks: [endless], concurrency: 10 });
    const web = system.instance();
    await web.setLimit('group', 'gpu', 2);
    for (let index = 0; index < 5; index++) await web.createTask(endless, undefined, { group: 'gpu' });
    const other = await web.createTask(endless, undefined, { group: 'cpu' });
    await reaches(web, other, 'running');
    const gpu = async (): Promise<{ running?: number; pending?: number }> =>
      (await web.groups()).find(({ name }) => name === 'gpu')?.states ?? {};
    await until('two run', async () => (await gpu()).running === 2);
    await web.setLimit('group', 'gpu', 3);
    await until('three run', async () => (await gpu()).running === 3);
    const [group] = (await worker.groups()).filter(({ name }) => name === 'gpu');
    assert.equal(group?.limit, 3);
    assert.deepEqual(group.states, { running: 3, pending: 2 });
    assert.ok((group.oldestWaiting ?? -1) >= 0);
  });

  it('a paused group stops, stays paused across a restart, and comes back', async (t) => {
    const system = await openSystem(backend, t);
    const first = await system.replica({ tasks: [endless] });
    const running = await first.createTask(endless, undefined, { group: 'night' });
    await reaches(first, running, 'running');
    await first.pauseGroup('night', { running: true });
    await reaches(first, running, 'paused');
    const waiting = await first.createTask(endless, undefined, { group: 'night' });
    await first.stop();
    const second = await system.replica({ tasks: [endless] });
    const other = await second.createTask(endless, undefined);
    await reaches(second, other, 'running');
    assert.equal((await second.getTask(waiting)).state, 'pending');
    assert.equal((await second.groups()).find(({ name }) => name === 'night')?.paused, true);
    await second.resumeGroup('night');
    for (const id of [running, waiting]) await reaches(second, id, 'running');
  });

  it('users and types are paused as groups are', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ tasks: [endless] });
    const id = await baton.createTask(endless, undefined, { user: 'ada' });
    await reaches(baton, id, 'running');
    await baton.pauseUser('ada', { running: true });
    await reaches(baton, id, 'paused');
    await baton.pauseType(endless);
    await baton.resumeUser('ada');
    await reaches(baton, id, 'pending');
    await baton.resumeType('endless');
    await reaches(baton, id, 'running');
    assert.deepEqual(
      (await baton.users()).map(({ name }) => name),
      ['ada'],
    );
    assert.deepEqual(
      (await baton.types()).map(({ name }) => name),
      ['endless'],
    );
  });

  it('a queue that throws costs the claim, not the replica', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counted();
    let broken = true;
    const waiting = new Set<number>();
    const queue: TaskQueue = {
      async enter(tasks) {
        if (broken) throw new Error('no queue today');
        for (const { id } of tasks) waiting.add(id);
      },
      async leave(ids) {
        for (const id of ids) waiting.delete(id);
      },
      async pick({ limit, skip }) {
        if (broken) throw new Error('no queue today');
        return [...waiting].filter((id) => !skip.has(id)).slice(0, limit);
      },
    };
    const baton = system.instance({ tasks: [definition], queues: { run: queue } });
    const seen = record(baton);
    await baton.start();
    const id = await baton.createTask(definition, 1);
    await seen.next('loop.failing');
    await seen.next('queue.failing');
    broken = false;
    await reaches(baton, id, 'finished');
  });

  it('tasks of a later version do not hold up a queue of one’s own, and start where they can be read', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counted();
    const later = { ...definition, version: 2 };
    const waiting = new Set<number>();
    const queue: TaskQueue = {
      async enter(tasks) {
        for (const { id } of tasks) waiting.add(id);
      },
      async leave(ids) {
        for (const id of ids) waiting.delete(id);
      },
      async pick({ limit, skip }) {
        return [...waiting].filter((id) => !skip.has(id)).slice(0, limit);
      },
    };
    const options = { queues: { run: queue }, concurrency: 1, lease: 1000, pollInterval: 50 };
    const web = system.instance(options);
    const unread = await web.createTasks(Array.from({ length: 50 }, (_, input) => ({ task: later, input })));
    const id = await web.createTask(definition, 1);
    const old = await system.replica({ ...options, tasks: [definition] });
    await reaches(old, id, 'finished');
    await old.stop();
    const next = await system.replica({ ...options, tasks: [later] });
    for (const one of unread) await reaches(next, one, 'finished');
  });

  it('a queue that names others than it may is refused, and nothing starts by it', async (t) => {
    const { error } = await failing(backend, t, async () => [1, 1]);
    assert.match(error, /names task 1 twice/);
    for (const [ids, expected] of [
      [[0], /is not the id of a task/],
      [[1, 2, 3, 4, 5, 6, 7, 8, 9], /at most/],
    ] as const) {
      assert.match((await failing(backend, t, async () => ids)).error, expected);
    }
  });

  it('what makes no sense is refused, and nothing is changed', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const wrong: readonly (() => Promise<unknown>)[] = [
      () => baton.setLimit('group', 'gpu', -1),
      () => baton.setLimit('group', 'gpu', 1.5),
      () => baton.setLimit('planet' as 'group', 'gpu', 1),
      () => baton.setLimit('user/group', 'gpu' as never, 1),
      () => baton.setLimit('group', 'x'.repeat(256), 1),
      () => baton.pauseGroup('g', { runing: true } as object),
      () => baton.pauseGroup(7 as never),
      () => baton.createTask(endless, undefined, { priority: 1.5 }),
      () => baton.createTask(endless, undefined, { priority: 1e9 }),
    ];
    for (const call of wrong) {
      await assert.rejects(call(), (error) => isTaskbatonError(error, 'INVALID_ARGUMENT'));
    }
    assert.deepEqual(await baton.groups(), []);
    for (const options of [
      { queues: { run: 'lifo' } },
      { queues: { walk: 'fifo' } },
      { queues: { run: { policy: 'fair', by: 'planet' } } },
      { queues: { run: { policy: 'fair', weights: { ada: -1 } } } },
      { queues: { run: { policy: 'fair', within: 'fair' } } },
      { queues: { run: { policy: 'priority', ageing: 0 } } },
      { limits: { group: -1 } },
      { limits: { group: { gpu: 1.5 } } },
      { limits: { planet: 1 } },
    ]) {
      assert.throws(
        () => system.instance(options as object),
        (error) => isTaskbatonError(error, 'INVALID_OPTION'),
      );
    }
  });
});

/** What a claim is refused with, by a queue with this pick. */
async function failing(
  backend: Backend,
  t: TestContext,
  pick: TaskQueue['pick'],
): Promise<{ error: string }> {
  const system = await openSystem(backend, t);
  const queue: TaskQueue = { enter: async () => undefined, leave: async () => undefined, pick };
  const baton = system.instance({ tasks: [endless], queues: { run: queue } });
  const seen = record(baton);
  const id = await baton.createTask(endless, undefined);
  await baton.start();
  const { error } = await seen.next('loop.failing');
  assert.equal((await baton.getTask(id)).state, 'pending');
  return { error };
}
