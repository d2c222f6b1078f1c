/**
 * A task that runs other tasks: the sum of all elements of a product of two matrices. The parent creates one dot product
 * for each cell, moves it to another group, runs it again when it fails, and adds the results up; in the middle of it
 * the whole system is stopped and started again. After go-async's example `task_mm`.
 *
 *   node examples/matrix-product.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, Taskbaton, TaskFailed, typed } from 'taskbaton';
import { type Example, runExample, until } from './support/example.ts';

type Matrix = number[][];

/** The handlers create and read tasks through this one; a service would have a single one for its whole life. */
let baton: Taskbaton;

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
  context: typed<{ children: number[]; summed: number; sum: number; restarts: number }>(),
  async *run({ input: { a, b }, context, signal }) {
    let { children, summed, sum, restarts } = context ?? { children: [], summed: 0, sum: 0, restarts: 0 };
    const cells = cellsOf(a, b);
    // A stop takes effect at a yield, so none can come between a child and the checkpoint that knows it. Only a crash
    // could, and leave a child behind that is created once more: it would take a key that makes creation idempotent.
    while (children.length < cells.length) {
      const [row = [], column = []] = cells[children.length] ?? [];
      const id = await baton.createTask(cell, { row, column, seed: children.length }, { group: 'new' });
      await baton.changeTaskGroup(id, 'cells');
      children = [...children, id];
      yield { context: { children, summed, sum, restarts }, progress: 0 };
    }
    while (summed < children.length) {
      const id = children[summed] ?? 0;
      const child = await baton.getTask(id, { as: cell });
      if (child.state === 'finished') {
        sum += child.context?.sum ?? 0;
        summed += 1;
      } else if (child.state === 'failed') {
        await baton.runTask(id);
        restarts += 1;
      } else {
        await sleep(10, undefined, { signal });
        continue;
      }
      yield { context: { children, summed, sum, restarts }, progress: summed / children.length };
    }
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
  const startBaton = async (): Promise<void> => {
    baton = new Taskbaton({ ...database, tasks: [cell, product] });
    await baton.start();
  };
  await startBaton();
  const id = await baton.createTask(product, { a, b }, { group: 'matrices' });
  const summedUpTo = (least: number): Promise<number> =>
    until(async () => {
      const summed = (await baton.getTask(id, { as: product })).context?.summed ?? 0;
      return summed >= least && summed;
    });

  say(`${await summedUpTo(8)} of 25 cells are added up; now the whole system stops`);
  await baton.stop();
  await startBaton();
  const { progress = 0 } = await baton.getTask(id);
  say(`the system is up again, and the parent goes on at ${(progress * 100).toFixed(0)} %`);
  await summedUpTo(25);
  await verify(id, a, b, { say, check });
  await baton.stop();
});

async function verify(
  id: number,
  a: Matrix,
  b: Matrix,
  { say, check }: Pick<Example, 'say' | 'check'>,
): Promise<void> {
  const parent = await until(async () => {
    const task = await baton.getTask(id, { as: product });
    return task.state === 'finished' && task;
  });
  const { tasks } = await baton.getTasks({ types: [cell], limit: 100 });
  say(`${parent.context?.restarts} failed children were run again`);
  const expected = cellsOf(a, b)
    .flatMap(([row, column]) => row.map((element, index) => element * (column[index] ?? 0)))
    .reduce((sum, element) => sum + element, 0);
  check(`the sum is ${expected}`, parent.context?.sum === expected);
  check(
    'some children failed and were run again',
    tasks.some(({ attempt }) => attempt > 1),
  );
  check('there are 25 children, none of them twice', tasks.length === 25);
  check(
    'all were moved to the group "cells"',
    tasks.every(({ group }) => group === 'cells'),
  );
  check('the parent never failed: a restart is no failure', parent.attempt === 1 && parent.crashes === 0);
}
