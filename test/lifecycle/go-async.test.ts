/**
 * The scenarios of go-async's examples, on every database: a dot product that ticks once for each element, finished,
 * deleted, failed and restarted, paused and restarted again and again, removed automatically; and a parent whose
 * children outlive a restart of the whole system.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, finished, type TaskDefinition, TaskFailed, Taskbaton, typed } from '../../src/index.ts';
import { type Backend, eachBackend } from '../backends.ts';
import { openSystem, reaches, record, until, vanishes, work } from '../support/system.ts';

interface Dot {
  readonly done: number;
  readonly sum: number;
}

interface Vectors {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

interface Temper {
  readonly tick?: number;
  /** Which ticks fail, the first time they come. */
  readonly failsAt?: readonly number[];
  readonly remove?: boolean;
}

const VECTORS: Vectors = { a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], b: [0, 10, 20, 30, 40, 50, 60, 70, 80, 90] };
const PRODUCT = 2850;

function dotTask({ tick = 5, failsAt = [], remove = false }: Temper = {}): TaskDefinition<
  Vectors,
  Vectors,
  Dot
> {
  const failed = new Set<string>();
  return defineTask({
    type: 'dot',
    input: typed<Vectors>(),
    context: typed<Dot>(),
    async *run({ input, context, task }) {
      let { done, sum } = context ?? { done: 0, sum: 0 };
      for (; done < input.a.length;) {
        await work(tick);
        const key = `${task.id}/${done}`;
        if (failsAt.includes(done) && !failed.has(key)) {
          failed.add(key);
          throw new TaskFailed('unlucky', { remove });
        }
        sum += (input.a[done] ?? 0) * (input.b[done] ?? 0);
        done += 1;
        yield { context: { done, sum }, progress: done / input.a.length };
      }
      return finished({ remove });
    },
  });
}

async function createSix(
  baton: Taskbaton,
  definition: TaskDefinition<Vectors, Vectors, Dot>,
): Promise<number[]> {
  return Promise.all(
    Array.from({ length: 6 }, () => baton.createTask(definition, VECTORS, { group: 'dot' })),
  );
}

