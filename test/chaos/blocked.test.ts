/**
 * Handlers block the event loop for longer than a lease lasts. As long as the loop comes back in time nobody notices, but for
 * a warning that names the task; a loop that hangs for good loses its lease like one that died.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eachDatabase, Fleet, type ReplicaProcess } from '../support/process.ts';
import { reaches, until } from '../support/system.ts';
import { NOOP, RESUMED, STALL } from './tasks.ts';

const LEASE = 3000;
const BLOCK = 4000;
const FOR_EVER = 600_000;
/** Wider, or narrower, than the default, by what a busy machine may take away from either side. */
const [PATIENT, STRICT] = [10_000, 1000];

describe('a handler blocks the event loop', () => {
  eachDatabase((open) => {
    it('for 4 s, in replicas with leases of 3 s: no lease is lost, whatever else they do meanwhile', async (t) => {
      const fleet = new Fleet(await open(), t);
      const replicas = await Promise.all(
        Array.from({ length: 3 }, () =>
          withHeartbeat(fleet.spawn({ lease: LEASE, maxBlock: PATIENT, concurrency: 3 })),
        ),
      );
      const baton = fleet.controller();
      const stalling = await Promise.all(
        Array.from({ length: 6 }, () => baton.createTask(STALL, { times: 2, ms: BLOCK })),
      );
      const neighbours = await Promise.all(
        Array.from({ length: 3 }, () => baton.createTask(RESUMED, { steps: 100, ms: 20 })),
      );
      // Claims and ends under way, so that a loop stands still in the middle of all that a replica does.
      const small: number[] = [];
      const all = Promise.all(
        [...stalling, ...neighbours].map((id) => reaches(baton, id, 'finished', 120_000)),
      );
      let done = false;
      void all.finally(() => (done = true)).catch(() => undefined);
      while (!done) {
        small.push(await baton.createTask(NOOP, undefined));
        await pause(20);
      }
      const tasks = await all;
      for (const id of small) tasks.push(await reaches(baton, id, 'finished'));
      for (const task of tasks) {
        assert.deepEqual([task.id, task.epoch, task.crashes, task.error], [task.id, 1, 0, undefined]);
      }
      const events = replicas.flatMap((replica) => replica.all('event').map(({ event }) => event));
      const count = (name: string): number => events.filter((event) => event.name === name).length;
      t.diagnostic(
        `${2 * stalling.length} blocks of 4 s in ${replicas.length} replicas beside ${small.length} small tasks, ${count('replica.lost')} leases lost`,
      );
      assert.equal(count('replica.lost'), 0);
      assert.equal(count('task.lost'), 0);
      let long = 0;
      for (const replica of replicas) {
        const blocks = replica.all('event').map(({ event }) => event);
        for (const event of blocks) {
          // A machine that stands still for a moment blocks loops too, and no handler is to blame.
          if (event.name !== 'loop.blocked' || event.ms < BLOCK / 2) continue;
          long += 1;
          assert.ok(event.evidence === 'measured' && stalling.includes(event.id ?? 0), JSON.stringify(event));
          assert.ok((event.measured ?? 0) >= BLOCK - 1 && event.ms >= BLOCK - 500, JSON.stringify(event));
        }
      }
      assert.ok(long > 0);
    });

    it('and all can see it while it lasts: for how long, and which task is suspected', async (t) => {
      const fleet = new Fleet(await open(), t);
      const replica = await withHeartbeat(fleet.spawn({ lease: 5 * LEASE, maxBlock: FOR_EVER }));
      const baton = fleet.controller();
      const folder = mkdtempSync(join(tmpdir(), 'taskbaton-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const seenIt = join(folder, 'seen');
      const id = await baton.createTask(STALL, { times: 1, ms: FOR_EVER, until: seenIt });
      const shown = await until('it is seen', async () => {
        const [seen] = await baton.replicas();
        // A busy machine may keep a loop from turning before the task does.
        return seen !== undefined && seen.blockedBy === id && seen.blocked >= BLOCK && seen;
      });
      assert.equal(replica.ledger('unblocked').length, 0, 'before the loop turns again');
      writeFileSync(seenIt, '');
      const { event } = await replica.event('loop.blocked', (one) => one.id === id);
      const told = { id, type: STALL.type, epoch: 1, evidence: 'measured', running: 1 };
      assert.partialDeepStrictEqual(event, told);
      const warning = await replica.said('log', ({ message }) => message === 'the event loop was blocked');
      assert.equal(warning.level, 'warn');
      await reaches(baton, id, 'finished');
      const worst = await until('it is still shown for a while', async () => {
        const [seen] = await baton.replicas();
        return seen !== undefined && seen.blocked >= shown.blocked && seen;
      });
      assert.equal(worst.blockedBy, id);
    });

    it('for good: its tasks go on elsewhere within its lease and 2 s', async (t) => {
      const fleet = new Fleet(await open(), t);
      const hung = await withHeartbeat(fleet.spawn({ lease: LEASE, maxBlock: STRICT }));
      // It is there before the loop hangs: how long a process takes to come up is not what is measured.
      const heir = await fleet.spawn({ lease: LEASE, start: false });
      const baton = fleet.controller();
      const neighbour = await baton.createTask(RESUMED, { steps: 500, ms: 20 });
      await hung.entry(neighbour, 'acked');
      const id = await baton.createTask(STALL, { times: 1, ms: FOR_EVER });
      const { at } = await hung.entry(id, 'did');
      await heir.call('start');
      for (const each of [id, neighbour]) {
        const taken = await heir.entry(each, 'begin');
        t.diagnostic(`task ${each} was taken over ${Math.round(taken.at - at)} ms after the loop hung`);
        assert.ok(taken.at - at > LEASE, 'not before its lease was over');
        assert.ok(taken.at - at <= LEASE + 2000, `${taken.at - at} ms`);
      }
    });

    it('and with the heartbeat in the loop it loses its lease, as it would without a thread', async (t) => {
      const fleet = new Fleet(await open(), t);
      const replica = await fleet.spawn({ lease: LEASE, heartbeat: 'loop' });
      const baton = fleet.controller();
      const id = await baton.createTask(STALL, { times: 1, ms: BLOCK });
      await replica.event('replica.lost');
      await replica.event('loop.blocked', (event) => event.id === id);
      await reaches(baton, id, 'finished');
    });
  });
});

/** Until its thread is up, which a busy machine may delay for longer than a lease, a replica renews its lease from the loop. */
async function withHeartbeat(spawned: Promise<ReplicaProcess>): Promise<ReplicaProcess> {
  const replica = await spawned;
  await replica.event('heartbeat.working');
  return replica;
}
