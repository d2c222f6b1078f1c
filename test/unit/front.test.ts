/** Where claims go on. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Front } from '../../src/runtime/front.ts';

const PLACE = { precedence: 0, turn: 7, id: 3 };
const NEXT = { precedence: 0, turn: 8, id: 1 };

it('a claim of many goes on where the last one ended', () => {
  const front = new Front();
  assert.equal(front.from(100, 0), undefined);
  front.claimed({ after: undefined, last: PLACE, sentAt: 0, answeredAt: 2 });
  assert.equal(front.from(100, 2), PLACE);
  front.claimed({ after: PLACE, last: NEXT, sentAt: 2, answeredAt: 4 });
  assert.equal(front.from(100, 4), NEXT);
});

it('a claim of few takes the first ones', () => {
  const front = new Front();
  front.claimed({ after: undefined, last: PLACE, sentAt: 0, answeredAt: 2 });
  assert.equal(front.from(49, 2), undefined);
  assert.equal(front.from(50, 2), PLACE);
});

it('after one that came back with less than it asked for, the next one begins at the start', () => {
  const front = new Front();
  front.claimed({ after: undefined, last: PLACE, sentAt: 0, answeredAt: 2 });
  front.claimed({ after: PLACE, last: undefined, sentAt: 2, answeredAt: 4 });
  assert.equal(front.from(100, 4), undefined);
});

it('claims begin at the start again after ten times as long as that took, and a second at most', () => {
  for (const [took, rest] of [
    [2, 50],
    [20, 200],
    [700, 1000],
  ] as const) {
    const front = new Front();
    front.claimed({ after: undefined, last: PLACE, sentAt: 0, answeredAt: took });
    // Those that go on don't put it off.
    front.claimed({ after: PLACE, last: NEXT, sentAt: took, answeredAt: took + 1 });
    assert.equal(front.from(100, took + rest - 1), NEXT);
    assert.equal(front.from(100, took + rest), undefined);
  }
});
