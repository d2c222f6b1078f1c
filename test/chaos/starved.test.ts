/**
 * A machine that has too much to do: twice as many processes as processors, which never rest, and replicas whose heaps are
 * collected all the time. Whoever is slow is not dead: nothing is taken from anybody.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { assertCalm, eachDatabase, Fleet } from '../support/process.ts';
import { reaches } from '../support/system.ts';
import { RESUMED } from './tasks.ts';

const LEASE = 10_000;
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=64 --max-semi-space-size=1' };
const WORK = { steps: 150, ms: 20 };

describe('on a machine that is starved', () => {
  eachDatabase((open) => {
    it('no lease is lost, and all tasks end in their first claim', async (t) => {
      const fleet = new Fleet(await open(), t);
      const crew = await Promise.all(
        [1, 2, 3].map(() => fleet.spawn({ lease: LEASE, concurrency: 10 }, SMALL_HEAP)),
      );
      const baton = fleet.controller();
      starve(t);
      const began = performance.now();
      const ids = await Promise.all(Array.from({ length: 30 }, () => baton.createTask(RESUMED, WORK)));
      for (const id of ids) {
        const { crashes, epoch } = await reaches(baton, id, 'finished', 60_000);
        assert.deepEqual({ crashes, epoch }, { crashes: 0, epoch: 1 });
      }
      t.diagnostic(`${ids.length} tasks took ${Math.round(performance.now() - began)} ms`);
      for (const one of crew) assertCalm(one);
    });
  });
});

/** Takes the processors away until the test is over. */
function starve(t: TestContext): void {
  for (let hog = 0; hog < 2 * availableParallelism(); hog++) {
    const child = spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
  }
}
