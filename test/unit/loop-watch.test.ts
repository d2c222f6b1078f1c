/** Noticing that the event loop stood still, and saying no more than is known about whose code that was. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blockedLately, LoopWatch, SHOWN_MS } from '../../src/runtime/loop-watch.ts';
import { type EngineEvent, Observer } from '../../src/runtime/observer.ts';
import { ManualClock } from '../support/clock.ts';

const SETTINGS = { lease: 3000, maxBlock: 1800 };
/** What is worth a word, with that lease. */
const THRESHOLD = 500;
const BLOCK = 4000;

const [FIRST, SECOND] = [
  { id: 1, type: 'a', epoch: 1 },
  { id: 2, type: 'b', epoch: 7 },
] as const;

async function watching() {
  const clock = new ManualClock();
  const events: EngineEvent[] = [];
  const observer = new Observer(null);
  observer.on('*', (event) => void events.push(event));
  const watch = new LoopWatch({ clock, observer, settings: SETTINGS });
  watch.start();
  await clock.advance(1000);
  return { clock, watch, events };
}

describe('the watch over the event loop', () => {
  it('says nothing while the loop turns, nor of what is over in a moment', async () => {
    const { clock, watch, events } = await watching();
    await clock.advance(10_000);
    clock.stand(THRESHOLD - 1);
    await clock.advance(10_000);
    assert.deepEqual(events, []);
    assert.deepEqual(watch.lately, { ms: 0, task: 0 });
  });

  it('says for how long it stood still, once', async () => {
    const { clock, events } = await watching();
    clock.stand(BLOCK);
    await clock.advance(10_000);
    assert.equal(events.length, 1);
    const [event] = events;
    assert.ok(event?.name === 'loop.blocked');
    assert.ok(event.ms > BLOCK - 100 && event.ms <= BLOCK, `${event.ms} ms`);
  });

  it('has measured the handler that was entered and gave the loop back only then', async () => {
    const { clock, watch, events } = await watching();
    watch.begin(FIRST);
    watch.begin(SECOND);
    watch.enter(FIRST, () => clock.stand(BLOCK));
    watch.enter(SECOND, () => clock.stand(10));
    await clock.advance(1000);
    const told = { name: 'loop.blocked', ...FIRST, evidence: 'measured', measured: BLOCK, running: 2 };
    assert.partialDeepStrictEqual(events, [told]);
    assert.equal(events.length, 1);
  });

  it('leaves a sign between handlers that hold the loop one after another', async () => {
    const { clock, watch } = await watching();
    for (const suspect of [FIRST, SECOND]) {
      watch.begin(suspect);
      watch.enter(suspect, () => {
        clock.stand(BLOCK);
        assert.equal(clock.monotonic() - watch.cells.read('beat'), BLOCK);
      });
    }
  });

  it('says that a handler was alone, where no other was running', async () => {
    const { clock, watch, events } = await watching();
    watch.begin(SECOND);
    watch.end(SECOND);
    await clock.advance(1000);
    watch.begin(FIRST);
    await clock.advance(1000);
    clock.stand(BLOCK);
    await clock.advance(1000);
    assert.partialDeepStrictEqual(events, [{ ...FIRST, evidence: 'alone', running: 1 }]);
  });

  it('guesses the handler that was entered last of several, and says so', async () => {
    const { clock, watch, events } = await watching();
    watch.begin(FIRST);
    watch.begin(SECOND);
    watch.enter(FIRST, () => undefined);
    watch.enter(SECOND, () => undefined);
    await clock.advance(1000);
    clock.stand(BLOCK);
    await clock.advance(1000);
    assert.partialDeepStrictEqual(events, [{ ...SECOND, evidence: 'last', running: 2 }]);
  });

  it('still knows a handler whose end was the block', async () => {
    const { clock, watch, events } = await watching();
    watch.begin(FIRST);
    clock.stand(BLOCK);
    watch.end(FIRST);
    await clock.advance(1000);
    assert.partialDeepStrictEqual(events, [{ ...FIRST, evidence: 'alone', running: 1 }]);
  });

  it('accuses nobody where no handler was running', async () => {
    const { clock, watch, events } = await watching();
    watch.begin(FIRST);
    watch.end(FIRST);
    await clock.advance(1000);
    clock.stand(BLOCK);
    await clock.advance(1000);
    assert.partialDeepStrictEqual(events, [{ name: 'loop.blocked', evidence: 'none', running: 0 }]);
    assert.ok(!Object.hasOwn(events[0] ?? {}, 'id'));
  });

  it('lets a handler throw', async () => {
    const { watch } = await watching();
    const thrown = new Error('thrown');
    assert.throws(
      () =>
        watch.enter(FIRST, () => {
          throw thrown;
        }),
      thrown,
    );
  });

  it('shows the worst of the last minute, and then no more', async () => {
    const { clock, watch } = await watching();
    watch.begin(FIRST);
    clock.stand(BLOCK);
    await clock.advance(1000);
    const worst = watch.lately;
    assert.equal(worst.task, FIRST.id);
    clock.stand(BLOCK / 2);
    await clock.advance(1000);
    assert.deepEqual(watch.lately, worst);
    await clock.advance(SHOWN_MS);
    assert.deepEqual(watch.lately, { ms: 0, task: 0 });
  });

  it('shows to another thread a block that is under way', async () => {
    const { clock, watch } = await watching();
    watch.begin(FIRST);
    watch.enter(FIRST, () => undefined);
    const seen = (): unknown => blockedLately(watch.cells, clock.monotonic(), THRESHOLD);
    assert.deepEqual(seen(), { ms: 0, task: 0 });
    clock.stand(BLOCK);
    const { ms, task } = seen() as { ms: number; task: number };
    assert.ok(ms >= BLOCK && ms < BLOCK + 100);
    assert.equal(task, FIRST.id);
  });

  it('leaves no timer once it is stopped', async () => {
    const { clock, watch } = await watching();
    watch.stop();
    assert.equal(clock.waiting, 0);
  });
});
