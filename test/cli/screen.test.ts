/** What is shown fits where it is shown, and nothing in it steers a terminal. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bar, percent, shares } from '../../src/cli/screen/bar.ts';
import { type Line, safeJson, visible, widthOfLine, wrap } from '../../src/cli/screen/line.ts';
import { type Column, tableLines, tableRows } from '../../src/cli/screen/table.ts';
import { roughly, span } from '../../src/cli/screen/time.ts';
import { cut, widthOf } from '../../src/cli/screen/width.ts';

const text = (line: Line): string =>
  line.map((piece) => (typeof piece === 'string' ? piece : piece[0])).join('');

describe('widths', () => {
  it('East Asian characters and emoji take two columns, marks that combine none', () => {
    const widths: readonly (readonly [string, number])[] = [
      ['import', 6],
      ['李小龙', 6],
      ['ｆｕｌｌ', 8],
      ['한국어', 6],
      ['e\u0301', 1],
      ['👩‍👩‍👧', 2],
      ['🇩🇪', 2],
      ['✔ ok', 4],
      ['ﾊﾝ', 2],
      ['a\u200Bb', 2],
    ];
    for (const [given, width] of widths) assert.equal(widthOf(given), width, given);
  });

  it('a text that is cut keeps whole characters and takes no more columns than it may', () => {
    assert.equal(cut('import', 6), 'import');
    assert.equal(cut('imports', 6), 'impor…');
    assert.equal(cut('李小龙', 5), '李小…');
    assert.equal(cut('李小龙', 4), '李…');
    assert.equal(cut('👩‍👩‍👧👩‍👩‍👧', 3), '👩‍👩‍👧…');
    assert.equal(cut('x', 0), '');
  });

  it('words are wrapped at the width, by columns and not by characters', () => {
    assert.deepEqual(wrap('李小龙 李小龙 ab', 9), ['李小龙', '李小龙 ab']);
  });
});

describe('what steers a terminal', () => {
  it('escape sequences, line breaks and changes of direction become texts', () => {
    assert.equal(visible('a\u001B[31mb\nc\td\u202Ee\u009Bf'), 'a\\x1b[31mb\\nc\\td\\u202ee\\x9bf');
  });

  it('JSON means the same and steers nothing', () => {
    const value = { text: 'a\u001B[2J\u009B\u202E\u2028\n', list: [1, 'ä李'] };
    for (const indent of [undefined, 2]) {
      const json = safeJson(value, indent);
      assert.deepEqual(JSON.parse(json), value);
      assert.doesNotMatch(json.replaceAll('\n', ''), /[\p{Cc}\u202E\u2028]/u);
    }
  });
});

describe('bars', () => {
  it('progress fills a bar by halves of a column, and never more than all of it', () => {
    assert.equal(text(bar(0.5, 5, 'cyan')), '━━╸──');
    assert.equal(text(bar(2, 4, 'cyan')), '━━━━');
    assert.equal(text(bar(undefined, 4, 'cyan')), '────');
    assert.equal(percent(0.999), '99%');
    assert.equal(percent(undefined), '');
  });

  it('the smallest share of a whole is seen, and all shares together are as wide as the bar', () => {
    const line = shares(
      [
        { count: 1_000_000, format: 'cyan' },
        { count: 0, format: 'blue' },
        { count: 1, format: 'red' },
      ],
      20,
    );
    assert.equal(widthOfLine(line), 20);
    assert.deepEqual(line.at(-1), ['━', 'red']);
    assert.equal(text(shares([], 4)), '────');
  });
});

describe('tables', () => {
  interface Person {
    readonly id: number;
    readonly name: string;
    readonly city: string;
  }
  const columns: readonly Column<Person>[] = [
    { head: 'id', align: 'right', cell: ({ id }) => [`${id}`] },
    { head: 'name', least: 4, cell: ({ name }) => [[name, 'cyan']], value: ({ name }) => name },
    { head: 'city', rank: 1, cell: ({ city }) => [city] },
    { head: 'secret', programsOnly: true, cell: () => ['yes'] },
  ];
  const people: readonly Person[] = [
    { id: 7, name: '李小龙', city: 'Hong Kong' },
    { id: 12, name: 'Ada Lovelace', city: 'London' },
  ];

  it('columns stand one under the other, whatever widths the characters have', () => {
    assert.deepEqual(tableLines(columns, people, 80).map(text), [
      'ID  NAME          CITY',
      ' 7  李小龙        Hong Kong',
      '12  Ada Lovelace  London',
    ]);
  });

  it('where there is no room, texts are cut, then columns that matter less are left out', () => {
    assert.deepEqual(tableLines(columns, people, 21).map(text), [
      'ID  NAME    CITY',
      ' 7  李小龙  Hong Kong',
      '12  Ada L…  London',
    ]);
    assert.deepEqual(tableLines(columns, people, 12).map(text), ['ID  NAME', ' 7  李小龙', '12  Ada Lov…']);
  });

  it('no line is wider than the terminal as long as something can be cut or left out', () => {
    for (let width = 10; width < 40; width++)
      for (const line of tableLines(columns, people, width))
        assert.ok(widthOfLine(line) <= width, `${width}`);
  });

  it('programs get all columns, with tabs between whole values', () => {
    const rows = tableRows(columns, [{ id: 1, name: 'a\tb\nc', city: '' }]).map((line) =>
      line.map((piece) => (typeof piece === 'string' ? piece : piece[0])),
    );
    assert.deepEqual(rows, [
      ['id', '\t', 'name', '\t', 'city', '\t', 'secret'],
      ['1', '\t', 'a\tb\nc', '\t', '', '\t', 'yes'],
    ]);
  });
});

describe('lengths of time', () => {
  it('are told by their two largest units', () => {
    assert.equal(span(0), '0s');
    assert.equal(span(350), '350ms');
    assert.equal(span(61_000), '1m 1s');
    assert.equal(span(3_600_000), '1h');
    assert.equal(span(90_000_000), '1d 1h');
    assert.equal(roughly(90_000_000), '1d');
  });
});
