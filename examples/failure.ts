/**
 * What becomes of failures: an attempt that goes on from the last checkpoint, a pause between attempts, one that is final, a
 * time limit, and a handler that gives its slot back while it waits for something.
 *
 *   node examples/failure.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, snooze, TaskFailed, Taskbaton, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';

const upload = defineTask({
  type: 'upload',
  input: typed<{ parts: number; broken?: boolean }>(),
  context: typed<{ sent: number }>(),
  retry: { attempts: 4, delay: 50, backoff: 'fixed' },
  async *run({ input: { parts, broken }, context, task: { attempt } }) {
    if (broken === true) throw new TaskFailed('there is no such bucket', { retry: false });
    for (let sent = context?.sent ?? 0; sent < parts; sent++) {
      if (sent === attempt * 3) throw new Error(`part ${sent} did not get through`);
      yield { context: { sent: sent + 1 }, progress: (sent + 1) / parts };
    }
  },
});

const endless = defineTask({
  type: 'endless',
  timeout: 200,
  run: ({ signal }) => sleep(60_000, undefined, { signal }),
});

const awaiting = defineTask({
  type: 'awaiting',
  context: typed<{ asked: number }>(),
  run: async ({ context }) =>
    context?.asked === 2 ? undefined : snooze(100, { context: { asked: (context?.asked ?? 0) + 1 } }),
});

await runExample(async ({ database, say, check }) => {
  const baton = new Taskbaton({ ...database, tasks: [upload, endless, awaiting], lease: 1000 });
  await baton.start();
  const ended = (id: number) =>
    until(async () => {
      const task = await baton.getTask(id);
      return (task.state === 'finished' || task.state === 'failed') && task;
    });

  const done = await ended(await baton.createTask(upload, { parts: 8 }));
  for (const { attempt, message } of done.errors) say(`attempt ${attempt}: ${message}`);
  check('the third attempt got through, and no part was sent twice', done.attempt === 3);

  const broken = await ended(await baton.createTask(upload, { parts: 8, broken: true }));
  check(
    `a failure may be final: ${broken.error?.message}`,
    broken.state === 'failed' && broken.attempt === 1,
  );

  const late = await ended(await baton.createTask(endless, undefined));
  check(`a time limit: ${late.error?.code} after ${late.worked} ms`, late.error?.code === 'TIMED_OUT');

  const asked = await ended(await baton.createTask(awaiting, undefined));
  check('a task that snoozed twice has finished in its first attempt', asked.attempt === 1);

  const soon = await baton.createTask(awaiting, undefined, { delay: '1h' });
  check('a task for later is pending', (await baton.getTask(soon)).dueAt !== undefined);
  await baton.runTask(soon);
  check('and runs at once if that is wanted', (await ended(soon)).state === 'finished');
  await baton.stop();
});
