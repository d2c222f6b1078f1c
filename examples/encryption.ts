/**
 * Payloads that the database can't read: a codec encrypts input, context, message and errors. The keys are changed in
 * the middle of a task, and a dashboard without keys lists tasks all the same.
 *
 *   node examples/encryption.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { randomBytes } from 'node:crypto';
import { defineTask, Taskbaton, typed } from 'taskbaton';
import { aesGcm } from './codec/aes-gcm.ts';
import { runExample, until } from './support/example.ts';

const letter = defineTask({
  type: 'letter',
  input: typed<{ to: string }>(),
  context: typed<{ written: string }>(),
  async *run({ input: { to }, context }) {
    if (context === undefined) yield { context: { written: `Dear ${to}` } };
    throw new Error(`${to} has moved`);
  },
});

await runExample(async ({ database, say, check }) => {
  const [old, young] = [randomBytes(32), randomBytes(32)];
  const first = new Taskbaton({
    ...database,
    tasks: [letter],
    codec: aesGcm({ current: 'old', keys: { old } }),
  });
  await first.start();
  const id = await first.createTask(letter, { to: 'Ada' });
  await until(async () => (await first.getTask(id)).state === 'failed');
  await first.stop();

  const second = new Taskbaton({ ...database, codec: aesGcm({ current: 'young', keys: { old, young } }) });
  const read = await second.getTask(id, { as: letter });
  say(
    `with the keys: ${JSON.stringify(read.input)}, ${JSON.stringify(read.context)}, ${read.error?.message}`,
  );
  check('a new key reads on what the old one wrote', read.context?.written === 'Dear Ada');
  check('what it writes now is for the new one', (await second.createTask(letter, { to: 'Bob' })) > id);
  await second.stop();

  const dashboard = new Taskbaton({ ...database });
  const [shown] = (await dashboard.getTasks({ states: ['failed'], redacted: true })).tasks;
  say(
    `without: ${JSON.stringify(shown?.input)}, ${JSON.stringify(shown?.context)}, ${shown?.error?.message}`,
  );
  check('a dashboard without keys shows states', shown?.state === 'failed' && shown.input === undefined);
  const refused = await dashboard.getTask(id).then(
    () => undefined,
    (error: unknown) => error,
  );
  check('and nobody reads anything without them', String(refused).includes('there is none here'));
  await dashboard.stop();
});
