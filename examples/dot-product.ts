/**
 * The smallest long task: the dot product of two vectors, one element at a tick.
 *
 * Each `yield` is a checkpoint: the next line runs only after context and progress are stored, so that a pause, a deploy
 * or a crash loses one tick at most. The last context is the result. After go-async's example `task_dot`.
 *
 *   node examples/dot-product.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, Taskbaton, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';

const TICK = 40;

const dotProduct = defineTask({
  type: 'dot-product',
  input: typed<{ a: number[]; b: number[] }>(),
  context: typed<{ done: number; sum: number }>(),
  async *run({ input: { a, b }, context, signal }) {
    if (a.length !== b.length) throw new Error(`the vectors have ${a.length} and ${b.length} elements`);
    let { done, sum } = context ?? { done: 0, sum: 0 };
    while (done < a.length) {
      await sleep(TICK, undefined, { signal });
      sum += (a[done] ?? 0) * (b[done] ?? 0);
      done += 1;
      yield { context: { done, sum }, progress: done / a.length };
    }
  },
});

await runExample(async ({ database, say, check }) => {
  const baton = new Taskbaton({ ...database, tasks: [dotProduct] });
  await baton.start();
  const a = Array.from({ length: 40 }, (_, index) => index);
  const b = a.map((element) => element * 10);
  const id = await baton.createTask(dotProduct, { a, b });
  for (const quarter of [0.25, 0.5, 0.75, 1]) {
    const { context, progress = 0 } = await until(async () => {
      const task = await baton.getTask(id, { as: dotProduct });
      return (task.progress ?? 0) >= quarter && task;
    });
    say(
      `${(progress * 100).toFixed(0).padStart(3)} %: the sum of ${context?.done} products is ${context?.sum}`,
    );
  }
  const task = await until(async () => {
    const found = await baton.getTask(id, { as: dotProduct });
    return found.state === 'finished' && found;
  });
  const expected = a.reduce((sum, element, index) => sum + element * (b[index] ?? 0), 0);
  check(`the task is finished, and its result is ${expected}`, task.context?.sum === expected);

  const unequal = await baton.createTask(dotProduct, { a, b: [1] });
  const failed = await until(async () => {
    const found = await baton.getTask(unequal);
    return found.state === 'failed' && found;
  });
  check(`a task that throws has failed: ${failed.error?.message}`, failed.error !== undefined);
  await baton.stop();
});
