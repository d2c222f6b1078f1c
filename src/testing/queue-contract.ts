/**
 * The contract between the engine and a queue. Whoever writes a `TaskQueue` proves with it that nobody is lost, doubled
 * or started against a limit, whatever order the queue puts them in.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { TaskbatonError } from '../core/errors.ts';
import { NO_LIMITS } from '../core/limit.ts';
import { checkPolicy, FIFO, type Policy, type PolicyName } from '../core/policy.ts';
import { isTaskQueue, type TaskQueue } from '../core/queue.ts';
import { type QueueName, QUEUES } from '../core/status.ts';
import { limitScope } from '../store/scope.ts';
import { Store } from '../store/store.ts';
import { Bench, type ContractStore, NO_CHECKPOINT, runnable, TYPE } from './bench.ts';

/** A fresh database, and what makes a queue to prove on it: one for tasks to run, one for tasks to clean up. */
export interface ContractQueue extends ContractStore {
  readonly make: () => TaskQueue | Policy | PolicyName;
}

export type OpenQueue = () => Promise<ContractQueue>;

const OTHER = 'other';
const TIMEOUT = 60_000;
const SETTLED = { checkpoint: NO_CHECKPOINT, error: null, remove: false } as const;

/**
 * Declares the contract with node:test:
 *
 *     describe('my queue', () => queueContract(async () => ({ connect, prefix: 'taskbaton_', close, make: () => new MyQueue() })))
 */
export function queueContract(open: OpenQueue): void {
  let opened: QueueBench | undefined;
  const bench = (): QueueBench => opened ?? assert.fail('the database of the contract was not opened');
  before(async () => {
    opened = await openQueueBench(open);
  });
  beforeEach(() => bench().empty());
  after(() => opened?.close());
  for (const queue of QUEUES) {
    void describe(`as the queue "${queue}"`, () => {
      for (const [sentence, prove] of Object.entries(CASES))
        void it(sentence, { timeout: TIMEOUT }, () => prove(bench(), queue));
    });
  }
}

class QueueBench extends Bench {
  /** Gives all that wait a way out, for a queue may live where the bench can't clear it. */
  async empty(): Promise<void> {
    for (const queue of QUEUES) while ((await take(this, queue, [TYPE, OTHER], 100)).length > 0);
    await this.clear();
    await this.store.lead();
  }

  /** A task that waits in `queue`. */
  async wait(queue: QueueName, task: { type?: string; group?: string } = {}): Promise<number> {
    const id = await this.create({ ...task, autoRun: true });
    if (queue === 'cleanup') await this.store.change(id, 'delete');
    return id;
  }
}

