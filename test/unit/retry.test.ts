/** What a type says of time: the pauses between attempts, how long it may work, and how long its tasks are kept. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkKeep } from '../../src/core/keep.ts';
import {
  type Backoff,
  type CheckedRetry,
  checkRetry,
  checkTimeLimits,
  NO_RETRY,
  NO_TIME_LIMITS,
  nextAttempt,
  storedPolicy,
} from '../../src/core/retry.ts';
import { refusing } from '../support/refusal.ts';

const NO_DURATION = "it must be milliseconds or a text such as '30s', a year at most";

function checked(retry: object): CheckedRetry {
  const refuse = (part: string): never => assert.fail(`${part} is refused`);
  return checkRetry({ attempts: 5000, ...retry }, refuse, true);
}

describe('a retry policy', () => {
  it('pauses for a number of milliseconds, however often it failed', () => {
    for (const delay of [0, 1, '1h'])
      for (const failures of [1, 2, 1024, 1025, 4999]) {
        const next = nextAttempt(checked({ delay }), failures, undefined, 0.5);
        assert.ok(next !== undefined && 'delay' in next && Number.isInteger(next.delay));
        assert.ok(delay !== 0 || next.delay === 0);
      }
  });

  it('never pauses for longer than its max, and spreads the pauses below it', () => {
    const retry = checked({ delay: '1h', max: '1h' });
    const pauses = [0, 0.25, 0.5, 1].map((random) => retry.pause(3, undefined, random));
    assert.deepEqual(pauses, [3_240_000, 3_420_000, 3_600_000, 3_600_000]);
    assert.equal(checked({ backoff: () => '2h', max: '1h' }).pause(1, undefined, 1), 3_600_000);
  });

  it('pauses for longer each time, or for the same', () => {
    const pauses = (retry: object): readonly number[] =>
      [1, 2, 3].map((failures) => checked(retry).pause(failures, undefined, 0.5));
    assert.deepEqual(pauses({ delay: 100 }), [100, 200, 400]);
    assert.deepEqual(pauses({ delay: 100, backoff: 'exponential' }), [100, 200, 400]);
    assert.deepEqual(pauses({ delay: 100, backoff: 'fixed' }), [100, 100, 100]);
    assert.deepEqual(pauses({ backoff: (attempt: number) => attempt * 7 }), [7, 14, 21]);
  });

  it('ends with its attempts: one unless there is a policy, three unless that says otherwise', () => {
    const tries = (retry: unknown): number => {
      const policy = checkRetry(retry, (part) => assert.fail(`${part} is refused`), false);
      return (
        [1, 2, 3, 4, 5].findIndex((failures) => nextAttempt(policy, failures, '', 0.5) === undefined) + 1
      );
    };
    assert.deepEqual([undefined, {}, 1, 4, { attempts: 2 }].map(tries), [1, 3, 1, 4, 2]);
    assert.equal(checkRetry(undefined, assert.fail, false), NO_RETRY);
    assert.equal(NO_RETRY.pause(1, undefined, 1), 0);
  });

  it('has a pause of a second, with a tenth of jitter, unless it says otherwise', () => {
    const policy = checkRetry({}, (part) => assert.fail(`${part} is refused`), false);
    assert.deepEqual(
      [0, 0.5, 1].map((random) => policy.pause(1, undefined, random)),
      [900, 1000, 1100],
    );
    assert.equal(policy.pause(100, undefined, 0.5), 3_600_000);
  });

  it('is refused for any wrong part', () => {
    const refused = (retry: unknown, mayBeFunction = true): unknown =>
      refusing((refuse) => checkRetry(retry, refuse, mayBeFunction));
    const shape = 'it must be a number of attempts or an object';
    for (const retry of [null, 'x', [], true]) assert.deepEqual(refused(retry), ['retry', retry, shape]);
    const number = 'it must be a whole number from 1 to 1000000';
    for (const attempts of [0, 1.5, 1_000_001]) {
      assert.deepEqual(refused({ attempts }), ['retry.attempts', attempts, number]);
      assert.deepEqual(refused(attempts), ['retry.attempts', attempts, number]);
    }
    const backoff = (): number => 5;
    const names = "it must be 'fixed' or 'exponential'";
    assert.deepEqual(refused({ backoff: 'x' }), ['retry.backoff', 'x', `${names}, or a function`]);
    assert.deepEqual(refused({ backoff }, false), ['retry.backoff', backoff, names]);
    for (const jitter of [-0.1, 1.1, '0', NaN, [0]])
      assert.deepEqual(refused({ jitter }), ['retry.jitter', jitter, 'it must be a number from 0 to 1']);
    for (const part of ['delay', 'max'])
      assert.deepEqual(refused({ [part]: 'x' }), [`retry.${part}`, 'x', NO_DURATION]);
    assert.deepEqual(refused({ delay: 31_536_000_001 }), ['retry.delay', 31_536_000_001, NO_DURATION]);
    assert.throws(() => refused({ later: 1 }), {
      details: {
        argument: 'retry.later',
        value: '1',
        problem: 'there is no such part; known are attempts, backoff, delay, max, jitter',
      },
    });
  });

  it('is taken to the ends of its ranges', () => {
    for (const retry of [
      { attempts: 1_000_000 },
      { jitter: 0 },
      { jitter: 1 },
      { delay: '365d', max: '365d' },
    ])
      assert.ok(checked(retry));
  });

  it('says of a function that throws no more than that and the name of the error', () => {
    const problem = (backoff: Backoff | (() => unknown)): unknown =>
      nextAttempt(checked({ backoff }), 1, 'why', 0);
    const rethrows = problem(() => {
      throw new RangeError('canary');
    });
    assert.deepEqual(rethrows, { problem: 'the function retry.backoff threw a RangeError' });
    assert.deepEqual(
      problem(() => {
        // oxlint-disable-next-line typescript/only-throw-error -- bad code is what is tested here
        throw 'canary';
      }),
      { problem: 'the function retry.backoff threw something that is no error' },
    );
    const long = problem(() => {
      throw Object.assign(new Error('canary'), { name: 'x'.repeat(101) });
    });
    assert.deepEqual(long, { problem: `the function retry.backoff threw a ${'x'.repeat(100)}` });
    const hostile = problem(() => {
      throw Object.defineProperty(new Error('canary'), 'name', { get: () => assert.fail('it is looked at') });
    });
    assert.deepEqual(hostile, { problem: 'the function retry.backoff threw something that is no error' });
    assert.deepEqual(
      problem(() => 'canary'),
      {
        problem: 'the function retry.backoff returned a string that is no duration',
      },
    );
    assert.deepEqual(
      problem(() => Number.NaN),
      {
        problem: 'the function retry.backoff returned a number that is no duration',
      },
    );
  });

  it('is read, where it was stored by a later release, without the parts that this one doesn’t know', () => {
    const stored = { retry: { attempts: 2, later: 1 }, timeout: { total: '1h', later: 1 }, later: {} };
    assert.deepEqual(storedPolicy(stored), { retry: { attempts: 2 }, timeout: { total: '1h' } });
    assert.deepEqual(storedPolicy({ retry: 3, timeout: '1h' }), { retry: 3, timeout: '1h' });
    assert.deepEqual(storedPolicy({ retry: null, timeout: null }), { retry: null, timeout: null });
    for (const nothing of [undefined, null, 7, 'x', {}]) assert.deepEqual(storedPolicy(nothing), {});
  });
});

describe('time limits', () => {
  const checkedLimits = (limits: unknown): unknown => refusing((refuse) => checkTimeLimits(limits, refuse));

  it('are of an attempt, of all together, or there are none', () => {
    assert.equal(checkedLimits(undefined), NO_TIME_LIMITS);
    assert.deepEqual(NO_TIME_LIMITS, { attempt: Infinity, total: Infinity });
    assert.deepEqual(checkedLimits('1s'), { attempt: 1000, total: Infinity });
    assert.deepEqual(checkedLimits({ total: 1 }), { attempt: Infinity, total: 1 });
    assert.deepEqual(checkedLimits({ attempt: '1s', total: '1m' }), { attempt: 1000, total: 60_000 });
  });

  it('are refused for any that is none', () => {
    const shape = 'it must be a duration or an object';
    for (const limits of [null, []]) assert.deepEqual(checkedLimits(limits), ['timeout', limits, shape]);
    assert.deepEqual(checkedLimits('x'), ['timeout.attempt', 'x', NO_DURATION]);
    assert.deepEqual(checkedLimits({ total: 'x' }), ['timeout.total', 'x', NO_DURATION]);
    assert.deepEqual(checkedLimits({ attempt: 0 }), ['timeout.attempt', 0, 'it must be longer than nothing']);
    const details = {
      argument: 'timeout.all',
      value: '1',
      problem: 'there is no such part; known are attempt, total',
    };
    assert.throws(() => checkedLimits({ all: 1 }), { details });
  });
});

describe('how long tasks are kept that are done', () => {
  const checkedKeep = (keep: unknown): unknown => refusing((refuse) => checkKeep(keep, refuse));

  it('is for ever, or for a time each', () => {
    assert.equal(checkedKeep(undefined), undefined);
    const week = 7 * 86_400_000;
    assert.deepEqual(checkedKeep('7d'), { finished: week, failed: week, cleanup: false });
    assert.deepEqual(checkedKeep({ failed: 0, cleanup: true }), {
      finished: Infinity,
      failed: 0,
      cleanup: true,
    });
    assert.deepEqual(checkedKeep({ finished: 5 }), { finished: 5, failed: Infinity, cleanup: false });
  });

  it('is refused for any wrong part', () => {
    const shape = 'it must be a duration or an object';
    for (const keep of [null, []]) assert.deepEqual(checkedKeep(keep), ['keep', keep, shape]);
    assert.deepEqual(checkedKeep('x'), ['keep.finished', 'x', NO_DURATION]);
    assert.deepEqual(checkedKeep({ failed: 'x' }), ['keep.failed', 'x', NO_DURATION]);
    assert.deepEqual(checkedKeep({ cleanup: 1 }), ['keep.cleanup', 1, 'it must be true or false']);
    const problem = 'there is no such part; known are finished, failed, cleanup';
    assert.throws(() => checkedKeep({ all: 1 }), { details: { argument: 'keep.all', value: '1', problem } });
  });
});
