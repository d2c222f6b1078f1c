/** Writes that share a commit, on a clock that the test moves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GroupCommit } from '../../src/runtime/group-commit.ts';
import { ManualClock } from '../support/clock.ts';

interface Setting {
  readonly clock: ManualClock;
  readonly commit: GroupCommit<string, string>;
  readonly groups: (readonly string[])[];
  readonly alone: readonly string[];
  /** Answers the group under way. */
  readonly answer: (error?: Error) => Promise<void>;
}

describe('group commit', () => {
  it('writes at once when nothing is under way', async () => {
    const { commit, groups, clock, answer } = setting();
    const one = commit.add('a');
    await clock.settle();
    assert.deepEqual(groups, [['a']]);
    await answer();
    assert.equal(await one, 'A');
  });

  it('lets those who come at the same time go together', async () => {
    const { commit, groups, clock } = setting();
    for (const item of ['a', 'b', 'c']) void commit.add(item);
    await clock.settle();
    assert.deepEqual(groups, [['a', 'b', 'c']]);
  });

  it('gathers what comes while a write is under way, and nobody is answered before their own', async () => {
    const { commit, groups, clock, answer } = setting();
    const answered: string[] = [];
    const add = (item: string): void => void commit.add(item).then((result) => answered.push(result));
    add('a');
    await clock.settle();
    for (const item of ['b', 'c']) add(item);
    await clock.settle();
    assert.deepEqual([groups, answered], [[['a']], []]);
    await answer();
    assert.deepEqual([groups, answered], [[['a'], ['b', 'c']], ['A']]);
    await answer();
    assert.deepEqual(answered, ['A', 'B', 'C']);
  });

  it('refuses only what is refused', async () => {
    const { commit, clock, answer } = setting();
    const results = Promise.allSettled([commit.add('a'), commit.add('bad'), commit.add('c')]);
    await clock.settle();
    await answer();
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('writes alone who was left out', async () => {
    const { commit, clock, alone, answer } = setting();
    const results = Promise.all([commit.add('a'), commit.add('left out')]);
    await clock.settle();
    await answer();
    assert.deepEqual([await results, alone], [['A', 'written alone'], ['left out']]);
  });

  it('does not wait for ever for a group that has no answer yet', async () => {
    const { commit, clock, groups } = setting();
    void commit.add('a');
    await clock.settle();
    void commit.add('b');
    await clock.advance(249);
    assert.deepEqual(groups, [['a']]);
    await clock.advance(1);
    assert.deepEqual(groups, [['a'], ['b']]);
  });

  it('lets a full group go beside the one under way, and the rest wait', async () => {
    const { commit, groups, clock, answer } = setting();
    const answers = Array.from({ length: 3200 }, () => commit.add('a'));
    await clock.settle();
    assert.deepEqual(
      groups.map(({ length }) => length),
      [1000, 1000],
    );
    await answer();
    await answer();
    assert.deepEqual(
      groups.map(({ length }) => length),
      [1000, 1000, 1000, 200],
    );
    await Promise.all(answers);
  });

  it('gathers what does not fill a group, whoever else is writing', async () => {
    const { commit, groups, clock, answer } = setting();
    void commit.add('a');
    await clock.settle();
    for (let count = 0; count < 999; count++) void commit.add('b');
    await clock.settle();
    assert.equal(groups.length, 1);
    void commit.add('b');
    await clock.settle();
    assert.equal(groups.length, 2);
    await answer();
  });

  it('tells all of a group that had no answer, and goes on with the next', async () => {
    const { commit, clock, answer } = setting();
    const results = Promise.allSettled([commit.add('a'), commit.add('b')]);
    await clock.settle();
    await answer(new Error('connection lost'));
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    const next = commit.add('c');
    await clock.settle();
    await answer();
    assert.equal(await next, 'C');
  });

  it('keeps a group within what a statement should carry, unless a single item has more', async () => {
    const large = 'x'.repeat(2 ** 20);
    const { commit, groups, clock, answer } = setting();
    for (const item of [large, 'a', 'b', large]) void commit.add(item);
    for (let round = 0; round < 3; round++) {
      await clock.settle();
      await answer();
    }
    assert.deepEqual(
      groups.map(({ length }) => length),
      [1, 2, 1],
    );
  });
});

/** Writes letters in capitals, and refuses what is bad. */
function setting(): Setting {
  const clock = new ManualClock();
  const groups: (readonly string[])[] = [];
  const alone: string[] = [];
  let under = Promise.withResolvers<void>();
  const commit = new GroupCommit<string, string>({
    clock,
    sizeOf: ({ length }) => length,
    write: async (items) => {
      groups.push(items);
      await under.promise;
      return items.map((item) => {
        if (item === 'left out') return undefined;
        return item === 'bad'
          ? { status: 'rejected', reason: new Error('bad') }
          : { status: 'fulfilled', value: item.toUpperCase() };
      });
    },
    writeAlone: async (item) => {
      alone.push(item);
      return 'written alone';
    },
  });
  return {
    clock,
    commit,
    groups,
    alone,
    answer: async (error) => {
      const answered = under;
      under = Promise.withResolvers<void>();
      if (error === undefined) answered.resolve();
      else answered.reject(error);
      await clock.settle();
    },
  };
}
