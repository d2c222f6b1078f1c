/** Positions in the history: what has been read, whatever the order it came in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  cursorOf,
  isRead,
  lookingFor,
  parseCursor,
  type Position,
  readTo,
  together,
} from '../../src/core/cursor.ts';
import { show } from '../../src/core/errors.ts';

const START: Position = { last: 0, gaps: [] };
const ids = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });

function positionOf(read: readonly number[]): Position {
  return read.reduce(readTo, START);
}

function readIn(position: Position): readonly number[] {
  return Array.from({ length: 60 }, (_, index) => index + 1).filter((id) => isRead(position, id));
}

function inOrder(numbers: Iterable<number>): readonly number[] {
  return [...numbers].toSorted((one, other) => one - other);
}

describe('a position', () => {
  it('knows what was read, in whatever order', () => {
    fc.assert(fc.property(ids, (read) => assert.deepEqual(readIn(positionOf(read)), inOrder(read))));
  });

  it('is the same after it was a text', () => {
    fc.assert(
      fc.property(ids, (read) => {
        const position = positionOf(read);
        assert.deepEqual(parseCursor('since', cursorOf(position)), position);
      }),
    );
  });

  it('of two who have read different things is what either has read', () => {
    fc.assert(
      fc.property(ids, ids, (one, other) => {
        const both = together(positionOf(one), positionOf(other));
        assert.deepEqual(readIn(both), inOrder(new Set([...one, ...other])));
        assert.deepEqual(parseCursor('since', cursorOf(both)), both, 'its gaps are in order and apart');
      }),
    );
  });

  it('that looks for more has not read that, and all else as before', () => {
    fc.assert(
      fc.property(ids, ids, (read, missed) => {
        const position = positionOf(read);
        const looking = lookingFor(
          position,
          missed.map((id) => [id, id]),
        );
        const wanted = new Set(missed);
        assert.deepEqual(
          readIn(looking),
          readIn(position).filter((id) => !wanted.has(id)),
        );
        assert.deepEqual(parseCursor('since', cursorOf(looking)), looking, 'its gaps are in order and apart');
      }),
    );
  });

  it('that looks for its last one has not read that until it comes', () => {
    const looking = lookingFor(positionOf([1, 2, 3]), [[3, 5]]);
    assert.deepEqual(looking, { last: 3, gaps: [[3, 3]] });
    assert.deepEqual(readTo(looking, 3), { last: 3, gaps: [] });
  });

  it('has one gap for all that is missing side by side', () => {
    const looking = lookingFor({ last: 9, gaps: [[2, 3]] }, [
      [4, 5],
      [3, 3],
    ]);
    assert.deepEqual(looking, { last: 9, gaps: [[2, 5]] });
  });

  it('is short while nothing is missing, and names what is', () => {
    assert.equal(cursorOf(positionOf([1, 2, 3])), '3');
    assert.equal(cursorOf(positionOf([1, 3, 7])), '7-2.4_6');
  });

  it('is refused as a text that is none', () => {
    const wrong = [
      '',
      'x',
      '-',
      '5-',
      '5-6',
      '5-3_2',
      '5-3.2',
      '5-1_2_3',
      '5-2.2',
      '5-0',
      5,
      null,
      '1e3',
      '5-3_4.4',
    ];
    for (const cursor of [...wrong, '9'.repeat(17)])
      assert.throws(
        () => parseCursor('since', cursor),
        {
          code: 'INVALID_ARGUMENT',
          details: { argument: 'since', value: show(cursor), problem: 'it must be the cursor of an entry' },
        },
        String(cursor),
      );
  });
});
