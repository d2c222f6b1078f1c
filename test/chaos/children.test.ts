/** Replicas are killed while parents create children, wait for them and take them along: none is lost, none is there twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eachDatabase, Fleet } from '../support/process.ts';
import { until } from '../support/system.ts';
import { LEAF, TREE } from './tasks.ts';

const TREES = 12;
const LEAVES = 8;
const KILLS = 12;
const LONGEST_LIFE = 400;
const OPTIONS = { lease: 500, pollInterval: 50, concurrency: 4 };

describe('replicas are killed while tasks have children', { concurrency: true }, () => {
  eachDatabase((open) => {
    it(
      'every parent gets all its results once, and takes all its children along',
      { timeout: 300_000 },
      async (t) => {
        const fleet = new Fleet(await open(), t);
        const baton = fleet.controller();
        await baton.migrate();
        const ids = await baton.createTasks(
          Array.from({ length: TREES }, () => ({ task: TREE, input: { leaves: LEAVES } })),
        );
        const kill = async (): Promise<void> => {
          const victim = await fleet.spawn(OPTIONS);
          await pause(Math.random() * LONGEST_LIFE);
          victim.signal('SIGKILL');
          await victim.exited;
        };
        for (let kills = 0; kills < KILLS; kills += 2) await Promise.all([kill(), kill()]);
        const survivor = await fleet.spawn(OPTIONS);
        for (const id of ids) {
          const { context } = await baton.taskDone(id, { as: TREE, timeout: '60s' });
          assert.equal(context?.sum, (LEAVES * (LEAVES + 1)) / 2);
        }
        const { tasks } = await baton.getTasks({ types: [LEAF], limit: 1000 });
        assert.equal(tasks.length, TREES * LEAVES);
        assert.ok(tasks.every(({ state }) => state === 'finished'));
        const crashes = tasks.reduce((sum, task) => sum + task.crashes, 0);
        t.diagnostic(`${crashes} leaves were torn from dead replicas`);
        await baton.deleteTasks({ types: [TREE] });
        await kill();
        await until(
          'nothing is left',
          async () => (await baton.getTasks({ includeDeleting: true })).tasks.length === 0,
          60_000,
        );
        survivor.signal('SIGTERM');
      },
    );
  });
});
