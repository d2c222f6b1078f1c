/** Whose turn it is: what the policies of a queue may say, and what they come to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CheckedPolicy, checkPolicy, FIFO } from '../../src/core/policy.ts';
import { isTaskQueue } from '../../src/core/queue.ts';
import { refusing } from '../support/refusal.ts';

function checked(policy: unknown): CheckedPolicy {
  return checkPolicy('queues.run', policy, (option) => assert.fail(`${option} is refused`));
}

function refused(policy: unknown): unknown {
  return refusing((refuse) => checkPolicy('queues.run', policy, refuse));
}

describe('a policy', () => {
  it('may be given by its name', () => {
    for (const policy of ['fifo', 'priority', 'fair'])
      assert.deepEqual(checked(policy).order, checked({ policy }).order);
  });

  it('of fifo has neither priorities nor shares', () => {
    assert.equal(checked('fifo'), FIFO);
    assert.deepEqual(FIFO.order, { sharers: null, priority: false, ageing: null });
    assert.equal(FIFO.weightOf('ada'), 1);
  });

  it('of priority may have tasks age', () => {
    assert.deepEqual(checked('priority').order, { sharers: null, priority: true, ageing: null });
    assert.equal(checked('priority').weightOf('ada'), 1);
    for (const [ageing, ms] of [
      ['5m', 300_000],
      [1, 1],
      ['1d', 86_400_000],
    ] as const)
      assert.equal(checked({ policy: 'priority', ageing }).order.ageing, ms);
    const problem = 'it must be from 1 to 86400000 milliseconds';
    for (const ageing of [0, 86_400_001, 'soon', null])
      assert.deepEqual(refused({ policy: 'priority', ageing }), ['queues.run.ageing', ageing, problem]);
  });

  it('of fair shares among users unless told otherwise, and within a share goes by fifo or priority', () => {
    assert.deepEqual(checked('fair').order, { sharers: 'user', priority: false, ageing: null });
    for (const by of ['user', 'group', 'user/group'])
      assert.equal(checked({ policy: 'fair', by }).order.sharers, by);
    const within = { policy: 'priority', ageing: 7 };
    assert.deepEqual(checked({ policy: 'fair', within }).order, {
      sharers: 'user',
      priority: true,
      ageing: 7,
    });
    const sharers = 'it must be one of user, group, user/group';
    assert.deepEqual(refused({ policy: 'fair', by: 'type' }), ['queues.run.by', 'type', sharers]);
    const inner = 'it must be fifo or priority';
    assert.deepEqual(refused({ policy: 'fair', within: 'fair' }), ['queues.run.within', 'fair', inner]);
    const none = 'it must be a policy, one of fifo, priority, fair, or a TaskQueue';
    assert.deepEqual(refused({ policy: 'fair', within: 'lifo' }), ['queues.run.within', 'lifo', none]);
  });

  it('has weights by name, or by a function; whoever has none weighs 1', () => {
    assert.equal(checked('fair').weightOf('ada'), 1);
    const byName = checked({ policy: 'fair', weights: { ada: 2.5, bob: 1e6 } });
    assert.deepEqual(['ada', 'bob', 'kim', 'toString'].map(byName.weightOf), [2.5, 1e6, 1, 1]);
    const byRule = checked({ policy: 'fair', weights: (name: string) => (name === 'ada' ? 2 : undefined) });
    assert.deepEqual(['ada', 'bob'].map(byRule.weightOf), [2, 1]);
  });

  it('is refused for weights that are none', () => {
    const shape = 'it must be an object of names and weights, or a function';
    for (const weights of [null, 5, [], 'x'])
      assert.deepEqual(refused({ policy: 'fair', weights }), ['queues.run.weights', weights, shape]);
    const problem = 'it must be a number above 0, at most 1000000';
    for (const weight of [0, -1, 1e6 + 1, '2', NaN]) {
      const table = { policy: 'fair', weights: { ada: weight } };
      assert.deepEqual(refused(table), ['queues.run.weights.ada', weight, problem]);
      const said = refusing((refuse) =>
        checkPolicy('queues.run', { policy: 'fair', weights: () => weight }, refuse).weightOf('ada'),
      );
      assert.deepEqual(said, ['queues.run.weights("ada")', weight, problem]);
    }
  });

  it('is an object that names one, or the name', () => {
    const none = 'it must be a policy, one of fifo, priority, fair, or a TaskQueue';
    for (const policy of [Object.assign(() => 1, { policy: 'fifo' }), { policy: ['fifo'] }, null, 5])
      assert.deepEqual(refused(policy), ['queues.run', policy, none]);
  });

  it('has no part that it doesn’t know', () => {
    for (const [policy, part] of [
      ['fifo', 'ageing'],
      ['priority', 'weights'],
      ['fair', 'ageing'],
    ] as const)
      assert.deepEqual(refused({ policy, [part]: 5 }), [
        `queues.run.${part}`,
        5,
        `policy ${policy} has no such part`,
      ]);
  });
});

it('a queue of one’s own is what can enter, leave and pick', () => {
  const queue = { enter: nothing, leave: nothing, pick: nothing };
  assert.equal(isTaskQueue(queue), true);
  for (const part of Object.keys(queue))
    assert.equal(isTaskQueue({ ...queue, [part]: undefined }), false, part);
  for (const other of [null, undefined, 'fifo', Object.assign(() => undefined, queue)])
    assert.equal(isTaskQueue(other), false);
});

function nothing(): void {}