const CASES: Readonly<Record<string, (bench: QueueBench, queue: QueueName) => Promise<void>>> = {
  'all that wait start, each once': async (bench, queue) => {
    const ids = await many(bench, queue, 20);
    const started: number[] = [];
    for (let round = 0; round < 10; round++) started.push(...(await take(bench, queue, [TYPE], 3)));
    assert.deepEqual(started.toSorted(ascending), ids);
  },

  'no more start than were asked for': async (bench, queue) => {
    await many(bench, queue, 5);
    assert.equal((await take(bench, queue, [TYPE], 2)).length, 2);
  },

  'only tasks of the types that were asked for start': async (bench, queue) => {
    await bench.wait(queue, { type: OTHER });
    const mine = await bench.wait(queue);
    assert.deepEqual(await take(bench, queue, [TYPE], 5), [mine]);
  },

  'nobody starts who was paused or deleted meanwhile': async (bench, queue) => {
    const [first = 0, second = 0] = await many(bench, queue, 2);
    if (queue === 'run') await bench.store.change(first, 'pause');
    else await bench.database.query(`DELETE FROM ${bench.tables.task} WHERE id = ?`, [first]);
    assert.deepEqual(await take(bench, queue, [TYPE], 5), [second]);
  },

  'what was handed over starts again': async (bench, queue) => {
    const [id = 0] = await many(bench, queue, 1);
    await take(bench, queue, [TYPE], 1);
    const { owner, epoch } = await bench.row(id);
    await bench.store.settle({ id, owner: owner ?? '', epoch }, { ...SETTLED, event: 'yield' });
    assert.deepEqual(await take(bench, queue, [TYPE], 1), [id]);
  },

  'a task of a dead replica starts again': async (bench, queue) => {
    const [id = 0] = await many(bench, queue, 1);
    await take(bench, queue, [TYPE], 1);
    const { owner } = await bench.row(id);
    await bench.update(id, { crash_budget: 1 });
    await bench.store.unregister(owner ?? '');
    assert.equal(await bench.store.rescue('{}'), 1);
    assert.deepEqual(await take(bench, queue, [TYPE], 1), [id]);
  },

  'a transaction that fails leaves everybody where they were': async (bench, queue) => {
    const ids = await many(bench, queue, 2);
    const failed = bench.database.transaction(async (connection) => {
      await connection.query(`UPDATE ${bench.tables.task} SET queue = NULL`);
      await connection.query('SELECT this is no statement');
    });
    await assert.rejects(failed, TaskbatonError);
    assert.deepEqual((await take(bench, queue, [TYPE], 5)).toSorted(ascending), ids);
  },

  'those beyond a limit wait, and hold up nobody else': async (bench, queue) => {
    if (queue === 'cleanup') return;
    for (let index = 0; index < 4; index++) await bench.wait(queue, { group: 'full' });
    await bench.wait(queue, { group: 'free' });
    await limitScope(bench.store.scopes, { kind: 'group', name: 'full', second: '' }, 1);
    assert.equal((await take(bench, queue, [TYPE], 5)).length, 2);
    await limitScope(bench.store.scopes, { kind: 'group', name: 'full', second: '' }, null);
    assert.equal((await take(bench, queue, [TYPE], 5)).length, 3);
  },

  'whoever asks at the same time gets others': async (bench, queue) => {
    const ids = await many(bench, queue, 12);
    const taken = await Promise.all([1, 2, 3].map(() => take(bench, queue, [TYPE], 4)));
    while (taken.flat().length < ids.length) taken.push(await take(bench, queue, [TYPE], 4));
    assert.deepEqual(taken.flat().toSorted(ascending), ids);
  },

  'entering all again changes nothing': async (bench, queue) => {
    const ids = await many(bench, queue, 5);
    await bench.store.reconcile(runnable(TYPE));
    await bench.store.reconcile(runnable(TYPE));
    assert.deepEqual((await take(bench, queue, [TYPE], 10)).toSorted(ascending), ids);
    assert.deepEqual(await take(bench, queue, [TYPE], 10), []);
  },
};

async function openQueueBench(open: OpenQueue): Promise<QueueBench> {
  const world = await open();
  const { make } = world;
  const queue = make();
  const checked = isTaskQueue(queue) ? FIFO : checkPolicy('queue', queue, (option) => assert.fail(option));
  const store = new Store(await world.connect(), world.prefix, world.schema, world.dialect, {
    policies: { run: checked, cleanup: checked },
    limits: NO_LIMITS,
    ownQueues: isTaskQueue(queue) ? { run: queue, cleanup: make() as TaskQueue } : {},
  });
  await store.prepare(true);
  return new QueueBench(world, store);
}

async function many(bench: QueueBench, queue: QueueName, count: number): Promise<readonly number[]> {
  const ids: number[] = [];
  for (let index = 0; index < count; index++) ids.push(await bench.wait(queue));
  return ids;
}

async function take(
  bench: QueueBench,
  queue: QueueName,
  types: readonly string[],
  limit: number,
): Promise<readonly number[]> {
  const replica = await bench.register();
  await bench.store.look(replica);
  return (await bench.store.claim({ replica, queue, types: runnable(...types), limit })).claims.map(
    ({ id }) => id,
  );
}

function ascending(one: number, other: number): number {
  return one - other;
}
