/**
 * No value reaches a database as a part of a statement's text: SQL is put together from constants, names of our tables, parts of
 * the dialect, pieces of SQL and placeholders, and from nothing else. Whatever is interpolated is looked at here, in the parsed
 * sources; what is not of one of these kinds has to be entered below, with the reason for which it can't come from a user.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Interpolation, readSources, type SourceFile } from './support/source.ts';

const SPEAKERS = /^src\/(store|queue|database)\//;

/** A text with one of these is a statement or a piece of one. */
const SQL =
  /\b(SELECT|INSERT|UPDATE|DELETE|WHERE|ORDER BY|RETURNING|SET|CASE|WHEN|FROM|JOIN|VALUES|CREATE|DROP|LISTEN|BEGIN|PRAGMA|IN|AND|OR|LIMIT|COALESCE|CAST|AS|NULL)\b|[<>=] ?\?|\? ?[<>=]/;

const TABLES =
  'task replica claimant ruleVersion control rule lane slot schedule wake history migration table prefix'.split(
    ' ',
  );

/** What may stand anywhere. */
const KINDS: Readonly<Record<string, RegExp>> = {
  'a constant': /^[A-Z][A-Z0-9_]*$/,
  'a piece of SQL by its usual name, of a fragment': /^sql$/,
  'constants joined': /^[A-Z][A-Z0-9_]*\.join\('[^']*'\)$/,
  'one of several constants': /^[A-Z][A-Z0-9_]*(\[\w+\])+( \?\? '')?$/,
  'a table of ours': new RegExp(
    `^((this\\.|this\\.#|round\\.|this\\.#round\\.)?tables\\.\\w+|this\\.#tables\\.\\w+|${TABLES.join('|')})$`,
  ),
  'a part of the dialect':
    /^((this\.#?|terms\.)?dialect\.\w+|terms\.now|(dialect\.)?types\.\w+|now|skipLocked|tableOptions|busyTableOptions|busyIndexOptions|uuid)$/,
  'a part of the dialect, of a piece of SQL': /^dialect\.among\(pick(\.sql|\(condition\))?\)$/,
  'a piece of SQL with its values beside it': /^\w+(\.\w+)*\.sql$/,
  'statuses, which are names of ours, as a condition': /^hasStatus\([^()]*\)\.sql$/,
  placeholders: /^(marks\(.*\)|\w+\.map\(\(\) => '[?A-Z ]*'\)\.join\('[, ]*'\))$/,
  'one constant text or another': /^[\w.= !?]+ \? ('[^']*'|` AND task_user = ''`) : ('[^']*')$/,
};

/** What else may stand in a file, and what it is that no user can say it. */
const REVIEWED: Readonly<Record<string, { readonly why: string; readonly parts: readonly string[] }>> = {
  'src/database/mysql.ts': {
    why: 'the name of our table of hints, and a number of seconds',
    parts: ['channel', 'ms === Infinity ? 0 : Math.ceil(ms / 1000)'],
  },
  'src/database/postgres-driver.ts': {
    why: 'a number of milliseconds',
    parts: ['ms === Infinity ? 0 : Math.ceil(ms)'],
  },
  'src/database/postgres-pg.ts': {
    why: 'a name that `channelName` has checked, or a hash; and a setting with a number of milliseconds',
    parts: ['channel', 'idleLimit(idle)'],
  },
  'src/database/sqlite-connection.ts': {
    why: 'milliseconds, a number of ours or one that SQLite has said',
    parts: ['blockingMs', 'timeout'],
  },
  'src/database/sqlite-wakes.ts': {
    why: 'the name of our table of hints',
    parts: ['name'],
  },
  'src/database/sqlite.ts': {
    why: 'the name of our table of hints, which `checkTable` has checked, and a number of pages',
    parts: ['channel', 'pages'],
  },
  'src/queue/admission.ts': {
    why: 'columns of a table of data',
    parts: ['columns', 'column'],
  },
  'src/queue/lanes.ts': {
    why: 'columns, conditions, selects and numbers of the rounds; names of queues and of tables in a statement',
    parts: [
      'where',
      'closed',
      'findEach(named.sql, find)',
      'exclude',
      'limit',
      'passed',
      'most + 1',
      'queue',
      'open',
      'columns',
      'some',
      'alias',
      'name',
      "task('f', 'first')",
      "task('s', 'second')",
      "waiting('id', '1')",
      "waiting('id', '1 OFFSET 1')",
      "waiting('id, precedence, turn', `${FIRST_TASKS}`)",
      "jsonRows('t.id, t.precedence, t.turn')",
      'round.queue',
      'index',
    ],
  },
  'src/queue/newcomers.ts': {
    why: 'columns and directions of a table of data, numbers of the rounds, names of queues and kinds',
    parts: [
      'whens',
      "['precedence', 'turn', 'id'].map((column) => `${column} ${direction}`).join(', ')",
      'limit',
      'round.queue',
      'kind',
      "NAMES.map((column, index) => `${column} IN (${marks(among[index] ?? [])})`).join(' AND ')",
      'column',
      'rows',
    ],
  },
  'src/queue/precedence.ts': {
    why: 'columns that the store names, the name of a queue, and a number of slots',
    parts: ['columns', 'queue', 'limit'],
  },
  'src/queue/readable.ts': {
    why: 'versions, which are checked whole numbers, and names of the store',
    parts: ['versions.from', 'versions.to', 'alias', 'range'],
  },
  'src/queue/round.ts': {
    why: 'columns that rounds name',
    parts: ['column', 'value(column)'],
  },
  'src/queue/slots.ts': {
    why: 'the name of a queue, columns and conditions of the rounds, and the numbers of parts',
    parts: [
      'queue',
      'due',
      'columns',
      'doneAt',
      'where',
      "suspected.join(' OR ')",
      "isInParts('id', parts)",
      'id',
      "parts.join(', ')",
    ],
  },
  'src/store/at-rest.ts': {
    why: 'statuses, which a table of data names',
    parts: ['among(atRest).sql', 'among(held).sql', "statuses.map((status) => `'${status}'`).join(', ')"],
  },
  'src/store/children.ts': {
    why: 'a status',
    parts: ['status'],
  },
  'src/store/claim.ts': {
    why: 'columns of ours, the name of a queue, and budgets, which are checked whole numbers',
    parts: [
      'columns',
      'select',
      'request.queue',
      'livesIn(tables, dialect)',
      "resumable.map(([, { crashBudget }]) => `WHEN ? THEN ${crashBudget}`).join(' ')",
      'crashBudget',
    ],
  },
  'src/store/control.ts': {
    why: 'orders, which hold checked numbers, and the name of a queue',
    parts: ["precedence(orders[queue], 'turn')", 'queue'],
  },
  'src/store/create.ts': {
    why: 'columns of a table of data with their placeholders',
    parts: [
      'column',
      "choose('context')",
      "choose('input')",
      'into',
      "fixedFor(first, 'v_priority', dialect, control)",
      'unless',
      'hinting',
      "rows.join(', ')",
      'returning.unlessKeyExists',
      "BEGINNING.map((name, index) => `${name} = ${begins[index]}`).join(', ')",
      'name',
      'begins[index]',
    ],
  },
  'src/store/dialect.ts': {
    why: 'pieces of SQL that the store hands over, names and places of columns, and the schema, which is checked with the options',
    parts: [
      'select',
      'columns',
      'name',
      'place',
      "list.join(', ')",
      'other',
      'where',
      'item',
      "schema === undefined ? 'current_schema()' : `'${schema}'`",
      'set',
      'byKey(table, other)',
    ],
  },
  'src/store/due.ts': {
    why: 'statuses and queues of the status table, and names of columns',
    parts: [
      'due',
      "WAITING.map(({ status, waits }) => `WHEN '${status}' THEN ${value(waits.queue, waits.ahead)}`).join(' ')",
      'status',
      'value(waits.queue, waits.ahead)',
      "choose((queue) => `'${queue}'`)",
      'choose((queue, ahead) => (ahead ? String(FOREMOST) : terms.precedence[queue]))',
      'turn',
    ],
  },
  'src/store/lease.ts': {
    why: 'kinds of work, a table of data',
    parts: ['WORK[name](tables, dialect)', 'name', "work.join(', ')"],
  },
  'src/store/move.ts': {
    why: 'a piece of SQL from the same function',
    parts: ['moved'],
  },
  'src/store/overview.ts': {
    why: 'a part of all tasks, of two or one that are constants',
    parts: ['part'],
  },
  'src/store/page.ts': {
    why: 'columns of ours, pieces of SQL with their values beside them, and a number that counts them',
    parts: [
      'index',
      "merged.join(' UNION ALL ')",
      "conditions.map(({ sql }) => sql).join(' AND ')",
      'columns',
      'where',
      'column',
      'id',
      "listsAtRest.type ? ` AND ${AT_REST}` : ''",
      "name === '' ? '' : ` AND ${column} <> ''`",
    ],
  },
  'src/store/rescue.ts': {
    why: 'pieces of SQL from the same function',
    parts: ['kept', 'counted', 'condition'],
  },
  'src/store/retention.ts': {
    why: 'statuses, and pieces of SQL from the same function',
    parts: ['of.status', 'old', 'wanted', 'condition'],
  },
  'src/store/schedule.ts': {
    why: 'pieces of SQL from the same function',
    parts: ['where', 'others'],
  },
  'src/store/change.ts': {
    why: 'a piece of SQL from the same function',
    parts: ['paused'],
  },
  'src/store/entry.ts': {
    why: 'columns of the history, a table of data, the pieces of SQL that fill them, and the name of a piece of the statement',
    parts: [
      'rows',
      "[...entry.keys()].join(', ')",
      "columns.join(', ')",
      "read.join(', ')",
      'name',
      "used.join(', ')",
      "cells .map((line) => `(${line.map(({ sql }) => sql).join(', ')})`) .join(', ')",
    ],
  },
  'src/store/flow.ts': {
    why: 'milliseconds, a constant of the engine, and pieces of SQL from the same file',
    parts: ['bucket', 'where'],
  },
  'src/store/gaps.ts': {
    why: 'placeholders beside constants',
    parts: ["ids .map(() => `(?, ${dialect.now}, '${VOID}', '', '', '')`) .join(', ')"],
  },
  'src/store/health.ts': {
    why: 'names of settings, listed beside it',
    parts: ['name'],
  },
  'src/store/history.ts': {
    why: 'a condition from the same function',
    parts: ['where'],
  },
  'src/store/names.ts': {
    why: 'a column of a table of data, a number of ours, and pieces of SQL from the same file',
    parts: [
      'column',
      'after',
      'indexed',
      'distinct',
      'held',
      "next('1 = 1')",
      'next(`${column} > name`)',
      'most',
      'from',
    ],
  },
  'src/store/search.ts': {
    why: 'columns of ours, pieces of SQL with their values beside them, and a number that counts them',
    parts: ['index', 'columns', 'merged', 'column'],
  },
  'src/store/schema.ts': {
    why: 'conditions of indexes, each written where it is used, and the number of a step',
    parts: [
      'version + index + 1',
      "where('queue IS NOT NULL')",
      "where('task_key IS NOT NULL')",
      "where('parent IS NOT NULL')",
      "where('owner IS NOT NULL')",
      "where('done_at IS NOT NULL')",
      'ofType(AT_REST)',
      'ofStatus(AT_REST)',
      'where("task_user <> \'\'")',
      'where("task_group <> \'\'")',
      "where('ready = 1')",
      "where('closed IS NOT NULL')",
      'condition',
    ],
  },
  'src/store/scope.ts': {
    why: 'a column of a table of data',
    parts: ['column', "kind === 'user' ? '' : ` AND task_user = ''`"],
  },
  'src/store/settlement.ts': {
    why: 'statuses, a number of ours, and pieces of SQL from the same file',
    parts: [
      "LEASED.map((status) => `'${status}'`).join(', ')",
      'fits',
      "errorsAnd('v_line', 'COALESCE(v_kept, errors)', terms.now)",
      'line',
      'errors',
      'parts',
      'lock',
    ],
  },
  'src/store/transition.ts': {
    why: 'statuses of the status table, and pieces of SQL made from it',
    parts: [
      'to',
      'whens',
      'source',
      'sources(arrows(event))',
      'marks',
      'statusAmong(staying, scope)',
      'statusAmong(leaving, scope)',
      'childless',
      "cleaned.length === 0 ? '' : ` OR status IN (${sources(cleaned)})`",
      'sources(cleaned)',
      "given === undefined ? hidden : 'COALESCE(status, v_owner)'",
      'sources(list)',
      'name',
      'first',
      'from',
      'value',
      "whens.join(' ')",
    ],
  },
  'src/store/watch.ts': { why: 'columns of a table of data', parts: ['columns'] },
  'src/store/write.ts': {
    why: 'the table of entries, and pieces of SQL that come with their values',
    parts: [
      'address',
      'change',
      "columns.join(', ')",
      'from',
      'handed',
      'history.table',
      'id',
      'insertion',
      'locked',
      'names',
      'place',
      'returning',
      'rows',
      'those',
      'unless',
      'written',
    ],
  },
};

const CONSTANTS = [KINDS['a constant'], KINDS['one of several constants']] as readonly RegExp[];

const files = readSources().filter(({ path }) => SPEAKERS.test(path));

describe('statements', () => {
  test('are made of constants, our tables, parts of the dialect, pieces of SQL and placeholders', () => {
    complain(interpolated().filter(([{ path }, { text }]) => !isOfKind(text) && !isReviewed(path, text)));
  });

  test('have no text between quotes but names of statuses, queues and kinds', () => {
    const quotable = /(^|\.)(status|queue|from|to|value|kind|schema)$/;
    complain(
      interpolated().filter(
        ([, { text, quoted }]) =>
          quoted && !quotable.test(text) && !CONSTANTS.some((kind) => kind.test(text)),
      ),
    );
  });

  test('are not put together with +', () => {
    complain(
      files.flatMap((file) =>
        file.concatenations
          .filter(({ text }) => /['`] ?\+|\+ ?['`]/.test(text))
          .map((found) => [file, found] as const),
      ),
    );
  });

  test('that were looked at once are still there, so that nothing else slips in under their names', () => {
    const present = new Set(interpolated().map(([{ path }, { text }]) => `${path} ${text}`));
    const gone = Object.entries(REVIEWED).flatMap(([path, { parts }]) =>
      parts
        .filter((part) => !present.has(`${path} ${part}`))
        .map((part) => `${path} has no ${part} any more`),
    );
    assert.deepEqual(gone, []);
  });

  test('of a value would be found out', () => {
    for (const text of ['task.user', 'name', 'filter.group', 'options.prefix', 'userName', '`${key}`'])
      assert.ok(!isOfKind(text), text);
    assert.ok(!isReviewed('src/store/store.ts', 'name'));
  });
});

function isOfKind(text: string): boolean {
  return Object.values(KINDS).some((kind) => kind.test(text));
}

function isReviewed(path: string, text: string): boolean {
  return REVIEWED[path]?.parts.includes(text) === true;
}

function interpolated(): readonly (readonly [SourceFile, Interpolation])[] {
  return files.flatMap((file) =>
    file.interpolations.filter(({ inside }) => SQL.test(inside)).map((found) => [file, found] as const),
  );
}

function complain(
  found: readonly (readonly [SourceFile, { readonly text: string; readonly line: number }])[],
): void {
  const lines = found.map(([{ path }, { text, line }]) => `${path}:${line} has ${text}`);
  assert.equal(lines.length, 0, `\n  ${lines.join('\n  ')}`);
}
