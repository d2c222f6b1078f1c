/**
 * A user's pool has connections for others too, and they may hold all of them for a while; and hints may be lost without
 * anybody being told. Neither costs a task anything but time, and of that no more than is said.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPool as mysqlPool } from 'mysql2/promise';
import pg from 'pg';
import { defineTask, isTaskbatonError } from '../../src/index.ts';
import { mysql } from '../../src/database/mysql.ts';
import { postgres } from '../../src/database/postgres.ts';
import { backends } from '../backends.ts';
import { onBackend } from '../support/databases.ts';
import { openSystem, reaches, record, until, work } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const SIZE = 2;
const LEASE = 3000;

interface Pool {
  readonly db: unknown;
  /** Takes all connections; the returned function gives them back. */
  hold(): Promise<() => void>;
  close(): Promise<unknown>;
}

const POOLS: Readonly<Partial<Record<string, (url: string) => Pool>>> = {
  postgres: (url) => {
    const pool = new pg.Pool({ connectionString: url, max: SIZE });
    return {
      db: postgres(pool, { statementTimeout: 500 }),
      hold: async () => {
        const held = await Promise.all(Array.from({ length: SIZE }, () => pool.connect()));
        return () => held.forEach((client) => client.release());
      },
      close: () => pool.end(),
    };
  },
  mysql: (url) => {
    const pool = mysqlPool({ uri: url, connectionLimit: SIZE });
    return {
      db: mysql(pool, { statementTimeout: 500 }),
      hold: async () => {
        const held = await Promise.all(Array.from({ length: SIZE }, () => pool.getConnection()));
        return () => held.forEach((connection) => connection.release());
      },
      close: () => pool.end(),
    };
  },
};

describe('a pool that others use up', () => {
  for (const backend of backends) {
    const open = POOLS[backend.name];
    if (open === undefined) continue;

    it(`${backend.name}: for less than a lease costs no lease; for longer, what is asked for is refused in time`, async (t) => {
      const system = await openSystem(backend, t);
      const pool = open(system.backend.url);
      const steady = defineTask({
        type: 'steady',
        async *run({ context, signal }) {
          for (let step = Number(context ?? 0); step < 10_000; step++) {
            await work(10, signal);
            yield { context: step + 1 };
          }
        },
      });
      const baton = system.instance({ db: pool.db, tasks: [steady], lease: LEASE, pollInterval: 100 });
      const events = record(baton);
      await baton.start();
      try {
        const id = await baton.createTask(steady, undefined);
        await events.next('task.reported');
        const giveBack = await pool.hold();
        await work(LEASE / 3);
        giveBack();
        const reported = events.events.length;
        await until('it goes on', () =>
          events.events.slice(reported).some(({ name }) => name === 'task.reported'),
        );
        assert.equal(
          events.events.some(({ name }) => name === 'replica.lost'),
          false,
        );

        const giveBackLater = await pool.hold();
        await assert.rejects(baton.getTask(id), (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'));
        giveBackLater();
        const task = await reaches(baton, id, 'running');
        assert.deepEqual([task.attempt, task.error], [1, undefined]);
      } finally {
        await baton.stop();
        await pool.close();
      }
    });
  }
});

describe('hints that get lost', () => {
  onBackend('postgres', (backend) => {
    it('cost a task no more than a poll interval', async (t) => {
      const system = await openSystem(backend, t);
      const proxy = await TcpProxy.to(system.backend.url);
      const pollInterval = 500;
      const quick = defineTask({ type: 'quick', run: async () => undefined });
      const baton = system.instance({ tasks: [quick], pollInterval });
      const events = record(baton);
      await baton.start();
      await events.next('hints.working');
      // Whoever creates is cut off as soon as it hints, which goes by itself for a task with a key; so is its word of it.
      const creator = system.instance({ db: proxy.through(system.backend.url) });
      await creator.migrate();
      proxy.judge = (text) => (text.startsWith('SELECT pg_notify') ? 'unsent' : undefined);
      try {
        const id = await creator.createTask(quick, undefined, { key: 'only' });
        const created = performance.now();
        await reaches(baton, id, 'finished');
        const took = performance.now() - created;
        // An idle replica looks around five times more seldom, at each quarter of a lease at the latest.
        t.diagnostic(`finished ${Math.round(took)} ms after it was created`);
        assert.ok(took < 5 * pollInterval + 1000, `it took ${took} ms`);
      } finally {
        await creator.stop();
        await proxy.takeAway();
      }
    });
  });
});
