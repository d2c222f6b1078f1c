/**
 * PostgreSQL goes away: restarted in order, crashed, killed, or gone for longer than a lease. No process dies of it,
 * nothing that was acknowledged is lost, and soon after the server is back all is as before. The server is our own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { PrivatePostgres } from '../../scripts/private-postgres.ts';
import { isTaskbatonError, type Taskbaton } from '../../src/index.ts';
import type { TestBackend } from '../backends.ts';
import { onBackend } from '../support/databases.ts';
import {
  assertCalm,
  figures,
  Fleet,
  median,
  ownPostgres,
  placeOn,
  type ReplicaProcess,
} from '../support/process.ts';
import { reaches, until } from '../support/system.ts';
import { monotonic } from './protocol.ts';
import { NOOP, RESUMED, STUBBORN } from './tasks.ts';

const WORKS_WITHIN = 5000;
const POLL = 2000;
const FOR_EVER = { steps: 100_000, ms: 20 };

describe('PostgreSQL goes away', () => {
  onBackend('postgres', () => {
    const own = ownPostgres();

    for (const end of ['fast', 'immediate', 'killed'] as const) {
      it(`restarted under load (${end}): nothing is lost, and all works again`, async (t) => {
        const fleet = new Fleet(placeOn(own(), end), t);
        const options = { pollInterval: POLL, lease: 15_000, concurrency: 10 };
        const replicas = await Promise.all([1, 2, 3].map(() => fleet.spawn(options)));
        const baton = fleet.controller();
        const longs = await Promise.all(Array.from({ length: 9 }, () => baton.createTask(RESUMED, FOR_EVER)));
        const load = new Load(baton);
        await until('all are at work', () => longs.every((id) => hasStepped(replicas, id, 0)));
        await load.hasCreated(50);

        await takeDown(own(), end);
        await load.wasRefused(3);
        await pause(1000);
        await bringBack(own());
        const back = monotonic();
        await load.hasCreated(1, back);
        await until('all are at work again', () => longs.every((id) => hasStepped(replicas, id, back)));
        await until('what is created now runs', () => replicas.some((one) => hasRunNew(one, load, back)));
        const works = monotonic() - back;
        t.diagnostic(`works ${Math.round(works)} ms after the server is back`);
        assert.ok(works < WORKS_WITHIN, `works only after ${works} ms`);

        await load.stop();
        t.diagnostic(`${load.created.length} created, ${load.refused} refused`);
        for (const { id } of load.created) await reaches(baton, id, 'finished');
        await assertRanOnce(replicas, load);
        for (const id of longs) assert.equal((await baton.getTask(id)).epoch, 1, 'no lease was lost');
        await assertHintsWork(replicas, baton, back, (line) => t.diagnostic(line));
        for (const replica of replicas) assertCalm(replica);
      });
    }

    it('gone for longer than the lease: handlers are told before it ends, without any contact', async (t) => {
      const lease = 3000;
      const place = placeOn(own(), 'gone');
      const fleet = new Fleet(place, t);
      const replica = await fleet.spawn({ lease });
      const baton = fleet.controller();
      const tame = await Promise.all(Array.from({ length: 3 }, () => baton.createTask(RESUMED, FOR_EVER)));
      const wild = await baton.createTask(STUBBORN, undefined);
      const ids = [...tame, wild];
      await Promise.all(ids.map((id) => replica.entry(id, 'begin')));
      const leaseEnd = await justRenewed(place, lease);
      await own().stop('immediate');
      const down = monotonic();
      const signals = await Promise.all(ids.map((id) => replica.entry(id, 'signal')));
      for (const { why, at } of signals) {
        assert.equal(why, 'lease-lost');
        assert.ok(down < at && at < leaseEnd, `told ${at - leaseEnd} ms after the lease's end`);
      }
      t.diagnostic(`told ${Math.round(leaseEnd - signals[0]!.at)} ms before the lease of ${lease} ms ended`);
      await pause(leaseEnd - monotonic());
      await bringBack(own());
      const back = monotonic();
      await until('they run again', () => tame.every((id) => hasStepped([replica], id, back)));
      const works = monotonic() - back;
      assert.ok(works < WORKS_WITHIN, `works only after ${works} ms`);
      for (const id of tame) assertGoesOn(replica, id);
      assert.equal((await reaches(baton, wild, 'failed')).error?.code, 'CRASHED');
      assertCalm(replica);
    });

    it('told to go while the database is gone: the process ends by itself, and its tasks go on later', async (t) => {
      const lease = 3000;
      const fleet = new Fleet(placeOn(own(), 'left'), t);
      const leaver = await fleet.spawn({ lease });
      const baton = fleet.controller();
      const id = await baton.createTask(RESUMED, FOR_EVER);
      await leaver.entry(id, 'acked');
      await own().stop('immediate');
      const told = leaver.signal('SIGTERM');
      assert.deepEqual(await leaver.exited, { code: 0, signal: null });
      const took = monotonic() - told;
      t.diagnostic(`ended ${Math.round(took)} ms after SIGTERM`);
      assert.ok(took < lease + 2000, `ended ${took} ms after SIGTERM`);
      await bringBack(own());
      const heir = await fleet.spawn({ lease });
      const begun = await heir.entry(id, 'begin');
      const acked = leaver.ledger('acked', id).at(-1)?.step ?? 0;
      assert.ok(
        acked <= begun.step! && begun.step! <= acked + 1,
        `${acked} acknowledged, from ${begun.step}`,
      );
    });
  });
});

const CREATORS = 4;

/** Some who create tasks all the time, and bear nothing but DATABASE_UNAVAILABLE. */
class Load {
  readonly created: { readonly id: number; readonly at: number }[] = [];
  refused = 0;
  #going = true;
  readonly #done: Promise<unknown>;

