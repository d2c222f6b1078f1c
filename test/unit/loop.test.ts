/** A piece of work done again and again, on a clock that the test moves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Loop } from '../../src/runtime/loop.ts';
import { Observer } from '../../src/runtime/observer.ts';
import { ManualClock } from '../support/clock.ts';

const INTERVAL = 1000;

interface Setting {
  readonly loop: Loop;
  readonly clock: ManualClock;
  readonly events: string[];
  /** How many rounds began. */
  readonly rounds: () => number;
}

describe('a loop', () => {
  it('does its first round at once, and then one for each interval', async () => {
    const { loop, clock, rounds } = looping(() => false);
    await clock.advance(5000);
    assert.equal(rounds(), 0, 'not before it is started');
    loop.start();
    await clock.settle();
    assert.equal(rounds(), 1);
    await clock.advance(INTERVAL - 1);
    assert.equal(rounds(), 1);
    await clock.advance(1);
    assert.equal(rounds(), 2);
    await clock.advance(3 * INTERVAL);
    assert.equal(rounds(), 5);
  });

  it('spreads its intervals by a tenth, so that replicas do not march in step', async () => {
    for (const [chance, first] of [
      [0, 900],
      [0.999, 1099],
    ] as const) {
      // prettier-ignore
      const { loop, clock, rounds } = looping(() => false);
      clock.chance = chance;
      loop.start();
      await clock.advance(first - 1);
      assert.equal(rounds(), 1);
      await clock.advance(2);
      assert.equal(rounds(), 2);
    }
  });

  it('does the next round at once when the work asks for it', async () => {
    const { loop, clock, rounds } = looping((round) => round < 4);
    loop.start();
    await clock.advance(0);
    await clock.settle();
    assert.equal(rounds(), 4);
  });

  it('does a round at once when woken, and the interval begins anew', async () => {
    const { loop, clock, rounds } = looping(() => false);
    loop.start();
    await clock.advance(600);
    loop.wake();
    await clock.settle();
    assert.equal(rounds(), 2);
    await clock.advance(999);
    assert.equal(rounds(), 2);
    await clock.advance(1);
    assert.equal(rounds(), 3);
    assert.equal(clock.waiting, 1);
  });

  it('never does two rounds at a time, and many wakes meanwhile are one round more', async () => {
    const gates: (() => void)[] = [];
    let atOnce = 0;
    const { loop, clock, rounds } = looping(async () => {
      atOnce += 1;
      assert.equal(atOnce, 1);
      await new Promise<void>((resolve) => gates.push(resolve));
      atOnce -= 1;
      return false;
    });
    loop.start();
    await clock.settle();
    for (let wakes = 0; wakes < 10; wakes++) loop.wake();
    await clock.settle();
    assert.equal(rounds(), 1);
    gates.shift()?.();
    await clock.settle();
    assert.equal(rounds(), 2);
    gates.shift()?.();
    await clock.settle();
    assert.equal(rounds(), 2);
  });

  it('starts once, and not before it is told to', async () => {
    const { loop, clock, rounds } = looping(() => false);
    loop.wake();
    await clock.settle();
    assert.equal(rounds(), 0);
    loop.start();
    loop.start();
    await clock.settle();
    assert.equal(rounds(), 1);
  });

  it('tries again after pauses that grow, and tells a whole row of failures once', async () => {
    const moments: number[] = [];
    const { loop, clock, events } = looping((round) => {
      moments.push(clock.monotonic());
      if (round <= 8) throw new Error('down');
      return false;
    });
    loop.start();
    await clock.advance(20_000);
    const pauses = moments.slice(1, 9).map((moment, index) => moment - (moments[index] ?? 0));
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
    assert.deepEqual(events, ['loop.failing: down', 'loop.recovered: 8']);
  });

  it('is not driven faster by hints while it fails', async () => {
    const { loop, clock, rounds } = looping(() => {
      throw new Error('down');
    });
    loop.start();
    await clock.settle();
    for (let wakes = 0; wakes < 100; wakes++) {
      loop.wake();
      await clock.settle();
    }
    assert.equal(rounds(), 1);
  });

  it('does what it was woken for while it failed, once it works again', async () => {
    const { loop, clock, rounds } = looping((round) => {
      if (round === 1) throw new Error('down');
      return false;
    });
    loop.start();
    await clock.settle();
    loop.wake();
    await clock.advance(100);
    assert.equal(rounds(), 2, 'this round came after the wake and did its work');
  });

  it('stops for good, and waits for the round under way', async () => {
    const gate = Promise.withResolvers<boolean>();
    const { loop, clock, rounds } = looping(() => gate.promise);
    loop.start();
    await clock.settle();
    let stopped = false;
    const stopping = loop.stop().then(() => (stopped = true));
    await clock.settle();
    assert.equal(stopped, false);
    gate.resolve(true);
    await stopping;
    loop.wake();
    loop.start();
    await clock.advance(10 * INTERVAL);
    assert.equal(rounds(), 1);
    assert.equal(clock.waiting, 0);
  });

  it('that never started stops at once', async () => {
    const { loop, clock, rounds } = looping(() => false);
    await loop.stop();
    loop.start();
    await clock.advance(INTERVAL);
    assert.equal(rounds(), 0);
  });
});

/** A loop whose work is given the number of its round. */
function looping(work: (round: number) => boolean | Promise<boolean>): Setting {
  const clock = new ManualClock();
  const observer = new Observer(null);
  const events: string[] = [];
  observer.on('*', (event) => {
    if (event.name === 'loop.failing') events.push(`${event.name}: ${event.error}`);
    if (event.name === 'loop.recovered') events.push(`${event.name}: ${event.failures}`);
  });
  let rounds = 0;
  const loop = new Loop({
    name: 'test',
    interval: INTERVAL,
    work: async () => work(++rounds),
    clock,
    observer,
  });
  return { loop, clock, events, rounds: () => rounds };
}
