/** The options: defaults, and every invalid one refused by its name and with its value. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { NO_LIMITS } from '../../src/core/limit.ts';
import { resolveOptions, type TaskbatonOptions } from '../../src/core/options.ts';
import { FIFO } from '../../src/core/policy.ts';

const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

describe('options', () => {
  it('have their defaults', () => {
    assert.deepEqual(resolveOptions({ db: 'sqlite:x' }), {
      prefix: 'taskbaton_',
      schema: undefined,
      tasks: [],
      concurrency: 5,
      cleanupConcurrency: 5,
      pollInterval: 1000,
      lease: 30_000,
      heartbeat: 'thread',
      maxBlock: 18_000,
      stopGrace: 30_000,
      policies: { run: FIFO, cleanup: FIFO },
      ownQueues: {},
      limits: NO_LIMITS,
      migrate: true,
      maxPayload: 1_048_576,
      codec: undefined,
      redact: undefined,
      history: { level: 'changes', keep: 30 * 86_400_000, contexts: false },
      logger: undefined,
    });
  });

  it('that are given as undefined have their defaults, too', () => {
    const options = { db: 1, prefix: undefined, lease: undefined, concurrency: undefined, logger: undefined };
    assert.deepEqual(resolveOptions(options), resolveOptions({ db: 1 }));
  });

  it('are taken as they are, with durations in milliseconds', () => {
    const given: TaskbatonOptions = {
      db: 'sqlite:x',
      prefix: 'mine_',
      schema: 'jobs',
      tasks: [],
      concurrency: 1,
      cleanupConcurrency: 10_000,
      pollInterval: '500ms',
      lease: '1m',
      heartbeat: 'loop',
      maxBlock: '10s',
      stopGrace: 0,
      migrate: false,
      maxPayload: 16 * 2 ** 20,
      codec: { encode: (text) => text, decode: (text) => text },
      redact: (payload) => payload,
      history: { level: 'all', keep: '1h', contexts: true },
      logger,
    };
    const { db: _db, ...rest } = given;
    assert.deepEqual(resolveOptions(given), {
      ...rest,
      policies: { run: FIFO, cleanup: FIFO },
      ownQueues: {},
      limits: NO_LIMITS,
      pollInterval: 500,
      lease: 60_000,
      heartbeat: 'loop',
      maxBlock: 10_000,
      history: { level: 'all', keep: 3_600_000, contexts: true },
    });
    assert.equal(resolveOptions({ db: 1, logger: null }).logger, null);
  });

  it('poll four times in a short lease unless told otherwise', () => {
    assert.equal(resolveOptions({ db: 1, lease: '2s' }).pollInterval, 500);
    assert.equal(resolveOptions({ db: 1, lease: '10s' }).pollInterval, 1000);
    assert.equal(resolveOptions({ db: 1, lease: '4s', pollInterval: 800 }).pollInterval, 800);
  });

  const wrong: readonly (readonly [option: string, values: readonly unknown[]])[] = [
    [
      'prefix',
      ['', '1a', 'A', 'a-b', 'a b', 'a;', 'a"', "a'", 'a.b', 'ä', 'x'.repeat(41), 5, null, {}, ['a']],
    ],
    ['schema', ['', 'a.b', 'A', 'x'.repeat(41), 5, null]],
    ['tasks', [null, {}, 'a', new Set()]],
    ['concurrency', [0, -1, 1.5, 10_001, NaN, Infinity, '5', null, 5n]],
    ['cleanupConcurrency', [0, -1, 1.5, 10_001, NaN, '5', null]],
    ['pollInterval', [0, 9, -5, '1', 'soon', '2h', NaN, null, {}]],
    ['heartbeat', ['', 'threads', null, true, 1]],
    ['maxBlock', [0, 99, '99ms', '2d', 'x', NaN, null, true]],
    ['lease', [0, 499, '499ms', '2d', 'x', NaN, null, true]],
    ['stopGrace', [-1, '2d', '30', null]],
    ['migrate', [0, 1, 'true', 'no', null]],
    ['maxPayload', [0, -1, 1.5, 16 * 2 ** 20 + 1, '1MiB', NaN, null]],
    ['history', [null, 5, true]],
    ['history.level', ['on', '', null, 1]],
    ['history.keep', ['59s', 'soon', -1, null]],
    ['history.contexts', ['yes', 1, null]],
    ['history.reports', [true]],
    [
      'logger',
      ['console', 5, false, {}, { debug: nothing, info: nothing, warn: nothing }, { ...logger, error: 'x' }],
    ],
  ];
  for (const [option, values] of wrong) {
    it(`name ${option} and its value when it is wrong`, () => {
      const [name = '', part] = option.split('.');
      for (const value of values)
        refuses({ db: 'sqlite:x', [name]: part === undefined ? value : { [part]: value } }, option, value);
    });
  }

  it('are refused as a whole when there are none', () => {
    for (const options of [null, undefined, 'sqlite:x', 5]) refuses(options, '(all)', options);
  });

  it('are refused when nobody knows them, a typo for instance', () => {
    refuses({ db: 'sqlite:x', concurency: 5 }, 'concurency', 5);
    refuses({ db: 'sqlite:x', ['__proto__']: 5 }, '__proto__', 5);
  });

  it('may not poll so seldom that a lease would run out', () => {
    refuses({ db: 'sqlite:x', lease: '2s', pollInterval: 1001 }, 'pollInterval', 1001);
  });

  it('never show more of a value than a line', () => {
    const long = 'x'.repeat(10_000);
    assert.throws(
      () => resolveOptions({ db: 1, prefix: long }),
      (error: Error) => error.message.length < 400,
    );
  });
});

function refuses(options: unknown, option: string, value: unknown): void {
  assert.throws(
    () => resolveOptions(options as TaskbatonOptions),
    (error) => {
      assert.ok(isTaskbatonError(error, 'INVALID_OPTION'), String(error));
      assert.equal(error.details['option'], option);
      const shown = String(error.details['value']);
      if (typeof value === 'string') assert.ok(shown.startsWith(JSON.stringify(value).slice(0, 70)), shown);
      else if (typeof value === 'number') assert.equal(shown, String(value));
      else assert.notEqual(shown, '');
      assert.ok(error.message.includes(option) && error.message.includes(shown));
      return true;
    },
    `${option}: ${String(value)}`,
  );
}

function nothing(): void {}
