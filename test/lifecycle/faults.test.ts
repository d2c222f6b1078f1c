/**
 * Answers that come late or never, statements that are refused, and other things that go wrong between an engine and its
 * database: no task runs twice at once, none fails for it, none is stuck, and stopping always ends.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { z } from 'zod';
import {
  declareTask,
  defineTask,
  finished,
  TaskbatonError,
  TaskFailed,
  type TaskDefinition,
} from '../../src/index.ts';
import { isHandlersWrite } from '../../src/store/settlement.ts';
import { eachBackend } from '../backends.ts';
import { FaultyDatabase, NO_FAULT } from '../support/faulty-database.ts';
import { gate, openSystem, reaches, record, until, vanishes, work } from '../support/system.ts';

const isClaim = (sql: string): boolean => sql.includes('epoch = epoch + 1') && sql.includes(`queue = 'run'`);
const isFinish = (sql: string): boolean => /UPDATE[\s\S]* SET [\s\S]*finished\/run/.test(sql);
const unavailable = (): never => {
  throw new TaskbatonError('DATABASE_UNAVAILABLE', { problem: 'the answer got lost' });
};

/** Counts how many of its handlers are at work at once, and how often it was begun. */
function counted(ms: number): {
  definition: TaskDefinition;
  counts: { now: number; most: number; begun: number };
} {
  const counts = { now: 0, most: 0, begun: 0 };
  const definition = defineTask({
    type: 'counted',
    async run() {
      counts.begun += 1;
      counts.most = Math.max(counts.most, ++counts.now);
      await work(ms);
      counts.now -= 1;
    },
  });
  return { definition, counts };
}

