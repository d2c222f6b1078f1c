/** A task that is asked to stop while it has others do a part of its work: what it creates, and what becomes of that. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, TaskStopped } from '../../src/index.ts';
import type { Status } from '../../src/core/status.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, type System, vanishes } from '../support/system.ts';

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
});
