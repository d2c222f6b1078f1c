/** The pauses between attempts, as a policy comes to them, and what is said of a function that makes no sense. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Backoff,
  type CheckedRetry,
  checkRetry,
  nextAttempt,
  storedPolicy,
} from '../../src/core/retry.ts';

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
    for (const nothing of [undefined, null, 7, 'x', {}]) assert.deepEqual(storedPolicy(nothing), {});
  });
});
