/** What a task remembers of its traces: as it was stored, and nothing that is no trace. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { storedTrace, withTrace } from '../../src/core/trace.ts';

const NONE = { created: undefined, stint: undefined };
const CARRIER = { traceparent: '00-1-2-01' };

describe('the trace of a task', () => {
  it('is stored beside what else is stored, and the parts that are there stay', () => {
    const created = withTrace('{"retry":3}', { created: CARRIER });
    assert.deepEqual(storedTrace(created), { created: CARRIER, stint: undefined });
    const both = withTrace(created, { stint: { traceparent: 'x' } });
    assert.deepEqual(JSON.parse(both), {
      retry: 3,
      trace: { created: CARRIER, stint: { traceparent: 'x' } },
    });
    assert.deepEqual(storedTrace(both), { created: CARRIER, stint: { traceparent: 'x' } });
    assert.deepEqual(storedTrace(withTrace(null, { created: CARRIER })).created, CARRIER);
  });

  it('is none where what is stored makes no sense', () => {
    const texts = [null, 'null', '5', '{}', 'no json', '{"trace":null}', '{"trace":"x"}'];
    for (const text of texts) assert.deepEqual(storedTrace(text), NONE, String(text));
    for (const created of ['x', 5, null, {}, { traceparent: 5 }, { traceparent: ['x'] }])
      assert.deepEqual(storedTrace(JSON.stringify({ trace: { created } })), NONE);
  });

  it('has no header that is too long to be one', () => {
    const longest = 'x'.repeat(1024);
    const created = { good: longest, long: `${longest}x`, none: 5 };
    assert.deepEqual(storedTrace(JSON.stringify({ trace: { created } })).created, { good: longest });
  });
});
