/** Taking tasks from the dead: who counts as dead, what becomes of the tasks, and that the living keep theirs. */
import assert from 'node:assert/strict';
import { type Event, LEASED, type Status, transition } from '../../core/status.ts';
import { Store } from '../../store/store.ts';
import { type Bench, runnable } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';

const ERROR = '{"name":"TaskbatonError","message":"crashed","code":"CRASHED"}';

export const rescue: Operation = {
  name: 'rescue',
  cases: {
    'only replicas whose lease has ended are struck off': async (bench) => {
      const [alive, dead] = [await bench.register(), await bench.register()];
      await bench.expire(dead);
      assert.equal(await bench.store.bury(), 1);
      assert.deepEqual(await bench.replicaIds(), [alive]);
      assert.equal(await bench.store.bury(), 0);
    },

    'tasks of the living are left alone, also of one whose lease ended but who is not struck off yet': async (
      bench,
    ) => {
      const living = await bench.hold('running/run');
      const late = await bench.hold('running/run');
      await bench.expire(late.owner);
      const rows = [await bench.row(living.id), await bench.row(late.id)];
      assert.equal(await bench.store.rescue(ERROR), 0);
      assert.deepEqual([await bench.row(living.id), await bench.row(late.id)], rows);
    },

    'what was to be paused is paused, what was to go goes, and only the rest goes on': async (bench) => {
      const owner = await bench.dead();
      const place = (status: Status): Promise<number> => bench.place(status, { owner, crash_budget: 3 });
      const ids = [await place('running/pause'), await place('running/delete'), await place('running/run')];
      await bench.store.rescue(ERROR);
      const statuses = await Promise.all(ids.map(async (id) => (await bench.row(id)).status));
      assert.deepEqual(statuses, ['paused/pause', 'pending/delete', 'paused/run']);
    },

    'a task that changes hands during a rescue stays with whoever has it now': async (bench) => {
      const owner = await bench.register();
      // After each of its statements in turn, as long as the task is still to be rescued.
      for (let last = 1, changed = true; changed; last++) {
        const dead = await bench.dead();
        const id = await bench.place('running/run', { owner: dead, crash_budget: 3 });
        let sent = 0;
        changed = false;
        const watched = new RecordingDatabase(bench.database, async () => {
          if (++sent !== last || (await bench.row(id)).owner !== dead) return;
          changed = true;
          await bench.update(id, { owner, epoch: 8 });
        });
        const { prefix, schema } = bench.tables;
        await new Store(watched, prefix, schema, bench.dialect).rescue(ERROR);
        if (changed) assert.equal((await bench.row(id)).owner, owner, `after statement ${last}`);
      }
    },

    'a task without a budget fails, or does what its mark asks for': async (bench) => {
      await expectRescued(bench, 'expire', { crash_budget: 0 });
    },

    'a task with a budget is resumed, or does what its mark asks for': async (bench) => {
      await expectRescued(bench, 'recover', { crash_budget: 3, crashes: 2 });
    },

    'a task whose budget is spent fails': async (bench) => {
      await expectRescued(bench, 'expire', { crash_budget: 3, crashes: 3 });
    },

    'a task that crashes its replica again and again is resumed as often as its budget says, then fails':
      async (bench) => {
        const id = await bench.create({ autoRun: true });
        const statuses: string[] = [];
        for (let crash = 1; crash <= 3; crash++) {
          const replica = await bench.register();
          await bench.store.claim({ replica, queue: 'run', types: runnable(['contract', 2]), limit: 1 });
          await bench.store.unregister(replica);
          await bench.store.rescue(ERROR);
          const row = await bench.row(id);
          assert.equal(row.crashes, crash);
          statuses.push(row.status);
        }
        assert.deepEqual(statuses, ['paused/run', 'paused/run', 'failed/run']);
      },

    'the error is kept on those that fail, and on no others': async (bench) => {
      const owner = await bench.dead();
      const ids = await Promise.all(LEASED.map((status) => bench.place(status, { owner, crash_budget: 0 })));
      await bench.store.rescue(ERROR);
      for (const id of ids) {
        const { status, error } = await bench.row(id);
        assert.equal(error, status.startsWith('failed/') ? ERROR : null, status);
      }
    },

    'the last checkpoint stays, and so do attempt and epoch': async (bench) => {
      for (const crash_budget of [0, 3]) {
        const owner = await bench.dead();
        const id = await bench.place('running/run', {
          owner,
          crash_budget,
          context: '"here"',
          progress: 0.5,
          attempt: 2,
        });
        const { epoch } = await bench.row(id);
        await bench.store.rescue(ERROR);
        const row = await bench.row(id);
        assert.deepEqual([row.context, row.progress, row.attempt, row.epoch], ['"here"', 0.5, 2, epoch]);
        assert.equal(row.owner, null);
      }
    },

    'the time in which its replica was dead already is no work': async (bench) => {
      const MINUTE = 60_000;
      for (const crash_budget of [0, 3]) {
        for (const [started, heard, worked] of [
          [9 * MINUTE, 8 * MINUTE, MINUTE],
          // It was claimed after its replica was last heard of.
          [8 * MINUTE, 9 * MINUTE, 0],
        ] as const) {
          const now = await bench.now();
          const columns = { started_at: now - started, worked: 7, crash_budget };
          const fence = await bench.hold('running/run', columns);
          await bench.expire(fence.owner, { renewed_at: now - heard });
          assert.equal(await bench.store.bury(), 1);
          assert.equal(await bench.store.rescue(ERROR), 1);
          assert.equal((await bench.row(fence.id)).worked, 7 + worked);
        }
      }
    },

    'a task that is run again after a rescue works as any other': async (bench) => {
      const fence = await bench.hold('running/run', { crash_budget: 3, started_at: 1000 });
      await bench.expire(fence.owner, { renewed_at: 1000 });
      await bench.store.bury();
      await bench.store.rescue(ERROR);
      const replica = await bench.register();
      const types = runnable(['contract', 3]);
      const { claims } = await bench.store.claim({ replica, queue: 'run', types, limit: 1 });
      assert.equal(claims[0]?.worked.total, 0);
      await bench.update(fence.id, { started_at: (await bench.now()) - 60_000 });
      await bench.store.releaseAll(replica);
      assert.ok((await bench.row(fence.id)).worked >= 60_000);
    },

    'a task whose row somebody holds keeps no replica from being struck off': async (bench) => {
      if (bench.database.dialect === 'sqlite') return;
      const fence = await bench.hold('running/run');
      await bench.expire(fence.owner);
      const other = await bench.connect();
      await other.database.transaction(async (connection) => {
        await connection.query(`SELECT id FROM ${bench.tables.task} WHERE id = ? FOR UPDATE`, [fence.id]);
        assert.equal(await bench.store.bury(), 1);
      });
    },

    'a rescued task goes before all that queued up': async (bench) => {
      const id = await bench.place('running/run', { owner: await bench.dead(), crash_budget: 3 });
      await bench.store.rescue(ERROR);
      const { queue, turn } = await bench.row(id);
      assert.deepEqual([queue, turn], ['run', 0]);
    },

    'one rescue is bounded, and the next ones take the rest': async (bench) => {
      const owner = await bench.dead();
      const ids = await Promise.all(Array.from({ length: 520 }, () => bench.create()));
      await Promise.all(
        ids.map((id) => bench.update(id, { status: 'running/run', owner, started_at: 1000 })),
      );
      const first = await bench.store.rescue(ERROR);
      assert.ok(first > 0 && first < 520, `${first} at once`);
      assert.equal(first + (await bench.store.rescue(ERROR)), 520);
      assert.equal(await bench.store.rescue(ERROR), 0);
    },

    'replicas that rescue at once rescue each task once': async (bench) => {
      const owner = await bench.dead();
      const ids = await Promise.all(
        Array.from({ length: 60 }, () => bench.place('running/run', { owner, crash_budget: 3 })),
      );
      const stores = [bench.store, await bench.connect(), await bench.connect()];
      const counts = await Promise.all(stores.map((store) => store.rescue(ERROR)));
      const crashes = await Promise.all(ids.map(async (id) => (await bench.row(id)).crashes));
      assert.ok(counts.reduce((sum, count) => sum + count, 0) <= ids.length);
      await bench.store.rescue(ERROR);
      assert.ok(crashes.every((count) => count <= 1));
      for (const id of ids) assert.equal((await bench.row(id)).status, 'paused/run');
    },
  },
};

/** All leased statuses, each with a dead owner, take the way of `event`. */
async function expectRescued(
  bench: Bench,
  event: Event,
  columns: Readonly<Record<string, number>>,
): Promise<void> {
  const owner = await bench.dead();
  for (const status of LEASED) {
    const id = await bench.place(status, { owner, ...columns });
    const { crashes } = await bench.row(id);
    assert.equal(await bench.store.rescue(ERROR), 1);
    const row = await bench.row(id);
    assert.deepEqual([row.status, row.crashes, row.owner], [transition(status, event), crashes + 1, null]);
  }
}
