/** Many writes at once: each comes out as it would have by itself, in a number of statements that doesn't grow with them. */
import assert from 'node:assert/strict';
import { isTaskbatonError } from '../../core/errors.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Writes } from '../../runtime/writes.ts';
import type { NewTask } from '../../store/record.ts';
import type { FencedCheckpoint, FencedSettlement, Settlement } from '../../store/settlement.ts';
import { Store } from '../../store/store.ts';
import { type Bench, NO_CHECKPOINT } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';

const MANY = 40;
const NO_USER = null as unknown as string;

export const together: Operation = {
  name: 'together',
  cases: {
    'reports are stored each for its own task, and those of a lost lease are not': async (bench) => {
      const fences = await holdMany(bench, 4);
      const items = fences.map((fence, index) => ({
        fence: index === 2 ? { ...fence, epoch: fence.epoch + 1 } : fence,
        checkpoint: { context: `{"row":${index}}`, progress: index / 10, message: null },
      }));
      assert.deepEqual(await reportedTogether(bench, items), ['done', 'done', 'LEASE_LOST', 'done']);
      const contexts = await Promise.all(fences.map(async ({ id }) => (await bench.row(id)).context));
      assert.deepEqual(contexts, ['{"row":0}', '{"row":1}', null, '{"row":3}']);
    },

    'a report that the database refuses fails alone': async (bench) => {
      const fences = await holdMany(bench, 4);
      const items = fences.map((fence, index) => ({
        fence,
        // More than the column holds, where columns have sizes.
        checkpoint: { context: '{}', progress: null, message: null, version: index === 1 ? 2 ** 40 : 1 },
      }));
      const sized = bench.database.dialect !== 'sqlite';
      const refused = sized ? 'DATABASE_FAILED' : 'done';
      assert.deepEqual(await reportedTogether(bench, items), ['done', refused, 'done', 'done']);
    },

    'a task that somebody else has locked holds up nobody else’s end': async (bench) => {
      // SQLite has no locks of rows.
      if (bench.database.dialect === 'sqlite') return;
      const fences = await holdMany(bench, 6);
      const [locked, ...others] = fences;
      assert.ok(locked !== undefined);
      const other = await bench.connect();
      const writes = new Writes(bench.store, systemClock);
      let end: Promise<unknown> = Promise.resolve();
      await other.database.transaction(async (connection) => {
        await connection.query(`UPDATE ${bench.tables.task} SET priority = 1 WHERE id = ?`, [locked.id]);
        const [first, ...rest] = itemsOf(fences, [{ event: 'finish' }]).map(({ fence, settlement }) =>
          writes.settle(fence, settlement),
        );
        end = first ?? end;
        await Promise.all(rest);
        for (const { id } of others) assert.equal((await bench.row(id)).status, 'finished/run');
        assert.equal((await bench.row(locked.id)).status, 'running/run');
      });
      await end;
      assert.equal((await bench.row(locked.id)).status, 'finished/run');
    },

    'ends of all kinds come out each as its own': async (bench) => {
      const fences = await holdMany(bench, 6);
      const ends: readonly Partial<Settlement>[] = [
        { event: 'finish', checkpoint: { ...NO_CHECKPOINT, context: '"a"', progress: 1 } },
        { event: 'finish', checkpoint: { ...NO_CHECKPOINT, context: '"b"' } },
        { event: 'fail', error: '{"name":"Error","message":"c"}' },
        { event: 'yield' },
        { event: 'retry', error: '{"name":"Error","message":"e"}', due: { delay: 3_600_000 } },
        { event: 'finish', remove: true },
      ];
      assert.deepEqual(
        await endedTogether(bench, itemsOf(fences, ends)),
        Array.from(fences, () => 'done'),
      );
      const rows = await Promise.all(fences.map(({ id }) => bench.find(id)));
      assert.deepEqual(
        rows.map((row) => row && [row.status, row.queue, row.context, JSON.parse(row.error ?? '0')]),
        [
          ['finished/run', null, '"a"', 0],
          ['finished/run', null, '"b"', 0],
          ['failed/run', null, null, { name: 'Error', message: 'c' }],
          ['paused/run', 'run', null, 0],
          ['pending/run', 'later', null, { name: 'Error', message: 'e' }],
          undefined,
        ],
      );
    },

    'whoever has lost the lease is refused, and nobody else': async (bench) => {
      const fences = await holdMany(bench, MANY);
      const wrong = new Set([3, 17]);
      const given = fences.map((fence, index) =>
        wrong.has(index) ? { ...fence, owner: 'somebody else' } : fence,
      );
      const results = await endedTogether(bench, itemsOf(given, [{ event: 'finish' }]));
      for (const [index, result] of results.entries()) {
        assert.equal(result, wrong.has(index) ? 'LEASE_LOST' : 'done');
        const expected = wrong.has(index) ? 'running/run' : 'finished/run';
        assert.equal((await bench.row(fences[index]?.id ?? 0)).status, expected);
      }
    },

    'an earlier claim of a task is not told that it ended what the present one ends': async (bench) => {
      const [fence] = await holdMany(bench, 1);
      assert.ok(fence !== undefined);
      const stale = { ...fence, epoch: fence.epoch - 1 };
      const items = itemsOf([stale, fence], [{ event: 'finish' }]);
      assert.deepEqual(await endedTogether(bench, items), ['LEASE_LOST', 'done']);
    },

    'new tasks get their own ids, and one that the database refuses fails alone': async (bench) => {
      const tasks = Array.from({ length: MANY }, (_, index) =>
        newTask(index === 7 ? NO_USER : `user-${index}`),
      );
      const results = await createdTogether(bench, tasks);
      for (const [index, result] of results.entries()) {
        if (index === 7) assert.equal(result.status, 'rejected');
        else
          assert.equal(
            result.status === 'fulfilled' && (await bench.row(result.value)).task_user,
            `user-${index}`,
          );
      }
    },

    'new tasks that begin in different ways, or have a key, are created each in its way': async (bench) => {
      const results = await createdTogether(bench, [
        newTask('now'),
        { ...newTask('later'), due: { delay: 3_600_000 } },
        { ...newTask('not'), autoRun: false },
        { ...newTask('once'), key: 'k' },
        { ...newTask('once'), key: 'k' },
      ]);
      const ids = results.map((result) => (result.status === 'fulfilled' ? result.value : 0));
      const rows = await Promise.all(ids.map((id) => bench.row(id)));
      assert.deepEqual(
        rows.map(({ task_user: user, queue }) => [user, queue]),
        [
          ['now', 'run'],
          ['later', 'later'],
          ['not', null],
          ['once', 'run'],
          ['once', 'run'],
        ],
      );
      assert.equal(ids[3], ids[4]);
    },

    'many take no more statements than a few': async (bench) => {
      for (const write of [reportAll, endAll, createAll]) {
        const [few, many] = [await write(bench, 3), await write(bench, MANY)];
        assert.equal(many, few);
      }
    },
  },
};

