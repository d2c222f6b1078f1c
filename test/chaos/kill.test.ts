/**
 * A replica is killed without a chance to say goodbye. What it ran fails, goes on elsewhere, is paused or cleaned up,
 * as its type and its mark say, and soon: within the lease and two seconds.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eachDatabase, Fleet, type ReplicaProcess } from '../support/process.ts';
import { reaches, vanishes } from '../support/system.ts';
import { monotonic } from './protocol.ts';
import { NOOP, POISON, RESUMED, STEPS, STUBBORN } from './tasks.ts';

const LEASE = 2000;
const RESCUED_WITHIN = LEASE + 2000;
const FOR_EVER = { steps: 100_000, ms: 20 };

describe('a replica is killed', () => {
  eachDatabase((open) => {
    it('its task fails, as is the default, and says why', async (t) => {
      const fleet = new Fleet(await open(), t);
      const [victim, other] = await victimAndOther(fleet);
      const baton = fleet.controller();
      const id = await baton.createTask(STEPS, FOR_EVER);
      await victim.entry(id, 'acked', ({ step }) => step === 3);
      await other.call('start');
      const killed = victim.signal('SIGKILL');
      const task = await reaches(baton, id, 'failed');
      const took = monotonic() - killed;
      t.diagnostic(`failed ${Math.round(took)} ms after the kill`);
      assert.equal(task.error?.code, 'CRASHED');
      assert.equal(task.crashes, 1);
      assert.equal(task.attempt, 1);
      assert.equal(task.replica, undefined);
      assert.ok(took < RESCUED_WITHIN, `rescued ${took} ms after the kill`);
    });

    it('its task goes on elsewhere from the last acknowledged checkpoint, if its type wants it', async (t) => {
      const fleet = new Fleet(await open(), t);
      const [victim, heir] = await victimAndOther(fleet);
      const baton = fleet.controller();
      const id = await baton.createTask(RESUMED, { steps: 150, ms: 20 });
      await victim.entry(id, 'acked', ({ step }) => step === 10);
      await heir.call('start');
      const killed = victim.signal('SIGKILL');
      const resumed = await heir.entry(id, 'begin');
      await victim.exited;
      const acked = victim.ledger('acked', id).at(-1)?.step ?? 0;
      const did = victim.ledger('did', id).at(-1)?.step ?? 0;
      t.diagnostic(`went on ${Math.round(resumed.at - killed)} ms after the kill`);
      assert.ok(resumed.at - killed < RESCUED_WITHIN, `resumed ${resumed.at - killed} ms after the kill`);
      // The last report may have been stored without the handler getting to know.
      assert.ok(acked <= resumed.step! && resumed.step! <= did, `${acked} ≤ ${resumed.step} ≤ ${did}`);
      const task = await reaches(baton, id, 'finished');
      assert.deepEqual(task.context, { step: 150 });
      assert.equal(task.crashes, 1);
      assert.equal(task.attempt, 1);
      assert.equal(task.epoch, 2);
    });

    it('its task that was to be paused is paused, and its task that was to go is cleaned up and goes', async (t) => {
      const fleet = new Fleet(await open(), t);
      const [victim, other] = await victimAndOther(fleet);
      const baton = fleet.controller();
      const pausing = await baton.createTask(STUBBORN, undefined);
      const deleting = await baton.createTask(STUBBORN, undefined);
      await Promise.all([victim.entry(pausing, 'begin'), victim.entry(deleting, 'begin')]);
      await Promise.all([baton.pauseTask(pausing), baton.deleteTask(deleting)]);
      await Promise.all([victim.entry(pausing, 'signal'), victim.entry(deleting, 'signal')]);
      await other.call('start');
      const killed = victim.signal('SIGKILL');
      const paused = await reaches(baton, pausing, 'paused');
      const pausedAfter = monotonic() - killed;
      await vanishes(baton, deleting);
      const goneAfter = monotonic() - killed;
      assert.equal(paused.error, undefined);
      await other.entry(deleting, 'cleaned');
      assert.equal(other.ledger('cleaned', deleting).length, 1);
      assert.equal(other.ledger('begin').length, 0, 'neither ran again');
      assert.ok(pausedAfter < RESCUED_WITHIN, `paused ${pausedAfter} ms after the kill`);
      assert.ok(goneAfter < RESCUED_WITHIN, `gone ${goneAfter} ms after the kill`);
    });

    it('all are killed: what they ran goes on from the last checkpoints as soon as there is one again, and what was asked meanwhile is done', async (t) => {
      const fleet = new Fleet(await open(), t);
      const crew = await Promise.all([1, 2, 3].map(() => fleet.spawn({ lease: LEASE, concurrency: 3 })));
      const baton = fleet.controller();
      const work = { steps: 100, ms: 20 };
      const ids = await Promise.all(Array.from({ length: 9 }, () => baton.createTask(RESUMED, work)));
      const [pausing, ...going] = ids as [number, ...number[]];
      await Promise.all(ids.map((id) => Promise.any(crew.map((one) => one.entry(id, 'acked')))));
      for (const one of crew) one.signal('SIGKILL');
      await Promise.all(crew.map(({ exited }) => exited));
      const last = await baton.createTask(NOOP, undefined);
      await baton.pauseTask(pausing);
      const heir = await fleet.spawn({ lease: LEASE, concurrency: 9 });
      const started = monotonic();
      const begun = await Promise.all(going.map((id) => heir.entry(id, 'begin')));
      await heir.entry(last, 'did');
      const took = monotonic() - started;
      t.diagnostic(`all went on ${Math.round(took)} ms after one had started`);
      assert.ok(took < RESCUED_WITHIN, `went on only after ${took} ms`);
      for (const { task: id, step } of begun) {
        const told = crew.flatMap((one) => one.ledger('acked', id)).at(-1)?.step ?? 0;
        const did = crew.flatMap((one) => one.ledger('did', id)).at(-1)?.step ?? 0;
        assert.ok(told <= step! && step! <= did, `${told} ≤ ${step} ≤ ${did}`);
        const { crashes, attempt, epoch } = await reaches(baton, id, 'finished');
        assert.deepEqual({ crashes, attempt, epoch }, { crashes: 1, attempt: 1, epoch: 2 });
      }
      await reaches(baton, pausing, 'paused');
    });

    it('a task that kills each replica that runs it ends as failed, and the others run', async (t) => {
      const fleet = new Fleet(await open(), t);
      const budget = 3;
      const herd = await Promise.all(
        Array.from({ length: budget + 2 }, () => fleet.spawn({ lease: LEASE, concurrency: 1 })),
      );
      const baton = fleet.controller();
      const poison = await baton.createTask(POISON, undefined);
      const healthy = await baton.createTask(RESUMED, { steps: 100, ms: 20 });
      const task = await reaches(baton, poison, 'failed', 30_000);
      assert.equal(task.error?.code, 'CRASHED');
      assert.equal(task.crashes, budget + 1);
      assert.equal(herd.filter(({ exit }) => exit?.signal === 'SIGKILL').length, budget + 1);
      assert.equal((await reaches(baton, healthy, 'finished')).crashes, 0);
      await reaches(baton, await baton.createTask(NOOP, undefined), 'finished');
    });
  });
});

/** One that works, and one that is up and does not work yet, so that nothing takes time once the stage is set. */
function victimAndOther(fleet: Fleet): Promise<[ReplicaProcess, ReplicaProcess]> {
  return Promise.all([fleet.spawn({ lease: LEASE }), fleet.spawn({ lease: LEASE, start: false })]);
}
