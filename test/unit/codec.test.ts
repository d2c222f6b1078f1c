/** What may be shown of a payload: nothing but the kind of its errors, where nobody said more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorShown, hideAll, isCodec, type Redact } from '../../src/core/codec.ts';

const OWNER = { id: 7, type: 'import' };
const ERROR = { name: 'RangeError', message: 'canary', stack: 'canary', code: 'CRASHED' };
const HIDDEN = { name: 'RangeError', message: '(hidden)', code: 'CRASHED' };

describe('a payload of which nobody said what may be shown', () => {
  const payload = { input: 'canary', context: 'canary', message: 'canary', error: ERROR };

  it('is hidden but for the kinds of its errors, and when and where they were', () => {
    const place = { at: new Date(0), attempt: 2, replica: 'r1' };
    assert.deepEqual(hideAll({ ...payload, errors: [{ ...ERROR, ...place }] }, OWNER), {
      input: undefined,
      context: undefined,
      message: undefined,
      error: HIDDEN,
      errors: [{ ...HIDDEN, ...place }],
    });
  });

  it('has no error where there is none', () => {
    assert.equal(hideAll({ ...payload, error: undefined, errors: [] }, OWNER).error, undefined);
  });
});

describe('an error in a log', () => {
  it('is hidden but for its kind', () => assert.deepEqual(errorShown({})(ERROR, OWNER), HIDDEN));

  it('is what a redaction lets through of it alone', () => {
    const redact: Redact = (payload, owner) => {
      const nothing = { input: undefined, context: undefined, message: undefined, errors: [] };
      assert.deepEqual([payload, owner], [{ ...nothing, error: ERROR }, OWNER]);
      return { ...payload, error: { ...ERROR, message: 'shown' } };
    };
    assert.deepEqual(errorShown({ redact })(ERROR, OWNER), { ...ERROR, message: 'shown' });
  });

  it('is hidden where the redaction shows none, or throws', () => {
    assert.deepEqual(
      errorShown({ redact: (payload) => ({ ...payload, error: undefined }) })(ERROR, OWNER),
      HIDDEN,
    );
    const redact = (): never => {
      throw new Error('canary');
    };
    assert.deepEqual(errorShown({ redact })(ERROR, OWNER), HIDDEN);
  });
});

it('a codec is what can encode and decode', () => {
  const codec = { encode: String, decode: String };
  for (const good of [codec, Object.assign(() => undefined, codec)]) assert.equal(isCodec(good), true);
  for (const bad of [
    null,
    undefined,
    5,
    {},
    { encode: String },
    { decode: String },
    { ...codec, encode: 'x' },
  ])
    assert.equal(isCodec(bad), false);
});
