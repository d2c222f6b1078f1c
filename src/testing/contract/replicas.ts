/** Who is alive, since when, and what each one holds. */
import assert from 'node:assert/strict';
import type { Operation } from '../operation.ts';
import { runnable } from '../bench.ts';

export const replicas: Operation = {
  name: 'replicas',
  cases: {
    'a replica shows what it said of itself': async (bench) => {
      const from = await bench.now();
      const types = ['import', 'a "quoted" type'];
      const registered = runnable(...types);
      await bench.store.register({
        id: 'one',
        name: 'host:1',
        lease: 60_000,
        types: registered,
        concurrency: 3,
      });
      const [replica] = await bench.store.replicas();
      assert.ok(replica !== undefined);
      const { startedAt, leaseUntil, leaseLeft, ...rest } = replica;
      assert.deepEqual(rest, {
        id: 'one',
        name: 'host:1',
        types,
        concurrency: 3,
        draining: false,
        drain: undefined,
        blocked: 0,
        blockedBy: undefined,
        running: [],
      });
      assert.ok(startedAt.getTime() >= from && startedAt.getTime() <= (await bench.now()));
      assert.equal(leaseUntil.getTime() - startedAt.getTime(), 60_000);
      assert.ok(leaseLeft > 0 && leaseLeft <= 60_000);
    },

    'a replica whose lease has ended is not alive': async (bench) => {
      const [alive, dead] = [await bench.register(), await bench.register()];
      await bench.expire(dead);
      const ids = (await bench.store.replicas()).map(({ id }) => id);
      assert.deepEqual(ids, [alive]);
    },

    'each shows what it holds and nothing else': async (bench) => {
      const [one, other, idle] = [
        await bench.hold('running/run'),
        await bench.hold('deleting/delete'),
        await bench.register(),
      ];
      const second = await bench.place('running/pause', { owner: one.owner, epoch: 9, type: 'import' });
      await bench.place('pending/run');
      const running = new Map((await bench.store.replicas()).map((replica) => [replica.id, replica.running]));
      const first = { id: one.id, type: 'contract', epoch: one.epoch };
      assert.deepEqual(running.get(one.owner), [first, { id: second, type: 'import', epoch: 9 }]);
      assert.deepEqual(running.get(other.owner), [{ id: other.id, type: 'contract', epoch: other.epoch }]);
      assert.deepEqual(running.get(idle), []);
    },

    'an id is used once': async (bench) => {
      const twin = { id: 'twin', name: 'x', lease: 60_000, types: runnable(), concurrency: 1 };
      await bench.store.register(twin);
      await assert.rejects(bench.store.register(twin));
      assert.deepEqual(await bench.replicaIds(), ['twin']);
    },
  },
};
