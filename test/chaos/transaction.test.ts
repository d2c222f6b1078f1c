/**
 * A replica is killed again and again, at random points of a loop that writes rows and its checkpoint in one transaction:
 * in the end every row is there exactly once.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { BackendName, TestBackend } from '../backends.ts';
import { eachDatabase, Fleet } from '../support/process.ts';
import { reaches } from '../support/system.ts';
import { COUNTED } from './tasks.ts';

/** In so many places at once, in each of them so often: each kill costs half a second of a core, for the next process. */
const KILLS: Readonly<Record<BackendName, readonly [places: number, kills: number]>> = {
  sqlite: [4, 50],
  postgres: [1, 20],
  mysql: [1, 20],
};
const LEASE = 500;
const LONGEST_LIFE = 150;

describe('a replica is killed at random, again and again', { concurrency: true }, () => {
  eachDatabase((open, name) => {
    const [places, kills] = KILLS[name];
    const title = `each row is written exactly once, after ${places * kills} kills`;
    it(title, { timeout: 600_000 }, async (t) => {
      await Promise.all(Array.from({ length: places }, async () => killAndCount(await open(), kills, t)));
    });
  });
});

async function killAndCount(place: TestBackend, kills: number, t: TestContext): Promise<void> {
  const fleet = new Fleet(place, t);
  // It runs nothing, and is there for longer than each of the others: long enough to rescue what they leave.
  const baton = fleet.controller({ lease: 2 * LEASE, pollInterval: 50 });
  await baton.start();
  const database = await openDatabase(place.url, { clock: systemClock });
  t.after(() => database.close());
  const table = `${place.prefix}counted`;
  await database.query(`CREATE TABLE ${table} (value INTEGER NOT NULL)`);
  const id = await baton.createTask(COUNTED, { table });
  const next = (): ReturnType<Fleet['spawn']> => fleet.spawn({ lease: LEASE, pollInterval: 50 });
  let coming = next();
  for (let kill = 0; kill < kills; kill++) {
    const victim = await coming;
    // Every other one has written something by then, however busy the machine is.
    await victim.entry(id, kill % 2 === 0 ? 'begin' : 'acked');
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
  assert.ok(crashes >= kills - 1 && count >= Math.floor(kills / 2), `${count} rows, ${crashes} crashes`);
  assert.deepEqual(
    rows.map(({ value }) => Number(value)),
    Array.from({ length: count }, (_, index) => index + 1),
  );
}
