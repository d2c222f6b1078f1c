/** Hints: who is told of what, and that they reach other handles. That one may be lost is the engine's business. */
import assert from 'node:assert/strict';
import { type Subscription, WAKE_TOPICS, type WakeTopic } from '../../core/connection.ts';
import { QUEUES } from '../../core/status.ts';
import { Store } from '../../store/store.ts';
import { type Bench, NO_CHECKPOINT, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';

export const hints: Operation = {
  name: 'hints',
  cases: {
    'a hint reaches listeners on other handles and on its own': async (bench) => {
      const other = await bench.connect();
      const [here, there] = [await listen(bench.store), await listen(other)];
      for (const store of [bench.store, other]) {
        for (const topic of WAKE_TOPICS) {
          const heard = [here.next(topic), there.next(topic)];
          await store.hint(topic);
          await Promise.all(heard);
        }
      }
      await Promise.all([here.close(), there.close()]);
    },

    'many hints at once are not lost altogether': async (bench) => {
      const ear = await listen(await bench.connect());
      for (let round = 0; round < 5; round++) {
        const heard = ear.next('run');
        await Promise.all(Array.from({ length: 50 }, () => bench.store.hint('run')));
        await heard;
      }
      await ear.close();
    },

    'who does not listen any more hears nothing': async (bench) => {
      const [closed, open] = [await listen(bench.store), await listen(bench.store)];
      await closed.close();
      const before = closed.count();
      const heard = open.next('tick');
      await bench.store.hint('tick');
      await heard;
      assert.equal(closed.count(), before);
      await open.close();
    },

    'two systems in one database do not wake each other': async (bench) => {
      const neighbour = await bench.connect(`${bench.world.prefix}b_`);
      await neighbour.prepare(true);
      const [mine, theirs] = [await listen(bench.store), await listen(neighbour)];
      const before = mine.count();
      const heard = theirs.next('run');
      await neighbour.hint('run');
      await heard;
      const own = mine.next('tick');
      await bench.store.hint('tick');
      await own;
      assert.equal(mine.count(), before + 1);
      await Promise.all([mine.close(), theirs.close()]);
    },

    'a hint that cannot be sent is lost without a word': async (bench) => {
      const store = await bench.connect();
      await store.database.close();
      await store.hint('run');
    },

    'each operation hints at what others should look at, and only if it changed something': async (bench) => {
      const recording = new RecordingDatabase(bench.database);
      const store = new Store(recording, bench.world.prefix, bench.world.schema, bench.world.dialect);
      for (const [what, expected, act] of await hinting(bench, store)) {
        recording.topics.length = 0;
        await act();
        assert.deepEqual(recording.topics, expected, what);
      }
    },
  },
};

type Hinting = readonly [what: string, topics: readonly WakeTopic[], act: () => Promise<unknown>];

async function hinting(bench: Bench, store: Store): Promise<readonly Hinting[]> {
  const idle = await bench.create();
  const task = { type: TYPE, user: '', group: '', input: null, context: null };
  const [yielding, unclaiming, finishing, releasing] = [
    await hold(bench),
    await hold(bench),
    await hold(bench),
    await hold(bench),
  ];
  const settlement = { checkpoint: NO_CHECKPOINT, error: null, remove: false };
  const orphan = await bench.place('running/run', { owner: await bench.dead(), crash_budget: 1 });
  return [
    ['create and run', ['run'], () => store.create({ ...task, autoRun: true })],
    ['create', [], () => store.create({ ...task, autoRun: false })],
    ['create for later', ['due'], () => store.create({ ...task, autoRun: true, due: { delay: 1000 } })],
    ['run', QUEUES, () => store.change(idle, 'run')],
    ['run again', [], () => store.change(idle, 'run')],
    ['pause', ['tick'], () => store.change(idle, 'pause')],
    ['delete', ['tick', 'cleanup'], () => store.change(idle, 'delete')],
    ['move', QUEUES, () => store.changeGroup(idle, 'night')],
    ['checkpoint', [], () => store.checkpoint(yielding, NO_CHECKPOINT)],
    ['yield', QUEUES, () => store.settle(yielding, { ...settlement, event: 'yield' })],
    ['unclaim', QUEUES, () => store.settle(unclaiming, { ...settlement, event: 'unclaim' })],
    ['finish', [], () => store.settle(finishing, { ...settlement, event: 'finish' })],
    ['release', QUEUES, () => store.release(releasing)],
    ['release again', [], () => store.release(releasing)],
    ['rescue', QUEUES, () => store.rescue('{}')],
    ['rescue nothing', [], () => store.rescue('{}')],
    ['retry nothing', [], () => store.retryCleanups()],
    ['a failed cleanup comes back', ['cleanup'], () => failedCleanup(bench, store, orphan)],
  ];
}

function hold(bench: Bench): Promise<{ id: number; owner: string; epoch: number }> {
  return bench.hold('running/run');
}

async function failedCleanup(bench: Bench, store: Store, id: number): Promise<void> {
  await bench.update(id, { status: 'failed/delete', queue: null, turn: 1 });
  assert.equal(await store.retryCleanups(), 1);
}

interface Ear extends Subscription {
  /** Resolves with the next hint about `topic`. */
  next(topic: WakeTopic): Promise<void>;
  /** How many hints came so far. */
  count(): number;
}

/** A listener that hears. */
async function listen(store: Store): Promise<Ear> {
  const waiting = new Set<{ readonly topic: WakeTopic; readonly resolve: () => void }>();
  const working = Promise.withResolvers<void>();
  let count = 0;
  const subscription = await store.listen({
    wake: (topic) => {
      count += 1;
      for (const one of waiting) if (one.topic === topic && waiting.delete(one)) one.resolve();
    },
    health: (works) => {
      if (works) working.resolve();
    },
  });
  await working.promise;
  return {
    close: () => subscription.close(),
    next: (topic) => new Promise((resolve) => void waiting.add({ topic, resolve })),
    count: () => count,
  };
}
