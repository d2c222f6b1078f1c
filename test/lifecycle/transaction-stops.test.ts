/** Transactions of handlers that hang in them, or that ask in them for what would wait for their own end. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, isTaskbatonError, type Transaction } from '../../src/index.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { eachBackend } from '../backends.ts';
import { onBackend } from '../support/databases.ts';
import { gate, openSystem, reaches, record } from '../support/system.ts';

const HASTY = { pollInterval: 50, stopGrace: 200 };
const never = new Promise<undefined>(() => undefined);
const noop = defineTask({ type: 'noop', run: async () => undefined });

eachBackend((backend) => {
  it('a handler that hangs inside its transaction is fenced off: nothing of it is written, and the replica goes on', async (t) => {
    const system = await openSystem(backend, t);
    const refusals: unknown[] = [];
    let late: Transaction | undefined;
    const hanging = defineTask<undefined, undefined, number>({
      type: 'hanging',
      timeout: 200,
      async run({ transaction }) {
        await transaction(async (tx) => {
          late = tx;
          await baton.createTask(noop, undefined, { tx, user: 'rolled back' });
          return never;
        }).catch((error: unknown) => refusals.push((error as { code?: unknown }).code));
        return never;
      },
    });
    const baton = await system.replica({ ...HASTY, concurrency: 1, tasks: [hanging, noop] });
    const recorded = record(baton);
    const id = await baton.createTask(hanging, undefined);
    await recorded.next('task.abandoned');
    const { error } = await reaches(baton, id, 'failed');
    assert.equal(error?.code, 'TIMED_OUT');
    assert.deepEqual(refusals, ['HANDLER_ABANDONED']);
    assert.deepEqual((await baton.getTasks({ user: 'rolled back' })).tasks, []);
    await reaches(baton, await baton.createTask(noop, undefined), 'finished');
    await assert.rejects(late!.query('SELECT 1'), { code: 'DATABASE_FAILED', message: /has ended already/ });
  });

  it('what would wait for the end of a transaction is refused in it, and nowhere else', async (t) => {
    const system = await openSystem(backend, t);
    const refused: unknown[] = [];
    const nested = defineTask<undefined, undefined, string>({
      type: 'nested',
      async run({ transaction, report, children, task }) {
        const [inside, reported] = [gate(), gate()];
        const beside = inside.opened.then(async () => {
          const done = report({ message: 'beside it' });
          reported.open();
          await done;
        });
        let later: (() => Promise<void>) | undefined;
        await transaction(async (tx) => {
          const calls = {
            report: () => report({ progress: 0.5 }),
            transaction: () => transaction(async () => undefined),
            'children.create': () => children.create([{ task: noop }]),
            'children.done': () => children.done(),
          };
          for (const [call, send] of Object.entries(calls))
            await send().catch((error: unknown) => {
              if (isTaskbatonError(error)) refused.push([call, error.code, error.details]);
            });
          later = calls.report;
          inside.open();
          await reported.opened;
          await baton.createTask(noop, undefined, { tx, parent: task.id });
          return { context: 'written' };
        });
        await beside;
        await later?.();
      },
    });
    const baton = await system.replica({ ...HASTY, tasks: [nested, noop] });
    const id = await baton.createTask(nested, undefined);
    const { context, message } = await reaches(baton, id, 'finished');
    assert.deepEqual([context, message], ['written', 'beside it']);
    assert.deepEqual(
      refused,
      ['report', 'transaction', 'children.create', 'children.done'].map((call) => [
        call,
        'INSIDE_TRANSACTION',
        { id, call },
      ]),
    );
    assert.equal((await baton.getTasks({ parent: id })).tasks.length, 1);
  });
});

for (const name of ['postgres', 'mysql'] as const) {
  onBackend(name, (backend) => {
    it('a handler whose statement waits for a lock for ever is fenced off all the same', async (t) => {
      const system = await openSystem(backend, t);
      const database = await openDatabase(system.backend.url, { clock: systemClock });
      t.after(() => database.close());
      const waiting = defineTask({
        type: 'waiting',
        timeout: 200,
        run: ({ transaction }) =>
          transaction(async (tx) => {
            await tx.query(`UPDATE ${system.backend.prefix}row SET value = 2`);
          }),
      });
      const baton = await system.replica({ ...HASTY, tasks: [waiting] });
      await database.query(`CREATE TABLE ${system.backend.prefix}row (value INTEGER NOT NULL)`);
      await database.query(`INSERT INTO ${system.backend.prefix}row VALUES (0)`);
      await database.transaction(async (locked) => {
        await locked.query(`UPDATE ${system.backend.prefix}row SET value = 1`);
        await reaches(baton, await baton.createTask(waiting, undefined), 'failed');
      });
      await baton.stop();
      const { rows } = await database.query(`SELECT value FROM ${system.backend.prefix}row`);
      assert.equal(Number(rows[0]?.['value']), 1);
    });
  });
}
