/** Many at once: replicas that race for the same tasks, and replicas that race to create the tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Task, Taskbaton } from '../../src/index.ts';
import { eachDatabase, Fleet } from '../support/process.ts';
import { until } from '../support/system.ts';
import { NOOP } from './tasks.ts';

const TASKS = 2000;

describe('a crowd', () => {
  eachDatabase((open) => {
    it('two replicas take 2,000 tasks as fast as they can, and each task runs exactly once', async (t) => {
      const fleet = new Fleet(await open(), t);
      const baton = fleet.controller();
      const ids = await inBatches(TASKS, () => baton.createTask(NOOP, undefined, { autoRun: false }));
      const racers = await Promise.all([0, 1].map(() => fleet.spawn({ concurrency: 20 })));
      // Whoever started first would be done before the other has begun.
      assert.equal((await baton.runTasks({ all: true })).changed, TASKS);
      await until(
        'no task is left',
        async () => (await baton.getTasks({ states: ['pending', 'running'], limit: 1 })).tasks.length === 0,
        60_000,
      );
      // What a process says comes in order: with the answer, all that it did has been heard.
      await Promise.all(racers.map((racer) => racer.call('stop')));
      const shares = racers.map((racer) => racer.ledger('did'));
      const ran = shares.flat().map(({ task }) => task);
      assert.equal(ran.length, TASKS);
      assert.deepEqual(new Set(ran), new Set(ids));
      for (const share of shares) assert.ok(share.length > 0, 'each had a share');
      const finished = await allTasks(baton);
      assert.deepEqual(
        finished.map(({ id }) => id).toSorted((a, b) => a - b),
        ids.toSorted((a, b) => a - b),
      );
      assert.ok(finished.every(({ state, epoch }) => state === 'finished' && epoch === 1));
      const times = shares.flat().map(({ at }) => at);
      const took = Math.max(...times) - Math.min(...times);
      t.diagnostic(
        `${Math.round((TASKS / took) * 1000)} tasks/s, shares ${shares.map(({ length }) => length).join(' and ')}`,
      );
    });

    it('ten replicas start at once on a fresh database, and all come up', async (t) => {
      const fleet = new Fleet(await open(), t);
      const crowd = await Promise.all(Array.from({ length: 10 }, () => fleet.spawn({ start: false })));
      await Promise.all(crowd.map((member) => member.call('start')));
      const baton = fleet.controller();
      assert.equal((await baton.replicas()).length, 10);
      const id = await baton.createTask(NOOP, undefined);
      await Promise.any(crowd.map((member) => member.entry(id, 'did')));
    });
  });
});

async function inBatches<Result>(count: number, make: () => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  while (results.length < count) results.push(...(await Promise.all(Array.from({ length: 100 }, make))));
  return results;
}

async function allTasks(baton: Taskbaton): Promise<Task[]> {
  const tasks: Task[] = [];
  let after: number | undefined;
  do {
    const page = await baton.getTasks({ limit: 1000, after });
    tasks.push(...page.tasks);
    after = page.next;
  } while (after !== undefined);
  return tasks;
}
