/** What user code hands over, made storable, or refused with a reason; whatever it is, it never does harm. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ErrorCode, isTaskbatonError, TaskbatonError } from '../../src/core/errors.ts';
import { TaskFailed } from '../../src/core/handler.ts';
import type { StoredError } from '../../src/core/task.ts';
import { encodeContext, encodeError, encodeReport, NO_CHECKPOINT } from '../../src/runtime/report.ts';

const LIMIT = 1000;

describe('a report', () => {
  it('that is nothing reports nothing', () => {
    assert.equal(encodeReport(undefined, 'x', LIMIT), NO_CHECKPOINT);
  });

  it('becomes JSON, part by part', () => {
    const cases: readonly (readonly [object, object])[] = [
      [{}, {}],
      [{ context: { row: 1 } }, { context: '{"row":1}' }],
      [{ context: null }, { context: 'null' }],
      [{ progress: 0 }, { progress: 0 }],
      [{ progress: 0.25 }, { progress: 0.25 }],
      [{ message: 'half "way"' }, { message: '"half \\"way\\""' }],
      [{ message: '' }, { message: '""' }],
      [{ context: undefined, progress: undefined, message: undefined }, {}],
    ];
    for (const [report, expected] of cases) {
      assert.deepEqual(encodeReport(report, 'x', LIMIT), { ...NO_CHECKPOINT, ...expected });
    }
  });

  it('that counted a little beyond the ends is held to them', () => {
    for (const [given, kept] of [
      [1.0000001, 1],
      [57, 1],
      [-0.1, 0],
    ] as const) {
      // prettier-ignore
      assert.equal(encodeReport({ progress: given }, 'x', LIMIT).progress, kept);
    }
  });

  it('has a message of a thousand characters at most', () => {
    const { message } = encodeReport({ message: 'x'.repeat(5000) }, 'x', LIMIT);
    assert.equal(JSON.parse(message ?? ''), `${'x'.repeat(999)}…`);
    assert.equal(encodeReport({ message: 'x'.repeat(1000) }, 'x', LIMIT).message?.length, 1002);
  });

  const refused: readonly (readonly [string, unknown, ErrorCode, RegExp])[] = [
    ['null', null, 'INVALID_REPORT', /it is null/],
    ['a number', 0.5, 'INVALID_REPORT', /it is 0\.5/],
    ['a text', 'half way', 'INVALID_REPORT', /it is "half way"/],
    ['a list', [1], 'INVALID_REPORT', /it is \[1\]/],
    ['a function', () => 1, 'INVALID_REPORT', /it is function/],
    ['a BigInt', 5n, 'INVALID_REPORT', /it is 5n/],
    ['a promise', Promise.resolve(), 'INVALID_REPORT', /it is a promise/],
    ['a context without its name', { row: 1 }, 'INVALID_REPORT', /it has "row", which no report has/],
    ['a progress that is a text', { progress: '50%' }, 'INVALID_REPORT', /its progress is "50%"/],
    ['a progress that is no number', { progress: NaN }, 'INVALID_REPORT', /its progress is NaN/],
    ['an infinite progress', { progress: Infinity }, 'INVALID_REPORT', /its progress is Infinity/],
    ['a progress of null', { progress: null }, 'INVALID_REPORT', /its progress is null/],
    ['a message that is no text', { message: 5 }, 'INVALID_REPORT', /its message is 5/],
    ['a context that is no JSON', { context: new Map() }, 'NOT_JSON', /it is a Map/],
    ['a context that is too large', { context: 'x'.repeat(LIMIT) }, 'PAYLOAD_TOO_LARGE', /1002 bytes/],
  ];
  for (const [what, report, code, problem] of refused) {
    it(`that is ${what}, or has it, is refused`, () => {
      assert.throws(
        () => encodeReport(report, 'import', LIMIT),
        (error) =>
          isTaskbatonError(error, code) && problem.test(error.message) && error.message.includes('import'),
      );
    });
  }

  it('that throws when it is read throws no more than that', () => {
    const report = {
      get progress(): number {
        throw new Error('no');
      },
    };
    assert.throws(() => encodeReport(report, 'x', LIMIT), /no/);
  });
});

describe('a context', () => {
  it('is JSON within the limit, and nothing is nothing', () => {
    assert.equal(encodeContext(undefined, 'x', LIMIT), null);
    assert.equal(encodeContext('a', 'x', 3), '"a"');
    assert.throws(
      () => encodeContext('ab', 'x', 3),
      (error) =>
        isTaskbatonError(error, 'PAYLOAD_TOO_LARGE') &&
        error.message.startsWith('the context of a task of type "x"'),
    );
  });
});

describe('an error', () => {
  it('is kept with name, message and stack, and with its code if it is one of ours', () => {
    const plain = stored(new TypeError('wrong'));
    assert.deepEqual([plain.name, plain.message, plain.code], ['TypeError', 'wrong', undefined]);
    assert.match(String(plain.stack), /^TypeError: wrong\n\s+at /);
    assert.deepEqual([stored(new TaskFailed('no file')).name, stored(new TaskFailed('no file')).message], ['TaskFailed', 'no file']); // prettier-ignore
    assert.equal(stored(new TaskbatonError('CRASHED')).code, 'CRASHED');
  });

  it('that is none is kept by what it looks like', () => {
    const cases: readonly (readonly [unknown, string])[] = [
      ['text', '"text"'],
      [undefined, 'undefined'],
      [null, 'null'],
      [42, '42'],
      [{ code: 5 }, '{"code":5}'],
      [Symbol('s'), 'Symbol(s)'],
    ];
    for (const [thrown, message] of cases) assert.deepEqual(stored(thrown), { name: 'NotAnError', message });
  });

  it('is cut to a length that can be stored', () => {
    const error = new Error('m'.repeat(10_000));
    error.name = 'n'.repeat(1000);
    const { name, message, stack } = stored(error);
    assert.deepEqual([name.length, message.length, stack?.length], [100, 2000, 8000]);
  });

  it('that lies about itself is kept all the same', () => {
    const lying = Object.assign(new Error('x'), {
      name: 5,
      message: { toString: () => 'object' },
      stack: undefined,
    });
    assert.deepEqual(stored(lying), { name: '5', message: 'object' });
  });

  it('that throws when it is read is kept as one that does', () => {
    const revoked = Proxy.revocable(new Error('x'), {});
    revoked.revoke();
    const getter = Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('unreadable');
      },
    });
    for (const thrown of [revoked.proxy, getter]) {
      const { name, message } = stored(thrown);
      assert.equal(name, 'NotAnError');
      assert.match(message, /throws when it is read/);
    }
  });

  it('is text that every database stores', () => {
    const text = encodeError(new Error('a\0b\ud800'));
    assert.ok(text.isWellFormed() && !text.includes('\0'));
    assert.equal((JSON.parse(text) as StoredError).message, 'a\0b\ud800');
  });
});

function stored(thrown: unknown): StoredError {
  return JSON.parse(encodeError(thrown)) as StoredError;
}
