/** How handlers end: what means that they were stopped, have finished, failed, or go on later. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Finished,
  finished,
  isIterator,
  isStop,
  Snoozed,
  snooze,
  TaskFailed,
  TaskStopped,
} from '../../src/core/handler.ts';

describe('what a handler throws after it was asked to stop', () => {
  const reason = new Error('stop');
  const stopped = { aborted: true, reason };

  it('means that it has stopped if it is the reason, was caused by it, or is an error of its kind', () => {
    const thrown = [
      reason,
      new Error('fetch failed', { cause: reason }),
      new TaskStopped('delete'),
      new DOMException('x', 'AbortError'),
    ];
    for (const one of thrown) assert.equal(isStop(one, stopped), true, String(one));
  });

  it('means that it failed if it is anything else', () => {
    const hostile = Proxy.revocable({}, {});
    hostile.revoke();
    for (const one of [
      new Error('x'),
      'TaskStopped',
      null,
      undefined,
      hostile.proxy,
      Object.assign(() => 1, { cause: reason }),
    ])
      assert.equal(isStop(one, stopped), false);
  });

  it('means that it failed if nobody asked', () => {
    const running = { aborted: false, reason };
    for (const one of [reason, new DOMException('x', 'AbortError')])
      assert.equal(isStop(one, running), false);
  });
});

describe('the reason of a stop', () => {
  it('says why', () => {
    const { name, why, message } = new TaskStopped('lease-lost');
    assert.deepEqual(
      [name, why, message],
      ['TaskStopped', 'lease-lost', 'the task was asked to stop: lease-lost'],
    );
  });
});

describe('an ending', () => {
  it('has finished, with what it is given', () => {
    assert.ok(finished() instanceof Finished);
    assert.deepEqual(finished().ending, {});
    assert.deepEqual(finished({ context: 1, remove: true }).ending, { context: 1, remove: true });
  });

  it('goes on later, from a context or its last one', () => {
    assert.ok(snooze('1h') instanceof Snoozed);
    assert.deepEqual([snooze('1h').duration, snooze('1h').context], ['1h', undefined]);
    const whole = snooze(5, { context: 1 });
    assert.deepEqual([whole.duration, whole.context], [5, 1]);
  });

  it('has failed, to be tried again unless it says otherwise', () => {
    const plain = new TaskFailed('why');
    assert.deepEqual([plain.name, plain.message, plain.retry, plain.ending], ['TaskFailed', 'why', true, {}]);
    assert.equal('cause' in plain, false);
    const cause = new Error('x');
    const whole = new TaskFailed('why', { cause, retry: false, context: 1, remove: true });
    assert.deepEqual([whole.cause, whole.retry, whole.ending], [cause, false, { context: 1, remove: true }]);
  });
});

it('an iterator is an object with next', () => {
  assert.equal(isIterator((function* empty() {})()), true);
  for (const other of [null, undefined, 5, {}, { next: 5 }, Object.assign(() => 1, { next: () => 1 })])
    assert.equal(isIterator(other), false);
});
