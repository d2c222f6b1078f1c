/** JSON in and out: what is accepted comes back as it was, and everything else is refused with the place where it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { decodeJson, encodeJson } from '../../src/core/json.ts';
import { HOSTILE_TEXTS, values } from '../support/hostile.ts';

const LIMIT = 2 ** 20;

class Money {
  readonly amount = 5;
}

const ACCEPTED: readonly (readonly [string, unknown, string])[] = [
  ['null', null, 'null'],
  ['booleans', [true, false], '[true,false]'],
  ['numbers', [0, -1.5, 1e300, Number.MAX_SAFE_INTEGER], '[0,-1.5,1e+300,9007199254740991]'],
  ['texts', 'a"b', '"a\\"b"'],
  ['NUL and halves of surrogate pairs, escaped', '\0\ud800', '"\\u0000\\ud800"'],
  ['empty things', [{}, [], ''], '[{},[],""]'],
  ['objects without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
  ['what says how to become JSON', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['what has a property called toJSON', { toJSON: 5 }, '{"toJSON":5}'],
  ['what wants to know which property it is', { a: { toJSON: (key: string) => [key] } }, '{"a":["a"]}'],
  ['a property that is undefined, as one that is not there', { a: undefined, b: 1 }, '{"b":1}'],
  ['the same object twice, side by side', repeated(), '[{"a":1},{"a":1}]'],
  ['a key called __proto__', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
];

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ['undefined', undefined, 'it is undefined'],
  ['NaN', { a: [1, NaN] }, '.a[1] is NaN'],
  ['infinity', -Infinity, 'it is -Infinity'],
  ['a BigInt', { a: 5n }, '.a is a bigint'],
  ['a function', { a: () => 1 }, '.a is a function'],
  ['a symbol', [Symbol('x')], '[0] is a symbol'],
  ['a hole in an array', [1, , 3], '[1] is undefined'], // eslint-disable-line no-sparse-arrays
  ['undefined in an array', [undefined], '[0] is undefined'],
  ['a Map', { a: new Map() }, '.a is a Map'],
  ['a Set', new Set(), 'it is a Set'],
  ['a Promise', Promise.resolve(1), 'it is a Promise'],
  ['an error', new Error('x'), 'it is an Error'],
  ['bytes', new Uint8Array(2), 'it is a Uint8Array'],
  ['an object of a class', { price: new Money() }, '.price is a Money'],
  ['a boxed text', Object('a'), 'it is a String'],
  ['a regular expression', /x/, 'it is a RegExp'],
  ['something that becomes undefined', { toJSON: () => undefined }, 'it is undefined'],
  ['something that becomes a BigInt', { a: { toJSON: () => 5n } }, '.a is a bigint'],
  ['an invalid date', { at: new Date(NaN) }, '.at is an invalid date'],
  ['something that becomes NaN', { toJSON: () => NaN }, 'it is NaN'],
  ['an object of a class without a name', new (class {})(), 'it is an object of a class'],
  [
    'an object of a class with a name that is no text',
    new (class {
      static name = 5;
    })(),
    'it is an object of a class',
  ],
  ['an object of no class', Object.create(Object.create(null) as object), 'it is an object of a class'],
  ['what lies deep, by the beginning of its way', { ['x'.repeat(99)]: NaN }, `.${'x'.repeat(59)} is NaN`],
  ['what contains itself', cyclic(), '.self contains itself'],
  ['an array that contains itself', cyclicArray(), '[0] contains itself'],
  [
    'what is nested without end',
    nested(100_000),
    'reading it threw "RangeError: Maximum call stack size exceeded"',
  ],
  ['what throws when it is read', throwing(), 'reading it threw "Error: no entry"'],
];

describe('encoding', () => {
  for (const [what, value, text] of ACCEPTED) {
    it(`accepts ${what}`, () =>
      assert.equal(
        encodeJson(value, () => 'it', LIMIT),
        text,
      ));
  }

  for (const [what, value, problem] of REFUSED) {
    it(`refuses ${what}, and says where it is`, () => {
      assert.throws(
        () => encodeJson(value, () => 'the input', LIMIT),
        (error) => {
          assert.ok(isTaskbatonError(error, 'NOT_JSON'), String(error));
          assert.equal(error.details['problem'], problem);
          assert.ok(error.message.startsWith('the input is not JSON: '));
          return true;
        },
      );
    });
  }

  it('keeps what was thrown as the cause', () => {
    assert.throws(
      () => encodeJson(throwing(), () => 'it', LIMIT),
      ({ cause }: Error) => cause instanceof Error && cause.message === 'no entry',
    );
  });

  it('asks of what says itself how to become JSON as JSON.stringify would', () => {
    const asked: string[] = [];
    const toJSON = (key: string): null => {
      asked.push(key);
      return null;
    };
    encodeJson({ toJSON }, () => 'it', LIMIT);
    assert.deepEqual(asked, ['', '']);
  });

  it('counts bytes, to the limit and not beyond', () => {
    assert.equal(
      encodeJson('abc', () => 'it', 5),
      '"abc"',
    );
    assert.equal(
      encodeJson('漢', () => 'it', 5),
      '"漢"',
    );
    for (const value of ['abcd', '漢字']) {
      const size = Buffer.byteLength(JSON.stringify(value));
      assert.throws(
        () => encodeJson(value, () => 'it', 5),
        (error) =>
          isTaskbatonError(error, 'PAYLOAD_TOO_LARGE') &&
          error.details['size'] === size &&
          error.details['limit'] === 5,
      );
    }
  });

  it('makes a text that every database stores as it is', () => {
    for (const text of HOSTILE_TEXTS) {
      const encoded = encodeJson({ [text]: text }, () => 'it', LIMIT);
      assert.ok(encoded.isWellFormed() && !encoded.includes('\0'));
    }
  });
});

describe('decoding', () => {
  it('gives back what was encoded, whatever it was', () => {
    fc.assert(
      fc.property(values, (value) => {
        assert.equal(JSON.stringify(decodeJson(encodeJson(value, () => 'it', LIMIT))), JSON.stringify(value));
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  it('tells nothing from null', () => {
    assert.equal(decodeJson(null), undefined);
    assert.equal(decodeJson('null'), null);
  });

  it('makes __proto__ a property like others', () => {
    const decoded = decodeJson('{"__proto__":{"polluted":true}}') as object;
    assert.ok(Object.hasOwn(decoded, '__proto__'));
    assert.equal(Object.getPrototypeOf(decoded), Object.prototype);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
});

function repeated(): unknown {
  const one = { a: 1 };
  return [one, one];
}

function cyclic(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

function cyclicArray(): unknown {
  const value: unknown[] = [];
  value.push(value);
  return value;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

function throwing(): unknown {
  return Object.defineProperty({}, 'secret', {
    enumerable: true,
    get: () => {
      throw new Error('no entry');
    },
  });
}
