/** A task that has others do a part of its work waits for them without a slot, and takes them along when it goes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  type ChildFailure,
  defineTask,
  finished,
  isTaskbatonError,
  type Task,
  type TaskDefinition,
  typed,
} from '../../src/index.ts';
import { TestSystem } from '../../src/testing/index.ts';
import { eachBackend } from '../backends.ts';
import { FaultyDatabase } from '../support/faulty-database.ts';
import { gate, openSystem, reaches, record, until, vanishes } from '../support/system.ts';

const FAST = { lease: 5000, pollInterval: 50 };

/** Squares its input; a negative one it refuses, until it is run again. */
const square = defineTask({
  type: 'square',
  input: typed<number>(),
  context: typed<number>(),
  async *run({ input, task }) {
    if (input < 0 && task.attempt === 1) throw new Error(`${input} is negative`);
    yield { context: input * input };
  },
});

/** Adds up the squares of its input's numbers. */
function sumOf(
  onFailure?: Exclude<ChildFailure, 'retry'> | ((child: Task) => ChildFailure),
): TaskDefinition<readonly number[]> {
  return defineTask({
    type: 'sum',
    input: typed<readonly number[]>(),
    async run({ input, context, children, report }) {
      if (context === undefined)
        await children.create(
          input.map((number) => ({ task: square, input: number })),
          { context: 'created' },
        );
      const done = await children.done({ as: square, onFailure });
      await report({ context: done.map(({ context: result }) => result) });
    },
  });
}

/** Has one child that ends when the test says so. */
function waiting(run: () => Promise<unknown>): readonly [TaskDefinition, TaskDefinition] {
  const child = defineTask({ type: 'child', run: async () => void (await run()) });
  const parent = defineTask({
    type: 'parent',
    async run({ context, children }) {
      if (context === undefined) await children.create([{ task: child }], { context: true });
      await children.done();
    },
  });
  return [parent, child];
}

it('a child whose replica dies wakes its parent, and so does one whose end nobody looked after', async () => {
  const sum = sumOf('ignore');
  const never = defineTask({ ...square, run: () => new Promise<undefined>(() => undefined) });
  const system = await TestSystem.open({ tasks: [] });
  try {
    const parents = await system.replica({ tasks: [sum] });
    const doomed = await system.replica({ tasks: [never] });
    const id = await parents.createTask(sum, [1, 2]);
    await system.advance('10s');
    assert.equal((await parents.getTask(id)).state, 'waiting');
    system.crash(doomed);
    await system.advance('2m');
    const task = await parents.getTask(id);
    assert.deepEqual([task.state, task.context], ['finished', []]);
  } finally {
    await system.close();
  }
});

