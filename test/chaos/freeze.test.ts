/**
 * A replica stands still for longer than its lease: frozen from outside, or because a handler blocks its event loop.
 * It comes back as a stranger: nothing it writes counts, its handlers are told, and it starts over under a new id.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Taskbaton } from '../../src/index.ts';
import {
  assertCalm,
  eachDatabase,
  Fleet,
  MOST_LOGS_PER_SECOND,
  type ReplicaProcess,
} from '../support/process.ts';
import { reaches, until } from '../support/system.ts';
import { monotonic } from './protocol.ts';
import { BLOCK, CARELESS, NOOP, RESUMED } from './tasks.ts';

const LEASE = 2000;
const RESCUED_WITHIN = LEASE + 2000;
/** A loop that stands still is borne with for three fifths of a lease before. */
const BLOCK_RESCUED_WITHIN = 1.6 * LEASE + 2000;

describe('a replica stands still', () => {
  eachDatabase((open) => {
    it('frozen for twice its lease: it can write nothing, knows it at once, and starts over', async (t) => {
      const fleet = new Fleet(await open(), t);
      const zombie = await fleet.spawn({ lease: LEASE });
      const heir = await fleet.spawn({ lease: LEASE, start: false });
      const baton = fleet.controller();
      const short = await baton.createTask(CARELESS, { steps: 50, ms: 20 });
      const long = await baton.createTask(CARELESS, { steps: 250, ms: 20 });
      const tame = await baton.createTask(RESUMED, { steps: 50, ms: 20 });
      const ids = [short, long, tame];
      await Promise.all(ids.map((id) => zombie.entry(id, 'acked', ({ step }) => step === 5)));
      const before = await theOnly(baton);
      await zombie.freeze();
      const frozen = monotonic();
      await heir.call('start');
      const resumed = await Promise.all(ids.map((id) => heir.entry(id, 'begin')));
      const ended = await reaches(baton, short, 'finished');
      await reaches(baton, tame, 'finished');
      await pause(Math.max(0, frozen + 2 * LEASE - monotonic()));
      const woken = zombie.signal('SIGCONT');

      const signals = await Promise.all(ids.map((id) => zombie.entry(id, 'signal')));
      await Promise.all(ids.map((id) => zombie.event('task.lost', (event) => event.id === id)));
      await registeredAnew(baton, before);
      t.diagnostic(`the heir began ${Math.round(resumed[0]!.at - frozen)} ms after the freeze`);
      for (const [index, signal] of signals.entries()) {
        assert.equal(signal.why, 'lease-lost');
        assert.ok(signal.at > woken && signal.at - woken < 500, `told ${signal.at - woken} ms after SIGCONT`);
        assert.ok(resumed[index]!.at - frozen < RESCUED_WITHIN);
      }
      t.diagnostic(`told ${Math.round(signals[0]!.at - woken)} ms after SIGCONT`);
      for (const id of [short, long]) assertRefused(zombie, id, woken);

      const stood = await baton.getTask(short);
      assert.deepEqual([stood.state, stood.context, stood.epoch], ['finished', { step: 50 }, 2]);
      assert.deepEqual(stood.doneAt, ended.doneAt);
      const last = await reaches(baton, long, 'finished');
      assert.deepEqual([last.context, last.epoch, last.crashes], [{ step: 250 }, 2, 1]);
      assertGoesOn(zombie, heir, ids);

      heir.signal('SIGTERM');
      await heir.exited;
      await zombie.entry(await baton.createTask(NOOP, undefined), 'did');
    });

    it('a handler blocks the event loop: all its tasks go elsewhere, and what it says later is refused', async (t) => {
      const fleet = new Fleet(await open(), t);
      const blocked = await fleet.spawn({ lease: LEASE });
      const heir = await fleet.spawn({ lease: LEASE, start: false });
      const baton = fleet.controller();
      const neighbour = await baton.createTask(RESUMED, { steps: 150, ms: 20 });
      await blocked.entry(neighbour, 'acked');
      const before = await theOnly(baton);
      const blocker = await baton.createTask(BLOCK, { ms: 3 * LEASE });
      const begun = await blocked.entry(blocker, 'begin');
      await heir.call('start');
      const taken = await heir.entry(blocker, 'begin');
      await heir.entry(neighbour, 'begin');
      assert.ok(taken.at - begun.at < BLOCK_RESCUED_WITHIN, `taken over after ${taken.at - begun.at} ms`);
      t.diagnostic(`taken over ${Math.round(taken.at - begun.at)} ms after the block began`);
      const unblocked = await blocked.entry(blocker, 'unblocked');
      const refused = await blocked.entry(blocker, 'refused');
      assert.equal(refused.why, 'LEASE_LOST');
      const meanwhile = await baton.getTask(blocker);
      assert.deepEqual([meanwhile.state, meanwhile.context, meanwhile.epoch], ['running', { step: 1 }, 2]);
      for (const id of [blocker, neighbour]) {
        const signal = await blocked.entry(id, 'signal');
        assert.equal(signal.why, 'lease-lost');
        assert.ok(signal.at - unblocked.at < 500, `told ${signal.at - unblocked.at} ms after the block`);
        await blocked.event('task.lost', (event) => event.id === id);
      }
      const task = await reaches(baton, blocker, 'finished');
      assert.deepEqual([task.context, task.epoch, task.crashes], [{ step: 2 }, 2, 1]);
      assert.deepEqual((await reaches(baton, neighbour, 'finished')).context, { step: 150 });
      assertGoesOn(blocked, heir, [neighbour]);
      await registeredAnew(baton, before);
    });

    it('however many handlers it has to stop, it says so in few words', async (t) => {
      const fleet = new Fleet(await open(), t);
      const count = 3 * MOST_LOGS_PER_SECOND;
      const replica = await fleet.spawn({ lease: LEASE, concurrency: count });
      const baton = fleet.controller();
      const work = { steps: 100_000, ms: 50 };
      const ids = await Promise.all(Array.from({ length: count }, () => baton.createTask(RESUMED, work)));
      await Promise.all(ids.map((id) => replica.entry(id, 'acked')));
      await replica.freeze();
      await pause(LEASE);
      replica.signal('SIGCONT');
      const signals = await Promise.all(ids.map((id) => replica.entry(id, 'signal')));
      assert.deepEqual(new Set(signals.map(({ why }) => why)), new Set(['lease-lost']));
      // That all are at work again is also the end of whatever there was to say.
      await Promise.all(ids.map((id) => replica.entry(id, 'acked', ({ epoch }) => epoch === 2)));
      assertCalm(replica);
    });
  });
});

