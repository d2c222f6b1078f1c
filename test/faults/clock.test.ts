/**
 * Replicas whose clocks are an hour off, either way, and one that jumps while it works: only the database's time counts, so
 * nobody's task is taken too early or too late. SQLite's time is that of each process, so there all must have the same.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fakedClock, findFaketime, turnClock } from '../../scripts/libfaketime.ts';
import { RESUMED } from '../chaos/tasks.ts';
import { eachDatabase, Fleet } from '../support/process.ts';
import { reaches } from '../support/system.ts';

const LEASE = 3000;
const HOUR = 3600;
const library = findFaketime();

describe(
  'clocks that are wrong',
  { skip: library === undefined && 'libfaketime is not to be had here' },
  () => {
    eachDatabase((open, name) => {
      if (name === 'sqlite') return;

      it('take no task too early, and none too late', async (t) => {
        assert.ok(library !== undefined, 'install libfaketime (apt-get install libfaketime)');
        const fleet = new Fleet(await open(), t);
        const folder = mkdtempSync(join(tmpdir(), 'taskbaton-clock-'));
        t.after(() => rmSync(folder, { recursive: true }));
        const replicaAt = (seconds: number, clock: string) => {
          turnClock(join(folder, clock), seconds);
          return fleet.spawn({ lease: LEASE, concurrency: 9 }, fakedClock(library, join(folder, clock)));
        };
        const baton = fleet.controller();
        const work = { steps: 250, ms: 20 };
        const create = () => Promise.all(Array.from({ length: 3 }, () => baton.createTask(RESUMED, work)));
        const slow = await replicaAt(-HOUR, 'slow');
        const orphans = await create();
        await Promise.all(orphans.map((id) => slow.entry(id, 'begin')));
        const [right, fast] = await Promise.all([replicaAt(0, 'right'), replicaAt(HOUR, 'fast')]);
        const others = await create();
        await Promise.all(
          others.map((id) => Promise.any([slow, right, fast].map((one) => one.entry(id, 'begin')))),
        );
        turnClock(join(folder, 'right'), 2 * HOUR);
        const killed = slow.signal('SIGKILL');
        orphans.push(...others.filter((id) => slow.ledger('begin', id).length > 0));
        const rescued = await Promise.all(
          orphans.map((id) => Promise.any([right, fast].map((heir) => heir.entry(id, 'begin')))),
        );
        const times = rescued.map(({ at }) => at - killed);
        t.diagnostic(`rescued ${times.map(Math.round).join(', ')} ms after the kill`);
        assert.ok(Math.max(...times) < LEASE + 2000, 'none too late');
        for (const id of new Set([...orphans, ...others])) {
          const { crashes, epoch } = await reaches(baton, id, 'finished');
          assert.equal(crashes, orphans.includes(id) ? 1 : 0, 'none too early');
          assert.equal(epoch, crashes + 1);
        }
      });
    });
  },
);
