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
