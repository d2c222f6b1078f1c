/** Waiting: for a time, for work, or until somebody has enough of it; and no timer outlives the wait. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atMost, jittered, sleep } from '../../src/core/clock.ts';
import { ManualClock } from '../support/clock.ts';

/** Whether a promise has resolved by now. */
function watched(promise: Promise<void>): { readonly over: boolean } {
  const state = { over: false };
  void promise.then(() => (state.over = true));
  return state;
}

describe('sleep', () => {
  it('ends when its time is over', async () => {
    const clock = new ManualClock();
    const nap = watched(sleep(clock, 100));
    await clock.advance(99);
    assert.equal(nap.over, false);
    await clock.advance(1);
    assert.equal(nap.over, true);
  });

  it('ends at once with its signal, whenever that comes', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const nap = watched(sleep(clock, 100, abort.signal));
    abort.abort();
    await clock.settle();
    assert.deepEqual([nap.over, clock.waiting], [true, 0]);
    const none = watched(sleep(clock, 100, abort.signal));
    await clock.settle();
    assert.deepEqual([none.over, clock.waiting], [true, 0]);
  });

  it('leaves nothing on its signal', async () => {
    const clock = new ManualClock();
    const heard = new Listeners();
    void sleep(clock, 100, heard as unknown as AbortSignal);
    assert.deepEqual([heard.count, heard.once], [1, true]);
    await clock.advance(100);
    assert.equal(heard.count, 0);
  });
});

describe('work that is waited for at most a time', () => {
  it('is over with the work, even if that fails', async () => {
    const clock = new ManualClock();
    for (const work of [() => Promise.resolve(), () => Promise.reject(new Error('x'))]) {
      const wait = watched(atMost(clock, 100, work()));
      await clock.settle();
      assert.deepEqual([wait.over, clock.waiting], [true, 0]);
    }
  });

  it('is over with the time', async () => {
    const clock = new ManualClock();
    const wait = watched(atMost(clock, 100, new Promise(() => undefined)));
    await clock.advance(99);
    assert.equal(wait.over, false);
    await clock.advance(1);
    assert.equal(wait.over, true);
  });
});

it('both hold the process up until they are over', () => {
  const held: unknown[] = [];
  const clock = Object.assign(new ManualClock(), {
    after: (_ms: number, _callback: () => void, options?: object) => {
      held.push(options);
      return { cancel: () => undefined };
    },
  });
  void sleep(clock, 1);
  void atMost(clock, 1, new Promise(() => undefined));
  assert.deepEqual(held, [{ hold: true }, { hold: true }]);
});

it('a time is spread from half of it to one and a half', () => {
  const clock = new ManualClock();
  const spread = [0, 0.5, 1].map((chance) => jittered(Object.assign(clock, { chance }), 100));
  assert.deepEqual(spread, [50, 100, 150]);
});

/** As much of a signal as `sleep` uses. */
class Listeners {
  readonly aborted = false;
  readonly #listeners = new Set<() => void>();
  once: boolean | undefined;

  get count(): number {
    return this.#listeners.size;
  }

  addEventListener(type: string, listener: () => void, options?: { readonly once?: boolean }): void {
    assert.equal(type, 'abort');
    this.#listeners.add(listener);
    this.once = options?.once;
  }

  removeEventListener(type: string, listener: () => void): void {
    assert.equal(type, 'abort');
    this.#listeners.delete(listener);
  }
}
