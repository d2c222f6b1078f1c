/** What becomes of tasks that fail or take too long: attempts, pauses between them, time limits, and what is remembered. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, type StopReason, TaskFailed } from '../../src/index.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { TestSystem } from '../../src/testing/index.ts';
import { eachBackend } from '../backends.ts';
import { openSystem, reaches, record, type System, until, vanishes, work } from '../support/system.ts';

const FAST = { lease: 1000, pollInterval: 50 };

it('a task whose replicas die is stopped when it has worked for its time, not when it has been dead for so long', async () => {
  const slow = defineTask({
    type: 'slow',
    onCrash: 'resume',
    timeout: '40s',
    run: ({ signal }) => new Promise<undefined>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))), // prettier-ignore
  });
  const system = await TestSystem.open({ tasks: [slow], lease: 30_000 });
  try {
    let replica = await system.replica();
    const id = await replica.createTask(slow, undefined);
    for (let crash = 1; crash <= 2; crash++) {
      await system.advance('2s');
      const next = await system.replica();
      system.crash(replica);
      replica = next;
      await system.advance('45s');
      const { crashes, state, worked } = await replica.getTask(id);
      assert.deepEqual([crashes, state], [crash, 'running']);
      assert.ok(Number.isInteger(worked) && worked <= 25_000, `it worked for ${worked} ms`);
    }
  } finally {
    await system.close();
  }
});

eachBackend((backend) => {
  it('a task that fails is tried again from its last checkpoint, until its attempts are used up', async (t) => {
    const system = await openSystem(backend, t);
    const seen: unknown[] = [];
    const shaky = defineTask<number, number, number>({
      type: 'shaky',
      retry: { attempts: 3, delay: 20, jitter: 0 },
      async *run({ input: good, context = 0, task }) {
        seen.push([task.attempt, context]);
        yield { context: context + 1 };
        if (task.attempt < good) throw new Error(`attempt ${task.attempt}`);
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [shaky] });
    const finished = await reaches(baton, await baton.createTask(shaky, 3), 'finished');
    assert.deepEqual(seen, [
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    assert.deepEqual([finished.attempt, finished.retries, finished.error], [3, 2, undefined]);
    assert.deepEqual(
      finished.errors.map(({ message, attempt }) => [message, attempt]),
      [
        ['attempt 1', 1],
        ['attempt 2', 2],
      ],
    );
    assert.ok(
      finished.errors.every(({ at, replica, stack }) => at.getTime() > 0 && replica !== '' && stack !== ''),
    );
    const id = await baton.createTask(shaky, 9);
    const failed = await reaches(baton, id, 'failed');
    assert.deepEqual([failed.attempt, failed.retries, failed.error?.message], [3, 2, 'attempt 3']);
    await baton.runTask(id);
    await until('it has three more', async () => (await baton.getTask(id)).attempt === 6);
    assert.equal((await reaches(baton, id, 'failed')).errors.length, 6);
  });

  it('a pause between attempts grows, is shown, and can be cut short', async (t) => {
    const system = await openSystem(backend, t);
    const failing = defineTask({
      type: 'failing',
      retry: { attempts: 5, delay: '1h', jitter: 0 },
      run: async () => Promise.reject(new Error('no')),
    });
    const baton = await system.replica({ ...FAST, tasks: [failing] });
    const events = record(baton);
    const id = await baton.createTask(failing, undefined);
    await events.next('task.ended', (event) => event.id === id && event.event === 'retry');
    const first = await baton.getTask(id);
    assert.equal(first.state, 'pending');
    assert.equal(first.error?.message, 'no');
    const pause = (first.dueAt?.getTime() ?? 0) - (first.errors[0]?.at.getTime() ?? 0);
    assert.ok(Math.abs(pause - 3_600_000) < 5000, `${pause} ms`);
    await baton.runTask(id);
    await until('it failed again', async () => (await baton.getTask(id)).attempt === 3);
  });

  it('a task may say for itself how often it is tried, and a failure may say that it is final', async (t) => {
    const system = await openSystem(backend, t);
    const task = defineTask<boolean>({
      type: 'own',
      retry: 5,
      run: async ({ input: final }) => Promise.reject(new TaskFailed('no', { retry: !final })),
    });
    const baton = await system.replica({ ...FAST, tasks: [task] });
    const twice = await baton.createTask(task, false, { retry: { attempts: 2, delay: 10 } });
    assert.equal((await reaches(baton, twice, 'failed')).attempt, 2);
    assert.equal((await reaches(baton, await baton.createTask(task, true), 'failed')).attempt, 1);
  });

  it('a function may say how long the pause is, and one that makes no sense costs the other attempts only', async (t) => {
    const system = await openSystem(backend, t);
    const asked: unknown[] = [];
    const task = defineTask({
      type: 'own-backoff',
      retry: {
        attempts: 4,
        backoff(attempt, error) {
          asked.push([attempt, (error as Error).message]);
          return attempt === 1 ? 10 : ('never' as never);
        },
      },
      run: async () => Promise.reject(new Error('no')),
    });
    const baton = await system.replica({ ...FAST, tasks: [task] });
    const failed = await reaches(baton, await baton.createTask(task, undefined), 'failed');
    assert.deepEqual(asked, [
      [1, 'no'],
      [2, 'no'],
    ]);
    assert.equal(failed.error?.message, 'no');
  });

  it('pauses, hand-overs and stops count as no attempt', async (t) => {
    const system = await openSystem(backend, t);
    const slow = defineTask<undefined, undefined, number>({
      type: 'slow',
      retry: 2,
      async *run({ context = 0 }) {
        for (let step = context; step < 200; step++) {
          yield { context: step + 1 };
          await work(5);
        }
      },
    });
    const first = await system.replica({ ...FAST, tasks: [slow] });
    const id = await first.createTask(slow, undefined);
    await until('it is at work', async () => (await first.getTask(id)).context > 3);
    await first.pauseTask(id);
    await reaches(first, id, 'paused');
    await first.runTask(id);
    await until('it is at work again', async () => (await first.getTask(id)).state === 'running');
    const second = await system.replica({ ...FAST, tasks: [slow] });
    await first.stop();
    const done = await reaches(second, id, 'finished');
    assert.deepEqual([done.attempt, done.retries, done.crashes, done.errors], [1, 0, 0, []]);
    assert.ok(done.worked >= 1000, `${done.worked} ms`);
  });

  it('a task that takes too long is stopped with the reason timeout, and fails or is tried again', async (t) => {
    const system = await openSystem(backend, t);
    const reasons: StopReason[] = [];
    const endless = defineTask({
      type: 'endless',
      timeout: 150,
      async *run({ signal }) {
        signal.addEventListener('abort', () => reasons.push(signal.reason.why));
        for (;;) {
          yield { progress: 0.5 };
          await work(10, signal);
        }
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [endless] });
    const failed = await reaches(baton, await baton.createTask(endless, undefined), 'failed');
    assert.deepEqual([failed.error?.code, failed.progress, reasons], ['TIMED_OUT', 0.5, ['timeout']]);
    assert.ok(failed.worked >= 150);
    const again = await baton.createTask(endless, undefined, { retry: { attempts: 2, delay: 10 } });
    assert.equal((await reaches(baton, again, 'failed')).attempt, 2);
    const limited = { retry: { attempts: 9, delay: 10 }, timeout: { attempt: 100, total: 250 } };
    const total = await reaches(baton, await baton.createTask(endless, undefined, limited), 'failed');
    assert.match(total.error?.message ?? '', /250 ms, which is its total time limit/);
    assert.equal(total.attempt, 3);
  });

  it('a time limit goes on where the last replica stopped, and waiting does not count', async (t) => {
    const system = await openSystem(backend, t);
    const endless = defineTask({
      type: 'endless',
      timeout: 600,
      async *run({ signal }) {
        for (;;) {
          yield { progress: 0 };
          await work(10, signal);
        }
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [endless] });
    const id = await baton.createTask(endless, undefined);
    await reaches(baton, id, 'running');
    await work(300);
    await baton.pauseTask(id);
    const paused = await reaches(baton, id, 'paused');
    await work(500);
    await baton.runTask(id);
    const failed = await reaches(baton, id, 'failed');
    const rest = (failed.doneAt?.getTime() ?? 0) - (failed.startedAt?.getTime() ?? 0);
    assert.ok(rest < 600 - paused.worked + 250, `${rest} ms after ${paused.worked} ms`);
  });

  it('a handler that ignores its time limit is fenced off after its grace, and its task fails', async (t) => {
    const system = await openSystem(backend, t);
    const deaf = defineTask({ type: 'deaf', timeout: 50, run: () => work(1500) });
    const baton = await system.replica({ ...FAST, stopGrace: 100, tasks: [deaf] });
    const failed = await reaches(baton, await baton.createTask(deaf, undefined), 'failed');
    assert.equal(failed.error?.code, 'TIMED_OUT');
  });

  it('only the last ten errors are kept', async (t) => {
    const system = await openSystem(backend, t);
    const task = defineTask({
      type: 'hopeless',
      retry: { attempts: 13, delay: 1, backoff: 'fixed' },
      run: async ({ task: { attempt } }) => Promise.reject(new Error(`${attempt} ${'x'.repeat(5000)}`)),
    });
    const baton = await system.replica({ ...FAST, tasks: [task] });
    const { errors } = await reaches(baton, await baton.createTask(task, undefined), 'failed', 60_000);
    assert.deepEqual(
      errors.map(({ attempt }) => attempt),
      [4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    );
    assert.ok(JSON.stringify(errors).length < 120_000);
  });

  it('a policy that makes no sense is refused, with the value and a typed error', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const noop = defineTask({ type: 'noop', run: async () => undefined });
    for (const wrong of [
      { retry: 0 },
      { retry: 1.5 },
      { retry: { attempts: -1 } },
      { retry: { backoff: 'linear' as never } },
      { retry: { backoff: (() => 1) as never } },
      { retry: { delay: 'soon' as never } },
      { retry: { jitter: 2 } },
      { retry: { tries: 3 } as never },
      { timeout: 0 },
      { timeout: 'long' as never },
      { timeout: { attempts: 1 } as never },
    ]) {
      await assert.rejects(baton.createTask(noop, undefined, wrong), { code: 'INVALID_ARGUMENT' });
      const define = (): unknown => defineTask({ type: 'wrong', run: async () => undefined, ...wrong });
      if (typeof (wrong.retry as { backoff?: unknown } | undefined)?.backoff === 'function') define();
      else assert.throws(define, { name: 'TaskbatonError' });
    }
    assert.deepEqual((await baton.getTasks()).tasks, []);
  });

  it('a policy that this release can not go by fails its task, which can be deleted, and no other', async (t) => {
    const system = await openSystem(backend, t);
    const noop = defineTask({ type: 'noop', run: async () => undefined, cleanup: async () => undefined });
    const baton = system.instance();
    const ids = await baton.createTasks(Array.from({ length: 5 }, () => ({ task: noop })));
    const [later = 0, bad = 0, broken = 0, ...good] = ids;
    await store(system, later, '{"retry":{"attempts":2,"later":1},"later":true}');
    await store(system, bad, '{"retry":{"attempts":"many"}}');
    await store(system, broken, '{');
    const replica = await system.replica({ ...FAST, concurrency: 5, tasks: [noop] });
    for (const id of [later, ...good]) await reaches(replica, id, 'finished');
    const { error } = await reaches(replica, bad, 'failed');
    assert.equal(error?.code, 'INVALID_OPTION');
    await reaches(replica, broken, 'failed');
    const more = await replica.createTasks(Array.from({ length: 5 }, () => ({ task: noop })));
    for (const id of more) await reaches(replica, id, 'finished');
    await replica.deleteTask(bad);
    await vanishes(replica, bad);
  });
});

/** Puts a policy where only another release could. */
async function store({ backend: { url, prefix } }: System, id: number, options: string): Promise<void> {
  const database = await openDatabase(url, { clock: systemClock });
  await database.query(`UPDATE ${prefix}task SET options = ? WHERE id = ?`, [options, id]);
  await database.close();
}