function createdTogether(
  bench: Bench,
  tasks: readonly NewTask[],
): Promise<readonly PromiseSettledResult<number>[]> {
  const writes = new Writes(bench.store, systemClock);
  return Promise.allSettled(tasks.map((task) => writes.create(task)));
}

function reportedTogether(bench: Bench, items: readonly FencedCheckpoint[]): Promise<readonly string[]> {
  const writes = new Writes(bench.store, systemClock);
  return outcomes(items.map(({ fence, checkpoint }) => writes.checkpoint(fence, checkpoint)));
}

function endedTogether(bench: Bench, items: readonly FencedSettlement[]): Promise<readonly string[]> {
  const writes = new Writes(bench.store, systemClock);
  return outcomes(items.map(({ fence, settlement }) => writes.settle(fence, settlement)));
}

/** `done`, or the code of the error. */
async function outcomes(written: readonly Promise<unknown>[]): Promise<readonly string[]> {
  const results = await Promise.allSettled(written);
  return results.map((result) => {
    if (result.status === 'fulfilled') return 'done';
    return isTaskbatonError(result.reason) ? result.reason.code : String(result.reason);
  });
}

async function holdMany(bench: Bench, count: number): Promise<readonly FencedSettlement['fence'][]> {
  const fences: FencedSettlement['fence'][] = [];
  for (let index = 0; index < count; index++) fences.push(await bench.hold('running/run'));
  return fences;
}

/** Each fence with an end; one end serves all. */
function itemsOf(
  fences: readonly FencedSettlement['fence'][],
  ends: readonly Partial<Settlement>[],
): readonly FencedSettlement[] {
  return fences.map((fence, index) => ({
    fence,
    settlement: {
      event: 'finish',
      checkpoint: NO_CHECKPOINT,
      error: null,
      remove: false,
      ...(ends[index] ?? ends[0]),
    },
  }));
}

function newTask(user: string): NewTask {
  return { type: 'together', user, group: '', input: '{}', context: null, autoRun: true };
}

async function reportAll(bench: Bench, count: number): Promise<number> {
  const fences = await holdMany(bench, count);
  return counted(bench, (store) =>
    store.checkpointEach(fences.map((fence) => ({ fence, checkpoint: NO_CHECKPOINT }))),
  );
}

async function endAll(bench: Bench, count: number): Promise<number> {
  const fences = await holdMany(bench, count);
  return counted(bench, (store) => store.settleEach(itemsOf(fences, [{ event: 'finish' }])));
}

function createAll(bench: Bench, count: number): Promise<number> {
  return counted(bench, (store) => store.createEach(Array.from({ length: count }, () => newTask('many'))));
}

/** How many statements a store sends for this. */
async function counted(bench: Bench, act: (store: Store) => Promise<unknown>): Promise<number> {
  const recording = new RecordingDatabase(bench.database);
  const { prefix, dialect } = bench.world;
  await act(new Store(recording, prefix, undefined, dialect));
  return recording.statements.length;
}
