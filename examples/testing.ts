/**
 * How to test a task of your own: hours in moments, and a proof that it can be stopped anywhere. One task passes it; the
 * other counts what it did twice after a crash, and is found out.
 *
 *   node examples/testing.ts
 */
import { defineTask, typed } from 'taskbaton';
import { resumeEverywhere, TestSystem } from 'taskbaton/testing';
import { runExample } from './support/example.ts';

const add = defineTask({
  type: 'add',
  input: typed<{ numbers: number[] }>(),
  context: typed<{ next: number; sum: number }>(),
  async *run({ input, context }) {
    let { next, sum } = context ?? { next: 0, sum: 0 };
    while (next < input.numbers.length) {
      sum += input.numbers[next++] ?? 0;
      yield { context: { next, sum } };
    }
  },
});

const mails: string[] = [];
const sendMails = defineTask({
  type: 'send-mails',
  input: typed<{ to: string[] }>(),
  context: typed<{ sent: number }>(),
  async *run({ input, context }) {
    for (let sent = context?.sent ?? 0; sent < input.to.length; sent++) {
      mails.push(input.to[sent] ?? '');
      yield { context: { sent: sent + 1 } };
    }
  },
});

await runExample(async ({ say, check }) => {
  const system = await TestSystem.open({ tasks: [add] });
  const replica = await system.replica();
  const id = await replica.createTask(add, { numbers: [1, 2, 3] }, { delay: '45m' });
  await system.advance('1h');
  check('an hour has gone by, and the task has run in it', (await replica.getTask(id)).context.sum === 6);
  await system.close();

  const { runs, writes } = await resumeEverywhere(add, { numbers: [1, 2, 3] });
  check(`${runs} interruptions around ${writes} writes, and always the same`, runs > writes);

  const found: unknown = await resumeEverywhere(
    sendMails,
    { to: ['ada', 'ben'] },
    { setup: () => void mails.splice(0), effects: () => [...mails] },
  ).catch((error: unknown) => error);
  const [message = ''] = found instanceof Error ? found.message.split(':') : [];
  say(`send-mails: ${message}`);
  check('the task that sends mails twice was found out', message.startsWith('after a crash before write 1'));
});
