/**
 * A task that runs other tasks: the sum of all elements of a product of two matrices. The parent creates one dot product
 * for each cell, waits for them without a slot, has those that fail run again, and adds the results up; in the middle of
 * it the whole system is stopped and started again. After go-async's example `task_mm`.
 *
 *   node examples/matrix-product.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, type PublicState, Taskbaton, TaskFailed, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';

type Matrix = number[][];

const cell = defineTask({
  type: 'cell',
  input: typed<{ row: number[]; column: number[]; seed: number }>(),
  context: typed<{ done: number; sum: number }>(),
  async *run({ input: { row, column, seed }, context, signal, task }) {
    let { done, sum } = context ?? { done: 0, sum: 0 };
    while (done < row.length) {
      await sleep(15, undefined, { signal });
      if (chance(seed, task.attempt, done) < 0.1) throw new TaskFailed(`bad luck at element ${done}`);
      sum += (row[done] ?? 0) * (column[done] ?? 0);
      done += 1;
      yield { context: { done, sum }, progress: done / row.length };
    }
  },
});

const product = defineTask({
  type: 'product',
  input: typed<{ a: Matrix; b: Matrix }>(),
  context: typed<{ sum?: number }>(),
  async run({ input: { a, b }, context, children, report }) {
    const cells = cellsOf(a, b).map(([row, column], seed) => ({ task: cell, input: { row, column, seed } }));
    if (context === undefined) await children.create(cells, { context: {} });
    const done = await children.done({ as: cell, onFailure: () => 'retry' });
    await report({ context: { sum: done.reduce((sum, child) => sum + (child.context?.sum ?? 0), 0) } });
  },
});

/** Rows of `a` with columns of `b`, in pairs. */
function cellsOf(a: Matrix, b: Matrix): [row: number[], column: number[]][] {
  const columns = (b[0] ?? []).map((_, index) => b.map((row) => row[index] ?? 0));
  return a.flatMap((row) => columns.map((column): [number[], number[]] => [row, column]));
}

/** From 0 to 1, always the same for the same numbers: failures that look random and can be repeated. */
function chance(...numbers: readonly number[]): number {
  const mixed = numbers.reduce((state, number) => Math.imul(state ^ (number + 0x9e3779b9), 0x85ebca6b), 42);
  return (Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35) >>> 0) / 2 ** 32;
}

function matrix(height: number, width: number): Matrix {
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_unused, column) => ((row * 7 + column * 3) % 10) - 3),
  );
}

await runExample(async ({ database, say, check }) => {
  const [a, b] = [matrix(5, 6), matrix(6, 5)];
  const start = async (): Promise<Taskbaton> => {
    const baton = new Taskbaton({ ...database, tasks: [cell, product] });
    await baton.start();
    return baton;
  };
  const first = await start();
  const id = await first.createTask(product, { a, b }, { group: 'cells' });
  const cells = (states?: PublicState[]) => ({ parent: id, states, limit: 100 });
  const finished = await until(async () => {
    const { tasks } = await first.getTasks(cells(['finished']));
    return tasks.length >= 8 && tasks.length;
  });
  say(`${finished} of 25 cells are done, and the parent is ${(await first.getTask(id)).state}`);
  await first.stop();
  say('the whole system has stopped, and starts again');

  const second = await start();
  const parent = await second.taskDone(id, { as: product });
  const { tasks } = await second.getTasks(cells());
  await second.stop();
  const expected = cellsOf(a, b)
    .flatMap(([row, column]) => row.map((element, index) => element * (column[index] ?? 0)))
    .reduce((sum, element) => sum + element, 0);
  check(`the sum is ${expected}`, parent.context?.sum === expected);
  const again = tasks.filter(({ attempt }) => attempt > 1).length;
  check(`${again} children failed and were run again`, again > 0);
  check('there are 25 children, none of them twice', tasks.length === 25);
  check('the parent never failed: a wait is no failure', parent.attempt === 1 && parent.crashes === 0);
});
