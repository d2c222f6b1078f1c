/** Which parts of the slots a round looks through: between them, rounds at any times look at all, and at none too often. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tidyingDue } from '../../src/queue/scheduler.ts';
import { SLOT_PARTS } from '../../src/queue/slots.ts';

const BEGIN = 1_764_300_000_123;
const SECOND = 1000;

/** How often each part came within `ms`, with rounds so far apart. */
function looks(ms: number, apart: number): { readonly swept: number[]; readonly adopted: number[] } {
  const swept = Array.from({ length: SLOT_PARTS }, () => 0);
  const adopted = [...swept];
  let tidiedAt = BEGIN;
  for (let now = BEGIN; now < BEGIN + ms; now += apart) {
    const { parts, adopt } = tidyingDue(now, tidiedAt);
    for (const part of parts) swept[part]! += 1;
    for (const part of adopt) adopted[part]! += 1;
    if (parts.length > 0) tidiedAt = now;
  }
  return { swept, adopted };
}

describe('slots are looked through', () => {
  it('each four times a second, and running tasks once, by rounds that follow each other closely', () => {
    const { swept, adopted } = looks(10 * SECOND, 3);
    assert.ok(
      swept.every((count) => Math.abs(count - 40) <= 1),
      String(swept),
    );
    assert.ok(
      adopted.every((count) => Math.abs(count - 10) <= 1),
      String(adopted),
    );
  });

  it('all of them by each round, if rounds are far apart', () => {
    const rounds = 10;
    const { swept, adopted } = looks(rounds * SECOND, SECOND);
    for (const counts of [swept, adopted])
      assert.deepEqual(
        counts,
        counts.map(() => rounds - 1),
      );
  });

  it('all of them in good time by rounds at any distance', () => {
    for (let apart = 1; apart < 2 * SECOND; apart += 7) {
      const { swept, adopted } = looks(20 * SECOND, apart);
      assert.ok(
        Math.min(...swept) >= Math.floor(20 / Math.max(0.25, apart / SECOND)) - 2,
        `${apart}: ${swept.join()}`,
      );
      assert.ok(
        Math.min(...adopted) >= Math.floor(20 / Math.max(1, apart / SECOND)) - 2,
        `${apart}: ${adopted.join()}`,
      );
    }
  });

  it('no more than one part by most rounds that follow each other closely', () => {
    const due = Array.from({ length: 100 }, (_, index) =>
      tidyingDue(BEGIN + index * 14, BEGIN + (index - 1) * 14),
    );
    assert.ok(due.every(({ parts, adopt }) => parts.length <= 1 && adopt.length <= 1));
  });

  it('all of them after the clock was set back', () => {
    const { parts, adopt } = tidyingDue(BEGIN - 3_600_000, BEGIN);
    assert.deepEqual([parts.length, adopt.length], [SLOT_PARTS, SLOT_PARTS]);
  });

  it('all of them before anything was ever looked through', () => {
    assert.equal(tidyingDue(BEGIN, 0).parts.length, SLOT_PARTS);
  });
});
