/**
 * How long tasks are kept: finished ones for a moment, failed ones longer so that somebody can look into them, and where a
 * task has left something behind, its cleanup runs before it goes.
 *
 *   node examples/retention.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { defineTask, Taskbaton, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';

const files = new Set<string>();

const mail = defineTask({
  type: 'mail',
  input: typed<{ to: string }>(),
  keep: { finished: 0, failed: '30d' },
  async run({ input }) {
    if (!input.to.includes('@')) throw new Error(`${input.to} is no address`);
  },
});

const thumbnail = defineTask({
  type: 'thumbnail',
  input: typed<{ file: string }>(),
  keep: { finished: '1s', cleanup: true },
  run: async ({ input }) => void files.add(input.file),
  cleanup: async ({ input }) => void files.delete(input.file),
});

await runExample(async ({ database, say, check }) => {
  const baton = new Taskbaton({ ...database, tasks: [mail, thumbnail], lease: 1000 });
  let removed = 0;
  baton.on('*', (event) => {
    if (event.name === 'tasks.removed' && event.type === 'mail') removed += event.count;
  });
  await baton.createTasks(
    Array.from({ length: 2000 }, (_, n) => ({ task: mail, input: { to: `${n}@example.org` } })),
  );
  const wrong = await baton.createTask(mail, { to: 'nobody' });
  const picture = await baton.createTask(thumbnail, { file: 'sea.png' });
  await baton.start();
  await baton.taskDone(picture);
  check('a finished task has left a file', files.has('sea.png'));

  await until(async () => (await baton.getTasks({ includeDeleting: true })).tasks.length === 1);
  say(`${removed} mails that were sent have gone by themselves`);
  check('and so has the file, by the cleanup of its task', files.size === 0);
  const { id, error } = await until(async () => (await baton.getTasks({ states: ['failed'] })).tasks[0]);
  check(`what failed is still there: ${error?.message}`, id === wrong);
  await baton.stop();
});
