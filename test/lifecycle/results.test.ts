/** Waiting for results, and watching tasks, from any instance, wherever they run. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, type NewTaskItem, type Task } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { Observer } from '../../src/runtime/observer.ts';
import { Watcher } from '../../src/runtime/watcher.ts';
import { openDatabase } from '../../src/database/open.ts';
import { Store } from '../../src/store/store.ts';
import { RecordingDatabase } from '../../src/testing/recording.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, reaches, until } from '../support/system.ts';

const FAST = { lease: 1000, pollInterval: 50 };
const double = defineTask<number, number, { value: number }>({
  type: 'double',
  async *run({ input }) {
    yield { context: { value: input * 2 } };
  },
});

eachBackend((backend) => {
  it('the result of a task comes to whoever waits for it, in any instance, started or not', async (t) => {
    const system = await openSystem(backend, t);
    const web = system.instance({ pollInterval: 50 });
    const id = await web.createTask(double, 21);
    const waiting = web.taskDone(id, { as: double });
    const worker = await system.replica({ ...FAST, tasks: [double] });
    const task = await waiting;
    assert.deepEqual([task.state, task.context?.value], ['finished', 42]);
    assert.equal((await worker.taskDone(id, { as: double })).context?.value, 42);
    const other = defineTask({ type: 'other', run: async () => undefined });
    await assert.rejects(web.taskDone(id, { as: other }), { code: 'TYPE_MISMATCH' });
  });

  it('a task that fails for good rejects with what its handler threw; one that is tried again goes on', async (t) => {
    const system = await openSystem(backend, t);
    const shaky = defineTask<number>({
      type: 'shaky',
      retry: { attempts: 2, delay: 10 },
      async run({ input, task }) {
        if (task.attempt < input) throw new RangeError(`attempt ${task.attempt}`);
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [shaky] });
    assert.equal((await baton.taskDone(await baton.createTask(shaky, 2))).attempt, 2);
    await assert.rejects(
      baton.taskDone(await baton.createTask(shaky, 3)),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'TASK_FAILED');
        assert.match(error.message, /attempt 2/);
        assert.deepEqual(
          [(error.cause as Error).name, (error.cause as Error).message],
          ['RangeError', 'attempt 2'],
        );
        return true;
      },
    );
  });

  it('waiting ends with the task’s deletion, a timeout, a signal, or the end of the instance', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance({ pollInterval: 50 });
    const [gone, late, called, last] = await Promise.all(
      [1, 2, 3, 4].map((input) => baton.createTask(double, input, { autoRun: false })),
    );
    await assert.rejects(baton.taskDone(999_999_999), { code: 'TASK_NOT_FOUND' });
    const deleted = assert.rejects(baton.taskDone(gone!), { code: 'TASK_NOT_FOUND' });
    await baton.deleteTask(gone!);
    await deleted;
    await assert.rejects(baton.taskDone(late!, { timeout: 30 }), { code: 'NOT_DONE' });
    const controller = new AbortController();
    const aborted = assert.rejects(baton.taskDone(called!, { signal: controller.signal }), /enough/);
    controller.abort(new Error('enough'));
    await aborted;
    await assert.rejects(
      baton.taskDone(called!, { signal: AbortSignal.abort(new Error('before')) }),
      /before/,
    );
    for (const wrong of [{ timeout: 'soon' as never }, { until: 1 } as never])
      await assert.rejects(baton.taskDone(last!, wrong), { code: 'INVALID_ARGUMENT' });
    const ended = assert.rejects(baton.taskDone(last!), { code: 'NOT_RUNNING' });
    await baton.stop();
    await ended;
  });

  it('a watched task is shown at each change, never the same twice, and to its end', async (t) => {
    const system = await openSystem(backend, t);
    const gates = Array.from({ length: 4 }, () => gate());
    const stepping = defineTask<undefined, undefined, number>({
      type: 'stepping',
      async *run({ context = 0 }) {
        for (let step = context; step < 4; step++) {
          await gates[step]!.opened;
          // As long as the one before, so that no length tells.
          yield { context: step + 1 };
        }
      },
    });
    const watcher = system.instance({ pollInterval: 50 });
    const worker = await system.replica({ ...FAST, tasks: [stepping] });
    const id = await watcher.createTask(stepping, undefined, { autoRun: false });
    const seen: string[] = [];
    const watched = (async () => {
      for await (const task of watcher.watchTask(id, { as: stepping })) {
        seen.push(`${task.state} ${task.context ?? 0}`);
        if (task.state === 'init') await worker.runTask(id);
        if (task.state === 'running') gates[task.context ?? 0]?.open();
      }
    })();
    await watched;
    assert.equal(seen[0], 'init 0');
    assert.equal(seen.at(-1), 'finished 4');
    assert.equal(new Set(seen).size, seen.length);
    for (const step of [1, 2, 3]) assert.ok(seen.includes(`running ${step}`), seen.join(', '));
  });

  it('a task that is replaced before it has started is news to whoever watches it', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance({ pollInterval: 50 });
    const parent = await baton.createTask(double, 0, { autoRun: false });
    const changes: NewTaskItem[] = [
      { task: double, input: 1 },
      { task: double, input: 2 },
      { task: double, input: 2, user: 'ada' },
      { task: double, input: 2, user: 'ada', parent },
    ];
    const once = { key: 'once', replace: true, autoRun: false };
    const id = await baton.createTask(double, 0, once);
    const seen: unknown[] = [];
    for await (const task of baton.watchTask(id)) {
      seen.push([task.input, task.user, task.parent]);
      const [change] = changes.splice(0, 1);
      if (change === undefined) break;
      await baton.createTasks([{ ...change, ...once }]);
    }
    assert.deepEqual(seen, [
      [0, '', undefined],
      [1, '', undefined],
      [2, '', undefined],
      [2, 'ada', undefined],
      [2, 'ada', parent],
    ]);
  });

  it('watching ends when it is broken off, when the task is gone, and by a signal', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance({ pollInterval: 50 });
    const id = await baton.createTask(double, 1, { autoRun: false });
    for await (const task of baton.watchTask(id)) {
      assert.equal(task.id, id);
      break;
    }
    const states: string[] = [];
    for await (const { state } of baton.watchTask(id)) {
      states.push(state);
      await baton.deleteTask(id);
    }
    assert.deepEqual(states, ['init']);
    const nothing = async (signal?: AbortSignal): Promise<void> => {
      for await (const task of baton.watchTask(id, { signal })) assert.fail(String(task.id));
    };
    await assert.rejects(nothing(), { code: 'TASK_NOT_FOUND' });
    await assert.rejects(nothing(AbortSignal.abort(new Error('enough'))), /enough/);
  });

  it('however many are watched, a look costs one statement', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const ids = await baton.createTasks(
      Array.from({ length: 500 }, (_, input) => ({ task: double, input, autoRun: false })),
    );
    const opened = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => opened.close());
    const database = new RecordingDatabase(opened);
    const store = new Store(database, system.backend.prefix);
    const ending = new AbortController();
    const watcher = new Watcher({
      store: async () => store,
      clock: systemClock,
      observer: new Observer(null),
      interval: 30,
      stopped: ending.signal,
    });
    const waits = ids.map((id) => watcher.done(id));
    const looks = (): readonly unknown[] => database.statements.filter(({ sql }) => sql.includes('revision'));
    await until('a few looks', () => looks().length >= 6);
    // The first one of them reads all tasks.
    assert.ok(looks().length <= 12, `${looks().length} statements`);
    ending.abort();
    for (const result of await Promise.allSettled(waits)) assert.equal(result.status, 'rejected');
    const afterwards = looks().length;
    await reaches(baton, ids[0]!, 'init' satisfies Task['state']);
    assert.ok(looks().length <= afterwards + 1);
  });
});
