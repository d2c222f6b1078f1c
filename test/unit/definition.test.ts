/** Definitions and their schemas: what is accepted, what is refused and why, and what schemas of others do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { z } from 'zod';
import { declareTask } from '../../src/core/declaration.ts';
import { crashBudget, type CrashPolicy, defineTask, implement } from '../../src/core/definition.ts';
import { type ErrorCode, isTaskbatonError, type TaskbatonError } from '../../src/core/errors.ts';
import { isSchema, type StandardSchema, typed, validate } from '../../src/core/schema.ts';

const run = (): void => undefined;

describe('a definition', () => {
  it('keeps what it is given, and can not be changed any more', () => {
    const input = z.object({ file: z.string() });
    const definition = defineTask({ type: 'import', input, run, cleanup: run, onCrash: 'resume', retry: 2 });
    assert.deepEqual(definition, {
      type: 'import',
      version: 1,
      input,
      context: undefined,
      run,
      cleanup: run,
      upgrade: undefined,
      onCrash: 'resume',
      retry: 2,
      timeout: undefined,
      keep: undefined,
    });
    assert.ok(Object.isFrozen(definition));
  });

  it('is a declaration with handlers', () => {
    const declaration = declareTask({ type: 'import', input: typed<{ file: string }>() });
    const definition = implement(declaration, { run });
    assert.equal(definition.type, 'import');
    assert.equal(definition.input, declaration.input);
    assert.equal(definition.run, run);
  });

  it('of a declaration leaves handlers out of it', () => {
    assert.deepEqual(Object.keys(declareTask({ type: 'x', run } as { type: string })), [
      'type',
      'version',
      'input',
      'context',
    ]);
  });

  const wrong: readonly (readonly [string, object, ErrorCode, RegExp])[] = [
    ['no type', { run }, 'INVALID_DEFINITION', /type must be a non-empty string/],
    ['an empty type', { type: '', run }, 'INVALID_DEFINITION', /type must be a non-empty string/],
    ['a type that is no text', { type: 5, run }, 'INVALID_DEFINITION', /type must be a non-empty string/],
    ['a type that is too long', { type: 'x'.repeat(256), run }, 'INVALID_ARGUMENT', /256 bytes/],
    ['a type with NUL', { type: 'a\0', run }, 'INVALID_ARGUMENT', /NUL/],
    ['half a character in its type', { type: '\ud800', run }, 'INVALID_ARGUMENT', /surrogate/],
    ['no run', { type: 'x' }, 'INVALID_DEFINITION', /run is undefined/],
    ['a run that is no function', { type: 'x', run: 'go' }, 'INVALID_DEFINITION', /run is "go"/],
    ['a cleanup that is no function', { type: 'x', run, cleanup: {} }, 'INVALID_DEFINITION', /cleanup is {}/],
    [
      'an input that is no schema',
      { type: 'x', run, input: {} },
      'INVALID_DEFINITION',
      /input is {}, not a Standard/,
    ],
    ['an input of null', { type: 'x', run, input: null }, 'INVALID_DEFINITION', /input is null/],
    [
      'a context that is no schema',
      { type: 'x', run, context: String },
      'INVALID_DEFINITION',
      /context is function/,
    ],
    [
      'an unknown policy for crashes',
      { type: 'x', run, onCrash: 'retry' },
      'INVALID_DEFINITION',
      /onCrash is "retry"/,
    ],
    [
      'an upgrade that is no function',
      { type: 'x', run, upgrade: 5 },
      'INVALID_DEFINITION',
      /upgrade is 5, not a function/,
    ],
    [
      'a version of nonsense',
      { type: 'x', run, version: 0 },
      'INVALID_DEFINITION',
      /version is 0, not a whole number from 1 to 1000000/,
    ],
    [
      'a retry of nonsense',
      { type: 'x', run, retry: 0 },
      'INVALID_DEFINITION',
      /retry.attempts is 0: it must be/,
    ],
    [
      'a timeout of nonsense',
      { type: 'x', run, timeout: 0 },
      'INVALID_DEFINITION',
      /timeout.attempt is 0: it must be/,
    ],
    [
      'a keep of nonsense',
      { type: 'x', run, keep: -1 },
      'INVALID_DEFINITION',
      /keep.finished is -1: it must be/,
    ],
    ['a budget of nonsense', { type: 'x', run, onCrash: { resume: -1 } }, 'INVALID_DEFINITION', /onCrash is/],
  ];
  for (const [what, definition, code, problem] of wrong) {
    it(`with ${what} is refused`, () => {
      assert.throws(() => defineTask(definition as never), (error) => isTaskbatonError(error, code) && problem.test(error.message)); // prettier-ignore
    });
  }

  it('that is nothing at all is refused with the same typed error', () => {
    for (const nothing of [undefined, null, 5, 'import']) {
      for (const make of [defineTask, declareTask]) {
        assert.throws(() => make(nothing as never), (error) => isTaskbatonError(error, 'INVALID_DEFINITION')); // prettier-ignore
      }
    }
  });

  it('may say by a function how long to pause before a retry', () => {
    const retry = { backoff: () => 5 };
    assert.equal(defineTask({ type: 'x', run, retry }).retry, retry);
  });

  it('may say how a context of an earlier version becomes one of this', () => {
    const { version, upgrade } = defineTask({ type: 'x', version: 2, run, upgrade: run });
    assert.deepEqual([version, upgrade], [2, run]);
  });

  it('with a wrong name for its type is refused by that argument', () => {
    assert.throws(() => declareTask({ type: 'a\0' }), ({ details }: TaskbatonError) => details['argument'] === 'type'); // prettier-ignore
  });

  it('says how many crashes a task survives', () => {
    const budgets: readonly (readonly [unknown, number | undefined])[] = [
      [undefined, 0],
      ['fail', 0],
      ['resume', 3],
      [{ resume: 0 }, 0],
      [{ resume: 1_000_000 }, 1_000_000],
      [{ resume: 1_000_001 }, undefined],
      [{ resume: 1.5 }, undefined],
      [{ resume: '3' }, undefined],
      [{}, undefined],
      [null, undefined],
      [3, undefined],
      [true, undefined],
    ];
    for (const [policy, budget] of budgets) assert.equal(crashBudget(policy as CrashPolicy), budget);
  });
});

describe('a schema', () => {
  const schemas: readonly (readonly [string, StandardSchema<unknown, unknown>])[] = [
    ['zod', z.object({ file: z.string(), rows: z.coerce.number() })],
    ['valibot', v.object({ file: v.string(), rows: v.pipe(v.unknown(), v.transform(Number), v.number()) })],
    ['our own hands', byHand()],
    ['our own hands, asynchronous', byHand((result) => Promise.resolve(result))],
    ['a function with the property', Object.assign(() => undefined, byHand())],
  ];
  for (const [vendor, schema] of schemas) {
    it(`of ${vendor} is one, gives what it makes of a value, and tells all that is wrong`, async () => {
      assert.equal(isSchema(schema), true);
      assert.deepEqual(await validate(schema, { file: 'a', rows: '5' }, 'INVALID_INPUT', 'import'), {
        file: 'a',
        rows: 5,
      });
      await assert.rejects(
        async () => validate(schema, { file: 5, rows: '5' }, 'INVALID_INPUT', 'import'),
        (error) => {
          assert.ok(isTaskbatonError(error, 'INVALID_INPUT'));
          assert.match(String(error.details['problem']), /^file: /);
          assert.equal(error.details['type'], 'import');
          return true;
        },
      );
    });
  }

  it('may be missing, and then everything fits', async () => {
    const value = { a: 1 };
    assert.equal(await validate(undefined, value, 'INVALID_INPUT', 'x'), value);
    assert.equal(await validate(typed<string>(), value, 'INVALID_INPUT', 'x'), value);
  });

  it('has a validating function under its standard name, or is none', () => {
    for (const value of [undefined, null, 5, 'x', {}, () => 1, { '~standard': null }, { '~standard': {} }]) {
      assert.equal(isSchema(value), false);
    }
    assert.equal(isSchema({ '~standard': { validate: 'x' } }), false);
  });

  it('that only has a type lets everything through', async () => {
    const { vendor, version, validate: check } = typed<string>()['~standard'];
    assert.deepEqual([vendor, version, await check(5)], ['taskbaton', 1, { value: 5 }]);
  });

  it('that is not content with the value as a whole says so without a place', async () => {
    const issues = [{ message: 'wrong' }, { message: 'bad', path: [] }];
    const strict: StandardSchema = { '~standard': { version: 1, vendor: 'x', validate: () => ({ issues }) } };
    await assert.rejects(async () => validate(strict, 1, 'INVALID_INPUT', 'x'), {
      details: { type: 'x', problem: 'wrong; bad' },
    });
  });

  it('that has much to say is cut short', async () => {
    const issues = Array.from({ length: 1000 }, (_, index) => ({
      message: 'wrong',
      path: ['list', { key: index }],
    }));
    const verbose: StandardSchema = {
      '~standard': { version: 1, vendor: 'x', validate: () => ({ issues }) },
    };
    await assert.rejects(
      async () => validate(verbose, 1, 'INVALID_CONTEXT', 'x'),
      (error) => {
        assert.ok(isTaskbatonError(error, 'INVALID_CONTEXT'));
        assert.match(String(error.details['problem']), /^list\.0: wrong; list\.1: wrong; /);
        assert.equal(String(error.details['problem']).length, 1000);
        return true;
      },
    );
  });

  it('that throws has its own error come out', async () => {
    const broken: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'x',
        validate: () => {
          throw new Error('broken schema');
        },
      },
    };
    await assert.rejects(async () => validate(broken, 1, 'INVALID_INPUT', 'x'), /broken schema/);
  });
});

type Result = Exclude<ReturnType<StandardSchema['~standard']['validate']>, Promise<unknown>>;

function byHand(wrap: (result: Result) => Result | Promise<Result> = (result) => result): StandardSchema {
  const check = (value: unknown): Result => {
    const { file, rows } = value as { file: unknown; rows: unknown };
    if (typeof file !== 'string') return { issues: [{ message: 'not a text', path: ['file'] }] };
    return { value: { file, rows: Number(rows) } };
  };
  return { '~standard': { version: 1, vendor: 'hands', validate: (value) => wrap(check(value)) } };
}
