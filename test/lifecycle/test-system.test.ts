/** The system in memory that users test their tasks with: its time, its crashes, its freezes. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { defineTask, type TaskDefinition } from '../../src/index.ts';
import { TestSystem } from '../../src/testing/index.ts';

const noop = defineTask({ type: 'noop', run: async () => undefined });

async function open(t: TestContext, ...tasks: readonly TaskDefinition[]): Promise<TestSystem> {
  const system = await TestSystem.open({ tasks });
  t.after(() => system.close());
  return system;
}

it('time goes on only when the test says so, for the database too', async (t) => {
  const system = await open(t, noop);
  const baton = await system.replica();
  const id = await baton.createTask(noop, undefined, { delay: '2h' });
  const begun = performance.now();
  await system.advance('1h');
  assert.equal((await baton.getTask(id)).state, 'pending');
  await system.advance('1h');
  await system.advance('10s');
  const task = await baton.getTask(id);
  assert.equal(task.state, 'finished');
  assert.ok(task.startedAt!.getTime() - task.createdAt.getTime() >= 7_200_000);
  assert.ok(performance.now() - begun < 20_000);
});

it('what is due starts when it is due, not when somebody happens to look', async (t) => {
  const retried = defineTask({
    type: 'retried',
    retry: { attempts: 3, delay: 2345, backoff: 'fixed', jitter: 0 },
    run: async ({ task }) => (task.attempt < 3 ? Promise.reject(new Error('no')) : undefined),
  });
  const system = await open(t, noop, retried);
  const baton = await system.replica();
  const delayed = await baton.createTask(noop, undefined, { delay: 1234 });
  const failing = await baton.createTask(retried, undefined);
  await system.advance('10s');
  const lateness = async (id: number, due: number): Promise<number> => {
    const { startedAt, createdAt } = await baton.getTask(id);
    return Number(startedAt) - Number(createdAt) - due;
  };
  for (const late of [await lateness(delayed, 1234), await lateness(failing, 2 * 2345)])
    assert.ok(late >= 0 && late <= 5, `${late} ms late`);
});

it('runs until nothing waits and nothing runs, whatever is still due later', async (t) => {
  const system = await open(t, noop);
  const baton = await system.replica();
  for (let index = 0; index < 20; index++) await baton.createTask(noop, undefined);
  const later = await baton.createTask(noop, undefined, { delay: '30d' });
  await system.runUntilIdle();
  const { tasks } = await baton.getTasks();
  assert.equal(tasks.filter(({ state }) => state === 'finished').length, 20);
  assert.equal((await baton.getTask(later)).state, 'pending');
});

it('a crashed replica writes nothing any more, and its task goes on elsewhere after its lease', async (t) => {
  const seen: unknown[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const counting = defineTask<undefined, undefined, number>({
    type: 'counting',
    onCrash: 'resume',
    async *run({ context = 0, task }) {
      seen.push([task.epoch, context]);
      yield { context: context + 1 };
      if (task.epoch === 1) await gates[0]!.promise;
      yield { context: context + 2 };
    },
  });
  const system = await open(t, counting);
  const first = await system.replica();
  const id = await first.createTask(counting, undefined);
  await system.advance('1s');
  const second = await system.replica();
  system.crash(first);
  gates[0]!.resolve();
  await system.runUntilIdle();
  const done = await second.getTask(id);
  assert.deepEqual([done.state, done.context, done.crashes, done.epoch], ['finished', 3, 1, 2]);
  assert.deepEqual(seen, [
    [1, 0],
    [2, 1],
  ]);
});

it('a frozen replica loses its task, and what it writes when it wakes is refused', async (t) => {
  const gate = Promise.withResolvers<void>();
  const slow = defineTask<undefined, undefined, string>({
    type: 'slow',
    onCrash: 'resume',
    async *run({ task }) {
      if (task.epoch === 1) await gate.promise;
      yield { context: `epoch ${task.epoch}` };
    },
  });
  const system = await open(t, slow);
  const first = await system.replica();
  const id = await first.createTask(slow, undefined);
  await system.advance('1s');
  const second = await system.replica();
  const thaw = system.freeze(first);
  await system.advance('2m');
  thaw();
  gate.resolve();
  await system.runUntilIdle();
  await system.advance('1m');
  const done = await second.getTask(id);
  assert.deepEqual([done.state, done.context], ['finished', 'epoch 2']);
});

it('retries and time limits pass in no time', async (t) => {
  const hopeless = defineTask({
    type: 'hopeless',
    retry: { attempts: 6, delay: '2m', max: '30m' },
    run: async () => Promise.reject(new Error('no')),
  });
  const endless = defineTask({
    type: 'endless',
    timeout: '90m',
    run: ({ signal }) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  const system = await open(t, hopeless, endless);
  const baton = await system.replica();
  const [first, second] = [
    await baton.createTask(hopeless, undefined),
    await baton.createTask(endless, undefined),
  ];
  await system.advance('2h');
  assert.deepEqual([(await baton.getTask(first)).state, (await baton.getTask(first)).attempt], ['failed', 6]);
  assert.equal((await baton.getTask(second)).error?.code, 'TIMED_OUT');
});

it('the same test happens in the same way each time', async (t) => {
  const runs: string[] = [];
  for (let run = 0; run < 2; run++) {
    const system = await open(t, noop);
    const batons = [await system.replica(), await system.replica(), await system.replica()];
    for (let index = 0; index < 10; index++)
      await batons[0]!.createTask(noop, undefined, { delay: index * 700 });
    await system.advance('1m');
    const { tasks } = await batons[0]!.getTasks();
    runs.push(JSON.stringify(tasks));
  }
  assert.equal(runs[0], runs[1]);
});
