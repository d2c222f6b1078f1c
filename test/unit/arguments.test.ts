/** What callers hand in: what is wrong is refused by its name, with its value and what it must be; the rest is as it was given. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkAuthor } from '../../src/core/author.ts';
import { checkBulkFilter } from '../../src/core/bulk.ts';
import { declareTask, type TaskDeclaration } from '../../src/core/declaration.ts';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { checkEvents, checkHistoryPage } from '../../src/core/history.ts';
import { checkName, checkParts, checkType } from '../../src/core/name.ts';
import { checkDrain } from '../../src/core/replica.ts';
import { PUBLIC_STATES } from '../../src/core/status.ts';
import {
  checkChange,
  checkFilter,
  checkId,
  checkKey,
  checkOwner,
  checkPause,
  checkPriority,
  checkWhen,
  ofType,
  type Task,
  typeName,
} from '../../src/core/task.ts';

const TOO_LONG = 'x'.repeat(256);
const NO_STRING = 'it must be a string';
const NO_FLAG = 'it must be true or false';
const NO_ID = 'it must be a positive whole number';
const STATES =
  'it must be one of init, pending, running, canceling, waiting, paused, finished, failed, deleting';
const declared: TaskDeclaration = { type: 'import' };

describe('a name', () => {
  it('has at most 255 bytes', () => {
    checkName('user', 'x'.repeat(255));
    checkName('user', '');
    refuses(() => checkName('user', TOO_LONG), 'user', undefined, tooLong(256));
    refuses(() => checkName('user', 'ä'.repeat(128)), 'user', undefined, tooLong(256));
  });

  it('is a text that every database stores unchanged', () => {
    refuses(() => checkName('group', 5), 'group', '5', NO_STRING);
    refuses(() => checkName('group', 'a\0'), 'group', '"a\\u0000"', 'it contains a NUL character');
    refuses(() => checkName('group', '\ud800'), 'group', '"\\ud800"', 'it contains half of a surrogate pair');
  });

  it('of a type and of a key is not empty', () => {
    checkType('x');
    checkKey('x');
    for (const [call, argument] of [
      [() => checkType(''), 'type'],
      [() => checkKey(''), 'key'],
      [() => checkKey('', 'search'), 'search'],
    ] as const)
      refuses(call, argument, '""', 'it must not be empty');
    refuses(() => checkType(undefined), 'type', 'undefined', NO_STRING);
    refuses(() => checkKey(null), 'key', 'null', NO_STRING);
  });

  it('of an owner may be left out', () => {
    checkOwner(undefined);
    checkOwner('ada');
    refuses(() => checkOwner(null), 'owner', 'null', NO_STRING);
  });

  it('stands for a type as its definition does', () => {
    assert.equal(typeName('import'), 'import');
    assert.equal(typeName(declared), 'import');
    for (const nothing of [null, undefined, 5, {}])
      assert.throws(() => typeName(nothing as never), { code: 'INVALID_ARGUMENT' });
  });
});

describe('an object of options', () => {
  it('has no part that nobody knows', () => {
    checkParts('options', { a: 1 }, ['a', 'b']);
    const call = (): void => checkParts('options', { a: 1, c: 2 }, ['a', 'b']);
    refuses(call, 'options.c', '2', 'there is no such part; known are a, b');
  });

  it('is an object', () => {
    for (const given of [null, 5, 'x', undefined])
      refuses(() => checkParts('options', given, []), 'options', undefined, 'it must be an object');
  });
});

describe('somebody who asks for something', () => {
  it('may say who they are and why, or nothing', () => {
    assert.equal(checkAuthor({}), undefined);
    assert.deepEqual(checkAuthor({ actor: 'ada' }), { actor: 'ada', reason: undefined });
    const reason = 'x'.repeat(1000);
    assert.deepEqual(checkAuthor({ reason }), { actor: undefined, reason });
  });

  it('says it in texts that every database stores unchanged', () => {
    const broken = 'it contains a NUL character or half of a surrogate pair';
    refuses(() => checkAuthor({ actor: TOO_LONG }), 'actor', undefined, tooLong(256));
    refuses(() => checkAuthor({ reason: 5 as never }), 'reason', '5', NO_STRING);
    refuses(
      () => checkAuthor({ reason: 'x'.repeat(1001) }),
      'reason',
      undefined,
      'it must have at most 1000 characters',
    );
    refuses(() => checkAuthor({ reason: '\0' }), 'reason', '"\\u0000"', broken);
    refuses(() => checkAuthor({ reason: '\udc00' }), 'reason', '"\\udc00"', broken);
  });

  it('is named with a drain', () => {
    assert.deepEqual(checkDrain('r1', {}), { by: undefined, reason: undefined });
    assert.deepEqual(checkDrain('r1', { actor: 'ada', reason: 'deploy' }), { by: 'ada', reason: 'deploy' });
    refuses(() => checkDrain(5, {}), 'id', '5', NO_STRING);
    refuses(() => checkDrain('r1', { actor: 5 as never }), 'actor', '5', NO_STRING);
    refuses(() => checkDrain('r1', { reason: 5 as never }), 'reason', '5', NO_STRING);
    const problem = 'there is no such part; known are actor, reason';
    refuses(() => checkDrain('r1', { by: 'ada' } as never), 'options.by', '"ada"', problem);
  });
});

describe('a filter of a change of many', () => {
  it('is what was given, with types by their names', () => {
    const ids = Array.from({ length: 1000 }, (_, index) => index + 1);
    const filter = {
      ids,
      parent: 1,
      user: 'ada',
      group: 'night',
      types: [declared, 'x'],
      states: PUBLIC_STATES,
    };
    assert.deepEqual(checkBulkFilter(filter), { ...filter, types: ['import', 'x'] });
  });

  it('says that all are meant, if they are', () => {
    const everything = {
      ids: undefined,
      parent: undefined,
      user: undefined,
      group: undefined,
      types: undefined,
      states: undefined,
    };
    assert.deepEqual(checkBulkFilter({ all: true }), everything);
    assert.deepEqual(checkBulkFilter({ all: false, user: 'ada' }), { ...everything, user: 'ada' });
    const problem = 'it would match every task; say { all: true } if that is meant';
    refuses(() => checkBulkFilter({}), 'filter', '{}', problem);
    refuses(() => checkBulkFilter({ all: false }), 'filter', '{"all":false}', problem);
    const both = { all: true, user: 'ada', types: ['x'] };
    refuses(() => checkBulkFilter(both), 'filter.all', 'true', 'it contradicts user, types');
    refuses(() => checkBulkFilter({ all: 1 as never, user: 'ada' }), 'filter.all', '1', NO_FLAG);
  });

  it('is refused for any wrong part', () => {
    for (const part of ['ids', 'types', 'states'])
      refuses(() => checkBulkFilter({ [part]: 'x' }), `filter.${part}`, '"x"', 'it must be an array');
    refuses(() => checkBulkFilter({ ids: [1, 0] }), 'filter.ids', '0', NO_ID);
    const many = { ids: Array.from({ length: 1001 }, () => 1) };
    refuses(() => checkBulkFilter(many), 'filter.ids', '1001', 'there may be at most 1000');
    refuses(() => checkBulkFilter({ parent: 0 }), 'filter.parent', '0', NO_ID);
    refuses(() => checkBulkFilter({ user: 5 as never }), 'user', '5', NO_STRING);
    refuses(() => checkBulkFilter({ group: 5 as never }), 'group', '5', NO_STRING);
    refuses(() => checkBulkFilter({ types: [''] }), 'type', '""', 'it must not be empty');
    refuses(() => checkBulkFilter({ states: ['paused', 'x' as never] }), 'states', '"x"', STATES);
    const problem = 'there is no such part; known are ids, parent, user, group, types, states, all';
    refuses(() => checkBulkFilter({ limit: 5 } as never), 'filter.limit', '5', problem);
  });
});

describe('a filter of a list', () => {
  const nothing = {
    owner: undefined,
    search: undefined,
    parent: undefined,
    user: undefined,
    group: undefined,
    types: undefined,
    after: undefined,
  };
  const shown = PUBLIC_STATES.filter((state) => state !== 'deleting');

  it('shows 50 tasks of all, but not those that were asked to go', () => {
    assert.deepEqual(checkFilter({}), { ...nothing, states: shown, limit: 50, redacted: false });
  });

  it('is what was given, with types by their names', () => {
    const given = {
      owner: 'ada',
      search: 'a',
      parent: 1,
      user: 'ada',
      group: 'night',
      limit: 1000,
      after: 7,
    };
    assert.deepEqual(checkFilter({ ...given, types: [declared], states: ['paused'], redacted: true }), {
      ...given,
      types: ['import'],
      states: ['paused'],
      redacted: true,
    });
    assert.equal(checkFilter({ limit: 1 }).limit, 1);
  });

  it('shows those that were asked to go where they are asked for', () => {
    assert.deepEqual(checkFilter({ includeDeleting: true }).states, PUBLIC_STATES);
    assert.deepEqual(checkFilter({ states: ['deleting'] }).states, ['deleting']);
    assert.deepEqual(checkFilter({ states: ['deleting'], includeDeleting: false }).states, []);
  });

  it('is refused for any wrong part', () => {
    const limit = 'it must be a whole number from 1 to 1000';
    refuses(() => checkFilter({ owner: 5 as never }), 'owner', '5', NO_STRING);
    refuses(() => checkFilter({ search: '' }), 'search', '""', 'it must not be empty');
    refuses(() => checkFilter({ parent: 0 }), 'parent', '0', NO_ID);
    refuses(() => checkFilter({ user: 5 as never }), 'user', '5', NO_STRING);
    refuses(() => checkFilter({ group: 5 as never }), 'group', '5', NO_STRING);
    refuses(() => checkFilter({ types: 'x' as never }), 'types', '"x"', 'it must be an array');
    refuses(() => checkFilter({ states: 'x' as never }), 'states', '"x"', 'it must be an array');
    refuses(() => checkFilter({ states: ['paused', 'x' as never] }), 'states', '"x"', STATES);
    for (const wrong of [0, 1001, 1.5])
      refuses(() => checkFilter({ limit: wrong }), 'limit', String(wrong), limit);
    refuses(() => checkFilter({ after: 1.5 }), 'after', '1.5', NO_ID);
    refuses(
      () => checkFilter({ state: 'paused' } as never),
      'filter.state',
      '"paused"',
      'there is no such part; known are owner, search, parent, user, group, types, states, limit, after, redacted, includeDeleting',
    );
  });
});

describe('a task that is asked for', () => {
  it('has an id that is a positive whole number', () => {
    checkId(1);
    checkId(Number.MAX_SAFE_INTEGER);
    for (const id of [0, -1, 1.5, 2 ** 53, NaN, '1', null])
      assert.throws(() => checkId(id), { code: 'INVALID_ARGUMENT' }, String(id));
    refuses(() => checkId(0), 'id', '0', NO_ID);
    refuses(() => checkId(0, 'parent'), 'parent', '0', NO_ID);
  });

  it('is of the type that it is read as', () => {
    const task = { id: 7, type: 'import' } as Task;
    for (const as of [undefined, declared]) assert.equal(ofType(task, as), task);
    assert.throws(() => ofType(task, declareTask({ type: 'export' })), {
      code: 'TYPE_MISMATCH',
      details: { id: 7, actual: '"import"', expected: '"export"' },
    });
  });

  it('has a priority of up to a million to either side', () => {
    for (const priority of [0, -1_000_000, 1_000_000]) checkPriority(priority);
    const problem = 'it must be a whole number from -1000000 to 1000000';
    for (const priority of [1_000_001, -1_000_001, 1.5])
      refuses(() => checkPriority(priority), 'priority', String(priority), problem);
  });

  it('is due at once, after a delay or at a time', () => {
    const runAt = new Date(5);
    assert.equal(checkWhen({}), undefined);
    assert.equal(checkWhen({ delay: 0 }), undefined);
    assert.deepEqual(checkWhen({ delay: '2s' }), { delay: 2000 });
    assert.deepEqual(checkWhen({ runAt }), { at: 5 });
    const time = 'it must be a valid Date';
    refuses(() => checkWhen({ runAt: 5 as never }), 'runAt', '5', time);
    refuses(() => checkWhen({ runAt: new Date(NaN) }), 'runAt', 'null', time);
    const both = 'it contradicts delay; give one of the two';
    refuses(() => checkWhen({ delay: 1, runAt }), 'runAt', '"1970-01-01T00:00:00.005Z"', both);
    const delay = "it must be milliseconds or a text such as '30s', a year at most";
    refuses(() => checkWhen({ delay: 'soon' as never }), 'delay', '"soon"', delay);
    assert.deepEqual(checkWhen({ delay: '365d' }), { delay: 365 * 86_400_000 });
    refuses(() => checkWhen({ delay: 365 * 86_400_000 + 1 }), 'delay', '31536000001', delay);
  });

  it('is changed with the parts that the change has', () => {
    const author = { tx: undefined, actor: 'ada', reason: 'x', owner: 'ada' };
    assert.deepEqual(checkChange({ ...author, children: true, delay: 5 }, 'run'), { delay: 5 });
    assert.equal(checkChange({ ...author, children: true }, 'pause'), undefined);
    assert.equal(checkChange(author, 'delete'), undefined);
    const known = (parts: string): string =>
      `there is no such part; known are ${parts}tx, actor, reason, owner`;
    refuses(() => checkChange({ x: 1 } as never, 'run'), 'options.x', '1', known('delay, runAt, children, '));
    refuses(() => checkChange({ delay: 1 }, 'pause'), 'options.delay', '1', known('children, '));
    refuses(() => checkChange({ children: true }, 'delete'), 'options.children', 'true', known(''));
    refuses(() => checkChange({ children: 1 as never }, 'run'), 'children', '1', NO_FLAG);
    refuses(() => checkChange({ owner: 5 as never }, 'run'), 'owner', '5', NO_STRING);
  });

  it('is paused with its scope, if that is said', () => {
    assert.equal(checkPause({ tx: undefined, actor: 'ada', reason: 'x' }), false);
    assert.equal(checkPause({ running: true }), true);
    refuses(() => checkPause({ running: 1 as never }), 'running', '1', NO_FLAG);
    const problem = 'there is no such part; known are running, tx, actor, reason';
    refuses(() => checkPause({ owner: 'ada' } as never), 'options.owner', '"ada"', problem);
  });
});

describe('a page of a history', () => {
  it('has 100 entries, from the first', () => {
    assert.deepEqual(checkHistoryPage({}), { after: 0, limit: 100, redacted: false, owner: undefined });
    const given = { after: '42-40', limit: 1000, redacted: true, owner: 'ada' };
    assert.deepEqual(checkHistoryPage(given), { ...given, after: 42 });
    assert.equal(checkHistoryPage({ limit: 1 }).limit, 1);
  });

  it('is refused for any wrong part', () => {
    const limit = 'it must be a whole number from 1 to 1000';
    for (const wrong of [0, 1001, 1.5])
      refuses(() => checkHistoryPage({ limit: wrong }), 'limit', String(wrong), limit);
    refuses(() => checkHistoryPage({ redacted: 1 as never }), 'redacted', '1', NO_FLAG);
    refuses(() => checkHistoryPage({ owner: 5 as never }), 'owner', '5', NO_STRING);
    refuses(() => checkHistoryPage({ after: 'x' }), 'after', '"x"', 'it must be the cursor of an entry');
    const problem = 'there is no such part; known are after, limit, redacted, owner';
    refuses(() => checkHistoryPage({ since: '1' } as never), 'options.since', '"1"', problem);
  });
});

describe('a subscription to events', () => {
  it('is what was given', () => {
    const nothing = {
      since: undefined,
      signal: undefined,
      task: undefined,
      user: undefined,
      redacted: false,
    };
    assert.deepEqual(checkEvents({}), nothing);
    const { signal } = new AbortController();
    const given = { since: 'start', signal, task: 1, user: 'ada', redacted: true };
    assert.deepEqual(checkEvents(given), given);
    assert.equal(checkEvents({ since: '42' }).since, '42');
  });

  it('is refused for any wrong part', () => {
    refuses(() => checkEvents({ since: 'end' }), 'since', '"end"', 'it must be the cursor of an entry');
    refuses(() => checkEvents({ signal: 5 as never }), 'signal', '5', 'it must be an AbortSignal');
    refuses(() => checkEvents({ task: 0 }), 'task', '0', NO_ID);
    refuses(() => checkEvents({ user: 5 as never }), 'user', '5', NO_STRING);
    refuses(() => checkEvents({ redacted: 1 as never }), 'redacted', '1', NO_FLAG);
    const problem = 'there is no such part; known are since, signal, task, user, redacted';
    refuses(() => checkEvents({ limit: 5 } as never), 'options.limit', '5', problem);
  });
});

function tooLong(bytes: number): string {
  return `it takes ${bytes} bytes, and at most 255 are allowed`;
}

/** Without a `value`, whatever is shown of it. */
function refuses(call: () => unknown, argument: string, value: string | undefined, problem: string): void {
  assert.throws(call, (error) => {
    assert.ok(isTaskbatonError(error, 'INVALID_ARGUMENT'), String(error));
    assert.deepEqual(error.details, { argument, value: value ?? error.details['value'], problem });
    return true;
  });
}
