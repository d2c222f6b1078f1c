/** The table of errors: complete, used, documented, and each message whole when it reaches a user. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type ErrorCode,
  ERRORS,
  isTaskbatonError,
  messageFrom,
  show,
  TaskbatonError,
} from '../../src/core/errors.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CODES = Object.keys(ERRORS) as ErrorCode[];

describe('the table of errors', () => {
  it('has a message and a remedy for each code, and both are sentences of one line', () => {
    for (const code of CODES) {
      const { message, remedy } = ERRORS[code];
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
      assert.ok(message.length > 0 && !message.includes('\n') && !message.endsWith('.'), code);
      assert.ok(
        remedy.length > 0 && !remedy.includes('\n') && remedy.endsWith('.') !== remedy.endsWith('}'),
        code,
      );
    }
  });

  it('has no code that nothing in the library uses', () => {
    const sources = globSync('src/**/*.ts', { cwd: ROOT })
      .filter((file) => !/errors\.ts$|testing/.test(file))
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n');
    const unused = CODES.filter((code) => !sources.includes(`'${code}'`));
    assert.deepEqual(unused, []);
  });

  it('has no code that the documentation does not know', () => {
    const documentation = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8');
    assert.deepEqual(
      CODES.filter((code) => !documentation.includes(code)),
      [],
    );
  });

  it('fills every hole from the details that the sources give', () => {
    for (const { code, details, place } of throwsInSources()) {
      const { message, remedy } = ERRORS[code];
      const holes = [...`${message} ${remedy}`.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
      const missing = holes.filter((hole) => !details.has(hole));
      assert.deepEqual(missing, [], `${code} in ${place}`);
    }
  });

  it('is known to the sources by no code that it does not have', () => {
    for (const { code, place } of throwsInSources()) assert.ok(CODES.includes(code), `${code} in ${place}`);
  });
});

describe('an error', () => {
  it('says what happened and what to do about it', () => {
    const error = new TaskbatonError('DRIVER_MISSING', { driver: 'pg' });
    assert.equal(error.message, 'the package pg is not installed. Run: npm install pg');
    assert.deepEqual(
      [error.name, error.code, error.remedy],
      ['TaskbatonError', 'DRIVER_MISSING', 'Run: npm install pg'],
    );
    assert.deepEqual(error.details, { driver: 'pg' });
    assert.ok(error instanceof Error);
  });

  it('keeps its cause', () => {
    const cause = new Error('why');
    assert.equal(new TaskbatonError('DATABASE_BUSY', { problem: 'x' }, { cause }).cause, cause);
  });

  it('does not take what fills a hole for a pattern', () => {
    const details = { argument: '$&', value: '{problem} $1', problem: '{value}' };
    const { message } = new TaskbatonError('INVALID_ARGUMENT', details);
    assert.ok(message.startsWith('$& is {problem} $1: {value}. '), message);
  });

  it('is told from others by its code', () => {
    const error = new TaskbatonError('CRASHED');
    assert.equal(isTaskbatonError(error), true);
    assert.equal(isTaskbatonError(error, 'LEASE_LOST', 'CRASHED'), true);
    assert.equal(isTaskbatonError(error, 'LEASE_LOST'), false);
    for (const other of [new Error('x'), { code: 'CRASHED' }, null, undefined, 'CRASHED']) {
      assert.equal(isTaskbatonError(other), false);
    }
  });
});

describe('a value in a message', () => {
  it('is shown on one short line, whatever it is', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const cases: readonly (readonly [unknown, string])[] = [
      ['a\n"b"', '"a\\n\\"b\\""'],
      [5n, '5n'],
      [NaN, 'NaN'],
      [undefined, 'undefined'],
      [null, 'null'],
      [Symbol('s'), 'Symbol(s)'],
      [nothing, 'function nothing'],
      [{ a: 1 }, '{"a":1}'],
      [cycle, '[object Object]'],
      [{ toJSON: () => undefined }, '[object Object]'],
      [Object.create(null), '{}'],
    ];
    for (const [value, text] of cases) assert.equal(show(value), text);
    assert.equal(show('x'.repeat(1000)), `"${'x'.repeat(78)}…`);
    assert.equal(show('x'.repeat(78)), `"${'x'.repeat(78)}"`);
  });

  it('never throws, however hostile the value is', () => {
    const throwing = {
      toJSON(): never {
        throw new Error('no');
      },
    };
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    assert.equal(show(revoked.proxy), 'something that cannot be looked at');
    const unnamed = Object.defineProperty(() => undefined, 'name', { get: () => assert.fail('read') });
    for (const value of [throwing, revoked.proxy, unnamed]) assert.equal(typeof show(value), 'string');
  });

  it('of something thrown is its message, or what it looks like', () => {
    assert.equal(messageFrom(new Error('why')), 'why');
    assert.equal(messageFrom('why'), '"why"');
    assert.equal(messageFrom(undefined), 'undefined');
    const revoked = Proxy.revocable(new Error('x'), {});
    revoked.revoke();
    assert.equal(typeof messageFrom(revoked.proxy), 'string');
  });
});

interface Thrown {
  readonly code: ErrorCode;
  readonly details: ReadonlySet<string>;
  readonly place: string;
}

/** All `new TaskbatonError('CODE', { … })` in the sources whose details are written there. */
function throwsInSources(): readonly Thrown[] {
  return globSync('src/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const code = readFileSync(join(ROOT, file), 'utf8');
    const found = code.matchAll(
      /new TaskbatonError\(\s*'(\w+)'\s*(?:,\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\w+)))?/g,
    );
    return Array.from(found, ([, name, details = '', variable]) => ({
      code: name as ErrorCode,
      details: new Set(details.split(',').map((entry) => entry.split(':')[0]?.trim() ?? '')),
      place: file,
      variable,
    })).filter(({ variable }) => variable === undefined);
  });
}

function nothing(): void {}
