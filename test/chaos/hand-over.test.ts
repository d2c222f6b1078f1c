/**
 * A replica is told to go, as every deploy does. What it runs is handed over without an attempt, a step or a second
 * lost; and its process ends by itself, for the library leaves nothing behind that would keep it.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eachDatabase, figures, Fleet } from '../support/process.ts';
import { reaches } from '../support/system.ts';
import { NOOP, STEPS, STUBBORN } from './tasks.ts';

const HANDED_OVER_WITHIN = 2000;

describe('a replica is told to go', () => {
  eachDatabase((open) => {
    it('SIGTERM during ten running tasks: all go on elsewhere as if nothing had been', async (t) => {
      const fleet = new Fleet(await open(), t);
      const leaver = await fleet.spawn({ concurrency: 10 });
      const heir = await fleet.spawn({ concurrency: 10, start: false });
      const baton = fleet.controller();
      const work = { steps: 80, ms: 50 };
      const ids = await Promise.all(Array.from({ length: 10 }, () => baton.createTask(STEPS, work)));
      await Promise.all(ids.map((id) => leaver.entry(id, 'acked')));
      await heir.call('start');
      const told = leaver.signal('SIGTERM');
      const resumed = await Promise.all(ids.map((id) => heir.entry(id, 'begin')));
      assert.deepEqual(await leaver.exited, { code: 0, signal: null });
      const waits = resumed.map(({ at }) => at - told);
      t.diagnostic(figures('handed over', waits));
      assert.ok(Math.max(...waits) < HANDED_OVER_WITHIN, `handed over after ${Math.max(...waits)} ms`);
      for (const id of ids) {
        await heir.event('task.ended', (event) => event.id === id);
        const task = await baton.getTask(id);
        assert.deepEqual([task.state, task.attempt, task.crashes, task.error], ['finished', 1, 0, undefined]);
        assert.deepEqual(task.context, { step: work.steps });
        const steps = [...leaver.ledger('did', id), ...heir.ledger('did', id)].map(({ step }) => step);
        assert.deepEqual(
          steps,
          Array.from({ length: work.steps }, (_step, index) => index + 1),
        );
      }
    });

    it('a handler that takes no notice is left behind when its grace is over', async (t) => {
      const fleet = new Fleet(await open(), t);
      const leaver = await fleet.spawn({ stopGrace: 500 });
      const baton = fleet.controller();
      const id = await baton.createTask(STUBBORN, undefined);
      await leaver.entry(id, 'begin');
      const heir = await fleet.spawn({ stopGrace: 500 });
      const told = leaver.signal('SIGTERM');
      const resumed = await heir.entry(id, 'begin');
      assert.deepEqual(await leaver.exited, { code: 0, signal: null });
      assert.ok(resumed.at - told >= 490, `its grace was cut to ${resumed.at - told} ms`);
      assert.ok(resumed.at - told < 500 + HANDED_OVER_WITHIN);
      const task = await reaches(baton, id, 'running');
      assert.deepEqual([task.attempt, task.crashes], [1, 0]);
    });

    it('a process that never started creates and controls, and ends by itself after stop', async (t) => {
      const fleet = new Fleet(await open(), t);
      const web = await fleet.spawn({ start: false });
      const id = (await web.call('createTask', NOOP, null)) as number;
      const other = (await web.call('createTask', NOOP, null)) as number;
      await web.call('pauseTask', id);
      await web.call('changeTaskGroup', id, 'night');
      await web.call('deleteTask', other);
      assert.deepEqual(await web.call('replicas'), []);
      const baton = fleet.controller();
      const paused = await reaches(baton, id, 'paused');
      assert.equal(paused.group, 'night');
      await web.call('stop');
      await web.call('leave');
      assert.deepEqual(await web.exited, { code: 0, signal: null });
      assert.equal(web.ledger().length, 0);
    });

    it('a process that ran tasks ends by itself after stop, and is no replica any more', async (t) => {
      const fleet = new Fleet(await open(), t);
      const worker = await fleet.spawn();
      const baton = fleet.controller();
      await worker.entry(await baton.createTask(NOOP, undefined), 'did');
      await worker.call('stop');
      assert.deepEqual(await baton.replicas(), []);
      await worker.call('leave');
      assert.deepEqual(await worker.exited, { code: 0, signal: null });
    });
  });
});
