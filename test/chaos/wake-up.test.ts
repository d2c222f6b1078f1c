/**
 * What one process asks for reaches another at once, long before anyone would poll; and when hints fail, polling still
 * gets it done, and hints come back.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pg from 'pg';
import type { Taskbaton } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { TestBackend } from '../backends.ts';
import { onBackend } from '../support/databases.ts';
import {
  eachDatabase,
  figures,
  Fleet,
  ownPostgres,
  placeOn,
  type ReplicaProcess,
} from '../support/process.ts';
import { reaches } from '../support/system.ts';
import { monotonic } from './protocol.ts';
import { NOOP, STEPS } from './tasks.ts';

/** In milliseconds; whatever happens much earlier was not found by polling. How fast hints are is the benchmark's matter. */
const POLL = 60_000;
const HINTED = POLL / 3;
const ROUNDS = 12;
const FOR_EVER = { steps: 100_000, ms: 50 };
const PATIENT = { pollInterval: POLL, lease: 4 * POLL, concurrency: 2 * ROUNDS };

describe('wake-up', () => {
  eachDatabase((open) => {
    it('a task created here starts there, and a pause or delete reaches its handler, without a poll', async (t) => {
      const fleet = new Fleet(await open(), t);
      const worker = await fleet.spawn(PATIENT);
      const baton = fleet.controller();
      await worker.event('hints.working');
      await isIdle(baton, worker);
      const waits = { start: [] as number[], pause: [] as number[], delete: [] as number[] };
      for (let round = 0; round < ROUNDS; round++) {
        const [id, started] = await startOne(baton, worker);
        waits.start.push(started);
        const event = round % 2 === 0 ? 'pause' : 'delete';
        const asked = monotonic();
        await (event === 'pause' ? baton.pauseTask(id) : baton.deleteTask(id));
        const signal = await worker.entry(id, 'signal');
        assert.equal(signal.why, event);
        waits[event].push(signal.at - asked);
      }
      for (const [name, times] of Object.entries(waits)) {
        t.diagnostic(figures(name, times));
        assert.ok(Math.max(...times) < HINTED, figures(name, times));
      }
    });

    it('a task whose hint never comes is found by polling', async (t) => {
      const fleet = new Fleet(await open(), t);
      const worker = await fleet.spawn({ pollInterval: 1000, lease: 30_000 });
      const deaf = fleet.controller({ db: await withoutHints(fleet.place) });
      const asked = monotonic();
      const id = await deaf.createTask(STEPS, FOR_EVER);
      const begun = await worker.entry(id, 'begin');
      const paused = monotonic();
      await deaf.pauseTask(id);
      const signal = await worker.entry(id, 'signal');
      assert.equal(signal.why, 'pause');
      t.diagnostic(
        `found after ${Math.round(begun.at - asked)} ms, paused after ${Math.round(signal.at - paused)} ms`,
      );
    });
  });

  onBackend('postgres', () => {
    const own = ownPostgres();
    it('a listener whose connection is cut comes back, and nothing is missed meanwhile', async (t) => {
      const fleet = new Fleet(placeOn(own(), 'cut'), t);
      const worker = await fleet.spawn(PATIENT);
      const baton = fleet.controller();
      await worker.event('hints.working');
      await isIdle(baton, worker);
      await cutListeners(fleet.place);
      const [, meanwhile] = await startOne(baton, worker);
      t.diagnostic(`created while nobody listened: started after ${Math.round(meanwhile)} ms`);
      assert.ok(meanwhile < HINTED, `started after ${meanwhile} ms`);
      const lost = await worker.event('hints.lost');
      await worker.said('event', ({ event, at }) => event.name === 'hints.working' && at > lost.at);
      const waits: number[] = [];
      for (let round = 0; round < ROUNDS; round++) waits.push((await startOne(baton, worker))[1]);
      t.diagnostic(figures('start with the new listener', waits));
      assert.ok(Math.max(...waits) < HINTED, figures('start', waits));
    });
  });
});

/** Creates a task here, waits until it runs there, and says how long that took. */
async function startOne(baton: Taskbaton, worker: ReplicaProcess): Promise<[id: number, wait: number]> {
  const asked = monotonic();
  const id = await baton.createTask(STEPS, FOR_EVER);
  const begun = await worker.entry(id, 'begin');
  return [id, begun.at - asked];
}

/** After a first task has run, nothing of the start (connections, first rounds) is left that could help or hinder. */
async function isIdle(baton: Taskbaton, worker: ReplicaProcess): Promise<void> {
  const id = await baton.createTask(NOOP, undefined);
  await worker.entry(id, 'did');
  await reaches(baton, id, 'finished');
}

/** The database, with a `notify` that does nothing. */
async function withoutHints(place: TestBackend): Promise<unknown> {
  const database = await openDatabase(place.url, { clock: systemClock });
  return {
    dialect: database.dialect,
    query: database.query.bind(database),
    transaction: database.transaction.bind(database),
    listen: database.listen.bind(database),
    notify: async () => undefined,
    close: () => database.close(),
  };
}

/** Ends the sessions that listen for hints of this place. */
async function cutListeners({ url, prefix }: TestBackend): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN "' || $1 || '%'`,
      [prefix],
    );
    assert.equal(rowCount, 1);
  } finally {
    await client.end();
  }
}
