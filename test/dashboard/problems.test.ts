/** What the overview says is wrong with a system: each problem comes when there is one, names what it is about, and goes when it is over. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Problem } from '../../src/dashboard/api.ts';
import { defineTask } from '../../src/index.ts';
import { internalsOf } from '../../src/runtime/internals.ts';
import { eachBackend } from '../backends.ts';
import { gate, reaches, until } from '../support/system.ts';
import { ADA, type Ask, type Desk, openDesk } from './desk.ts';

eachBackend((backend) => {
  it('a task that does not stop is a problem once it had the time to, for its own user too, until it has stopped', async (t) => {
    const released = gate();
    t.after(() => released.open());
    const stubborn = defineTask({
      type: 'stubborn',
      async run({ signal }) {
        await released.opened;
        signal.throwIfAborted();
      },
    });
    // Who looks waits for as long as its own options say.
    const desk = await openDesk(backend, t, { stopGrace: 100, lease: 1000 });
    await desk.system.replica({ tasks: [stubborn], stopGrace: 60_000 });
    const id = await desk.baton.createTask(stubborn, undefined, { user: 'ada' });
    await reaches(desk.baton, id, 'running');
    await desk.baton.pauseTask(id);
    assert.equal(await problemOf(desk, 'stopping-too-long'), undefined);
    for (const as of [undefined, ADA]) {
      const problem = await until('it is told', () => problemOf(desk, 'stopping-too-long', as && { as }));
      assert.deepEqual([problem.severity, problem.count, problem.tasks], ['error', 1, [id]]);
    }
    released.open();
    await reaches(desk.baton, id, 'paused');
    await until('it is over', async () => (await problemOf(desk, 'stopping-too-long')) === undefined);
  });

  it('a blocked event loop is a problem, with the replica and the task that is suspected', async (t) => {
    const { desk, replica, change } = await openWithReplica(t);
    await change('blocked = 4000, blocked_by = 17');
    const problem = await until('it is told', () => problemOf(desk, 'blocked-loop'));
    assert.deepEqual([problem.severity, problem.subject, problem.tasks], ['error', replica, [17]]);
    assert.equal((await desk.get('api/replicas')).body.replicas[0]?.blocked, 4000);
    assert.equal(await problemOf(desk, 'blocked-loop', { as: ADA }), undefined);
    await change('blocked = 0, blocked_by = NULL');
    await until('it is over', async () => (await problemOf(desk, 'blocked-loop')) === undefined);
  });

  it('a lease that has not been renewed for half of its time is a problem, with its replica', async (t) => {
    const { desk, replica, change } = await openWithReplica(t);
    assert.equal(await problemOf(desk, 'lease-ending'), undefined);
    await change('renewed_at = renewed_at - 300000');
    const problem = await until('it is told', () => problemOf(desk, 'lease-ending'));
    assert.deepEqual([problem.severity, problem.count, problem.subject], ['warning', 1, replica]);
    assert.equal(await problemOf(desk, 'lease-ending', { as: ADA }), undefined);
  });

  /** A replica that renews its lease seldom, so that what is put into its row stays there. */
  async function openWithReplica(t: Parameters<typeof openDesk>[1]): Promise<{
    readonly desk: Desk;
    readonly replica: string;
    readonly change: (set: string) => Promise<void>;
  }> {
    const desk = await openDesk(backend, t);
    const baton = await desk.system.replica({ lease: 120_000 });
    const { tables, connection } = (await internalsOf(desk.baton).stores.open()).scopes;
    const change = async (set: string): Promise<void> => {
      await connection.query(`UPDATE ${tables.replica} SET ${set}`);
    };
    return { desk, replica: baton.replicaId ?? '', change };
  }
});

async function problemOf(desk: Desk, kind: string, ask: Ask = {}): Promise<Problem | undefined> {
  const { problems } = (await desk.get('api/overview', ask)).body;
  return problems.find((problem) => problem.kind === kind);
}
