/**
 * Calls for one task that come at the same time, on every database: whatever the order of their statements, what they were
 * told could have come of calls one after another. The seed is printed; TASKBATON_SEED takes one, TASKBATON_HISTORIES
 * says how many histories each database gets.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { eachBackend } from '../backends.ts';
import { CALLS, CLIENTS, describeHistory, plans, World } from './clients.ts';
import { linearize } from './linearizability.ts';
import { oneTask } from './one-task.ts';
import { numberFrom, seedFrom } from './settings.ts';

const HISTORIES = numberFrom('TASKBATON_HISTORIES', 60);
/** What must have happened, or the histories would say little. */
const REACHED = ['claim true', 'report stored', 'a stale write refused', 'rescue true', 'delete changed'];
const MOST_ROUNDS = 10;
const TIMEOUT = 60_000 + HISTORIES * 1000;

describe(`${CLIENTS} clients with ${CALLS} calls each`, () => {
  eachBackend((backend) => {
    it(
      'have a linearizable history, whatever the order of their statements',
      { timeout: TIMEOUT },
      async (t) => {
        const seed = seedFrom();
        const world = await World.open(await backend.open());
        t.after(() => world.close());
        const told = new Map<string, number>();
        const property = fc.asyncProperty(fc.scheduler(), plans, async (scheduler, planned) => {
          const history = await world.play(planned, scheduler);
          for (const { operation, result } of history) {
            const stale = result === 'lost' && 'epoch' in operation && operation.epoch > 0;
            const came = typeof result === 'number' ? result > 0 : result.split(' ')[0];
            const what = stale ? 'a stale write refused' : `${operation.call} ${came}`;
            told.set(what, (told.get(what) ?? 0) + 1);
          }
          assert.ok(linearize(history, oneTask(false)) !== undefined, describeHistory(history));
        });
        const missing = (): readonly string[] => REACHED.filter((what) => !told.has(what));
        let rounds = 0;
        // What a few histories lack by chance, more of them have.
        for (; rounds === 0 || (missing().length > 0 && rounds < MOST_ROUNDS); rounds++)
          await fc.assert(property, { seed: seed + rounds, numRuns: Math.ceil(HISTORIES / 2) });
        t.diagnostic(
          `seed ${seed}, ${rounds * Math.ceil(HISTORIES / 2)} histories, ${told.get('a stale write refused')} stale writes refused`,
        );
        assert.deepEqual(missing(), [], 'no call ever came to these');
      },
    );

    it('have a linearizable history as the database has it', { timeout: TIMEOUT }, async (t) => {
      const seed = seedFrom();
      const world = await World.open(await backend.open());
      t.after(() => world.close());
      const property = fc.asyncProperty(plans, async (planned) => {
        const history = await world.play(planned, undefined);
        assert.ok(linearize(history, oneTask(true)) !== undefined, describeHistory(history));
      });
      // The order of things can't be had again, so nothing is gained by looking for a shorter history.
      await fc.assert(property, { seed, numRuns: Math.floor(HISTORIES / 2), endOnFailure: true });
      t.diagnostic(`seed ${seed}, ${Math.floor(HISTORIES / 2)} histories`);
    });
  });
});
