/**
 * What users do to tasks, and what handlers see of it: run, pause, move and delete in any state, a change of mind while
 * a task is stopping, signals with their reasons, both forms of handlers, and hand-over from one replica to another.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  declareTask,
  defineTask,
  finished,
  implement,
  type StopReason,
  type TaskDefinition,
  Taskbaton,
  TaskFailed,
  typed,
} from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, reaches, record, until, vanishes, work } from '../support/system.ts';

interface Count {
  readonly n: number;
}

/** Counts for ever in small steps, and notes why it was stopped. */
function counting(): { definition: TaskDefinition<undefined, undefined, Count>; reasons: StopReason[] } {
  const reasons: StopReason[] = [];
  const definition = defineTask<undefined, undefined, Count>({
    type: 'count',
    async *run({ context, signal }) {
      signal.addEventListener('abort', () => void reasons.push(signal.reason.why));
      for (let n = context?.n ?? 0; ; n++) {
        yield { context: { n } };
        await work(5);
      }
    },
  });
  return { definition, reasons };
}

eachBackend((backend) => {
  it('a task created without autoRun waits for runTask', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counting();
    const baton = await system.replica({ tasks: [definition] });
    const id = await baton.createTask(definition, undefined, {
      autoRun: false,
      user: 'ada',
      group: 'g',
      context: { n: 40 },
    });
    const created = await baton.getTask(id);
    assert.deepEqual(
      [created.state, created.user, created.group, created.context],
      ['init', 'ada', 'g', { n: 40 }],
    );
    await baton.runTask(id);
    await until('it counts on', async () => ((await baton.getTask(id)).context as Count).n > 42);
  });

  it('signals say why: pause, delete, shutdown', async (t) => {
    const system = await openSystem(backend, t);
    const { definition, reasons } = counting();
    const baton = await system.replica({ tasks: [definition] });
    const counts = async (id: number): Promise<void> => {
      const { epoch } = await until('it starts', async () => {
        const task = await baton.getTask(id);
        return task.replica !== undefined && task;
      });
      await events.next('task.reported', (event) => event.id === id && event.epoch === epoch);
    };
    const events = record(baton);
    const id = await baton.createTask(definition, undefined);
    await counts(id);
    await baton.pauseTask(id);
    await reaches(baton, id, 'paused');
    await baton.runTask(id);
    await counts(id);
    await baton.deleteTask(id);
    await vanishes(baton, id);
    await counts(await baton.createTask(definition, undefined));
    await baton.stop();
    assert.deepEqual(reasons, ['pause', 'delete', 'shutdown']);
  });

  it('asking for what holds already is fine, and what makes no sense is a conflict that says so', async (t) => {
    const system = await openSystem(backend, t);
    const quick = defineTask({ type: 'quick', run: async () => undefined });
    const baton = await system.replica({ tasks: [quick] });
    const held = await baton.createTask(quick, undefined, { autoRun: false });
    await baton.pauseTask(held);
    await baton.pauseTask(held);
    assert.equal((await baton.getTask(held)).state, 'paused');
    await baton.runTask(held);
    await reaches(baton, held, 'finished');
    for (const event of ['run', 'pause'] as const) {
      await assert.rejects(baton[`${event}Task`](held), {
        code: 'STATE_CONFLICT',
        details: { id: held, status: 'finished/run', event },
      });
    }
    await baton.deleteTask(held);
    await vanishes(baton, held);
    await assert.rejects(baton.deleteTask(held), { code: 'TASK_NOT_FOUND' });
  });

  it('users may change their minds while a task is stopping, and a delete wins', async (t) => {
    const system = await openSystem(backend, t);
    const mayEnd = gate();
    const inside: number[] = [];
    const slow = defineTask({
      type: 'slow',
      async *run({ signal, task }) {
        inside.push(task.id);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await mayEnd.opened;
        yield { message: 'saved' };
      },
    });
    const baton = await system.replica({ tasks: [slow], stopGrace: 10_000 });
    const events = record(baton);
    const ids = await Promise.all([1, 2].map(() => baton.createTask(slow, undefined)));
    const [resumed, deleted] = ids as [number, number];
    for (const id of ids) {
      await until('its handler waits', () => inside.includes(id));
      await baton.pauseTask(id);
      assert.equal((await baton.getTask(id)).state, 'canceling');
      await events.next('task.stopping', (event) => event.id === id);
    }
    await baton.runTask(resumed);
    assert.equal((await baton.getTask(resumed)).state, 'running');
    await baton.deleteTask(deleted);
    await assert.rejects(baton.runTask(deleted), { code: 'STATE_CONFLICT' });
    mayEnd.open();
    await events.next('task.started', (event) => event.id === resumed && event.epoch === 2);
    await vanishes(baton, deleted);
    assert.equal((await baton.getTask(resumed)).message, 'saved');
  });

  it('a running task moves to another group and runs on', async (t) => {
    const system = await openSystem(backend, t);
    const { definition, reasons } = counting();
    const baton = await system.replica({ tasks: [definition] });
    const id = await baton.createTask(definition, undefined, { group: 'day' });
    await until(
      'it runs',
      async () => ((await baton.getTask(id)).context as Count | undefined)?.n !== undefined,
    );
    await baton.changeTaskGroup(id, 'night');
    const { group, epoch, context } = await baton.getTask(id);
    assert.deepEqual([group, epoch], ['night', 1]);
    await until(
      'it counts on',
      async () => ((await baton.getTask(id)).context as Count).n > (context as Count).n,
    );
    assert.deepEqual(reasons, []);
    assert.equal((await baton.getTasks({ group: 'day' })).tasks.length, 0);
    await assert.rejects(baton.changeTaskGroup(id + 1000, 'x'), { code: 'TASK_NOT_FOUND' });
  });

  it('a stopping replica hands its tasks over, and nobody sees them stop', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counting();
    const first = await system.replica({ tasks: [definition] });
    const id = await first.createTask(definition, undefined);
    await until(
      'it runs',
      async () => ((await first.getTask(id)).context as Count | undefined)?.n !== undefined,
    );
    const second = await system.replica({ tasks: [definition] });
    const started = record(second);
    const before = (await first.getTask(id)).context as Count;
    await first.stop();
    const { epoch, attempt } = await started.next('task.started');
    assert.deepEqual([epoch, attempt], [2, 1]);
    const task = await second.getTask(id);
    assert.equal(task.state, 'running');
    assert.ok((task.context as Count).n >= before.n);
  });

  it('a function handler reports, stops, resumes and finishes like a generator', async (t) => {
    const system = await openSystem(backend, t);
    const reached = gate();
    const definition = defineTask({
      type: 'function',
      context: typed<Count>(),
      async run({ context, report }) {
        for (let n = context?.n ?? 0; n < 20; n++) {
          await report({ context: { n: n + 1 }, progress: n / 20, message: `step ${n}` });
          if (n === 5) reached.open();
          await work(5);
        }
        return finished({ context: { n: 100 } });
      },
    });
    const baton = await system.replica({ tasks: [definition] });
    const id = await baton.createTask(definition, undefined);
    await reached.opened;
    await baton.pauseTask(id);
    const paused = await reaches(baton, id, 'paused');
    assert.equal(paused.message, `step ${(paused.context as Count).n - 1}`);
    await baton.runTask(id);
    const done = await reaches(baton, id, 'finished');
    assert.deepEqual(done.context, { n: 100 });
  });

  it('the signal ends long waits, and its error means stopped, not failed', async (t) => {
    const system = await openSystem(backend, t);
    const waiting = defineTask({
      type: 'waiting',
      async *run({ signal }) {
        yield { message: 'waiting' };
        await work(60_000, signal);
      },
    });
    const baton = await system.replica({ tasks: [waiting] });
    const id = await baton.createTask(waiting, undefined);
    await until('it waits', async () => (await baton.getTask(id)).message === 'waiting');
    await baton.pauseTask(id);
    assert.equal((await reaches(baton, id, 'paused')).error, undefined);
  });

  it('finished() counts even where a stop was asked for, a bare return does not', async (t) => {
    const system = await openSystem(backend, t);
    const definition = defineTask({
      type: 'ending',
      input: typed<{ explicit: boolean }>(),
      async run({ input, signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return input.explicit ? finished({ context: 'done' }) : undefined;
      },
    });
    const baton = await system.replica({ tasks: [definition] });
    const events = record(baton);
    for (const [explicit, state] of [
      [true, 'finished'],
      [false, 'paused'],
    ] as const) {
      const id = await baton.createTask(definition, { explicit });
      await events.next('task.started', (event) => event.id === id);
      await baton.pauseTask(id);
      await reaches(baton, id, state);
    }
  });

  it('a cleanup that fails is tried again, resumes from its checkpoint, and is visible on request', async (t) => {
    const system = await openSystem(backend, t);
    const contexts: unknown[] = [];
    const definition = defineTask({
      type: 'messy',
      run: async () => undefined,
      async *cleanup({ context }) {
        contexts.push(context);
        if (context === 'half') return;
        yield { context: 'half' };
        throw new TaskFailed('not yet');
      },
    });
    const baton = await system.replica({ tasks: [definition], lease: 1000 });
    const id = await baton.createTask(definition, undefined);
    await reaches(baton, id, 'finished');
    await baton.deleteTask(id);
    await assert.rejects(baton.getTask(id), { code: 'TASK_NOT_FOUND' });
    const failing = await until('it failed once', async () => {
      const task = await baton.getTask(id, { includeDeleting: true });
      return task.error !== undefined && task;
    });
    assert.deepEqual([failing.state, failing.error?.message, failing.retries], ['deleting', 'not yet', 1]);
    assert.deepEqual(
      (await baton.getTasks({ includeDeleting: true })).tasks.map((task) => task.id),
      [id],
    );
    assert.deepEqual((await baton.getTasks()).tasks, []);
    await vanishes(baton, id);
    assert.deepEqual(contexts, [undefined, 'half']);
  });

  it('cleanups have slots of their own, beside tasks that take all the others', async (t) => {
    const system = await openSystem(backend, t);
    let cleaning = 0;
    let most = 0;
    const both = gate();
    const definition = defineTask<boolean, undefined>({
      type: 'busy',
      async run({ input: hold, signal }) {
        if (hold) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
      async cleanup() {
        most = Math.max(most, ++cleaning);
        if (cleaning === 2) both.open();
        await both.opened;
        await work(20);
        cleaning -= 1;
      },
    });
    const baton = await system.replica({ tasks: [definition], concurrency: 1, cleanupConcurrency: 2 });
    const ids: number[] = [];
    for (let index = 0; index < 6; index++) ids.push(await baton.createTask(definition, false));
    for (const id of ids) await reaches(baton, id, 'finished');
    const busy = await baton.createTask(definition, true);
    await reaches(baton, busy, 'running');
    for (const id of ids) await baton.deleteTask(id);
    for (const id of ids) await vanishes(baton, id);
    assert.equal(most, 2);
    assert.equal((await baton.getTask(busy)).state, 'running');
  });

  it('no more tasks run at once than there are slots', async (t) => {
    const system = await openSystem(backend, t);
    let running = 0;
    let most = 0;
    const definition = defineTask({
      type: 'slot',
      async run() {
        running += 1;
        most = Math.max(most, running);
        await work(10);
        running -= 1;
      },
    });
    const baton = await system.replica({ tasks: [definition], concurrency: 3 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => baton.createTask(definition, undefined)));
    for (const id of ids) await reaches(baton, id, 'finished');
    assert.equal(most, 3);
  });

  it('a web tier creates from the declaration alone and a worker implements it', async (t) => {
    const system = await openSystem(backend, t);
    const contract = declareTask({
      type: 'sum',
      input: typed<number[]>(),
      context: typed<{ sum: number }>(),
    });
    const web = system.instance();
    const id = await web.createTask(contract, [1, 2, 3]);
    assert.equal((await web.getTask(id)).state, 'pending', 'nobody runs this type yet');
    await system.replica({
      tasks: [
        implement(contract, {
          run: async ({ input }) => finished({ context: { sum: input.reduce((a, b) => a + b) } }),
        }),
      ],
    });
    await reaches(web, id, 'finished');
    const task = await web.getTask(id, { as: contract });
    assert.equal(task.context?.sum, 6);
    await assert.rejects(web.getTask(id, { as: declareTask({ type: 'other' }) }), { code: 'TYPE_MISMATCH' });
  });

  it('replicas() shows who is alive, since when, running what', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counting();
    const worker = await system.replica({ tasks: [definition], concurrency: 7 });
    const idle = await system.replica();
    const id = await worker.createTask(definition, undefined);
    const replicas = await until('it runs', async () => {
      const list = await idle.replicas();
      return list.some(({ running }) => running.length > 0) && list;
    });
    assert.deepEqual(
      new Set(replicas.map((replica) => replica.id)),
      new Set([worker.replicaId, idle.replicaId]),
    );
    const busy = replicas.find((replica) => replica.id === worker.replicaId);
    assert.deepEqual(busy?.types, ['count']);
    assert.equal(busy?.concurrency, 7);
    assert.deepEqual(busy?.running, [{ id, type: 'count', epoch: 1 }]);
    await worker.stop();
    assert.deepEqual(
      (await idle.replicas()).map((replica) => replica.id),
      [idle.replicaId],
    );
  });

  it('a stopped instance says so, and stopping twice is fine', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica();
    await Promise.all([baton.stop(), baton.stop()]);
    await assert.rejects(baton.getTasks(), { code: 'NOT_RUNNING' });
    await assert.rejects(baton.start(), { code: 'NOT_RUNNING' });
    const unused = new Taskbaton({ db: system.backend.url });
    await unused.stop();
  });
});
