/**
 * What is left behind by a task that is deleted while it runs: nothing, if it has a cleanup. This one makes files; its
 * cleanup removes them again, reports its progress, and is retried by itself when it fails. The record goes last.
 *
 *   node examples/custom-cleanup.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, isTaskbatonError, Taskbaton, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';

let cleanups = 0;

const makeFiles = defineTask({
  type: 'make-files',
  input: typed<{ folder: string; count: number }>(),
  context: typed<{ made: number }>(),
  async *run({ input: { folder, count }, context, signal }) {
    mkdirSync(folder, { recursive: true });
    for (let made = context?.made ?? 0; made < count; made++) {
      writeFileSync(join(folder, `${made}.txt`), 'something big');
      yield { context: { made: made + 1 }, progress: (made + 1) / count };
      await sleep(15, undefined, { signal });
    }
  },
  // It looks at what is there instead of trusting a list, so it may be stopped or fail anywhere and is simply run again.
  async *cleanup({ input: { folder }, signal }) {
    cleanups += 1;
    const files = existsSync(folder) ? readdirSync(folder) : [];
    for (const [index, file] of files.entries()) {
      if (cleanups === 1 && index === 5) throw new Error('the disk is not in the mood');
      unlinkSync(join(folder, file));
      yield { progress: (index + 1) / files.length };
      await sleep(15, undefined, { signal });
    }
    if (existsSync(folder)) rmdirSync(folder);
  },
});

await runExample(async ({ database, say, check }) => {
  const baton = new Taskbaton({ ...database, tasks: [makeFiles], lease: '1s', pollInterval: 100 });
  baton.on('*', (event) => {
    if (event.name === 'task.started') say(`${event.queue} starts (epoch ${event.epoch})`);
    if (event.name === 'task.ended') say(`${event.queue} ends: ${event.event}`);
  });
  await baton.start();
  const folder = join(mkdtempSync(join(tmpdir(), 'taskbaton-files-')), 'files');
  const id = await baton.createTask(makeFiles, { folder, count: 200 });
  await until(async () => ((await baton.getTask(id, { as: makeFiles })).context?.made ?? 0) >= 20);

  await baton.deleteTask(id);
  const made = readdirSync(folder).length;
  say(`deleted while it runs, after ${made} files`);

  const failed = await until(async () => {
    const task = await baton.getTask(id, { includeDeleting: true });
    return task.state === 'deleting' && task.error !== undefined && task;
  });
  check(`the first cleanup failed, and says so: ${failed.error?.message}`, failed.error?.name === 'Error');
  check(
    'the task is gone for whoever does not ask for deleted ones',
    (await baton.getTasks()).tasks.length === 0,
  );

  await until(() =>
    baton.getTask(id, { includeDeleting: true }).then(
      () => false,
      (error: unknown) => isTaskbatonError(error, 'TASK_NOT_FOUND'),
    ),
  );
  check('another cleanup came by itself and finished', cleanups > 1);
  check('no file is left, and no record', !existsSync(folder));
  await baton.stop();
  rmdirSync(join(folder, '..'));
});
