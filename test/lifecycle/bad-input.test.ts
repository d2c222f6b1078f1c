/** Bad input: every mistake gets a typed error that names the bad value and says what to do, and nothing is written. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import {
  declareTask,
  defineTask,
  type ErrorCode,
  type Json,
  Taskbaton,
  TaskbatonError,
  type TaskbatonOptions,
  typed,
  type Untyped,
} from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { openSystem, reaches } from '../support/system.ts';

const definition = defineTask({ type: 'known', input: typed<Untyped>(), run: async () => undefined });

/** Checks the code, that the message shows `shown`, and that there is a remedy. */
function typedError(code: ErrorCode, ...shown: readonly (string | RegExp)[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof TaskbatonError, String(error));
    assert.equal(error.code, code, error.message);
    for (const part of shown)
      assert.ok(error.message.match(part) !== null, `${error.message} shows ${String(part)}`);
    assert.ok(error.remedy.length > 10 && error.message.includes(error.remedy));
    return true;
  };
}

describe('options', () => {
  const cases: readonly [string, Record<string, unknown>, string][] = [
    ['concurrency', { concurrency: 0 }, '0'],
    ['concurrency', { concurrency: '5' }, '"5"'],
    ['cleanupConcurrency', { cleanupConcurrency: 1.5 }, '1.5'],
    ['pollInterval', { pollInterval: 'soon' }, 'soon'],
    ['pollInterval', { pollInterval: '20s', lease: '30s' }, '20s'],
    ['lease', { lease: -1 }, '-1'],
    ['stopGrace', { stopGrace: Number.NaN }, 'NaN'],
    ['prefix', { prefix: 'drop table; --' }, 'drop table'],
    ['schema', { schema: 'Public' }, 'Public'],
    ['migrate', { migrate: 'no' }, 'no'],
    ['maxPayload', { maxPayload: 2 ** 30 }, '1073741824'],
    ['logger', { logger: {} }, 'debug'],
    ['tasks', { tasks: {} }, 'array'],
    ['concurency', { concurency: 3 }, 'no such option'],
  ];
  for (const [option, options, value] of cases) {
    it(`${JSON.stringify(options)} is refused, naming ${option} and its value`, () => {
      const make = (): unknown => new Taskbaton({ db: 'sqlite::memory:', ...options });
      assert.throws(make, typedError('INVALID_OPTION', option, value));
    });
  }

  it('no options at all are refused', () => {
    assert.throws(
      () => new Taskbaton(undefined as unknown as TaskbatonOptions),
      typedError('INVALID_OPTION'),
    );
  });
});

describe('definitions', () => {
  const cases: readonly [string, Untyped, ErrorCode][] = [
    ['without a type', { run: async () => undefined }, 'INVALID_DEFINITION'],
    ['with an empty type', { type: '', run: async () => undefined }, 'INVALID_DEFINITION'],
    ['with a type that no database keeps', { type: 'a\0b', run: async () => undefined }, 'INVALID_ARGUMENT'],
    ['without run', { type: 'x' }, 'INVALID_DEFINITION'],
    [
      'with a cleanup that is no function',
      { type: 'x', run: async () => undefined, cleanup: true },
      'INVALID_DEFINITION',
    ],
    [
      'with an input that is no schema',
      { type: 'x', run: async () => undefined, input: {} },
      'INVALID_DEFINITION',
    ],
    [
      'with an unknown crash policy',
      { type: 'x', run: async () => undefined, onCrash: 'retry' },
      'INVALID_DEFINITION',
    ],
    ['that is null', null, 'INVALID_DEFINITION'],
  ];
  for (const [which, bad, code] of cases) {
    it(`a definition ${which} is refused`, () => {
      assert.throws(() => defineTask(bad), typedError(code));
      assert.throws(() => new Taskbaton({ db: 'sqlite::memory:', tasks: [bad] }), typedError(code));
    });
  }

  it('a second definition of a type is refused', () => {
    const baton = new Taskbaton({ db: 'sqlite::memory:', tasks: [definition] });
    assert.throws(() => baton.register(definition), typedError('DUPLICATE_TYPE', 'known'));
  });
});

describe('databases', () => {
  for (const [which, db] of [
    ['a number', 7],
    ['nothing', undefined],
    ['an empty object', {}],
    ['a URL of another kind', 'redis://localhost'],
  ] as const) {
    it(`${which} is no database we know`, async () => {
      await assert.rejects(new Taskbaton({ db }).getTasks(), typedError('UNKNOWN_DATABASE'));
    });
  }

  it('a password in a URL that is refused is not shown', async () => {
    const baton = new Taskbaton({ db: 'oracle://scott:tiger@db/x' });
    await assert.rejects(baton.getTasks(), (error: Error) => !error.message.includes('tiger'));
  });

  it('a server that does not answer is named, and start() may be tried again', async () => {
    const baton = new Taskbaton({ db: 'postgres://nobody@127.0.0.1:9/none', logger: null });
    await assert.rejects(baton.start(), typedError('DATABASE_UNAVAILABLE', /127\.0\.0\.1:9|ECONNREFUSED/));
    await assert.rejects(baton.start(), typedError('DATABASE_UNAVAILABLE'));
    await baton.stop();
  });

  it('a file that is no database, and one in no directory, are named', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'taskbaton-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'text.db');
    writeFileSync(
      file,
      'this is a text and not a database, and it is long enough to be read as a header'.repeat(9),
    );
    await assert.rejects(new Taskbaton({ db: `sqlite:${file}` }).getTasks(), (error) =>
      ['DATABASE_FAILED', 'DATABASE_UNAVAILABLE'].includes((error as TaskbatonError).code),
    );
    const nowhere = join(folder, 'no', 'such', 'tasks.db');
    await assert.rejects(
      new Taskbaton({ db: `sqlite:${nowhere}` }).getTasks(),
      typedError('DATABASE_UNAVAILABLE', 'such'),
    );
  });
});

