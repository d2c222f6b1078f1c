/** Lengths of time as people write them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inspect } from 'node:util';
import { milliseconds } from '../../src/core/duration.ts';

it('a number is milliseconds, and a text has a unit', () => {
  const good: readonly [unknown, number][] = [
    [0, 0],
    [1500, 1500],
    [1000.4, 1000],
    ['1.005s', 1005],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ];
  for (const [duration, ms] of good) assert.equal(milliseconds(duration), ms, String(duration));
});

it('anything else is no duration', () => {
  const bad = [
    '',
    '30',
    's',
    '30 s',
    ' 30s',
    '30s ',
    '-1s',
    '1e3s',
    '.5s',
    '5.s',
    '30S',
    '1w',
    '1s1s',
    '1\ns',
    -1,
    NaN,
  ];
  for (const duration of [...bad, Infinity, null, undefined, true, [], ['30s'], {}, 5n, new Date(0)]) {
    assert.equal(milliseconds(duration), undefined, inspect(duration));
  }
});
