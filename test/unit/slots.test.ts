/** How many handlers may start. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Slots } from '../../src/runtime/slots.ts';

it('all free slots are reserved at once, so that nobody reserves them a second time', () => {
  const slots = new Slots(5);
  assert.equal(slots.capacity, 5);
  assert.equal(slots.reserve(), 5);
  assert.equal(slots.reserve(), 0);
});

it('released slots are free again', () => {
  const slots = new Slots(5);
  slots.reserve();
  slots.release(2);
  slots.release(1);
  assert.equal(slots.reserve(), 3);
  assert.equal(slots.reserve(), 0);
});

it('the slot of a handler that has ended is free while its end is stored, up to eight times as many tasks as slots', () => {
  const slots = new Slots(2);
  assert.equal(slots.reserve(), 2);
  for (let ends = 2; ends <= 16; ends += 2) {
    slots.end();
    slots.end();
    assert.equal(slots.reserve(), ends < 16 ? 2 : 0, `${ends} ends are being stored`);
  }
  assert.equal(slots.stored(), true, 'a free slot waited for that');
  assert.equal(slots.reserve(), 1);
  assert.equal(slots.stored(), true);
  assert.equal(slots.stored(), false);
  assert.equal(slots.reserve(), 1);
});
