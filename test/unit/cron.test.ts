/** The moments of schedules: seconds, month ends, leap days, and both changes of daylight saving time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rule, ScheduleOptions } from '../../src/core/schedule.ts';
import { checkRule, dueOccurrences, nextOccurrence } from '../../src/cron/occurrence.ts';

const task = { type: 't' };

function momentsOf(options: Omit<ScheduleOptions, 'task'>, from: string, count: number): readonly string[] {
  const rule = checkRule({ task, ...options });
  const moments: string[] = [];
  let at = Date.parse(from);
  const anchor = at;
  while (moments.length < count) {
    const next = nextOccurrence(rule, at, anchor);
    if (next === null) break;
    at = next;
    moments.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  }
  return moments;
}

describe('the moments of a rule', () => {
  it('come at seconds, at the ends of months and on leap days', () => {
    assert.deepEqual(momentsOf({ cron: '*/20 * * * * *' }, '2026-01-01T00:00:05Z', 3), [
      '2026-01-01T00:00:20Z',
      '2026-01-01T00:00:40Z',
      '2026-01-01T00:01:00Z',
    ]);
    assert.deepEqual(momentsOf({ cron: '0 12 L * *' }, '2027-01-31T12:00:00Z', 3), [
      '2027-02-28T12:00:00Z',
      '2027-03-31T12:00:00Z',
      '2027-04-30T12:00:00Z',
    ]);
    assert.deepEqual(momentsOf({ cron: '0 0 29 2 *' }, '2026-01-01T00:00:00Z', 2), [
      '2028-02-29T00:00:00Z',
      '2032-02-29T00:00:00Z',
    ]);
  });

  it('at intervals count from when the schedule was set', () => {
    assert.deepEqual(momentsOf({ every: '90s' }, '2026-01-01T00:00:10Z', 2), [
      '2026-01-01T00:01:40Z',
      '2026-01-01T00:03:10Z',
    ]);
  });

  for (const [zone, spring, autumn, before, after] of [
    ['Europe/Berlin', '2026-03-27', '2026-10-23', 1, 2],
    ['America/New_York', '2026-03-06', '2026-10-30', -5, -4],
  ] as const) {
    it(`keep to the clock on the wall of ${zone} at both changes of the year`, () => {
      const wall = (date: string, from: number, to: number): readonly number[] => {
        const moments = momentsOf({ cron: '0 30 12 * * *', zone }, `${date}T20:00:00Z`, 3);
        return moments.map((moment) => Number(moment.slice(11, 13)) + (moment < moments[1]! ? from : to));
      };
      assert.deepEqual(wall(spring, before, after), [12, 12, 12]);
      assert.deepEqual(wall(autumn, after, before), [12, 12, 12]);
    });
  }

  it('come right behind the gap in spring, and come once in the hour that there is twice in autumn', () => {
    const spring = momentsOf({ cron: '30 2 * * *', zone: 'Europe/Berlin' }, '2026-03-28T02:00:00Z', 2);
    // 02:30 on March 29 doesn't exist: three o'clock follows two at once, and that is when it comes.
    assert.deepEqual(spring, ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z']);
    const autumn = momentsOf({ cron: '30 2 * * *', zone: 'Europe/Berlin' }, '2026-10-24T02:00:00Z', 2);
    assert.deepEqual(autumn, ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z']);
  });

  for (const wrong of [
    {},
    { cron: '* * * * *', every: '1m' },
    { cron: 'every day' },
    { cron: '61 * * * *' },
    { cron: '0 0 30 2 *' },
    { cron: 7 },
    { cron: '* * * * *', zone: 'Mars/Olympus' },
    { cron: '* * * * *', zone: 7 },
    { every: '10ms' },
    { every: 'often' },
    { every: '1m', catchUp: 'some' },
    { every: '1m', catchUpLimit: 0 },
    { every: '1m', overlap: 'wait' },
  ]) {
    it(`are refused for ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => checkRule({ task, ...wrong } as ScheduleOptions), { code: 'INVALID_ARGUMENT' });
    });
  }
});

describe('those that were missed', () => {
  const minute = 60_000;
  const anchor = 0;
  const rule = (more: Partial<Rule>): Rule => ({
    cron: null,
    zone: 'UTC',
    every: 10 * minute,
    catchUp: 'skip',
    catchUpLimit: 3,
    overlap: 'allow',
    ...more,
  });

  it('are left out, but one that is late by less than a minute', () => {
    const late = { next: 10 * minute, now: 50 * minute + 30_000, anchor };
    assert.deepEqual(dueOccurrences(rule({}), late), { due: [50 * minute], next: 60 * minute });
    assert.deepEqual(dueOccurrences(rule({}), { ...late, now: 55 * minute }), { due: [], next: 60 * minute });
    assert.deepEqual(dueOccurrences(rule({}), { ...late, now: 10 * minute }), {
      due: [10 * minute],
      next: 20 * minute,
    });
  });

  it('come once, or each up to a limit, if that is wanted', () => {
    const late = { next: 10 * minute, now: 55 * minute, anchor };
    assert.deepEqual(dueOccurrences(rule({ catchUp: 'one' }), late), {
      due: [10 * minute],
      next: 60 * minute,
    });
    assert.deepEqual(dueOccurrences(rule({ catchUp: 'all' }), late), {
      due: [10 * minute, 20 * minute, 30 * minute],
      next: 60 * minute,
    });
  });
});
