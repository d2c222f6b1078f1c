/**
 * A queue that lives in a Redis beside the database: it is a queue as the contract has it, and whatever Redis forgets or
 * remembers too long, every task is done and done once.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { defineTask } from '../../src/index.ts';
import { queueContract } from '../../src/testing/queue-contract.ts';
import { RedisQueue } from '../../examples/queues/redis-queue.ts';
import { eachBackend } from '../backends.ts';
import { openContractStore } from '../support/stores.ts';
import { gate, openSystem, record, until } from '../support/system.ts';

const url = process.env['TASKBATON_REDIS_URL'] ?? '';
if (url === '') throw new Error('There is no Redis to test on. Run the tests with `npm test`.');

eachBackend((backend) => {
  const redis = new Redis(url);
  const name = `taskbaton-test:${randomBytes(5).toString('hex')}`;
  const forget = async (): Promise<void> => {
    const keys = await redis.keys(`${name}:*`);
    if (keys.length > 0) await redis.del(keys);
  };
  after(async () => {
    await forget();
    await redis.quit();
  });

  describe('a queue in Redis:', () =>
    queueContract(async () => ({
      ...(await openContractStore(backend)),
      make: () => new RedisQueue(redis, name),
    })));

  it('what Redis forgets is brought back, and done once', async (t) => {
    const system = await openSystem(backend, t);
    const runs = new Map<number, number>();
    const begin = gate();
    const definition = defineTask({
      type: 'forgotten',
      async run({ task: { id } }) {
        runs.set(id, (runs.get(id) ?? 0) + 1);
        await begin.opened;
      },
    });
    const queues = { run: new RedisQueue(redis, name) };
    const baton = system.instance({ tasks: [definition], queues, concurrency: 2, lease: 1000 });
    const ids: number[] = [];
    for (let index = 0; index < 20; index++) ids.push(await baton.createTask(definition, undefined));
    await baton.start();
    await until('two run', () => runs.size === 2);
    await forget();
    begin.open();
    await until('all are done', async () => {
      const { tasks } = await baton.getTasks({ states: ['finished'] });
      return tasks.length === ids.length;
    });
    assert.deepEqual(
      [...runs.entries()].toSorted(([one], [other]) => one - other),
      ids.map((id) => [id, 1]),
    );
  });

  it('tasks that only Redis still knows are passed over and taken out', async (t) => {
    const system = await openSystem(backend, t);
    const definition = defineTask({ type: 'real', run: async () => undefined });
    const queue = new RedisQueue(redis, name);
    const baton = await system.replica({ tasks: [definition], queues: { run: queue } });
    const ghosts = Array.from({ length: 50 }, (_, index) => 1_000_000 + index);
    await queue.enter(
      ghosts.map((id) => ({
        id,
        type: 'real',
        user: '',
        group: '',
        priority: 0,
        handedOver: true,
      })),
    );
    const ended = record(baton);
    const id = await baton.createTask(definition, undefined);
    await ended.next('task.ended', (event) => event.id === id);
    await until('no ghost is left', async () => {
      const left = await queue.pick({ types: ['real'], limit: 100, skip: new Set() });
      return left.length === 0;
    });
  });

  it('while Redis is away the claims fail and the loop goes on', async (t) => {
    const system = await openSystem(backend, t);
    const definition = defineTask({ type: 'patient', run: async () => undefined });
    const lost = new Redis(url, { maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: null });
    lost.on('error', () => undefined);
    t.after(() => lost.disconnect());
    await until('connected', () => lost.status === 'ready');
    const baton = system.instance({
      tasks: [definition],
      queues: { run: new RedisQueue(lost, name) },
      lease: 1000,
    });
    const failing = record(baton);
    await baton.start();
    lost.disconnect();
    await until('disconnected', () => lost.status === 'end');
    const id = await baton.createTask(definition, undefined);
    await failing.next('queue.failing');
    await lost.connect();
    await failing.next('task.ended', (event) => event.id === id);
  });
});
