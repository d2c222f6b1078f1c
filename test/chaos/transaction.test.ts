/**
 * A replica is killed again and again, at random points of a loop that writes rows and its checkpoint in one transaction:
 * in the end every row is there exactly once.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { eachDatabase, Fleet } from '../support/process.ts';
import { reaches } from '../support/system.ts';
import { COUNTED } from './tasks.ts';

/** On each database; on all three together more than 200. */
const KILLS = 70;
const LEASE = 500;
const LONGEST_LIFE = 150;

describe('a replica is killed at random, again and again', { concurrency: true }, () => {
  eachDatabase((open) => {
    it(`each row is written exactly once, after ${KILLS} kills`, { timeout: 600_000 }, async (t) => {
      const place = await open();
      const fleet = new Fleet(place, t);
      const baton = fleet.controller();
      await baton.migrate();
      const database = await openDatabase(place.url, { clock: systemClock });
      t.after(() => database.close());
      const table = `${place.prefix}counted`;
      await database.query(`CREATE TABLE ${table} (value INTEGER NOT NULL)`);
      const id = await baton.createTask(COUNTED, { table });
      const next = (): ReturnType<Fleet['spawn']> => fleet.spawn({ lease: LEASE, pollInterval: 50 });
      let coming = next();
      for (let kill = 0; kill < KILLS; kill++) {
        const victim = await coming;
        await victim.entry(id, 'begin');
        // The next one is up by the time the lease of this one is over.
        coming = next();
        await coming;
        await pause(Math.random() * LONGEST_LIFE);
        victim.signal('SIGKILL');
        await victim.exited;
      }
      await baton.pauseTask(id);
      const { context, crashes } = await reaches(baton, id, 'paused', 60_000);
      const { rows } = await database.query(`SELECT value FROM ${table} ORDER BY value`);
      const count = (context as { step: number } | undefined)?.step ?? 0;
      t.diagnostic(`${rows.length} rows, ${crashes} crashes`);
      assert.ok(crashes >= KILLS - 1 && count > KILLS, `${count} rows, ${crashes} crashes`);
      assert.deepEqual(
        rows.map(({ value }) => Number(value)),
        Array.from({ length: count }, (_, index) => index + 1),
      );
    });
  });
});