/** Everything a careless handler tried after it was woken was refused, and it did try. */
function assertRefused(zombie: ReplicaProcess, id: number, woken: number): void {
  const late = zombie.ledger(undefined, id).filter(({ at }) => at > woken);
  const tried = late.filter(({ what }) => what === 'did').map(({ step }) => step);
  assert.ok(tried.length >= 5, `it tried ${tried.length} times`);
  for (const step of tried) {
    const refused = late.find((entry) => entry.what === 'refused' && entry.step === step);
    assert.equal(refused?.why, 'LEASE_LOST', `step ${step}`);
  }
  const ended = zombie.all('event').filter(({ event }) => event.name === 'task.ended' && event.id === id);
  assert.equal(ended.length, 0);
}

/**
 * What was acknowledged to the first owner is where the second one began, or before; even what the first one only
 * read when it was woken, for a write that was on its way when it froze.
 */
function assertGoesOn(first: ReplicaProcess, second: ReplicaProcess, ids: readonly number[]): void {
  for (const id of ids) {
    const acked = first.ledger('acked', id).at(-1)?.step ?? 0;
    const from = second.ledger('begin', id)[0]?.step ?? 0;
    assert.ok(acked <= from && from <= acked + 1, `task ${id}: acknowledged ${acked}, resumed from ${from}`);
  }
}

async function theOnly(baton: Taskbaton): Promise<string> {
  const [replica, ...others] = await baton.replicas();
  assert.equal(others.length, 0);
  return replica!.id;
}

/** The replica that was `before` is alive under another id. */
function registeredAnew(baton: Taskbaton, before: string): Promise<true> {
  return until('it registered under a new id', async () => {
    const alive = (await baton.replicas()).map(({ id }) => id);
    return alive.length === 2 && !alive.includes(before);
  });
}
