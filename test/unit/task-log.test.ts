/** What a handler logs: bounded, in order, and never anybody's misfortune. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { handlerLog, TaskLog } from '../../src/runtime/task-log.ts';
import type { HandlerLog } from '../../src/core/handler.ts';
import type { LogLine } from '../../src/store/history.ts';
import { ManualClock } from '../support/clock.ts';

interface Setting {
  readonly clock: ManualClock;
  readonly taskLog: TaskLog;
  readonly log: HandlerLog;
  readonly written: LogLine[][];
  readonly problems: string[];
}

function setting(write?: () => Promise<void>): Setting {
  const clock = new ManualClock();
  const written: LogLine[][] = [];
  const problems: string[] = [];
  const taskLog = new TaskLog({
    clock,
    write: async (lines) => {
      await write?.();
      written.push([...lines]);
    },
    onLine: () => undefined,
    onRefused: (problem) => void problems.push(problem),
  });
  return { clock, taskLog, log: handlerLog(() => taskLog), written, problems };
}

function said(lines: readonly LogLine[] = []): unknown[] {
  return lines.map(({ text }) => JSON.parse(text) as unknown);
}

describe('the log of a task', () => {
  it('gathers lines for a second, and says how long ago each was logged', async () => {
    const { clock, log, written } = setting();
    log.info('one', { row: 1 });
    await clock.advance(400);
    log.warn('two');
    assert.equal(written.length, 0);
    await clock.advance(600);
    assert.deepEqual(said(written[0]), [{ message: 'one', fields: { row: 1 } }, { message: 'two' }]);
    assert.deepEqual(
      written[0]?.map(({ level, age }) => [level, age]),
      [
        ['info', 1000],
        ['warn', 600],
      ],
    );
    await clock.advance(5000);
    assert.equal(written.length, 1, 'an empty log is not written');
  });

  it('is written at once when much has gathered, and when it is asked to be', async () => {
    const { clock, taskLog, log, written } = setting();
    for (let line = 0; line < 100; line++) log.debug(String(line));
    await clock.settle();
    assert.equal(written[0]?.length, 100);
    log.debug('last');
    await taskLog.flush();
    assert.equal(written[1]?.length, 1);
    assert.ok(taskLog.isEmpty);
  });

  it('keeps a thousand lines, and says at the end how many more there were', async () => {
    const { taskLog, log, written } = setting();
    for (let line = 0; line < 1010; line++) log.info(String(line));
    await taskLog.end();
    const lines = said(written.flat());
    assert.equal(lines.length, 1001);
    assert.deepEqual(lines.at(-1), { message: '10 more lines were not kept' });
  });

  it('cuts what is too long, and takes whatever is thrown at it', async () => {
    const { taskLog, log, written } = setting();
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('gotcha');
        },
        ownKeys: () => {
          throw new Error('gotcha');
        },
      },
    );
    log.info('x'.repeat(5000));
    log.info(hostile as string, hostile);
    log.info('big', { text: 'x'.repeat(10_000) });
    log.info('odd', [1, 2]);
    log.info('none', { at: NaN });
    await taskLog.end();
    const lines = said(written.flat()) as { message: string; fields?: Record<string, unknown> }[];
    assert.equal(lines[0]?.message.length, 1000);
    assert.ok('refused' in (lines[1]?.fields ?? {}));
    assert.match(String(lines[2]?.fields?.['refused']), /4000/);
    assert.deepEqual(lines[3]?.fields, { value: [1, 2] });
    assert.ok('refused' in (lines[4]?.fields ?? {}));
  });

  it('that can not be written is told of, and costs nothing else', async () => {
    const { taskLog, log, problems } = setting(() => Promise.reject(new Error('no')));
    log.error('lost');
    await taskLog.flush();
    await taskLog.end();
    assert.deepEqual(problems, ['1 lines of its log were not kept: no']);
  });
});