eachBackend((backend) => {
  it('a claim whose answer is late is not taken for a lost one, however many others are answered meanwhile', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const { definition, counts } = counted(50);
    const slow = await system.replica({ db, tasks: [definition], pollInterval: 20 });
    const events = record(slow);
    const answer = gate();
    const late = gate();
    db.fault = async (sql, send) => {
      const result = await send();
      if (isClaim(sql) && result.rows.length > 0) {
        late.open();
        await answer.opened;
      }
      return result;
    };
    const id = await slow.createTask(definition, undefined);
    await late.opened;
    let polls = 0;
    db.fault = async (sql, send) => {
      polls += Number(sql.includes(`queue = 'cleanup'`));
      return send();
    };
    await until('several cleanup claims were answered', () => polls >= 6);
    answer.open();
    await reaches(slow, id, 'finished');
    assert.deepEqual(counts, { now: 0, most: 1, begun: 1 });
    assert.equal(events.events.filter(({ name }) => name === 'task.released').length, 0);
  });

  it('a claim whose answer is lost is given back and runs', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const { definition, counts } = counted(1);
    const baton = await system.replica({ db, tasks: [definition], pollInterval: 50 });
    db.fault = async (sql, send) => {
      const result = await send();
      if (!isClaim(sql) || result.rows.length === 0) return result;
      db.fault = NO_FAULT;
      return unavailable();
    };
    const task = await reaches(baton, await baton.createTask(definition, undefined), 'finished');
    assert.deepEqual([task.epoch, task.attempt, task.crashes, counts.begun], [2, 1, 0, 1]);
  });

  it('a claim whose answer is lost while the replica stops is handed over like the others', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const { definition } = counted(1);
    const stopping = await system.replica({ db, tasks: [definition], pollInterval: 1000 });
    const lost = gate();
    db.fault = async (sql, send) => {
      const result = await send();
      if (!isClaim(sql) || result.rows.length === 0) return result;
      lost.open();
      return unavailable();
    };
    const id = await stopping.createTask(definition, undefined);
    await lost.opened;
    await stopping.stop();
    const other = await system.replica({ tasks: [definition] });
    const task = await reaches(other, id, 'finished');
    assert.deepEqual([task.crashes, task.attempt, task.error], [0, 1, undefined]);
  });

  it('a task whose ending the database refuses fails and says so', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const { definition, counts } = counted(1);
    const baton = await system.replica({ db, tasks: [definition], pollInterval: 50 });
    db.fault = db.inside = (sql, send) => {
      if (isFinish(sql)) throw new TaskbatonError('DATABASE_FAILED', { problem: 'no é here' });
      return send();
    };
    const task = await reaches(baton, await baton.createTask(definition, undefined), 'failed');
    assert.equal(task.error?.code, 'DATABASE_FAILED');
    assert.match(task.error?.message ?? '', /no é here/);
    assert.equal(counts.begun, 1);
  });

  // Simulation, seed 1284: the first of two reports came last.
  it('a report that is carried out after its sender gave up on it does not put the context back', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const second = gate();
    const end = gate();
    const definition = defineTask({
      type: 'late',
      async *run() {
        yield { context: 1 };
        yield { context: 2 };
        second.open();
        await end.opened;
      },
    });
    const late: (() => Promise<unknown>)[] = [];
    db.fault = (sql, send) => {
      if (late.length > 0 || !isHandlersWrite(sql)) return send();
      late.push(send);
      return unavailable();
    };
    const baton = await system.replica({ db, tasks: [definition] });
    const id = await baton.createTask(definition, undefined);
    await second.opened;
    await late[0]?.();
    assert.equal((await baton.getTask(id)).context, 2);
    end.open();
    assert.equal((await reaches(baton, id, 'finished')).context, 2);
  });

  it('an outage longer than the lease fails no task whose handler stops when it is told', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const definition = defineTask({
      type: 'steady',
      async *run({ context, signal }) {
        for (let step = Number(context ?? 0); step < 40; step++) {
          await work(10, signal);
          yield { context: step + 1 };
        }
      },
    });
    const baton = await system.replica({ db, tasks: [definition], lease: 600, pollInterval: 50 });
    const events = record(baton);
    const id = await baton.createTask(definition, undefined);
    await events.next('task.reported');
    db.fault = db.inside = unavailable;
    await events.next('task.stopping', (event) => event.why === 'lease-lost');
    await work(400);
    db.fault = db.inside = NO_FAULT;
    const task = await reaches(baton, id, 'finished');
    assert.equal(task.context, 40);
    assert.equal(task.attempt, 1);
  });

  it('stopping ends, even if the database never answers again', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const definition = defineTask({ type: 'endless', run: () => new Promise<void>(() => undefined) });
    const baton = await system.replica({ db, tasks: [definition], lease: 1000, stopGrace: 50 });
    const events = record(baton);
    await baton.createTask(definition, undefined);
    await events.next('task.started');
    db.fault = db.inside = () => new Promise(() => undefined);
    await baton.stop();
    assert.ok(events.events.some(({ name }) => name === 'replica.stopped'));
  });

  it('a task that no longer fits its schema can still be deleted, and its cleanup sees what was stored', async (t) => {
    const system = await openSystem(backend, t);
    const old = declareTask({ type: 'changing', input: z.object({ file: z.string() }) });
    const id = await system.instance().createTask(old, { file: 'a' }, { autoRun: false });
    await system.instance().pauseTask(id);
    const seen: unknown[] = [];
    const changed = defineTask({
      type: 'changing',
      input: z.object({ path: z.string() }),
      run: async () => undefined,
      cleanup: async ({ input }) => void seen.push(input),
    });
    const baton = await system.replica({ tasks: [changed] });
    await baton.deleteTask(id);
    await vanishes(baton, id);
    assert.deepEqual(seen, [{ file: 'a' }]);
  });

  it('a hostile TaskFailed fails its task and nothing else', async (t) => {
    const system = await openSystem(backend, t);
    const hostile = new Proxy(new TaskFailed('x'), {
      get: () => {
        throw new Error('gotcha');
      },
    });
    const definition = defineTask({ type: 'hostile', run: async () => Promise.reject(hostile) });
    const baton = await system.replica({ tasks: [definition] });
    await reaches(baton, await baton.createTask(definition, undefined), 'failed');
    await baton.stop();
  });

  it('the last report of a handler counts, even if it is not awaited', async (t) => {
    const system = await openSystem(backend, t);
    const definition = defineTask({
      type: 'hasty',
      run: async ({ report }) => {
        void report({ context: 'last' });
        return finished();
      },
    });
    const baton = await system.replica({ tasks: [definition] });
    assert.equal(
      (await reaches(baton, await baton.createTask(definition, undefined), 'finished')).context,
      'last',
    );
  });

  it('a misspelt option of a call is refused', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const contract = declareTask({ type: 'any' });
    const refused = { code: 'INVALID_ARGUMENT' };
    await assert.rejects(baton.createTask(contract, 1, { autorun: false } as object), refused);
    await assert.rejects(baton.createTask(contract, 1, null as never), refused);
    await assert.rejects(baton.getTasks({ state: 'failed' } as object), refused);
    await assert.rejects(baton.getTask(1, { deleting: true } as object), refused);
  });
});
