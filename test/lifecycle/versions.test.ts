/** Old and new releases of a type run side by side, and none resumes from what it doesn't understand. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, isTaskbatonError, type TaskDefinition } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, reaches, record, until, vanishes } from '../support/system.ts';

/** Counts in a number until it is stopped; what came before was a text. */
function counting(version: number, upgrade?: TaskDefinition['upgrade']): TaskDefinition {
  return defineTask({
    type: 'count',
    version,
    upgrade,
    run: async function* ({ context }) {
      yield { context: { by: version, from: context } };
    },
  });
}

/** Reports once as version 1, then waits for its stop. */
const OLD = defineTask({
  type: 'count',
  run: async ({ report, signal }) => {
    await report({ context: 'one' });
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  },
});

eachBackend((backend) => {
  it('what an old release left is upgraded, and belongs to the new one once that has stored its own', async (t) => {
    const system = await openSystem(backend, t);
    const old = await system.replica({ tasks: [OLD] });
    const id = await old.createTask(OLD, undefined);
    await until('it reported', async () => (await old.getTask(id)).context === 'one');
    assert.equal((await old.getTask(id)).version, 1);
    await old.stop();
    const upgrades: unknown[] = [];
    const young = await system.replica({
      tasks: [
        counting(3, async (context: unknown, from) => {
          upgrades.push([context, from]);
          return { was: context };
        }),
      ],
    });
    const task = await reaches(young, id, 'finished');
    assert.deepEqual(upgrades, [['one', 1]]);
    assert.deepEqual(task.context, { by: 3, from: { was: 'one' } });
    assert.equal(task.version, 3);
  });

  for (const [name, options] of [
    ['one after another', {}],
    ['in rounds', { limits: { type: 5 } }],
    ['in fair rounds', { queues: { run: 'fair' as const } }],
  ] as const) {
    it(`a replica takes only versions that it can read, ${name}`, async (t) => {
      const system = await openSystem(backend, t);
      const creator = system.instance(options);
      const ids: number[] = [];
      for (const version of [2, 1, 3, 1, 2, 3])
        ids.push(await creator.createTask(counting(version), undefined, { context: `of ${version}` }));
      const [second, third, ...others] = await Promise.all([
        system.replica({ ...options, tasks: [counting(2, (context: unknown) => context)] }),
        system.replica({ ...options, tasks: [counting(3)] }),
      ]);
      assert.equal(others.length, 0);
      const by = await Promise.all(
        ids.map(async (id) => ((await reaches(second, id, 'finished')).context as { by: number }).by),
      );
      assert.deepEqual(by, [2, 2, 3, 2, 2, 3]);
      assert.ok(third.replicaId !== second.replicaId);
    });
  }

  it('what no live replica can run is listed first, and waits', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ tasks: [counting(1)] });
    await reaches(baton, await baton.createTask(counting(1), undefined), 'finished');
    const future = await baton.createTask(counting(2), undefined);
    await baton.createTask({ type: 'unknown' }, undefined);
    await baton.createTask(counting(1), undefined, { autoRun: false });
    assert.deepEqual(await baton.versions(), [
      { type: 'count', version: 2, tasks: 1, replicas: 0 },
      { type: 'unknown', version: 1, tasks: 1, replicas: 0 },
      { type: 'count', version: 1, tasks: 1, replicas: 1 },
    ]);
    await reaches(baton, await baton.createTask(counting(1), undefined), 'finished');
    assert.equal((await baton.getTask(future)).state, 'pending');
    const next = await system.replica({ tasks: [counting(2)] });
    await reaches(next, future, 'finished');
  });

  it('an upgrade that throws keeps no task from being deleted: its cleanup is given what is stored', async (t) => {
    const system = await openSystem(backend, t);
    const given: unknown[] = [];
    const broken = defineTask({
      ...counting(2, () => {
        throw new Error('I have forgotten how');
      }),
      async cleanup({ context }) {
        given.push(context);
      },
    });
    const baton = await system.replica({ tasks: [broken] });
    const id = await baton.createTask({ type: 'count' }, undefined, { context: 'one', delay: '1h' });
    await baton.deleteTask(id);
    await vanishes(baton, id);
    assert.deepEqual(given, ['one']);
  });

  it('an upgrade that throws fails the task with its reason, keeps the context and harms nobody else', async (t) => {
    const system = await openSystem(backend, t);
    const broken = counting(2, () => {
      throw new Error('I have forgotten how');
    });
    const other = defineTask({ type: 'other', run: async () => undefined });
    const baton = await system.replica({ tasks: [broken, other] });
    const id = await baton.createTask({ type: 'count' }, undefined, { context: 'one' });
    const failed = await reaches(baton, id, 'failed');
    assert.equal(failed.error?.code, 'UPGRADE_FAILED');
    assert.match(failed.error.message, /from version 1 to 2: I have forgotten how/);
    assert.deepEqual([failed.context, failed.version], ['one', 1]);
    await reaches(baton, await baton.createTask(other, undefined), 'finished');
    await baton.stop();
    const mended = await system.replica({ tasks: [counting(2, (context: unknown) => [context])] });
    await mended.runTask(id);
    assert.deepEqual((await reaches(mended, id, 'finished')).context, { by: 2, from: ['one'] });
  });

  it('an upgrade that never ends is abandoned when the task is to stop', async (t) => {
    const system = await openSystem(backend, t);
    const asked = gate();
    const stuck = counting(2, () => {
      asked.open();
      return new Promise(() => undefined);
    });
    const baton = await system.replica({ tasks: [stuck], stopGrace: 50 });
    const events = record(baton);
    const id = await baton.createTask({ type: 'count' }, undefined, { context: 'one' });
    await asked.opened;
    await baton.pauseTask(id);
    await events.next('task.abandoned');
    assert.equal((await reaches(baton, id, 'paused')).context, 'one');
  });

  it('a cleanup sees the upgraded context', async (t) => {
    const system = await openSystem(backend, t);
    const seen: unknown[] = [];
    const definition = defineTask({
      type: 'tidy',
      version: 2,
      upgrade: (context: unknown) => [context],
      run: async () => undefined,
      cleanup: async ({ context }) => void seen.push(context),
    });
    const baton = await system.replica({ tasks: [definition] });
    const id = await baton.createTask({ type: 'tidy' }, undefined, { context: 'one', delay: '1h' });
    await baton.deleteTask(id);
    await vanishes(baton, id);
    assert.deepEqual(seen, [['one']]);
  });

  it('a version that is none is refused', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    for (const version of [0, -1, 1.5, '2', null, Number.NaN]) {
      assert.throws(
        () => defineTask({ type: 'x', version: version as number, run: async () => undefined }),
        (error) => isTaskbatonError(error, 'INVALID_DEFINITION'),
      );
      await assert.rejects(baton.createTask({ type: 'x', version: version as number }, undefined), (error) =>
        isTaskbatonError(error, 'INVALID_ARGUMENT'),
      );
    }
    assert.throws(
      () => defineTask({ type: 'x', upgrade: 'up' as never, run: async () => undefined }),
      (error) => isTaskbatonError(error, 'INVALID_DEFINITION'),
    );
    assert.equal((await baton.getTasks()).tasks.length, 0);
  });
});
