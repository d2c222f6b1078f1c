/**
 * Draining: a replica is asked from anywhere to take nothing more. What it runs goes on elsewhere as after a stop, its process
 * stays and can create and control tasks, and the mark lasts until it is taken away or the process starts anew.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  defineTask,
  isTaskbatonError,
  type StopReason,
  type TaskDefinition,
  Taskbaton,
} from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { FaultyDatabase, NO_FAULT } from '../support/faulty-database.ts';
import { openSystem, reaches, record, until, vanishes, work } from '../support/system.ts';

interface Count {
  readonly n: number;
}

/** Counts to a hundred in small steps, and notes why it was stopped; so does its cleanup, without a count. */
function counting(): { definition: TaskDefinition<undefined, undefined, Count>; reasons: StopReason[] } {
  const reasons: StopReason[] = [];
  const definition = defineTask<undefined, undefined, Count>({
    type: 'count',
    async *run({ context, signal }) {
      signal.addEventListener('abort', () => void reasons.push(signal.reason.why));
      for (let n = (context?.n ?? 0) + 1; n <= 100; n++) {
        yield { context: { n } };
        await work(5);
      }
    },
  });
  return { definition, reasons };
}

/** The replica that `baton` is, as all see it. */
async function shown(baton: Taskbaton, of: Taskbaton) {
  const replica = (await baton.replicas()).find(({ id }) => id === of.replicaId);
  assert.ok(replica !== undefined);
  return replica;
}

eachBackend((backend) => {
  it('a drained replica hands over what it runs, as if it had stopped, and takes nothing more', async (t) => {
    const system = await openSystem(backend, t);
    const { definition, reasons } = counting();
    const drained = await system.replica({ tasks: [definition] });
    const events = record(drained);
    const ids = [
      await drained.createTask(definition, undefined),
      await drained.createTask(definition, undefined),
    ];
    for (const id of ids) await events.next('task.reported', (event) => event.id === id);
    const controller = system.instance();
    await controller.drainReplica(drained.replicaId!, { actor: 'ada', reason: 'a new disk' });
    for (const id of ids)
      await events.next('task.ended', (event) => event.id === id && event.event === 'yield');
    const told = await events.next('replica.draining');
    assert.deepEqual([told.replica, told.running], [drained.replicaId, 2]);
    assert.deepEqual(reasons, ['shutdown', 'shutdown']);
    const { draining, drain, running } = await shown(controller, drained);
    assert.deepEqual([draining, drain, running], [true, { by: 'ada', reason: 'a new disk' }, []]);
    const later = await controller.createTask(definition, undefined);
    const heir = await system.replica({ tasks: [definition] });
    for (const id of [...ids, later]) {
      const task = await reaches(controller, id, 'finished');
      assert.deepEqual([task.context, task.attempt, task.crashes], [{ n: 100 }, 1, 0]);
    }
    assert.deepEqual((await shown(controller, heir)).draining, false);
    const started = events.events.filter((event) => event.name === 'task.started');
    assert.equal(started.length, ids.length, 'it took no other task');
  });

  it('its process stays: it creates and controls tasks, and takes them again when the mark is taken away', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counting();
    const baton = await system.replica({ tasks: [definition] });
    const events = record(baton);
    const { replicaId } = baton;
    await baton.drainReplica(replicaId!);
    await events.next('replica.draining');
    const [run, paused, deleted] = [
      await baton.createTask(definition, undefined),
      await baton.createTask(definition, undefined),
      await baton.createTask(definition, undefined, { autoRun: false }),
    ];
    await baton.pauseTask(paused);
    await baton.deleteTask(deleted);
    await baton.undrainReplica(replicaId!);
    await events.next('replica.undrained');
    await reaches(baton, run, 'finished');
    await vanishes(baton, deleted);
    assert.equal((await baton.getTask(paused)).state, 'paused');
    assert.equal(baton.replicaId, replicaId, 'under the same id');
    assert.equal((await shown(baton, baton)).draining, false);
  });

  it('it drains on under its next id if it loses its lease meanwhile', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counting();
    const db = new FaultyDatabase(system.backend.url);
    const baton = await system.replica({ db, tasks: [definition], lease: 900 });
    const events = record(baton);
    const before = baton.replicaId;
    await baton.drainReplica(before!, { actor: 'ada' });
    await events.next('replica.draining');
    db.fault = async (sql, send) => (sql.includes('renewed_at') ? { rows: [], changes: 0 } : send());
    await events.next('replica.lost');
    db.fault = NO_FAULT;
    await until('it has another id', () => baton.replicaId !== undefined && baton.replicaId !== before);
    const { draining, drain } = await shown(baton, baton);
    assert.deepEqual([draining, drain], [true, { by: 'ada', reason: undefined }]);
    const id = await baton.createTask(definition, undefined);
    await baton.undrainReplica(baton.replicaId!);
    await reaches(baton, id, 'finished');
    const drains = events.events.filter(({ name }) => name === 'replica.draining');
    assert.equal(drains.length, 1);
  });

  it('a process that starts anew drains no more', async (t) => {
    const system = await openSystem(backend, t);
    const { definition } = counting();
    const first = await system.replica({ tasks: [definition] });
    await first.drainReplica(first.replicaId!);
    await first.stop();
    const second = await system.replica({ tasks: [definition] });
    assert.equal((await shown(second, second)).draining, false);
    await reaches(second, await second.createTask(definition, undefined), 'finished');
  });

  it('a cleanup is handed over too', async (t) => {
    const system = await openSystem(backend, t);
    const begun: string[] = [];
    const definition = (name: string, ends: boolean): TaskDefinition =>
      defineTask({
        type: 'cleaned',
        run: () => undefined,
        cleanup: async ({ signal }) => {
          begun.push(name);
          if (!ends) await work(60_000, signal);
        },
      });
    const drained = await system.replica({ tasks: [definition('drained', false)] });
    const id = await drained.createTask(definition('', true), undefined);
    await reaches(drained, id, 'finished');
    await drained.deleteTask(id);
    await until('its cleanup has begun', () => begun.length === 1);
    await drained.drainReplica(drained.replicaId!);
    await system.replica({ tasks: [definition('heir', true)] });
    await vanishes(drained, id);
    assert.deepEqual(begun, ['drained', 'heir']);
  });

  it('a replica that is not there is refused, and so is what makes no sense', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica();
    const unknown = (error: unknown): boolean => isTaskbatonError(error, 'REPLICA_NOT_FOUND');
    await assert.rejects(baton.drainReplica('nobody'), unknown);
    await assert.rejects(baton.undrainReplica('nobody'), unknown);
    const wrong = (error: unknown): boolean => isTaskbatonError(error, 'INVALID_ARGUMENT');
    const id = baton.replicaId!;
    await assert.rejects(async () => baton.drainReplica(7 as unknown as string), wrong);
    await assert.rejects(async () => baton.drainReplica(id, { actor: 'x'.repeat(256) }), wrong);
    await assert.rejects(async () => baton.drainReplica(id, { reason: 7 } as never), wrong);
    await assert.rejects(async () => baton.drainReplica(id, { why: 'x' } as never), wrong);
    assert.equal((await shown(baton, baton)).draining, false);
  });
});
