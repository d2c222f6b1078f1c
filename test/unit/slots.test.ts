/** How many handlers may start, and how many tasks are held for them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Slots } from '../../src/runtime/slots.ts';

it('all free slots are reserved at once, so that nobody reserves them a second time', () => {
  const slots = new Slots(5);
  assert.equal(slots.reserve(), 5);
  assert.equal(slots.reserve(), 0);
});

it('slots that nobody came for are free again', () => {
  const slots = new Slots(5);
  slots.claimed(2, slots.reserve());
  assert.equal(slots.reserve(), 3);
  assert.equal(slots.reserve(), 0);
});

it('what is claimed ahead waits until a handler has ended', () => {
  const slots = new Slots(2);
  assert.equal(slots.reserve(3), 5);
  slots.claimed(5, 5);
  assert.deepEqual([slots.begin(), slots.begin(), slots.begin()], [true, true, false]);
  slots.end(true);
  assert.deepEqual([slots.begin(), slots.begin()], [true, false]);
});

it('nothing more is claimed ahead as long as half of it waits', () => {
  const slots = new Slots(2);
  slots.claimed(6, slots.reserve(4));
  for (const left of [4, 3]) {
    while (slots.begin());
    assert.equal(slots.reserve(4), 0, `${left} wait`);
    slots.end(true);
  }
  while (slots.begin());
  assert.equal(slots.reserve(), 0);
  assert.equal(slots.reserve(4), 2);
});

it('ahead are at most nine times the slots, and with these as many as one claim may take', () => {
  assert.equal(new Slots(1).reserve(Infinity), 10);
  assert.equal(new Slots(200).reserve(Infinity), 1000);
  assert.equal(new Slots(2000).reserve(Infinity), 2000);
});

it('what is given back before it has begun leaves its place to another', () => {
  const slots = new Slots(1);
  slots.claimed(3, slots.reserve(2));
  assert.equal(slots.begin(), true);
  slots.end(false);
  slots.end(false);
  assert.equal(slots.begin(), false, 'the one slot is taken');
  assert.equal(slots.reserve(), 0);
  slots.end(true);
  assert.equal(slots.reserve(), 1);
});

it('the slot of a handler that has ended is free while its end is stored, up to eight times what may be claimed', () => {
  const slots = new Slots(1000);
  for (let held = 1000; held <= 8000; held += 1000) {
    assert.equal(slots.reserve(), 1000);
    slots.claimed(1000, 1000);
    while (slots.begin());
    for (let ends = 0; ends < 1000; ends += 1) slots.end(true);
  }
  assert.equal(slots.reserve(), 0);
  assert.equal(slots.stored(), true, 'a free slot waited for that');
  assert.equal(slots.reserve(), 1);
  for (let stored = 1; stored < 1000; stored += 1) assert.equal(slots.stored(), true);
  assert.equal(slots.stored(), false);
  assert.equal(slots.reserve(), 999);
});
