/** A task that is asked to stop while it has others do a part of its work: what it creates, and what becomes of that. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, TaskStopped } from '../../src/index.ts';
import type { Status } from '../../src/core/status.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { eachBackend } from '../backends.ts';
import { FaultyDatabase } from '../support/faulty-database.ts';
import { gate, openSystem, reaches, type System, vanishes } from '../support/system.ts';

const part = defineTask({ type: 'part', run: async () => undefined });

/** So seldom that a handler meets a mark before its replica does. */
const SELDOM = { pollInterval: 60_000, lease: 300_000 };

/** Asks for something as another instance would whose hint gets lost. */
async function mark({ backend: { url, prefix } }: System, id: number, status: Status): Promise<void> {
  const database = await openDatabase(url, { clock: systemClock });
  await database.query(`UPDATE ${prefix}task SET status = ? WHERE id = ?`, [status, id]);
  await database.close();
}

eachBackend((backend) => {
  it('whoever creates children of a task that is being deleted is told to stop, and its cleanup comes at once', async (t) => {
    const system = await openSystem(backend, t);
    const [started, deleted] = [gate(), gate()];
    const caught: unknown[] = [];
    const whole = defineTask({
      type: 'whole',
      retry: { attempts: 5, delay: '1h' },
      async run({ children }) {
        started.open();
        await deleted.opened;
        await children.create([{ task: part }]).catch((error: unknown) => {
          caught.push(error);
          throw error;
        });
      },
      cleanup: async () => undefined,
    });
    const runner = await system.replica({ ...SELDOM, tasks: [whole] });
    const id = await runner.createTask(whole, undefined);
    await started.opened;
    await mark(system, id, 'running/delete');
    deleted.open();
    await vanishes(runner, id);
    assert.ok(caught[0] instanceof TaskStopped, String(caught[0]));
    assert.equal(caught[0].why, 'delete');
  });

  it('who is paused with its children creates no more of them, and does so once it goes on', async (t) => {
    const system = await openSystem(backend, t);
    const [started, paused] = [gate(), gate()];
    const caught: unknown[] = [];
    const middle = defineTask({
      type: 'middle',
      async run({ children }) {
        started.open();
        await paused.opened;
        await children.create([{ task: part }], { context: true }).catch((error: unknown) => {
          caught.push(error);
          throw error;
        });
      },
    });
    const runner = await system.replica({ ...SELDOM, tasks: [middle] });
    const top = await runner.createTask(part, undefined, { autoRun: false });
    const id = await runner.createTask(middle, undefined, { parent: top });
    await started.opened;
    await mark(system, id, 'running/pause');
    paused.open();
    const stopped = await reaches(runner, id, 'paused');
    assert.ok(caught[0] instanceof TaskStopped, String(caught[0]));
    assert.equal(caught[0].why, 'pause');
    assert.equal(stopped.context, undefined);
    assert.deepEqual((await runner.getTasks({ parent: id })).tasks, []);
    await runner.runTask(top, { children: true });
    await system.replica({ tasks: [middle] });
    await reaches(runner, id, 'finished');
    assert.equal((await runner.getTasks({ parent: id })).tasks.length, 1);
  });

  it('a child that is created while its parent is being paused from above is paused too', async (t) => {
    const system = await openSystem(backend, t);
    const other = system.instance();
    const top = await other.createTask(part, undefined);
    const middle = await other.createTask(part, undefined, { parent: top });
    const db = new FaultyDatabase(system.backend.url);
    const created: number[] = [];
    db.fault = async (sql, send) => {
      const result = await send();
      // Right after it was read who is below the uppermost.
      if (created.length === 0 && sql.includes('SELECT id') && sql.includes('parent ')) {
        created.push(0);
        created[0] = await other.createTask(part, undefined, { parent: middle });
      }
      return result;
    };
    await system.instance({ db }).pauseTask(top, { children: true });
    assert.equal((await other.getTask(created[0]!)).state, 'paused');
  });

  it('running a task that can not be run leaves its children as they are', async (t) => {
    const system = await openSystem(backend, t);
    const whole = defineTask({ type: 'whole', run: async () => undefined });
    const baton = await system.replica({ tasks: [whole] });
    const top = await baton.createTask(whole, undefined, { autoRun: false });
    const below = await baton.createTask(part, undefined, { parent: top, autoRun: false });
    await baton.runTask(top);
    await reaches(baton, top, 'finished');
    await assert.rejects(baton.runTask(top, { children: true }), { code: 'STATE_CONFLICT' });
    assert.equal((await baton.getTask(below)).state, 'init');
  });
});
