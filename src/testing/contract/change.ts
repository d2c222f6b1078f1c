/** What users ask of a task: run, pause, delete. The cells of the table are in `transitions.ts`; here is the rest. */
import assert from 'node:assert/strict';
import { isTaskbatonError } from '../../core/errors.ts';
import { markOf, STATUSES, transition, type UserEvent } from '../../core/status.ts';
import { Store } from '../../store/store.ts';
import { type Bench, refused, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';

const MISSING = 999_999_999;

export const change: Operation = {
  name: 'change',
  cases: {
    'a task that never was, or is gone, is not found': async (bench) => {
      const id = await bench.create();
      await bench.store.change(id, 'delete');
      for (const event of ['run', 'pause', 'delete'] as const) {
        await refused(bench.store.change(MISSING, event), 'TASK_NOT_FOUND', { id: MISSING });
        await refused(bench.store.change(id, event), 'TASK_NOT_FOUND', { id });
      }
    },

    'a task that has begun is not removed before its cleanup': async (bench) => {
      for (const status of [
        'paused/pause',
        'paused/run',
        'finished/run',
        'failed/run',
        'waiting/run',
      ] as const) {
        const id = await bench.place(status);
        await bench.store.change(id, 'delete');
        const row = await bench.row(id);
        assert.deepEqual([row.status, row.queue], ['pending/delete', 'cleanup']);
      }
    },

    'a failed task that runs again is on its next attempt, with all crashes forgiven': async (bench) => {
      const id = await bench.place('failed/run', {
        attempt: 4,
        crashes: 3,
        context: '{"row":5}',
        progress: 0.5,
      });
      await bench.store.change(id, 'run');
      const row = await bench.row(id);
      assert.deepEqual([row.attempt, row.crashes, row.error, row.done_at], [5, 0, null, null]);
      assert.deepEqual(
        [row.context, row.progress],
        ['{"row":5}', 0.5],
        'it goes on from its last checkpoint',
      );
    },

    'a paused task that runs again stays on its attempt, and waits behind those who came before': async (
      bench,
    ) => {
      const early = await bench.create({ autoRun: true });
      const resumed = await bench.place('paused/pause', { attempt: 2, crashes: 1 });
      await bench.store.change(resumed, 'run');
      const row = await bench.row(resumed);
      assert.deepEqual([row.attempt, row.crashes], [2, 1]);
      assert.ok(Number(row.turn) >= Number((await bench.row(early)).turn));
    },

    'a task that is asked to go while a replica holds it stays with its owner until that lets go': async (
      bench,
    ) => {
      const fence = await bench.hold('running/run');
      await bench.store.change(fence.id, 'delete');
      const row = await bench.row(fence.id);
      assert.deepEqual([row.status, row.owner, row.epoch], ['running/delete', fence.owner, fence.epoch]);
    },

    'deleting a cleanup that failed tries it again at once, with its pauses forgiven': async (bench) => {
      const id = await bench.place('failed/delete', { retries: 6, turn: (await bench.now()) + 60_000 });
      await bench.store.change(id, 'delete');
      const row = await bench.row(id);
      assert.deepEqual([row.status, row.queue, row.retries], ['pending/delete', 'cleanup', 0]);
      assert.ok(Number(row.turn) <= (await bench.now()));
    },

    'a run between the two statements of a delete does not get the delete lost': async (bench) => {
      const id = await bench.create();
      await disturbed(bench, id, 'run').change(id, 'delete');
      assert.equal((await bench.row(id)).status, 'pending/delete');
    },

    'a delete between the statements of a delete is an answer, not an accident': async (bench) => {
      const id = await bench.create();
      await refused(disturbed(bench, id, 'delete').change(id, 'delete'), 'TASK_NOT_FOUND', { id });
    },

    'an event that comes between the two looks of another is overcome, or named in the conflict': async (
      bench,
    ) => {
      const id = await bench.place('running/pause', { owner: await bench.register() });
      const finished = await bench.place('finished/run');
      await disturbed(bench, id, 'run').change(id, 'pause');
      assert.equal((await bench.row(id)).status, 'running/pause');
      await refused(disturbed(bench, finished, 'delete').change(finished, 'run'), 'STATE_CONFLICT', {
        status: 'pending/delete',
      });
    },

    'users who ask for different things at once get an answer each, and no delete is lost': async (bench) => {
      const stores = [bench.store, await bench.connect(), await bench.connect()];
      const statuses = STATUSES.filter(
        (status) => transition(status, 'claim') !== undefined || status === 'init/none',
      );
      for (const status of [...statuses, ...Array.from({ length: 20 }, () => 'init/none' as const)]) {
        await contend(bench, stores, await bench.place(status));
      }
    },

    'events and claims that meet leave every task in a status of the table': async (bench) => {
      const replica = await bench.register();
      const ids = await Promise.all(Array.from({ length: 20 }, () => bench.create({ autoRun: true })));
      const claims = bench.store.claim({ replica, queue: 'run', types: runnable(TYPE), limit: 20 });
      const deletes = Promise.all(ids.map((id) => bench.store.change(id, 'delete')));
      await Promise.all([claims, deletes]);
      for (const id of ids) {
        const { status, owner } = await bench.row(id);
        assert.equal(markOf(status), 'delete');
        assert.equal(status === 'running/delete', owner === replica, `${status} is owned by ${owner}`);
      }
    },
  },
};

/** A store in which somebody else's `event` comes after the first statement. */
function disturbed(bench: Bench, id: number, event: UserEvent): Store {
  let disturbances = 0;
  const database = new RecordingDatabase(bench.database, async () => {
    if (disturbances++ === 0) await bench.store.change(id, event);
  });
  return new Store(database, bench.world.prefix, bench.world.schema, bench.world.dialect);
}

/** Three users at once, each with another wish. */
async function contend(bench: Bench, stores: readonly Store[], id: number): Promise<void> {
  const events: readonly UserEvent[] = ['run', 'delete', 'pause'];
  const answers = await Promise.allSettled(
    stores.map((store, index) => store.change(id, events[index] ?? 'run')),
  );
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 'fulfilled') continue;
    assert.notEqual(events[index], 'delete', 'a delete is refused nowhere');
    assert.ok(isTaskbatonError(answer.reason, 'STATE_CONFLICT', 'TASK_NOT_FOUND'), String(answer.reason));
  }
  const row = await bench.find(id);
  if (row !== undefined) assert.equal(markOf(row.status), 'delete');
}