  constructor(baton: Taskbaton) {
    this.#done = Promise.all(Array.from({ length: CREATORS }, () => this.#run(baton)));
  }

  async hasCreated(count: number, since = 0): Promise<void> {
    await this.#or(() => this.created.filter(({ at }) => at > since).length >= count);
  }

  async wasRefused(count: number): Promise<void> {
    await this.#or(() => this.refused >= count);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#done;
  }

  async #or(fact: () => boolean): Promise<void> {
    await Promise.race([until('the load gets there', fact), this.#done]);
  }

  async #run(baton: Taskbaton): Promise<void> {
    while (this.#going) {
      try {
        const at = monotonic();
        this.created.push({ id: await baton.createTask(NOOP, undefined), at });
      } catch (error) {
        if (!isTaskbatonError(error, 'DATABASE_UNAVAILABLE')) throw error;
        this.refused += 1;
      }
      await pause(10);
    }
  }
}

/** `killed`: the postmaster gets SIGKILL, and its sessions find themselves without it. */
async function takeDown(server: PrivatePostgres, end: 'fast' | 'immediate' | 'killed'): Promise<void> {
  if (end !== 'killed') return server.stop(end);
  const { rows } = await query<{ data_directory: string }>(server.url, 'SHOW data_directory');
  const [pid] = readFileSync(join(rows[0]!.data_directory, 'postmaster.pid'), 'utf8').split('\n');
  process.kill(Number(pid), 'SIGKILL');
  await server.stop();
}

/** A postmaster that was killed leaves sessions that need a moment to notice; till then a new one refuses to start. */
async function bringBack(server: PrivatePostgres): Promise<void> {
  await until('the server starts', () =>
    server.start().then(
      () => true,
      () => false,
    ),
  );
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<pg.QueryResult<Row>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query<Row>(sql);
  } finally {
    await client.end();
  }
}

/** When the lease of the only replica ends, on our clock, at a moment when it won't be renewed for a while. */
async function justRenewed({ url, prefix }: TestBackend, lease: number): Promise<number> {
  const left = `SELECT lease_until - floor(extract(epoch FROM clock_timestamp()) * 1000) AS left FROM ${prefix}replica`;
  return until('the lease is renewed', async () => {
    const asked = monotonic();
    const { rows } = await query<{ left: string }>(url, left);
    return Number(rows[0]!.left) > lease * 0.95 && asked + Number(rows[0]!.left);
  });
}

function hasStepped(replicas: readonly ReplicaProcess[], id: number, since: number): boolean {
  return replicas.some((replica) => (replica.ledger('acked', id).at(-1)?.at ?? 0) > since);
}

function hasRunNew(replica: ReplicaProcess, load: Load, since: number): boolean {
  const ids = new Set(load.created.filter(({ at }) => at > since).map(({ id }) => id));
  return replica.ledger('did').some(({ task }) => ids.has(task));
}

/** What was acknowledged ran, and only once, since nobody lost a lease. */
async function assertRanOnce(replicas: readonly ReplicaProcess[], { created }: Load): Promise<void> {
  const all = (): number[] => replicas.flatMap((replica) => replica.ledger('did').map(({ task }) => task));
  await until('all that ran has been heard of', () => {
    const ran = new Set(all());
    return created.every(({ id }) => ran.has(id));
  });
  const times = new Map<number, number>();
  for (const task of all()) times.set(task, (times.get(task) ?? 0) + 1);
  for (const { id } of created) assert.equal(times.get(id), 1, `task ${id}`);
}

async function assertHintsWork(
  replicas: readonly ReplicaProcess[],
  baton: Taskbaton,
  back: number,
  tell: (line: string) => void,
): Promise<void> {
  for (const replica of replicas) {
    await replica.said('event', ({ event, at }) => event.name === 'hints.working' && at > back);
  }
  const waits: number[] = [];
  for (let round = 0; round < 10; round++) {
    const asked = monotonic();
    const id = await baton.createTask(NOOP, undefined);
    const { at } = await Promise.any(replicas.map((replica) => replica.entry(id, 'did')));
    waits.push(at - asked);
  }
  tell(figures('start after a hint', waits));
  assert.ok(median(waits) < 500, figures('start', waits));
  assert.ok(Math.max(...waits) < POLL * 0.8, figures('start', waits));
}

/** What was acknowledged in its first epoch is where the task went on, or before. */
function assertGoesOn(replica: ReplicaProcess, id: number): void {
  const acked = replica.ledger('acked', id).findLast(({ epoch }) => epoch === 1)?.step ?? 0;
  const from = replica.ledger('begin', id).at(-1)?.step ?? 0;
  assert.ok(acked <= from && from <= acked + 1, `task ${id}: acknowledged ${acked}, resumed from ${from}`);
}
