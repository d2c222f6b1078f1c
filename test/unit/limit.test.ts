/** How many may run at once: what options, a rule and the database say, and which of them has the last word. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTaskbatonError } from '../../src/core/errors.ts';
import {
  checkLimit,
  type CheckedLimits,
  checkLimits,
  checkScope,
  keyOf,
  namesOf,
  NO_LIMITS,
  Rules,
  type Scope,
  SCOPE_KINDS,
  type StoredRule,
} from '../../src/core/limit.ts';
import { refusing } from '../support/refusal.ts';

const NO_LIMIT = 'it must be a whole number from 0 to 1000000';
const KINDS = 'it must be one of user, group, type, user/group';

function checked(limits: unknown): CheckedLimits {
  return checkLimits(limits, (option) => assert.fail(`${option} is refused`));
}

function stored(rule: Partial<StoredRule>): StoredRule {
  return { kind: 'user', name: 'ada', second: '', most: null, paused: false, ...rule };
}

function someRules(): Rules {
  return new Rules(3, checked({ user: 4, type: { import: 2 } }), [
    stored({ most: 1 }),
    stored({ name: 'bob', paused: true }),
    stored({ name: 'eve', most: 9, paused: true }),
    stored({ kind: 'user/group', second: 'night', most: 0 }),
  ]);
}

describe('limits from options', () => {
  it('are none unless there are some', () => {
    assert.equal(checked(undefined), NO_LIMITS);
    assert.deepEqual(NO_LIMITS.kinds, []);
    assert.equal(NO_LIMITS.limitOf('user', 'ada', ''), Infinity);
    assert.deepEqual(checked({}).kinds, []);
    assert.deepEqual(checked({ user: undefined }).kinds, []);
  });

  it('are a number for all, or for some by name', () => {
    const { kinds, limitOf } = checked({ 'user/group': 1, user: 4, type: { import: 0, most: 1_000_000 } });
    assert.deepEqual(kinds, ['user', 'type', 'user/group']);
    assert.equal(limitOf('user', 'ada', ''), 4);
    assert.equal(limitOf('user/group', 'ada', 'night'), 1);
    assert.equal(limitOf('type', 'import', ''), 0);
    assert.equal(limitOf('type', 'most', ''), 1_000_000);
    for (const name of ['export', 'toString', '__proto__']) assert.equal(limitOf('type', name, ''), Infinity);
    assert.equal(limitOf('group', 'night', ''), Infinity);
  });

  it('are what a rule says of a scope', () => {
    const asked: Scope[] = [];
    const { kinds, limitOf } = checked((scope: Scope) => {
      asked.push(scope);
      return scope.user === 'ada' ? 2 : undefined;
    });
    assert.deepEqual(kinds, SCOPE_KINDS);
    assert.equal(limitOf('user', 'ada', ''), 2);
    assert.equal(limitOf('group', 'night', ''), Infinity);
    assert.equal(limitOf('user/group', 'ada', 'night'), 2);
    assert.deepEqual(asked, [
      { kind: 'user', user: 'ada' },
      { kind: 'group', group: 'night' },
      { kind: 'user/group', user: 'ada', group: 'night' },
    ]);
  });

  it('are refused for any that is none', () => {
    const refused = (limits: unknown): unknown => refusing((refuse) => checkLimits(limits, refuse));
    const shape = 'it must be an object such as { group: 4 }, or a function';
    for (const limits of [null, 5, [], 'x']) assert.deepEqual(refused(limits), ['limits', limits, shape]);
    assert.deepEqual(refused({ users: 4 }), ['limits.users', 4, KINDS]);
    for (const limit of [-1, 1.5, 1_000_001, '4', null]) {
      assert.deepEqual(refused({ user: limit }), ['limits.user', limit, NO_LIMIT]);
      assert.deepEqual(refused({ user: { ada: limit } }), ['limits.user.ada', limit, NO_LIMIT]);
    }
    const pairs = { ada: 1 };
    assert.deepEqual(refused({ 'user/group': pairs }), ['limits.user/group', pairs, NO_LIMIT]);
  });

  it('are refused when a rule says what is none', () => {
    const said = (limit: unknown): unknown =>
      refusing((refuse) => checkLimits(() => limit, refuse).limitOf('user', 'ada', ''));
    for (const limit of [-1, 1.5, '4', 1_000_001])
      assert.deepEqual(said(limit), ['limits("user", "ada")', limit, NO_LIMIT]);
    for (const limit of [0, 7, Infinity]) assert.equal(said(limit), limit);
    for (const none of [undefined, null]) assert.equal(said(none), Infinity);
  });
});

describe('a limit that is set at run time', () => {
  it('is a limit, or null for none', () => {
    for (const limit of [0, 1_000_000, null]) checkLimit(limit);
    for (const limit of [-1, 1_000_001, undefined, '4'])
      refuses(() => checkLimit(limit), 'limit', `${NO_LIMIT}, or null for none`);
  });

  it('is set for a scope by its name, or by its two', () => {
    for (const kind of ['user', 'group', 'type'] as const)
      assert.deepEqual(checkScope(kind, 'x'), { kind, name: 'x', second: '' });
    const pair = { kind: 'user/group', name: 'ada', second: 'night' };
    assert.deepEqual(checkScope('user/group', ['ada', 'night']), pair);
    refuses(() => checkScope('users', 'x'), 'kind', KINDS);
    refuses(() => checkScope('group', 5), 'group', 'it must be a string');
    for (const name of ['ada', ['ada'], ['a', 'b', 'c'], { length: 2 }])
      refuses(() => checkScope('user/group', name), 'name', 'it must be [user, group]');
    refuses(() => checkScope('user/group', [5, 'night']), 'user', 'it must be a string');
    refuses(() => checkScope('user/group', ['ada', 5]), 'group', 'it must be a string');
  });
});

describe('the rules that hold', () => {
  it('are about the kinds of options and of what was set', () => {
    const rules = someRules();
    assert.equal(rules.version, 3);
    assert.deepEqual(rules.kinds, ['user', 'type', 'user/group']);
    assert.deepEqual(new Rules(0, NO_LIMITS, []).kinds, []);
  });

  it('have no room for what is paused, and else what was set last', () => {
    const rules = someRules();
    assert.equal(rules.limitOf('user', 'ada', ''), 1);
    assert.equal(rules.limitOf('user', 'bob', ''), 0);
    assert.equal(rules.limitOf('user', 'eve', ''), 0);
    assert.equal(rules.limitOf('user', 'kim', ''), 4);
    assert.equal(rules.limitOf('user/group', 'ada', 'night'), 0);
    assert.equal(rules.limitOf('user/group', 'ada', 'day'), Infinity);
  });

  it('tell the limit apart from the pause', () => {
    const rules = someRules();
    assert.deepEqual(rules.describe('user', 'ada'), { limit: 1, paused: false });
    assert.deepEqual(rules.describe('user', 'bob'), { limit: 4, paused: true });
    assert.deepEqual(rules.describe('user', 'eve'), { limit: 9, paused: true });
    assert.deepEqual(rules.describe('type', 'export'), { limit: undefined, paused: false });
    assert.deepEqual(rules.describe('user/group', 'ada', 'night'), { limit: 0, paused: false });
  });

  it('can be listed: all, those of a kind, and those that pause', () => {
    const rules = someRules();
    const names = (list: readonly StoredRule[]): readonly string[] => list.map(({ name }) => name);
    assert.deepEqual(names(rules.stored()), ['ada', 'bob', 'eve', 'ada']);
    assert.deepEqual(rules.named('user'), ['ada', 'bob', 'eve']);
    assert.deepEqual(rules.named('group'), []);
    assert.deepEqual(names(rules.paused()), ['bob', 'eve']);
  });
});

it('a task is in one scope of each kind, and no two scopes are taken for one', () => {
  const task = { type: 'import', user: 'ada', group: 'night' };
  const scopes = SCOPE_KINDS.map((kind) => namesOf(kind, task));
  assert.deepEqual(scopes, [
    ['ada', ''],
    ['night', ''],
    ['import', ''],
    ['ada', 'night'],
  ]);
  const keys = [
    keyOf('user', 'a', 'b'),
    keyOf('user', 'ab', ''),
    keyOf('group', 'a', 'b'),
    keyOf('user', 'a', ''),
  ];
  assert.equal(new Set(keys).size, keys.length);
});

function refuses(call: () => unknown, argument: string, problem: string): void {
  assert.throws(call, (error) => {
    assert.ok(isTaskbatonError(error, 'INVALID_ARGUMENT'), String(error));
    assert.deepEqual([error.details['argument'], error.details['problem']], [argument, problem]);
    return true;
  });
}
