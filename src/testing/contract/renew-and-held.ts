/** A replica's lease, and the marks of what it holds: what every tick asks for. */
import assert from 'node:assert/strict';
import { LEASED } from '../../core/status.ts';
import { type Bench, runnable } from '../bench.ts';
import type { Operation } from '../operation.ts';

export const renewAndHeld: Operation = {
  name: 'renew and held',
  cases: {
    'a lease lasts from now, by the time of the database': async (bench) => {
      const from = await bench.now();
      const id = await bench.register();
      const to = await bench.now();
      const until = await leaseOf(bench, id);
      assert.ok(until >= from + 60_000 && until <= to + 60_000);
    },

    'a live lease is renewed from now': async (bench) => {
      const id = await bench.register();
      const from = await bench.now();
      assert.equal(await bench.store.renew({ id, lease: 90_000, types: runnable('renewed') }), true);
      assert.ok((await leaseOf(bench, id)) >= from + 90_000);
      assert.equal(
        await bench.store.renew({ id, lease: 90_000, types: runnable('renewed') }),
        true,
        'twice in the same millisecond, too',
      );
    },

    'a renewal tells which types the replica runs by now': async (bench) => {
      const [id, other] = [await bench.register(['before']), await bench.register(['other'])];
      await bench.store.renew({ id, lease: 60_000, types: runnable('before', 'since') });
      const types = new Map((await bench.store.replicas()).map((replica) => [replica.id, replica.types]));
      assert.deepEqual([types.get(id), types.get(other)], [['before', 'since'], ['other']]);
    },

    'a lease that has ended never comes back': async (bench) => {
      const id = await bench.register();
      await bench.expire(id);
      assert.equal(await bench.store.renew({ id, lease: 60_000, types: runnable('renewed') }), false);
      assert.equal(await bench.store.look(id), undefined);
      assert.equal(await bench.store.bury(), 1);
      assert.equal(await bench.store.renew({ id, lease: 60_000, types: runnable('renewed') }), false);
    },

    'a lease that nobody has is not renewed, and nobody else is by mistake': async (bench) => {
      const id = await bench.register();
      const until = await leaseOf(bench, id);
      assert.equal(
        await bench.store.renew({ id: 'nobody', lease: 90_000, types: runnable('renewed') }),
        false,
      );
      assert.equal(await leaseOf(bench, id), until);
    },

    'a lease that was given up is gone': async (bench) => {
      const [leaving, staying] = [await bench.register(), await bench.register()];
      await bench.store.unregister(leaving);
      assert.equal(
        await bench.store.renew({ id: leaving, lease: 60_000, types: runnable('renewed') }),
        false,
      );
      assert.deepEqual(await bench.replicaIds(), [staying]);
      await bench.store.unregister(leaving);
    },

    'a replica holds nothing at first, which is not the same as having no lease': async (bench) => {
      assert.deepEqual((await bench.store.look(await bench.register()))?.held, []);
      assert.equal(await bench.store.look('nobody'), undefined);
    },

    'a replica is told all that it holds, with epoch and mark, and nothing else': async (bench) => {
      const [mine, other] = [await bench.register(), await bench.register()];
      const expected = new Map<number, readonly [number, string]>();
      for (const [index, status] of LEASED.entries()) {
        expected.set(await bench.place(status, { owner: mine, epoch: index + 3 }), [index + 3, status]);
        await bench.place(status, { owner: other });
        await bench.place('pending/run');
      }
      const held = (await bench.store.look(mine))?.held ?? [];
      assert.deepEqual(new Map(held.map(({ id, epoch, status }) => [id, [epoch, status]])), expected);
    },

    'a mark that a user sets is there at the next look': async (bench) => {
      const fence = await bench.hold('running/run');
      await bench.store.change(fence.id, 'pause');
      assert.deepEqual((await bench.store.look(fence.owner))?.held, [
        { id: fence.id, epoch: fence.epoch, status: 'running/pause' },
      ]);
    },
  },
};

async function leaseOf(bench: Bench, id: string): Promise<number> {
  const replica = (await bench.store.replicas()).find((candidate) => candidate.id === id);
  assert.ok(replica !== undefined, `${id} is not alive`);
  return replica.leaseUntil.getTime();
}
