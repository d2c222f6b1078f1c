/** Where claims go on. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Front } from '../../src/runtime/front.ts';

const PLACE = { precedence: 0, turn: 7, id: 3 };
const NEXT = { precedence: 0, turn: 8, id: 1 };

it('a claim of many goes on where the last one ended', () => {
  const front = new Front();
  assert.equal(front.from(100, 0), undefined);
  front.claimed({ after: undefined, last: PLACE, full: true, sentAt: 0, answeredAt: 2 });
  assert.equal(front.from(100, 2), PLACE);
  front.claimed({ after: PLACE, last: NEXT, full: true, sentAt: 2, answeredAt: 4 });
  assert.equal(front.from(100, 4), NEXT);
});

it('a claim of few takes the first ones', () => {
  const front = new Front();
  front.claimed({ after: undefined, last: PLACE, full: true, sentAt: 0, answeredAt: 2 });
  assert.equal(front.from(49, 2), undefined);
  assert.equal(front.from(50, 2), PLACE);
});

it('one that came back with less than it asked for is followed at once by one from the start, and by no other', () => {
  const front = new Front();
  const claim = { last: PLACE, sentAt: 0, answeredAt: 2 };
  assert.equal(front.claimed({ ...claim, after: undefined, full: true }), true);
  assert.equal(front.claimed({ ...claim, after: PLACE, full: false }), true);
  assert.equal(front.from(100, 4), undefined);
  assert.equal(front.claimed({ ...claim, after: undefined, full: false }), false);
});

it('claims begin at the start again after ten times as long as that took, and a second at most', () => {
  for (const [took, rest] of [
    [2, 50],
    [20, 200],
    [700, 1000],
  ] as const) {
    const front = new Front();
    front.claimed({ after: undefined, last: PLACE, full: true, sentAt: 0, answeredAt: took });
    // Those that go on don't put it off.
    front.claimed({ after: PLACE, last: NEXT, full: true, sentAt: took, answeredAt: took + 1 });
    assert.equal(front.from(100, took + rest - 1), NEXT);
    assert.equal(front.from(100, took + rest), undefined);
  }
});
