/** A replica that is to take nothing more: who asked, how it is told, and that no claim comes after it. */
import assert from 'node:assert/strict';
import type { QueueName } from '../../core/status.ts';
import { markDraining } from '../../store/drain.ts';
import { countVersions } from '../../store/versions.ts';
import { type Bench, refused, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';

const DRAINING = { by: 'ada', reason: 'a new disk' };

export const drain: Operation = {
  name: 'drain',
  cases: {
    'a replica that is to drain is told so at its next look, and shows who asked for it and why': async (
      bench,
    ) => {
      const [drained, other] = [await bench.register(), await bench.register()];
      await mark(bench, drained);
      assert.deepEqual((await bench.store.look(drained))?.draining, DRAINING);
      assert.equal((await bench.store.look(other))?.draining, undefined);
      const shown = new Map((await bench.store.replicas()).map(({ id, ...rest }) => [id, rest]));
      assert.deepEqual([shown.get(drained)?.draining, shown.get(drained)?.drain], [true, DRAINING]);
      assert.deepEqual([shown.get(other)?.draining, shown.get(other)?.drain], [false, undefined]);
    },

    'nobody need say who asks, or why': async (bench) => {
      const replica = await bench.register();
      await mark(bench, replica, { by: undefined, reason: undefined });
      assert.deepEqual((await bench.store.look(replica))?.draining, { by: undefined, reason: undefined });
    },

    'a replica that drains claims nothing, and others do': async (bench) => {
      await claimsNothingDraining(bench);
    },

    'nor where slots are limited': async (bench) => {
      await bench.store.control.rule(
        { kind: 'type', name: TYPE, second: '' },
        { most: 5 },
        async () => undefined,
      );
      await claimsNothingDraining(bench);
    },

    'what it holds, it holds on, and its lease is renewed': async (bench) => {
      const fence = await bench.hold('running/run');
      await mark(bench, fence.owner);
      const held = (await bench.store.look(fence.owner))?.held.map(({ id }) => id);
      assert.deepEqual(held, [fence.id]);
      assert.equal(await bench.store.renew({ id: fence.owner, lease: 60_000, types: runnable(TYPE) }), true);
      assert.deepEqual((await bench.store.look(fence.owner))?.draining, DRAINING);
      await bench.store.checkpoint(fence, { context: '1', progress: null, message: null });
    },

    'one whose mark is taken away claims again': async (bench) => {
      const id = await bench.create({ autoRun: true });
      const replica = await bench.register();
      await mark(bench, replica);
      await markDraining(bench.store.scopes, replica, undefined);
      assert.equal((await bench.store.look(replica))?.draining, undefined);
      assert.deepEqual(await claimed(bench, replica), [id]);
    },

    'a mark goes along to the id after it': async (bench) => {
      const types = runnable(TYPE);
      const next = { id: 'next', name: 'x', lease: 60_000, types, concurrency: 1, draining: DRAINING };
      await bench.store.register(next);
      assert.deepEqual((await bench.store.look('next'))?.draining, DRAINING);
    },

    'one that drains counts for nobody who could run a type': async (bench) => {
      await bench.create({ autoRun: true });
      const replica = await bench.register();
      const runners = async (): Promise<number | undefined> =>
        (await countVersions(bench.store.scopes))[0]?.replicas;
      assert.equal(await runners(), 1);
      await mark(bench, replica);
      assert.equal(await runners(), 0);
    },

    'a replica that is unknown or dead is not found': async (bench) => {
      const dead = await bench.register();
      await bench.expire(dead);
      for (const id of ['nobody', dead]) {
        await refused(mark(bench, id), 'REPLICA_NOT_FOUND', { id: JSON.stringify(id) });
        await refused(markDraining(bench.store.scopes, id, undefined), 'REPLICA_NOT_FOUND');
      }
    },
  },
};

async function claimsNothingDraining(bench: Bench): Promise<void> {
  const [run, cleanup] = [await bench.create({ autoRun: true }), await bench.place('pending/delete')];
  const [drained, other] = [await bench.register(), await bench.register()];
  await mark(bench, drained);
  assert.deepEqual(await claimed(bench, drained), []);
  assert.deepEqual(await claimed(bench, drained, 'cleanup'), []);
  assert.deepEqual(await claimed(bench, other), [run]);
  assert.deepEqual(await claimed(bench, other, 'cleanup'), [cleanup]);
}

async function claimed(bench: Bench, replica: string, queue: QueueName = 'run'): Promise<readonly number[]> {
  const request = { replica, queue, types: runnable(TYPE), limit: 5 };
  return (await bench.store.claim(request)).claims.map(({ id }) => id);
}

function mark(
  bench: Bench,
  replica: string,
  draining = DRAINING as Parameters<typeof markDraining>[2],
): Promise<void> {
  return markDraining(bench.store.scopes, replica, draining);
}
