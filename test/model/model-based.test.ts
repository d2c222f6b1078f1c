/**
 * Everything that users can ask for, and replicas that start, stop and crash, in any order, on every database: whenever
 * all has come to rest, it is as the reference says. The seed is printed; TASKBATON_SEED takes one, TASKBATON_MODEL_RUNS
 * and TASKBATON_MODEL_COMMANDS say how much is tried.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { eachBackend } from '../backends.ts';
import { commands } from './commands.ts';
import { Fleet } from './fleet.ts';
import { Reference } from './reference.ts';
import { numberFrom, seedFrom } from './settings.ts';

const RUNS = numberFrom('TASKBATON_MODEL_RUNS', 12);
const COMMANDS = numberFrom('TASKBATON_MODEL_COMMANDS', 40);
/** Where one of these never came, little was tried; in so few runs that may be chance. */
const FEW = 100;
const NEEDED = [
  'crash replica',
  'drain replica',
  'create child',
  'replace',
  'become due',
  'fire schedule',
  'wait',
  'snooze',
  'finish',
  'report',
  'delete many',
  'pause family',
  'limit user/group',
  'hold type',
  'release user',
];
const TIMEOUT = 60_000 + RUNS * COMMANDS * 1000;

describe('the whole system', () => {
  eachBackend((backend) => {
    it('does what the reference says', { timeout: TIMEOUT }, async (t) => {
      const seed = seedFrom();
      const fleet = await Fleet.open(await backend.open(), t);
      const property = fc.asyncProperty(commands(COMMANDS), async (chosen) => {
        await fleet.clear();
        await fleet.start();
        const reference = new Reference();
        reference.replicas.push({ drained: false });
        await fc.asyncModelRun(() => ({ model: reference, real: fleet }), chosen);
      });
      await fc.assert(property, { seed, numRuns: RUNS });
      const total = [...fleet.carriedOut.values()].reduce((sum, count) => sum + count, 0);
      t.diagnostic(`seed ${seed}, ${RUNS} runs, ${total} commands`);
      for (const sort of RUNS < FEW ? [] : NEEDED)
        assert.ok((fleet.carriedOut.get(sort) ?? 0) > 0, `never carried out: ${sort}`);
    });
  });
});