eachBackend((backend) => {
  it('a parent waits without a slot and goes on with the results, in the order of creation', async (t) => {
    const system = await openSystem(backend, t);
    const sum = sumOf();
    // One slot for the parent and its children.
    const baton = await system.replica({ ...FAST, tasks: [sum, square], concurrency: 1 });
    const id = await baton.createTask(sum, [3, 1, 2], { user: 'ada', group: 'sums' });
    const task = await reaches(baton, id, 'finished');
    assert.deepEqual(task.context, [9, 1, 4]);
    assert.deepEqual([task.attempt, task.epoch], [1, 2]);
    const { tasks } = await baton.getTasks({ parent: id });
    assert.deepEqual(
      tasks.map((child) => [child.parent, child.user, child.group, child.state]),
      Array.from({ length: 3 }, () => [id, 'ada', 'sums', 'finished']),
    );
  });

  it('it waits in a state of its own, across a stop of every replica, and many of its kind wait for many', async (t) => {
    const system = await openSystem(backend, t);
    const sum = sumOf();
    const first = await system.replica({ ...FAST, tasks: [sum] });
    const ids = await first.createTasks(
      Array.from({ length: 10 }, (_, index) => ({ task: sum, input: [index, index + 1] })),
    );
    for (const id of ids) await reaches(first, id, 'waiting');
    const [waits] = (await first.getTasks({ states: ['waiting'] })).tasks;
    assert.equal(waits?.replica, undefined);
    await first.stop();
    const [second] = await Promise.all([
      system.replica({ ...FAST, tasks: [sum, square] }),
      system.replica({ ...FAST, tasks: [sum, square] }),
    ]);
    for (const [index, id] of ids.entries())
      assert.deepEqual((await reaches(second, id, 'finished')).context, [index ** 2, (index + 1) ** 2]);
  });

  it('children that were there before, and none at all, need no wait', async (t) => {
    const system = await openSystem(backend, t);
    const sum = sumOf();
    const baton = await system.replica({ ...FAST, tasks: [sum, square] });
    assert.deepEqual((await reaches(baton, await baton.createTask(sum, []), 'finished')).context, []);
    const id = await baton.createTask(sum, [], { autoRun: false, context: 'created' });
    const child = await baton.createTask(square, 5, { parent: id });
    await reaches(baton, child, 'finished');
    assert.equal((await baton.getTask(id)).state, 'paused', 'a parent that was never run can be run, too');
    await baton.runTask(id);
    assert.deepEqual((await reaches(baton, id, 'finished')).context, [25]);
  });

  it('a failed child fails its parent, is left out, or is run again, as the parent says', async (t) => {
    const system = await openSystem(backend, t);
    const creator = system.instance();
    const fails = await system.replica({ ...FAST, tasks: [sumOf(), square] });
    const failed = await reaches(fails, await creator.createTask(sumOf(), [1, -2]), 'failed');
    assert.equal(failed.error?.code, 'CHILD_FAILED');
    assert.match(failed.error.message, /-2 is negative/);
    await fails.stop();
    const ignores = await system.replica({ ...FAST, tasks: [sumOf('ignore'), square] });
    const ignoring = await reaches(ignores, await creator.createTask(sumOf(), [1, -2, 3]), 'finished');
    assert.deepEqual(ignoring.context, [1, 9]);
    await ignores.stop();
    const asked: unknown[] = [];
    const retrying = sumOf((child) => {
      asked.push(child.input);
      return 'retry';
    });
    const retries = await system.replica({ ...FAST, tasks: [retrying, square] });
    const retried = await reaches(retries, await creator.createTask(sumOf(), [1, -2]), 'finished');
    assert.deepEqual(retried.context, [1, 4]);
    assert.deepEqual(asked, [-2]);
  });

  it('a failed child that is run again while its parent looks is waited for', async (t) => {
    const system = await openSystem(backend, t);
    const creator = system.instance();
    const db = new FaultyDatabase(system.backend.url);
    const sum = sumOf();
    const id = await creator.createTask(sum, [], { context: 'created', delay: '1h' });
    const child = await creator.createTask(square, -3, { parent: id });
    const helper = await system.replica({ ...FAST, tasks: [square] });
    await reaches(creator, child, 'failed');
    let looks = 0;
    db.fault = async (sql, send) => {
      const found = await send();
      // Nobody is left to wait for, it says; and then somebody is.
      if (sql.includes('c.parent = ?') && looks++ === 0) await creator.runTask(child);
      return found;
    };
    const baton = await system.replica({ ...FAST, tasks: [sum], db });
    await baton.runTask(id);
    assert.deepEqual((await reaches(helper, id, 'finished')).context, [9]);
    assert.ok(looks > 0);
  });

  it('a parent that failed with its child goes on once both are run again', async (t) => {
    const system = await openSystem(backend, t);
    const sum = sumOf();
    const baton = await system.replica({ ...FAST, tasks: [sum, square] });
    const id = await baton.createTask(sum, [-3]);
    await reaches(baton, id, 'failed');
    await baton.runTask(id, { children: true });
    assert.deepEqual((await reaches(baton, id, 'finished')).context, [9]);
  });

  it('deleting a parent deletes its children and theirs first, cleanups included, whatever they do', async (t) => {
    const system = await openSystem(backend, t);
    const order: string[] = [];
    const started = gate();
    const leaf = defineTask({
      type: 'leaf',
      run: async ({ signal }) => {
        started.open();
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      cleanup: async ({ task }) => void order.push(`leaf of ${task.group}`),
    });
    const branch = defineTask({
      type: 'branch',
      run: async ({ context, children, task }) => {
        if (context === undefined)
          await children.create(
            [
              { task: leaf, group: String(task.group) },
              { task: leaf, autoRun: false },
            ],
            {
              context: true,
            },
          );
        await children.done();
      },
      cleanup: async ({ task }) => void order.push(`branch ${task.group}`),
    });
    const root = defineTask({
      type: 'root',
      run: async ({ context, children }) => {
        if (context === undefined) await children.create([{ task: branch, group: 'a' }], { context: true });
        await children.done();
      },
      cleanup: async () => void order.push('root'),
    });
    const baton = await system.replica({ ...FAST, tasks: [root, branch, leaf] });
    const id = await baton.createTask(root, undefined);
    await started.opened;
    await reaches(baton, id, 'waiting');
    await baton.deleteTask(id);
    await vanishes(baton, id);
    assert.deepEqual(order, ['leaf of a', 'branch a', 'root']);
    assert.equal((await baton.getTasks({ includeDeleting: true })).tasks.length, 0);
  });

  it('a parent that is to be removed at its end, or was kept long enough, takes its children along', async (t) => {
    const system = await openSystem(backend, t);
    const removed = defineTask({
      type: 'removed',
      run: async ({ context, children }) => {
        if (context === undefined) await children.create([{ task: square, input: 2 }], { context: true });
        await children.done();
        return finished({ remove: true });
      },
    });
    const kept = defineTask({ ...sumOf(), keep: 100 });
    const quick = defineTask({ ...square, keep: 0 });
    const baton = await system.replica({ ...FAST, tasks: [removed, kept, quick] });
    const ids = [await baton.createTask(removed, undefined), await baton.createTask(kept, [1, 2, 3])];
    for (const id of ids) await vanishes(baton, id);
    await until(
      'all are gone',
      async () => (await baton.getTasks({ includeDeleting: true })).tasks.length === 0,
    );
  });

  it('a child that is kept for no time is still there for its parent', async (t) => {
    const system = await openSystem(backend, t);
    const open = gate();
    const slow = defineTask({ type: 'slow', run: () => open.opened });
    const quick = defineTask({ ...square, keep: 0 });
    const parent = defineTask({
      type: 'both',
      async run({ context, children, report }) {
        if (context === undefined)
          await children.create([{ task: quick, input: 7 }, { task: slow }], { context: 'created' });
        await report({ context: (await children.done()).length });
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [parent, quick, slow] });
    const other = await baton.createTask(quick, 1);
    const id = await baton.createTask(parent, undefined);
    await reaches(baton, id, 'waiting');
    await vanishes(baton, other);
    open.open();
    assert.equal((await reaches(baton, id, 'finished')).context, 2);
  });

  it('a pause can go for the children too, and what they were doing goes on afterwards', async (t) => {
    const system = await openSystem(backend, t);
    const [started, open] = [gate(), gate()];
    const [parent, child] = waiting(() => {
      started.open();
      return open.opened;
    });
    const baton = await system.replica({ ...FAST, tasks: [parent, child], stopGrace: 50 });
    const id = await baton.createTask(parent, undefined);
    await started.opened;
    await baton.pauseTask(id, { children: true });
    const [one] = (await baton.getTasks({ parent: id })).tasks;
    assert.ok(one !== undefined);
    await reaches(baton, id, 'paused');
    await reaches(baton, one.id, 'paused');
    open.open();
    await baton.runTask(id, { children: true });
    await reaches(baton, id, 'finished');
  });

  it('a child that is deleted while it runs, or before it was run, wakes its parent as well', async (t) => {
    const system = await openSystem(backend, t);
    const [started, never] = [gate(), gate()];
    const [parent, child] = waiting(() => {
      started.open();
      return never.opened;
    });
    const baton = await system.replica({ ...FAST, tasks: [parent] });
    await system.replica({ ...FAST, tasks: [child], stopGrace: 0 });
    const id = await baton.createTask(parent, undefined);
    const idle = await baton.createTask(parent, undefined, { context: true, delay: '1h' });
    const unborn = await baton.createTask(child, undefined, { parent: idle, autoRun: false });
    await baton.runTask(idle);
    await started.opened;
    const [one] = (await baton.getTasks({ parent: id })).tasks;
    await reaches(baton, idle, 'waiting');
    await baton.deleteTask(unborn);
    await reaches(baton, idle, 'finished');
    assert.ok(one !== undefined);
    await baton.deleteTask(one.id);
    await reaches(baton, id, 'finished');
  });

  it('a child of nobody, of one that goes, or of itself is refused, and nothing is created', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const refused = async (code: string, attempt: Promise<unknown>): Promise<void> =>
      assert.rejects(attempt, (error) => isTaskbatonError(error) && error.code === code);
    const going = await baton.createTask(square, 1);
    await baton.deleteTask(going);
    for (const parent of [4711, going]) {
      await refused('TASK_NOT_FOUND', baton.createTask(square, 1, { parent }));
      await refused('INVALID_ITEM', baton.createTasks([{ task: square, input: 1 }, { task: square, input: 1, parent }])); // prettier-ignore
    }
    for (const parent of ['1', 0, 1.5, null])
      await refused('INVALID_ARGUMENT', baton.createTask(square, 1, { parent: parent as number }));
    const above = await baton.createTask(square, 1, { key: 'above' });
    const middle = await baton.createTask(square, 1, { parent: above });
    const below = await baton.createTask(square, 1, { parent: middle });
    for (const parent of [above, middle, below])
      await refused('INVALID_ARGUMENT', baton.createTask(square, 2, { key: 'above', replace: true, parent }));
    assert.equal((await baton.getTasks()).tasks.length, 3);
    assert.equal((await baton.getTask(above)).input, 1);
    await refused('INVALID_ARGUMENT', baton.pauseTask(above, { children: 1 as never }));
    await refused('INVALID_ARGUMENT', baton.deleteTask(above, { children: true } as never));
    await refused('INVALID_ARGUMENT', baton.getTasks({ parent: -1 }));
  });

  it('a bad item among the children costs the parent its attempt and leaves no child', async (t) => {
    const system = await openSystem(backend, t);
    const bad = [[{ task: square, input: 1 }, { task: 'unknown' }], 'nothing', []];
    const parent = defineTask<number>({
      type: 'parent',
      run: async ({ input, children }) => {
        await children.create(bad[input] as never);
        await children.done({ onFailure: 'retry' as never });
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [parent, square] });
    for (const index of bad.keys()) {
      const id = await baton.createTask(parent, index);
      const task = await reaches(baton, id, 'failed');
      assert.match(String(task.error?.code), /^INVALID_(ITEM|ARGUMENT)$/, String(index));
      assert.equal((await baton.getTasks({ parent: id })).tasks.length, 0);
    }
  });

  it('a stop while children are waited for is a stop, and a handler that swallows the wait only ends', async (t) => {
    const system = await openSystem(backend, t);
    const open = gate();
    const child = defineTask({ type: 'child', run: () => open.opened });
    const careless = defineTask({
      type: 'careless',
      run: async ({ context, children }) => {
        if (context === undefined) await children.create([{ task: child }], { context: true });
        await children.done().catch(() => undefined);
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [careless, child] });
    const events = record(baton);
    const id = await baton.createTask(careless, undefined);
    await reaches(baton, id, 'waiting');
    await events.next('task.stopping', ({ why }) => why === 'children');
    open.open();
    await reaches(baton, id, 'finished');
  });
});