eachBackend((backend: Backend) => {
  it('six tasks finish with their result in the context', async (t) => {
    const system = await openSystem(backend, t);
    const dot = dotTask();
    const baton = await system.replica({ tasks: [dot] });
    for (const id of await createSix(baton, dot)) {
      const task = await reaches(baton, id, 'finished');
      assert.deepEqual(task.context, { done: 10, sum: PRODUCT });
      assert.equal(task.progress, 1);
      assert.equal(task.attempt, 1);
      assert.equal(task.replica, undefined);
      assert.ok(task.doneAt !== undefined && task.doneAt >= task.createdAt);
    }
  });

  it('a task that is deleted while it runs is stopped, cleaned up and gone', async (t) => {
    const system = await openSystem(backend, t);
    const cleaned: number[] = [];
    const dot = {
      ...dotTask({ tick: 20 }),
      cleanup: async ({ task }: { task: { id: number } }) => void cleaned.push(task.id),
    };
    const baton = await system.replica({ tasks: [dot] });
    const endless = { a: Array.from({ length: 10_000 }, () => 1), b: [] };
    const deleted = await Promise.all([1, 2, 3].map(() => baton.createTask(dot, endless)));
    const kept = await Promise.all([1, 2].map(() => baton.createTask(dot, VECTORS)));
    for (const id of deleted) {
      await reaches(baton, id, 'running');
      await baton.deleteTask(id);
    }
    for (const id of deleted) await vanishes(baton, id);
    assert.deepEqual(new Set(cleaned), new Set(deleted));
    for (const id of kept) await reaches(baton, id, 'finished');
  });

  it('a task that failed is run again and goes on from its checkpoint', async (t) => {
    const system = await openSystem(backend, t);
    const dot = dotTask({ failsAt: [2, 5, 9] });
    const baton = await system.replica({ tasks: [dot] });
    const id = await baton.createTask(dot, VECTORS);
    for (const done of [2, 5, 9]) {
      const failed = await reaches(baton, id, 'failed');
      assert.deepEqual(failed.context?.done, done);
      assert.equal(failed.error?.message, 'unlucky');
      await baton.runTask(id);
    }
    const task = await reaches(baton, id, 'finished');
    assert.deepEqual(task.context, { done: 10, sum: PRODUCT });
    assert.equal(task.attempt, 4);
    assert.equal(task.error, undefined);
  });

  it('a task is paused and restarted again and again, and loses nothing', async (t) => {
    const system = await openSystem(backend, t);
    const dot = dotTask({ tick: 15 });
    const baton = await system.replica({ tasks: [dot] });
    const id = await baton.createTask(dot, VECTORS);
    for (let round = 1; round <= 4; round++) {
      await until('some progress', async () => ((await baton.getTask(id)).context?.done ?? 0) >= round);
      await baton.pauseTask(id);
      const paused = await reaches(baton, id, 'paused');
      assert.equal(paused.replica, undefined);
      await baton.runTask(id);
    }
    const task = await reaches(baton, id, 'finished');
    assert.deepEqual(task.context, { done: 10, sum: PRODUCT });
    assert.equal(task.attempt, 1, 'pauses are no attempts');
  });

  it('a task that asks for it is removed when it finishes', async (t) => {
    const system = await openSystem(backend, t);
    const dot = dotTask({ remove: true });
    const baton = await system.replica({ tasks: [dot] });
    for (const id of await createSix(baton, dot)) await vanishes(baton, id);
  });

  it('a task that asks for it is removed when it fails', async (t) => {
    const system = await openSystem(backend, t);
    const dot = dotTask({ failsAt: [3], remove: true });
    const baton = await system.replica({ tasks: [dot] });
    for (const id of await createSix(baton, dot)) await vanishes(baton, id);
  });

  it('a report with remove never skips the cleanup of a task that is to be deleted', async (t) => {
    const system = await openSystem(backend, t);
    const cleaned: number[] = [];
    const stubborn = defineTask({
      type: 'stubborn',
      async *run({ signal }) {
        yield;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return finished({ remove: true });
      },
      async *cleanup({ task }) {
        cleaned.push(task.id);
        yield;
      },
    });
    const baton = await system.replica({ tasks: [stubborn] });
    const id = await baton.createTask(stubborn, undefined);
    await reaches(baton, id, 'running');
    await baton.deleteTask(id);
    await vanishes(baton, id);
    assert.deepEqual(cleaned, [id]);
  });

  it('a parent and its children outlive a stop and start of the whole system', async (t) => {
    const system = await openSystem(backend, t);
    const dot = dotTask({ tick: 10 });
    let current: Taskbaton;
    const parent = defineTask({
      type: 'parent',
      context: typed<{ children: number[]; sum: number; summed: number }>(),
      async *run({ context, signal }) {
        let { children, sum, summed } = context ?? { children: [], sum: 0, summed: 0 };
        while (children.length < 8) {
          const id = await current.createTask(dot, VECTORS, { group: 'dot' });
          await current.changeTaskGroup(id, 'children');
          children = [...children, id];
          yield { context: { children, sum, summed } };
        }
        for (; summed < children.length;) {
          const child = await current.getTask(children[summed] ?? 0, { as: dot });
          if (child.state === 'finished') {
            sum += child.context?.sum ?? 0;
            summed += 1;
            yield { context: { children, sum, summed } };
          } else await work(5, signal);
        }
      },
    });
    const tasks = [dot, parent];
    current = await system.replica({ tasks });
    const id = await current.createTask(parent, undefined);
    await until(
      'some children are done',
      async () => ((await current.getTask(id, { as: parent })).context?.summed ?? 0) >= 2,
    );
    const events = record(current);
    const before = current;
    const next = system.instance({ tasks });
    current = next;
    await before.stop();
    assert.equal(
      events.events.filter((event) => event.name === 'task.ended' && event.event === 'fail').length,
      0,
    );
    assert.equal((await next.getTask(id)).state, 'running', 'from outside nothing is to be seen of the stop');
    await next.start();
    const task = await reaches(next, id, 'finished');
    assert.equal(task.context?.sum, 8 * PRODUCT);
    const children = await next.getTasks({ group: 'children' });
    assert.equal(children.tasks.length, 8);
  });
});
