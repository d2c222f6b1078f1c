/**
 * A row of yours and a task in one transaction: neither an account without its welcome mail, nor a mail to an account that
 * was never opened. Here the transaction is Kysely's; a client of the driver, or the other libraries, do as well.
 *
 *   node examples/transactions.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import type { Kysely } from 'kysely';
import { defineTask, fromKysely, Taskbaton, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';
import { openKysely } from './support/kysely.ts';

const sent: string[] = [];

const welcome = defineTask({
  type: 'welcome',
  input: typed<{ name: string }>(),
  run: async ({ input }) => void sent.push(input.name),
});

await runExample(async ({ database, say, check }) => {
  const table = `${database.prefix}account`;
  const kysely: Kysely<Record<string, { name: string }>> = await openKysely(database.db);
  await kysely.schema.createTable(table).addColumn('name', 'varchar(100)').execute();
  const baton = new Taskbaton({ ...database, tasks: [welcome] });
  await baton.start();

  const openAccount = (name: string): Promise<void> =>
    kysely.transaction().execute(async (trx) => {
      await trx.insertInto(table).values({ name }).execute();
      await baton.createTask(welcome, { name }, { user: name, tx: fromKysely(trx) });
      if (name === '') throw new Error('an account needs a name');
    });

  await openAccount('ada');
  const refused = await openAccount('').catch((error: unknown) => error);
  say(`the second account was refused: ${refused instanceof Error ? refused.message : ''}`);
  const accounts = await kysely.selectFrom(table).select('name').execute();
  const { tasks } = await baton.getTasks();
  check('there is one account', accounts.length === 1 && accounts[0]?.name === 'ada');
  check('and one task, of the same transaction', tasks.length === 1 && tasks[0]?.user === 'ada');
  await until(async () => sent.length > 0);
  check('which has sent the mail', sent.join() === 'ada');
  await baton.stop();
  await kysely.destroy();
});
