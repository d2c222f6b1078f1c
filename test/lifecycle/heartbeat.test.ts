/**
 * The heartbeat's thread, with every way to hand over a database: where it can open the database for itself, a handler may block the
 * event loop for longer than the lease lasts, and nothing is lost. Where it can't, the loop renews the lease as it can.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPool as mysqlPool } from 'mysql2/promise';
import pg from 'pg';
import postgresJs from 'postgres';
import type { Address } from '../../src/core/connection.ts';
import { defineTask, type TaskDefinition } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { ThreadHeartbeat } from '../../src/runtime/heartbeat.ts';
import { LoopWatch } from '../../src/runtime/loop-watch.ts';
import { type EngineEvent, Observer } from '../../src/runtime/observer.ts';
import { eachBackend } from '../backends.ts';
import { eachWay, onBackend, openBench } from '../support/databases.ts';
import { openSystem, reaches, record, until } from '../support/system.ts';

const LEASE = 1500;
/** Longer than a lease, and well within what the bound and the lease bear together, also on a busy machine. */
const BLOCK = 2000;
const MAX_BLOCK = 1600;

/** Blocks the event loop, in a piece of work that the engine has not entered. */
const blocking: TaskDefinition = defineTask({
  type: 'blocking',
  async *run({ context }) {
    for (let n = (context as number | undefined) ?? 0; n < 2; n++) {
      await new Promise((resolve) => setImmediate(resolve));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK);
      yield { context: n + 1 };
    }
  },
});

/** Of the copy of SQLite that a thread would bring along. */
const WITHOUT_THREAD = new Set(['a better-sqlite3 database']);

eachWay((way, backend) => {
  const sentence = WITHOUT_THREAD.has(way.name)
    ? 'the loop renews the lease itself, and a handler that blocks it is named'
    : 'a handler that blocks the event loop for longer than the lease costs nothing';
  it(sentence, async (t) => {
    const system = await openSystem(backend, t);
    const handle = way.make(system.backend.url);
    t.after(() => handle.close());
    const { db } = handle;
    const options = {
      heartbeat: 'thread',
      lease: LEASE,
      maxBlock: MAX_BLOCK,
      pollInterval: 100,
      tasks: [blocking],
    } as const;
    const baton = await system.replica({ db, ...options });
    const events = record(baton);
    const before = baton.replicaId;
    if (WITHOUT_THREAD.has(way.name)) {
      const id = await baton.createTask(blocking, undefined);
      await events.next('loop.blocked', (event) => event.id === id);
      assert.ok(!events.events.some(({ name }) => name === 'heartbeat.working'));
      return;
    }
    await events.next('heartbeat.working');
    const id = await baton.createTask(blocking, undefined);
    const done = await reaches(baton, id, 'finished');
    assert.deepEqual([done.context, done.epoch, done.crashes], [2, 1, 0]);
    assert.equal(baton.replicaId, before);
    assert.ok(!events.events.some(({ name }) => name === 'replica.lost' || name === 'loop.failing'));
    const blocked = events.events.filter((event) => event.name === 'loop.blocked');
    assert.equal(blocked.length, 2);
    for (const { ms, id: suspect, evidence } of blocked) {
      assert.ok(ms > BLOCK - 200, `${ms} ms`);
      assert.deepEqual([suspect, evidence], [id, 'alone']);
    }
  });
});

eachBackend((backend) => {
  it('a replica that runs nothing needs no thread, and gets one with its first type', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({
      heartbeat: 'thread',
      lease: LEASE,
      maxBlock: MAX_BLOCK,
      pollInterval: 100,
    });
    const events = record(baton);
    const { replicaId } = baton;
    await until('it has looked around and renewed', async () => {
      const [replica] = await baton.replicas();
      return (
        replica !== undefined && replica.leaseUntil.getTime() - replica.startedAt.getTime() > LEASE + 600
      );
    });
    assert.ok(!events.events.some(({ name }) => name === 'heartbeat.working'));
    baton.register(blocking);
    await events.next('heartbeat.working');
    await reaches(baton, await baton.createTask(blocking, undefined), 'finished');
    assert.equal(baton.replicaId, replicaId);
    // The handler may block the loop before it has told the others what it runs now.
    await until('it says what it runs', async () => {
      const [replica] = await baton.replicas();
      return replica?.types.join() === 'blocking';
    });
  });

  it('a thread that finds another system behind its connection is given up, and told so', async (t) => {
    const bench = await openBench(backend, t);
    const system = await openSystem(backend, t);
    await system.instance().migrate();
    const database = await bench.openHandle(system.backend.url);
    const events: EngineEvent[] = [];
    const observer = new Observer(null);
    observer.on('*', (event) => void events.push(event));
    const watch = new LoopWatch({ clock: systemClock, observer, settings: { lease: 3000, maxBlock: 1800 } });
    const heartbeat = new ThreadHeartbeat(
      { clock: systemClock, observer, onLost: () => undefined },
      {
        address: database.address!,
        prefix: system.backend.prefix,
        schema: undefined,
        identity: 'of another system',
        lease: 3000,
        renewAfter: 1000,
        maxBlock: 1800,
        step: 50,
        timeout: 2000,
        threshold: 500,
        watch: watch.cells.memory,
      },
    );
    t.after(() => heartbeat.close());
    const lost = await until('it is given up', () => events.find(({ name }) => name === 'heartbeat.lost'));
    assert.match(JSON.stringify(lost), /another system/);
    assert.equal(heartbeat.working, false);
    await heartbeat.close();
    assert.equal(events.length, 1);
  });
});

describe('a handle has no address for another thread', () => {
  const addressOf = async (
    url: string,
    db: unknown,
    t: Parameters<typeof openBench>[1],
  ): Promise<Address | undefined> => {
    const bench = await openBench(
      { name: 'sqlite', open: async () => ({ url, prefix: '', close: async () => undefined }) },
      t,
    );
    return (await bench.openHandle(db)).address;
  };

  onBackend('sqlite', () => {
    it('that is a database in memory', async (t) => {
      assert.equal(await addressOf('', 'sqlite::memory:', t), undefined);
    });
  });

  onBackend('postgres', (backend) => {
    it('whose connections are set up by a listener, or whose password comes from a function', async (t) => {
      const { url } = await backend.open();
      const plain = new pg.Pool({ connectionString: url });
      assert.ok((await addressOf(url, plain, t)) !== undefined);
      const shaped = new pg.Pool({ connectionString: url });
      shaped.on('connect', (client) => void client.query('SET search_path = public'));
      assert.equal(await addressOf(url, shaped, t), undefined);
      const { hostname, port, username, pathname } = new URL(url);
      const parts = {
        host: hostname,
        port: Number(port || 5432),
        user: username,
        database: pathname.slice(1),
      };
      const secret = new pg.Pool({ ...parts, password: async () => 'secret' });
      assert.equal(await addressOf(url, secret, t), undefined);
      const other = postgresJs({ ...parts, password: async () => 'secret' });
      assert.equal(await addressOf(url, other, t), undefined);
      await Promise.all([plain.end(), shaped.end(), secret.end(), other.end()]);
    });
  });

  onBackend('mysql', (backend) => {
    it('whose connections are set up by a listener', async (t) => {
      const { url } = await backend.open();
      const plain = mysqlPool({ uri: url });
      assert.ok((await addressOf(url, plain, t)) !== undefined);
      const shaped = mysqlPool({ uri: url });
      shaped.on('connection', () => undefined);
      assert.equal(await addressOf(url, shaped, t), undefined);
      await Promise.all([plain.end(), shaped.end()]);
    });
  });
});
