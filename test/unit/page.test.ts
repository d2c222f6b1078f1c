/** The parts of the page that need no browser: what becomes of JSON, of a history, of an axis; and the build's check of its size. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { builtFiles } from '../../page/dev/bundle.ts';
import { BASE, BUDGET, checkBudget, gzippedSize } from '../../page/dev/embed.ts';
import { levels, timesBetween } from '../../page/src/parts/scale.ts';
import { compareJson, type JsonLine, jsonLines, withoutSame } from '../../page/src/task/json-lines.ts';
import { lanesOf, stintsOf } from '../../page/src/task/stints.ts';
import { ApiError } from '../../page/src/api/client.ts';
import { english } from '../../page/src/text/en.ts';
import { inOneLine, reasonOf } from '../../page/src/text/refusal.ts';
import { chinese } from '../../page/src/text/zh-CN.ts';
import { REFUSALS, STATUSES } from '../../src/dashboard/failure.ts';
import type { HistoryView } from '../../src/dashboard/index.ts';

describe('JSON on the page', () => {
  test('reads back as what it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => assert.deepEqual(parse(jsonLines(value)), normal(value))),
    );
  });

  test('compared with another holds both: without what is new it is the one, without what is gone the other', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        const lines = compareJson({ value: before }, { value: after });
        assert.deepEqual(parse(lines.filter(({ kind }) => kind !== 'gone')), normal({ value: after }));
        assert.deepEqual(parse(lines.filter(({ kind }) => kind !== 'new')), normal({ value: before }));
      }),
    );
  });

  test('that changed in one place is told without the rest', () => {
    const before = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, index]));
    const lines = withoutSame(compareJson(before, { ...before, key25: 'new' }), 1);
    assert.deepEqual(
      lines.map((line) =>
        line.kind === 'gap' ? `… ${line.lines}` : `${line.kind} ${line.key} ${line.value}`,
      ),
      ['… 25', 'same key24 24,', 'gone key25 25,', 'new key25 "new",', 'same key26 26,', '… 24'],
    );
  });
});

describe('the timeline', () => {
  test('has a stint for each claim, until whatever took the task away', () => {
    const stints = stintsOf([
      entry(0, 'create'),
      entry(10, 'claim', { replica: 'a', epoch: 1 }),
      entry(20, 'report', { replica: 'a', progress: 0.4 }),
      entry(30, 'yield', { replica: 'a', progress: 0.5 }),
      entry(40, 'claim', { replica: 'b', epoch: 2 }),
      entry(90, 'recover', { replica: 'b' }),
      entry(95, 'claim', { replica: 'a', epoch: 3 }),
    ]);
    assert.deepEqual(
      stints.map(({ replica, from, to, end }) => ({ replica, from, to, end })),
      [
        { replica: 'a', from: 10, to: 30, end: 'yield' },
        { replica: 'b', from: 40, to: 90, end: 'recover' },
        { replica: 'a', from: 95, to: undefined, end: undefined },
      ],
    );
    assert.deepEqual(stints[0]?.reports, [
      { at: 20, progress: 0.4 },
      { at: 30, progress: 0.5 },
    ]);
    assert.deepEqual(lanesOf(stints), ['a', 'b']);
  });

  test('lets no stint reach into the next, even if the history has lost how it ended', () => {
    const stints = stintsOf([entry(0, 'claim', { replica: 'a' }), entry(5, 'claim', { replica: 'b' })]);
    assert.deepEqual(
      stints.map(({ from, to }) => [from, to]),
      [
        [0, 5],
        [5, undefined],
      ],
    );
  });
});

describe('an axis', () => {
  test('has few round levels, the last at or above the greatest value', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.constantFrom('count', 'span'),
        (greatest, kind) => {
          const steps = levels(greatest, 4, kind);
          assert.equal(steps[0], 0);
          assert.ok((steps.at(-1) ?? 0) >= greatest);
          assert.ok(steps.length >= 2 && steps.length <= 6, `${steps.length} levels up to ${greatest}`);
        },
      ),
    );
  });

  test('of time has no more words than there is room for, all between its ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1000, max: 1e10 }), (from, span) => {
        const times = timesBetween(from, from + span, 8);
        assert.ok(times.length <= 9);
        assert.ok(times.every((at) => at >= from && at <= from + span));
      }),
    );
  });
});

describe('a refusal', () => {
  test('has words in Chinese, whatever its code', () => {
    for (const code of [...Object.keys(REFUSALS), ...Object.keys(STATUSES), 'INTERNAL'])
      assert.match(chinese.refusals[code] ?? '', /^[\p{sc=Han}]/u, code);
  });

  test('is told in the language of the page, with what the server says of the values', () => {
    const refusal = new ApiError(400, 'INVALID_ARGUMENT', 'priority is 1.5', { remedy: 'Correct it.' });
    assert.deepEqual(reasonOf(refusal, english), { message: 'priority is 1.5', detail: 'Correct it.' });
    assert.equal(inOneLine(refusal, english), 'priority is 1.5');
    assert.deepEqual(reasonOf(refusal, chinese), { message: '有一项填写不正确', detail: 'priority is 1.5' });
    assert.equal(inOneLine(refusal, chinese), '有一项填写不正确 (priority is 1.5)');
  });
});

describe('the build of the page', () => {
  test('makes a page that fits into its budget, with the base that the server puts its own in place of', async () => {
    const files = await builtFiles();
    checkBudget(files);
    assert.ok(gzippedSize(files) <= BUDGET);
    const index = files.find(({ path }) => path === 'index.html')?.content.toString('utf8') ?? '';
    assert.equal(index.split(BASE).length, 2);
    assert.doesNotMatch(index, /\sstyle=|<style|<script(?![^>]*\ssrc=)/);
  });

  test('refuses a page above its budget, and names its files', () => {
    const content = randomBytes(BUDGET + 1);
    assert.throws(
      () => checkBudget([{ path: 'assets/large.js', content }]),
      /at most 61440.*assets\/large\.js/s,
    );
  });
});

function entry(at: number, event: string, more: Partial<HistoryView> = {}): HistoryView {
  return {
    cursor: String(at),
    task: 1,
    scope: null,
    at: new Date(at).toISOString(),
    event,
    group: '',
    from: null,
    to: null,
    mark: null,
    actor: null,
    reason: null,
    replica: null,
    epoch: null,
    attempt: null,
    progress: null,
    bytes: null,
    error: null,
    ...more,
  };
}

/** As JSON tells it: -0 is 0. */
function normal(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

/** Commas belong to lines that may be left out, so they are set anew. */
function parse(lines: readonly JsonLine[]): unknown {
  let text = '';
  let comma = false;
  for (const { key, value } of lines) {
    const bare = value.replace(/,$/, '');
    if (comma && !/^[\]}]$/.test(bare)) text += ',';
    text += key === undefined ? bare : `${JSON.stringify(key)}:${bare}`;
    comma = !/^[[{]$/.test(bare);
  }
  return JSON.parse(text) as unknown;
}
