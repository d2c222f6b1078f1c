/** Ending a claim: the last report and the new status in one write, and only for who holds the task. */
import assert from 'node:assert/strict';
import { LEASED, type Status } from '../../core/status.ts';
import type { Settlement } from '../../store/settlement.ts';
import { Store } from '../../store/store.ts';
import { NO_CHECKPOINT, refused } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';
import { rescuedFrom, wrongFences } from './checkpoint.ts';

const EVENTS = ['yield', 'finish', 'fail'] as const;
const LAST = { context: '"last"', progress: 1, message: '"done"' };

export const settle: Operation = {
  name: 'settle',
  cases: {
    'the last report moves together with the status': async (bench) => {
      for (const event of EVENTS) {
        const fence = await bench.hold('running/run', { context: '"before"', progress: 0.5 });
        await bench.store.settle(fence, { event, checkpoint: LAST, error: null, remove: false });
        const { context, progress, message } = await bench.row(fence.id);
        assert.deepEqual({ context, progress, message }, LAST);
      }
    },

    'an end without a report keeps the last one': async (bench) => {
      for (const event of EVENTS) {
        const fence = await bench.hold('running/run', {
          context: '"before"',
          progress: 0.5,
          message: '"so far"',
        });
        await bench.store.settle(fence, settlement(event));
        const { context, progress, message } = await bench.row(fence.id);
        assert.deepEqual([context, progress, message], ['"before"', 0.5, '"so far"']);
      }
    },

    'a failure keeps its error, and the next end forgets it': async (bench) => {
      const fence = await bench.hold('running/run');
      const error = '{"name":"Error","message":"no such file"}';
      await bench.store.settle(fence, { ...settlement('fail'), error });
      assert.deepEqual((await bench.store.get(fence.id, false)).error, {
        name: 'Error',
        message: 'no such file',
      });
    },

    'whoever is given back remembers how its last attempt ended, and has worked no longer': async (bench) => {
      const fence = await bench.hold('running/run', { error: '{"name":"Error","message":"no such file"}' });
      const before = await bench.row(fence.id);
      await bench.store.settle(fence, settlement('unclaim'));
      const { error, worked, started_at: startedAt } = await bench.row(fence.id);
      assert.deepEqual(
        { error, worked, startedAt },
        { error: before.error, worked: before.worked, startedAt: null },
      );
    },

    'nobody settles twice': async (bench) => {
      for (const event of EVENTS) {
        const fence = await bench.hold('running/run');
        await bench.store.settle(fence, settlement(event));
        const row = await bench.row(fence.id);
        for (const again of EVENTS) await refused(bench.store.settle(fence, settlement(again)), 'LEASE_LOST');
        assert.deepEqual(await bench.row(fence.id), row);
      }
    },

    'whoever has the wrong epoch, owner or id writes nothing, in no status and by no event': async (
      bench,
    ) => {
      for (const status of LEASED) {
        const fence = await bench.hold(status);
        const row = await bench.row(fence.id);
        for (const wrong of wrongFences(fence)) {
          for (const event of EVENTS) {
            for (const remove of [false, true]) {
              const end = { event, checkpoint: LAST, error: '{}', remove };
              await refused(bench.store.settle(wrong, end), 'LEASE_LOST', {
                id: wrong.id,
                epoch: wrong.epoch,
              });
            }
          }
        }
        assert.deepEqual(await bench.row(fence.id), row);
      }
    },

    'a replica that is rescued from settles nothing': async (bench) => {
      const fence = await rescuedFrom(bench);
      const row = await bench.row(fence.id);
      for (const event of EVENTS) {
        for (const remove of [false, true]) {
          await refused(bench.store.settle(fence, { ...settlement(event), remove }), 'LEASE_LOST');
        }
      }
      assert.deepEqual(await bench.row(fence.id), row);
    },

    'an end that removes takes the record, unless a cleanup is due': async (bench) => {
      for (const event of ['finish', 'fail'] as const) {
        for (const status of ['running/run', 'running/pause', 'running/delete'] as const) {
          const fence = await bench.hold(status);
          await bench.store.settle(fence, { ...settlement(event), remove: true });
          const left = (await bench.find(fence.id))?.status;
          assert.equal(
            left,
            status === 'running/delete' ? 'pending/delete' : undefined,
            `${event} in ${status}`,
          );
        }
      }
    },

    'a pause before the next attempt, or a snooze, does not put off the cleanup of a task that was deleted':
      async (bench) => {
        for (const event of ['retry', 'snooze'] as const) {
          const fence = await bench.hold('running/delete');
          await bench.store.settle(fence, { ...settlement(event), due: { delay: 3_600_000 } });
          const { status, queue } = await bench.row(fence.id);
          assert.deepEqual([status, queue], ['pending/delete', 'cleanup'], event);
        }
      },

    'a cleanup that snoozes waits until it is due': async (bench) => {
      const fence = await bench.hold('deleting/delete');
      await bench.store.settle(fence, { ...settlement('snooze'), due: { delay: 3_600_000 } });
      const { status, queue } = await bench.row(fence.id);
      assert.deepEqual([status, queue], ['pending/delete', 'later']);
    },

    'a cleanup that fails with remove is kept and tried again': async (bench) => {
      const fence = await bench.hold('deleting/delete');
      await bench.store.settle(fence, { ...settlement('fail'), remove: true });
      assert.equal((await bench.row(fence.id)).status, 'failed/delete');
    },

    'an end is one statement, and two only where it removes and a delete came before': async (bench) => {
      for (const [status, remove, statements, left] of [
        ['running/run', false, 1, 'finished/run'],
        ['running/run', true, 1, undefined],
        ['running/pause', true, 1, undefined],
        ['running/delete', true, 2, 'pending/delete'],
      ] as const) {
        const fence = await bench.hold(status);
        const recording = new RecordingDatabase(bench.database);
        const { prefix, schema, dialect } = bench.world;
        await new Store(recording, prefix, schema, dialect).settle(fence, {
          ...settlement('finish'),
          remove,
        });
        assert.equal(recording.statements.length, statements, status);
        assert.equal((await bench.find(fence.id))?.status, left satisfies Status | undefined);
      }
    },

    'ends and deletes that meet lose neither the delete nor the cleanup': async (bench) => {
      const other = await bench.connect();
      for (let round = 0; round < 30; round++) {
        const fence = await bench.hold('running/run');
        const end = bench.store.settle(fence, { ...settlement('finish'), remove: round % 2 === 0 });
        const deleted = other.change(fence.id, 'delete').then(
          () => true,
          () => false,
        );
        await end;
        const expected = (await deleted) ? 'pending/delete' : undefined;
        // Removed before the delete came, or else waiting for its cleanup.
        assert.equal((await bench.find(fence.id))?.status, expected);
        await bench.clear();
      }
    },
  },
};

function settlement(event: Settlement['event']): Settlement {
  return { event, checkpoint: NO_CHECKPOINT, error: null, remove: false };
}
