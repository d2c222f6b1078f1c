/** The checker itself: it accepts what calls one after another could have brought about, and nothing else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Call, linearize } from './linearizability.ts';
import { type Operation, oneTask, type Result } from './one-task.ts';

const one: Operation = { call: 'claim', replica: 'one', queue: 'run' };
const two: Operation = { call: 'claim', replica: 'two', queue: 'run' };
const reportOfOne: Operation = { call: 'report', replica: 'one', epoch: 1, context: '"a"' };

type Line = readonly [begin: number, end: number, operation: Operation, result: Result];

/** Histories that no order explains, by what is wrong with them. */
const REFUSED: Readonly<Record<string, readonly Line[]>> = {
  'two owners in one epoch': [
    [1, 4, one, 1],
    [2, 3, two, 1],
  ],
  'a second owner while the first one lives': [
    [1, 2, one, 1],
    [3, 4, two, 2],
  ],
  'a write of an owner whose task was rescued': [
    [1, 2, one, 1],
    [3, 4, { call: 'die', replica: 'one' }, 'dead'],
    [5, 6, { call: 'rescue' }, 1],
    [7, 8, reportOfOne, 'stored'],
  ],
  'a write of an older epoch': [
    [1, 2, one, 1],
    [3, 4, { call: 'end', replica: 'one', epoch: 1, event: 'yield' }, 'stored'],
    [5, 6, two, 2],
    [7, 8, { call: 'end', replica: 'one', epoch: 1, event: 'finish' }, 'stored'],
  ],
  'a report that was stored and isn’t seen': [
    [1, 2, one, 1],
    [3, 4, reportOfOne, 'stored'],
    [5, 6, { call: 'get' }, "running in '' with nothing"],
  ],
  'a claim by a replica that is no more': [
    [1, 2, { call: 'die', replica: 'one' }, 'dead'],
    [3, 4, one, 1],
  ],
  'a pause that was answered and lost': [
    [1, 2, { call: 'pause' }, 'changed'],
    [3, 4, one, 1],
  ],
  'a pause that changed something twice': [
    [1, 4, { call: 'pause' }, 'changed'],
    [2, 5, { call: 'pause' }, 'changed'],
  ],
  'a rescue that ignored the mark': [
    [1, 2, one, 1],
    [3, 4, { call: 'delete' }, 'changed'],
    [5, 6, { call: 'die', replica: 'one' }, 'dead'],
    [7, 8, { call: 'rescue' }, 1],
    [9, 10, two, 2],
  ],
  'a call that took effect before it began': [
    [1, 2, { call: 'get' }, "paused in '' with nothing"],
    [3, 4, { call: 'pause' }, 'changed'],
  ],
};

/** The same sort of things, so that an order explains them. */
const ACCEPTED: Readonly<Record<string, readonly Line[]>> = {
  'one of two claims at once': [
    [1, 4, one, 0],
    [2, 3, two, 1],
  ],
  'a look beside a pause, which sees it or doesn’t': [
    [1, 6, { call: 'pause' }, 'changed'],
    [2, 3, { call: 'get' }, "pending in '' with nothing"],
    [4, 5, { call: 'get' }, "paused in '' with nothing"],
  ],
  'a write of a dead owner that nobody has rescued yet': [
    [1, 2, one, 1],
    [3, 4, { call: 'die', replica: 'one' }, 'dead'],
    [5, 8, reportOfOne, 'stored'],
    [6, 9, { call: 'rescue' }, 1],
  ],
};

describe('the check for linearizability', () => {
  for (const [what, lines] of Object.entries(REFUSED))
    it(`refuses ${what}`, () => assert.equal(linearize(lines.map(toCall), oneTask(false)), undefined));

  for (const [what, lines] of Object.entries(ACCEPTED))
    it(`accepts ${what}`, () =>
      assert.equal(linearize(lines.map(toCall), oneTask(false))?.length, lines.length));

  it('lets a claim pass over a task only where others lock it', () => {
    const history = [toCall([1, 2, one, 0])];
    assert.equal(linearize(history, oneTask(false)), undefined);
    assert.notEqual(linearize(history, oneTask(true)), undefined);
  });

  it('ends soon, however many calls overlap', () => {
    const calls = Array.from({ length: 32 }, (_, index): Line => [
      index,
      100 + index,
      { call: 'pause' },
      index < 2 ? 'changed' : 'held',
    ]);
    assert.equal(linearize(calls.map(toCall), oneTask(false)), undefined);
  });
});

function toCall([begin, end, operation, result]: Line): Call<Operation, Result> {
  return { begin, end, operation, result };
}
