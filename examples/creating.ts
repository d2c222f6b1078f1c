/**
 * Creating tasks: only once by a key, put off until things have calmed down, a thousand at once, and with how long they
 * are kept once they are done.
 *
 *   node examples/creating.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { defineTask, isTaskbatonError, Taskbaton, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';

const sync = defineTask({
  type: 'sync',
  input: typed<{ account: string; version: number }>(),
  keep: { finished: 0 },
  run: async () => undefined,
});

await runExample(async ({ database, say, check }) => {
  const baton = new Taskbaton({ ...database, tasks: [sync], lease: 1000, concurrency: 100 });
  const once = { key: 'ada', delay: '1h', replace: true } as const;
  const ids = await Promise.all(
    Array.from({ length: 10 }, (_, version) => baton.createTask(sync, { account: 'ada', version }, once)),
  );
  check('ten requests at once made one task', new Set(ids).size === 1);
  await baton.createTask(sync, { account: 'ada', version: 10 }, once);
  const [id = 0] = ids;
  check('which has the input of the last one', (await baton.getTask(id)).input.version === 10);

  const items = Array.from({ length: 1000 }, (_, index) => ({
    task: sync,
    input: { account: `account ${index}`, version: 1 },
  }));
  const refused = await baton
    .createTasks([...items, { task: sync, user: 'x'.repeat(300) }])
    .catch((error: unknown) => error);
  check('one bad item keeps all from being created', isTaskbatonError(refused, 'INVALID_ITEM'));
  say(`  ${messageOf(refused).slice(0, 100)}…`);
  const many = await baton.createTasks(items);
  check('a thousand tasks are created at once', many.length === 1000);

  await baton.start();
  await until(async () => (await baton.getTasks()).tasks.length === 1);
  check(
    'finished, they have gone by themselves; the one for later is still there',
    (await baton.getTask(id)).key === 'ada',
  );
  await baton.stop();
});

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
