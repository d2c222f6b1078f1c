/**
 * A web tier that knows only the contract of a task: it creates one, shows how far it is, and hands out the result, while a
 * worker elsewhere runs it.
 *
 *   node examples/results.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { declareTask, implement, isTaskbatonError, Taskbaton, typed } from 'taskbaton';
import { runExample } from './support/example.ts';

const render = declareTask({
  type: 'render',
  input: typed<{ frames: number }>(),
  context: typed<{ frame: number }>(),
});

const renderer = implement(render, {
  async *run({ input, context, signal }) {
    if (input.frames < 1) throw new RangeError('there is nothing to render');
    for (let frame = context?.frame ?? 0; frame < input.frames; frame++) {
      await sleep(60, undefined, { signal });
      yield { context: { frame: frame + 1 }, progress: (frame + 1) / input.frames };
    }
  },
});

await runExample(async ({ database, say, check }) => {
  const web = new Taskbaton({ ...database, pollInterval: 100 });
  const id = await web.createTask(render, { frames: 10 });
  const worker = new Taskbaton({ ...database, tasks: [renderer] });
  await worker.start();

  let shown = 0;
  for await (const { state, progress = 0 } of web.watchTask(id, { as: render })) {
    shown += 1;
    say(`${state.padEnd(8)} ${'█'.repeat(Math.round(progress * 20)).padEnd(20, '░')}`);
  }
  check('every change was shown once, to the end', shown > 2);
  const { context } = await web.taskDone(id, { as: render });
  check('the last context is the result', context?.frame === 10);

  const failure: unknown = await web
    .taskDone(await web.createTask(render, { frames: 0 }))
    .catch((error: unknown) => error);
  check(
    'a failure comes with its cause',
    isTaskbatonError(failure, 'TASK_FAILED') && failure.cause instanceof Error,
  );
  const late: unknown = await web
    .taskDone(await web.createTask(render, { frames: 1 }, { delay: '1h' }), { timeout: 50 })
    .catch((error: unknown) => error);
  check('waiting can be cut short', isTaskbatonError(late, 'NOT_DONE'));
  await worker.stop();
  await web.stop();
});
