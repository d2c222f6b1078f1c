/** The options: defaults, and every invalid one refused by its name and with its value. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { NO_LIMITS } from '../../src/core/limit.ts';
import { checkStatementRoom, resolveOptions, type TaskbatonOptions } from '../../src/core/options.ts';
import { FIFO } from '../../src/core/policy.ts';
import type { TaskQueue } from '../../src/core/queue.ts';

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
    const history = { level: 'off', keep: 30 * 86_400_000, contexts: false };
    assert.deepEqual(resolveOptions({ db: 1, history: 'off' }).history, history);
  });

  it('poll four times in a short lease unless told otherwise', () => {
    assert.equal(resolveOptions({ db: 1, lease: '2s' }).pollInterval, 500);
    assert.equal(resolveOptions({ db: 1, lease: '10s' }).pollInterval, 1000);
    assert.equal(resolveOptions({ db: 1, lease: '4s', pollInterval: 800 }).pollInterval, 800);
  });

  const identifier = 'it must be 1 to 40 of a-z, 0-9 and _, not beginning with a digit';
  const duration = (range: string): string => `it must be ${range} milliseconds, or a text such as '30s'`;
  const wrong: readonly (readonly [option: string, problem: string, values: readonly unknown[]])[] = [
    [
      'prefix',
      identifier,
      ['', '1a', 'A', 'a-b', 'a b', 'a;', 'a"', "a'", 'a.b', 'ä', 'x'.repeat(41), 5, null, {}, ['a']],
    ],
    ['schema', identifier, ['', 'a.b', 'A', 'x'.repeat(41), 5, null]],
    ['tasks', 'it must be an array of definitions', [null, {}, 'a', new Set()]],
    [
      'concurrency',
      'it must be a whole number from 1 to 10000',
      [0, -1, 1.5, 10_001, NaN, Infinity, '5', null, 5n],
    ],
    ['cleanupConcurrency', 'it must be a whole number from 1 to 10000', [0, -1, 1.5, 10_001, NaN, '5', null]],
    ['pollInterval', duration('from 10 to 3600000'), [0, 9, -5, '1', 'soon', '2h', NaN, null, {}]],
    ['heartbeat', "it must be 'thread' or 'loop'", ['', 'threads', null, true, 1]],
    ['maxBlock', duration('from 100 to 86400000'), [0, 99, '99ms', '2d', 'x', NaN, null, true]],
    ['lease', duration('from 500 to 86400000'), [0, 499, '499ms', '2d', 'x', NaN, null, true]],
    ['stopGrace', duration('from 0 to 86400000'), [-1, '2d', '30', null]],
    ['migrate', 'it must be true or false', [0, 1, 'true', 'no', null]],
    [
      'maxPayload',
      'it must be a whole number from 1 to 16777216',
      [0, -1, 1.5, 16 * 2 ** 20 + 1, '1MiB', NaN, null],
    ],
    [
      'codec',
      'it must be an object with encode and decode',
      [null, 5, {}, { encode: nothing }, { decode: nothing }],
    ],
    ['redact', 'it must be a function', [null, true, {}]],
    ['history', 'it must be one of off, changes, all, or an object', [null, 5, true]],
    ['history.level', 'it must be one of off, changes, all', ['on', '', null, 1]],
    [
      'history.keep',
      "it must be at least a minute, as milliseconds or a text such as '30d'",
      ['59s', 'soon', -1, null],
    ],
    ['history.contexts', 'it must be true or false', ['yes', 1, null]],
    ['history.reports', 'there is no such option', [true]],
    ['queues', 'it must be an object with run, cleanup or both', [null, 'fifo', 5, []]],
    ['queues.runs', 'there are only run and cleanup', ['fifo']],
    [
      'queues.run',
      'it must be a policy, one of fifo, priority, fair, or a TaskQueue',
      [null, 5, 'lifo', 'toString', {}, { policy: 'lifo' }, { enter: nothing, leave: nothing }],
    ],
    ['logger', 'its method debug is missing', ['console', 5, false, {}, { ...logger, debug: undefined }]],
    ['logger', 'its method error is missing', [{ ...logger, error: 'x' }]],
  ];
  for (const [option, problem, values] of wrong) {
    it(`name ${option} and its value when it is wrong: ${problem}`, () => {
      const [name = '', part] = option.split('.');
      for (const value of values)
        refuses(
          { db: 'sqlite:x', [name]: part === undefined ? value : { [part]: value } },
          option,
          value,
          problem,
        );
    });
  }

  it('are taken to the ends of their ranges', () => {
    const least = { concurrency: 1, cleanupConcurrency: 1, pollInterval: 10, lease: 500, maxBlock: 100 };
    const most = { concurrency: 10_000, pollInterval: '1h', lease: '1d', maxBlock: '1d', stopGrace: '1d' };
    for (const options of [
      least,
      most,
      { maxPayload: 1 },
      { history: { keep: '1m' } },
      { prefix: 'x'.repeat(40) },
      { prefix: '_9' },
    ])
      assert.ok(resolveOptions({ db: 1, ...options } as TaskbatonOptions));
  });

  it('have a queue of one’s own, a policy, or each', () => {
    const own = { enter: nothing, leave: nothing, pick: nothing } as unknown as TaskQueue;
    const both = resolveOptions({ db: 1, queues: { run: own, cleanup: 'priority' } });
    assert.equal(both.ownQueues.run, own);
    assert.deepEqual(Object.keys(both.ownQueues), ['run']);
    assert.deepEqual(both.policies.run, FIFO);
    assert.deepEqual(both.policies.cleanup.order, { sharers: null, priority: true, ageing: null });
    const { policies, ownQueues } = resolveOptions({ db: 1, queues: { run: 'fair', cleanup: undefined } });
    assert.deepEqual([policies.run.order.sharers, policies.cleanup, ownQueues], ['user', FIFO, {}]);
  });

  it('have payloads for which there is room in a statement', () => {
    checkStatementRoom(1000, 4000 + 65_536);
    checkStatementRoom(2 ** 24);
    assert.throws(() => checkStatementRoom(1000, 4000 + 65_535), {
      details: {
        option: 'maxPayload',
        value: '1000',
        problem:
          'the database takes statements of 69535 bytes (max_allowed_packet), and four times maxPayload must fit into one; raise that, or lower this',
      },
    });
  });

  it('are refused as a whole when there are none', () => {
    for (const options of [null, undefined, 'sqlite:x', 5])
      refuses(options, '(all)', options, 'it must be an object with at least db');
  });

  it('are refused when nobody knows them, a typo for instance', () => {
    refuses({ db: 'sqlite:x', concurency: 5 }, 'concurency', 5, 'there is no such option');
    refuses({ db: 'sqlite:x', ['__proto__']: 5 }, '__proto__', 5, 'there is no such option');
  });

  it('may not poll so seldom that a lease would run out', () => {
    const problem = 'it must be at most a quarter of the lease (2000 ms)';
    refuses({ db: 'sqlite:x', lease: '2s', pollInterval: 1001 }, 'pollInterval', 1001, problem);
  });

  it('never show more of a value than a line', () => {
    const long = 'x'.repeat(10_000);
    assert.throws(
      () => resolveOptions({ db: 1, prefix: long }),
      (error: Error) => error.message.length < 400,
    );
  });
});

function refuses(options: unknown, option: string, value: unknown, problem: string): void {
  assert.throws(
    () => resolveOptions(options as TaskbatonOptions),
    (error) => {
      assert.ok(isTaskbatonError(error, 'INVALID_OPTION'), String(error));
      assert.equal(error.details['option'], option);
      assert.equal(error.details['problem'], problem);
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
