/** How many tasks it pays to claim ahead. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Pace } from '../../src/runtime/pace.ts';

/** After a claim that took `took` milliseconds, and `ends` that came within `elapsed` since it was sent. */
function paceOf({ took, ends, elapsed }: { took: number; ends: number; elapsed: number }): number {
  const pace = new Pace();
  pace.sent(1000);
  pace.answered(took);
  for (let end = 0; end < ends; end += 1) pace.ended();
  return pace.ahead(1000 + elapsed);
}

it('as many as end while two claims are answered', () => {
  assert.equal(paceOf({ took: 4, ends: 100, elapsed: 10 }), 80);
});

it('none before any has ended, or where handlers take longer than claims', () => {
  assert.equal(new Pace().ahead(0), 0);
  assert.equal(paceOf({ took: 4, ends: 0, elapsed: 10 }), 0);
  assert.equal(paceOf({ took: 4, ends: 100, elapsed: 1000 }), 0);
});

it('none for what ended before the last claim was sent', () => {
  const pace = new Pace();
  pace.sent(0);
  pace.answered(4);
  for (let end = 0; end < 100; end += 1) pace.ended();
  pace.sent(10);
  assert.equal(pace.ahead(20), 0);
});

it('of a claim that took very long, as if it had taken 50 ms', () => {
  assert.equal(paceOf({ took: 5000, ends: 1000, elapsed: 5000 }), 20);
});