eachBackend((backend) => {
  it('what createTask is given wrongly is refused before anything is written', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const strict = declareTask({
      type: 'strict',
      input: z.object({ file: z.string() }),
      context: typed<Json>(),
    });
    const loose = declareTask({ type: 'loose' });
    const create = (...[given, input, options]: readonly Untyped[]): Promise<number> =>
      baton.createTask(given, input, options);
    const cycle: Record<string, unknown> = {};
    cycle['me'] = cycle;
    const cases: readonly [Promise<number>, ErrorCode, (string | RegExp)?][] = [
      [create('unheard-of', {}), 'UNKNOWN_TYPE', 'unheard-of'],
      [create(undefined, {}), 'UNKNOWN_TYPE'],
      [create(strict, { file: 7 }), 'INVALID_INPUT', 'file'],
      [create(strict, undefined), 'INVALID_INPUT'],
      [create(loose, { n: 1n }), 'NOT_JSON', 'bigint'],
      [create(loose, cycle), 'NOT_JSON', 'contains itself'],
      [create(loose, () => 1), 'NOT_JSON'],
      [create(loose, new Map()), 'NOT_JSON', 'Map'],
      [create(loose, [undefined]), 'NOT_JSON', '[0]'.replace(/[[\]]/g, '\\$&')],
      [create(loose, 'x'.repeat(2 ** 20)), 'PAYLOAD_TOO_LARGE', '1048578'],
      [create(loose, 1, { context: 'x'.repeat(2 ** 20) }), 'PAYLOAD_TOO_LARGE'],
      [create(loose, 1, { user: 7 }), 'INVALID_ARGUMENT', 'user'],
      [create(loose, 1, { group: 'x'.repeat(256) }), 'INVALID_ARGUMENT', '256'],
      [create(loose, 1, { user: '\ud800' }), 'INVALID_ARGUMENT', 'surrogate'],
      [create(loose, 1, { autoRun: 'yes' }), 'INVALID_ARGUMENT', 'autoRun'],
    ];
    for (const [creating, code, ...shown] of cases)
      await assert.rejects(creating, typedError(code, ...shown.filter((part) => part !== undefined)));
    assert.deepEqual((await baton.getTasks()).tasks, []);
  });

  it('an unknown or impossible id is refused by every method', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    for (const method of ['runTask', 'pauseTask', 'deleteTask', 'getTask'] as const) {
      await assert.rejects(baton[method](4711), typedError('TASK_NOT_FOUND', '4711'));
      for (const id of [0, -1, 1.5, '7', undefined, 2 ** 60]) {
        await assert.rejects(baton[method](id as number), typedError('INVALID_ARGUMENT', 'id'));
      }
    }
    await assert.rejects(baton.changeTaskGroup(4711, 'x'), typedError('TASK_NOT_FOUND'));
    await assert.rejects(
      baton.changeTaskGroup(1, 7 as unknown as string),
      typedError('INVALID_ARGUMENT', 'group'),
    );
  });

  it('a filter that makes no sense is refused', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const bad: readonly Untyped[] = [
      { limit: 0 },
      { limit: 1001 },
      { states: ['canceled'] },
      { states: 'init' },
      { types: [7] },
      { after: 'x' },
      { user: null },
    ];
    for (const filter of bad)
      await assert.rejects(
        baton.getTasks(filter),
        typedError('INVALID_ARGUMENT', (Object.keys(filter as object)[0] ?? '').slice(0, 4)),
      );
  });

  it('without migrate, missing tables are an outdated schema, and migrate() makes them', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance({ migrate: false });
    await assert.rejects(baton.getTasks(), typedError('SCHEMA_OUTDATED', 'migrate'));
    await assert.rejects(baton.start(), typedError('SCHEMA_OUTDATED'));
    await baton.migrate();
    await baton.start();
    assert.deepEqual((await baton.getTasks()).tasks, []);
  });

  it('an input that no longer fits its schema fails the task, and its context is kept', async (t) => {
    const system = await openSystem(backend, t);
    const old = declareTask({ type: 'changing', input: z.object({ a: z.number() }), context: typed<Json>() });
    const id = await system.instance().createTask(old, { a: 1 }, { context: 'kept' });
    const changed = defineTask({
      type: 'changing',
      input: z.object({ b: z.number() }),
      run: async () => undefined,
    });
    const baton = await system.replica({ tasks: [changed] });
    const task = await reaches(baton, id, 'failed');
    assert.deepEqual([task.error?.code, task.context], ['INVALID_INPUT', 'kept']);
  });
});
