/** Rows of the user's own and what the engine writes, in one transaction: the handler's, or one that the user began. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { createConnection as createCallbackConnection } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import postgresJs from 'postgres';
import { defineTask, TaskbatonError, type Transaction } from '../../src/index.ts';
import type { Database } from '../../src/core/connection.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { Schedules } from '../../src/cron/index.ts';
import { type Backend, type BackendName, eachBackend } from '../backends.ts';
import { onBackend, pathOf } from '../support/databases.ts';
import { FaultyDatabase, TRANSACTION } from '../support/faulty-database.ts';
import { openSystem, reaches, type System, until } from '../support/system.ts';

/** Sends statements in a transaction of its own; `tx` is what a user would hand over. */
interface Client {
  readonly tx: unknown;
  send(sql: string): Promise<unknown>;
  close(): Promise<unknown> | void;
}

const CLIENTS: Readonly<Record<BackendName, Readonly<Record<string, (url: string) => Promise<Client>>>>> = {
  sqlite: {
    'node:sqlite': async (url) => {
      const db = new DatabaseSync(pathOf(url), { timeout: 5000 });
      return { tx: db, send: async (sql) => db.exec(sql), close: () => db.close() };
    },
    'better-sqlite3': async (url) => {
      const db = new BetterSqlite(pathOf(url), { timeout: 5000 });
      return { tx: db, send: async (sql) => db.exec(sql), close: () => void db.close() };
    },
  },
  postgres: {
    pg: async (url) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return { tx: client, send: (sql) => client.query(sql), close: () => client.end() };
    },
    'a client of a pg Pool': async (url) => {
      const pool = new pg.Pool({ connectionString: url });
      const client = await pool.connect();
      return {
        tx: client,
        send: (sql) => client.query(sql),
        close: async () => {
          client.release();
          await pool.end();
        },
      };
    },
  },
  mysql: {
    'mysql2/promise': async (url) => {
      const connection = await createConnection(url);
      return { tx: connection, send: (sql) => connection.query(sql), close: () => connection.end() };
    },
    mysql2: async (url) => {
      const connection = createCallbackConnection(url);
      const send = (sql: string): Promise<unknown> => connection.promise().query(sql);
      return { tx: connection, send, close: () => connection.promise().end() };
    },
  },
};

const noop = defineTask({ type: 'noop', run: async () => undefined });
const FAST = { lease: 1000, pollInterval: 50 };

eachBackend((backend) => {
  it('a handler writes rows and its checkpoint together, or neither, and stops like at any report', async (t) => {
    const { system, database, table } = await open(backend, t);
    const importing = defineTask<undefined, undefined, { row: number }>({
      type: 'import',
      retry: { attempts: 3, delay: 10 },
      async run({ context, transaction, task }) {
        for (let row = context?.row ?? 0; row < 60; row++) {
          await transaction(async (tx) => {
            await tx.query(`INSERT INTO ${table} VALUES (?)`, [row]);
            if (row === 20 && task.attempt === 1) throw new Error('not this time');
            return { context: { row: row + 1 }, progress: (row + 1) / 60 };
          });
        }
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [importing] });
    const id = await baton.createTask(importing, undefined);
    await until('it failed once', async () => (await baton.getTask(id)).attempt === 2);
    await baton.pauseTask(id);
    const { context } = await reaches(baton, id, 'paused');
    assert.deepEqual(await rowsOf(database, table), upTo((context as { row: number } | undefined)?.row ?? 0));
    await baton.runTask(id);
    const done = await reaches(baton, id, 'finished');
    assert.deepEqual([done.context, done.progress], [{ row: 60 }, 1]);
    assert.deepEqual(await rowsOf(database, table), upTo(60));
  });

  it('a commit whose answer is lost is neither lost nor done twice', async (t) => {
    const { system, database, table } = await open(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    let lost = 0;
    db.fault = async (sql, send) => {
      const result = await send();
      if (sql.includes(TRANSACTION) && lost++ % 2 === 0)
        throw new TaskbatonError('DATABASE_UNAVAILABLE', { problem: 'the answer got lost' });
      return result;
    };
    let calls = 0;
    const importing = defineTask<undefined, undefined, number>({
      type: 'import',
      async run({ transaction }) {
        for (let row = 0; row < 20; row++) {
          await transaction(async (tx) => {
            calls += 1;
            await tx.query(`INSERT INTO ${table} VALUES (?)`, [row]);
            return { context: row + 1 };
          });
        }
      },
    });
    const baton = await system.replica({ ...FAST, db, tasks: [importing] });
    const done = await reaches(baton, await baton.createTask(importing, undefined), 'finished');
    assert.equal(done.context, 20);
    assert.ok(lost >= 20);
    assert.equal(calls, 20);
    assert.deepEqual(await rowsOf(database, table), upTo(20));
  });

  it('whoever has lost the task writes nothing any more, no row either', async (t) => {
    const { system, database, table } = await open(backend, t);
    const seen: unknown[] = [];
    const stale = defineTask({
      type: 'stale',
      async run({ transaction, task }) {
        if (task.epoch > 1) return;
        await database.query(`UPDATE ${system.backend.prefix}task SET epoch = epoch + 1 WHERE id = ?`, [
          task.id,
        ]);
        await transaction(async (tx) => {
          await tx.query(`INSERT INTO ${table} VALUES (1)`);
        }).catch((error: unknown) => seen.push((error as { code?: unknown }).code));
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [stale] });
    await baton.createTask(stale, undefined);
    await until('it was refused', () => seen.length > 0);
    assert.deepEqual(seen, ['LEASE_LOST']);
    assert.deepEqual(await rowsOf(database, table), []);
  });

  it('a task created in the transaction of a handler is there if and only if that is committed', async (t) => {
    const { system } = await open(backend, t);
    const parent = defineTask({
      type: 'parent',
      async run({ transaction }) {
        const create = (fail: boolean): Promise<void> =>
          transaction(async (tx: Transaction) => {
            await baton.createTask(noop, undefined, { user: fail ? 'never' : 'child', tx });
            await baton.createTasks([{ task: noop }, { task: noop }], { tx });
            if (fail) throw new Error('never mind');
          });
        await create(true).catch(() => undefined);
        await create(false);
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [parent, noop] });
    await reaches(baton, await baton.createTask(parent, undefined), 'finished');
    const { tasks } = await baton.getTasks({ types: [noop] });
    assert.equal(tasks.length, 3);
    assert.equal(tasks.filter(({ user }) => user === 'child').length, 1);
    for (const { id } of tasks) await reaches(baton, id, 'finished');
  });

  for (const [name, connect] of Object.entries(CLIENTS[backend.name])) {
    it(`in a transaction of ${name}, everything happens if and only if it is committed`, async (t) => {
      const { system, table, database } = await open(backend, t);
      const baton = system.instance();
      const [run, pause, gone, moved] = [
        await baton.createTask(noop, undefined, { autoRun: false }),
        await baton.createTask(noop, undefined),
        await baton.createTask(noop, undefined, { autoRun: false }),
        await baton.createTask(noop, undefined),
      ];
      for (let index = 0; index < 3; index++) await baton.createTask(noop, undefined, { user: 'many' });
      const schedules = new Schedules(baton);
      await schedules.set('kept', { task: noop, every: '1h' });
      const client = await connect(system.backend.url);
      t.after(() => client.close());
      for (const end of ['ROLLBACK', 'COMMIT']) {
        await client.send('BEGIN');
        await client.send(`INSERT INTO ${table} VALUES (1)`);
        const { tx } = client;
        const id = await baton.createTask(noop, undefined, { user: 'new', tx, key: 'once' });
        assert.ok(id > 0);
        assert.equal(
          (
            await baton.createTasks(
              [
                { task: noop, user: 'new' },
                { task: noop, user: 'new' },
              ],
              { tx },
            )
          ).length,
          2,
        );
        await baton.runTask(run, { tx });
        await baton.pauseTask(pause, { tx });
        await baton.deleteTask(gone, { tx });
        await baton.changeTaskGroup(moved, 'elsewhere', { tx });
        const paused = await baton.pauseTasks({ user: 'many' }, { tx });
        const changed = await baton.changeTasksGroup({ user: 'many' }, `of ${end}`, { tx });
        assert.deepEqual([paused.changed, changed.changed], [3, 3]);
        await baton.setLimit('group', `of ${end}`, 4, { tx });
        await baton.pauseGroup(`of ${end}`, { running: true, tx });
        await schedules.set('new', { task: noop, every: '1h', tx });
        await schedules.pause('kept', { tx });
        const triggered = await schedules.trigger('kept', { tx });
        await client.send(end);
        const committed = end === 'COMMIT';
        const many = (await baton.getTasks({ user: 'many', group: `of ${end}` })).tasks;
        assert.deepEqual(
          many.map(({ state }) => state),
          committed ? ['paused', 'paused', 'paused'] : [],
        );
        const found = (await schedules.list()).map(({ name: named, paused: halted }) => [named, halted]);
        assert.deepEqual(found, committed ? [['kept', true], ['new', false]] : [['kept', false]]); // prettier-ignore
        const exists = (await baton.getTasks()).tasks.some((task) => task.id === triggered);
        assert.equal(exists, committed);
        const group = (await baton.groups()).find((each) => each.name === `of ${end}`);
        assert.deepEqual([group?.limit, group?.paused], committed ? [4, true] : [undefined, undefined]);
        assert.equal((await baton.getTasks({ user: 'new' })).tasks.length, committed ? 3 : 0);
        assert.equal((await baton.getTask(run)).state, committed ? 'pending' : 'init');
        assert.equal((await baton.getTask(pause)).state, committed ? 'paused' : 'pending');
        assert.equal(
          (await baton.getTasks()).tasks.some((task) => task.id === gone),
          !committed,
        );
        assert.equal((await baton.getTask(moved)).group, committed ? 'elsewhere' : '');
        assert.equal((await rowsOf(database, table)).length, committed ? 1 : 0);
      }
      const replica = await system.replica({ ...FAST, tasks: [noop] });
      for (const { id } of (await baton.getTasks({ user: 'new' })).tasks)
        await reaches(replica, id, 'finished');
    });

    it(`a connection of ${name} without a transaction is refused, and nothing is written`, async (t) => {
      const { system } = await open(backend, t);
      const baton = system.instance();
      const client = await connect(system.backend.url);
      t.after(() => client.close());
      const refused = { code: 'INVALID_ARGUMENT', message: /begin one first/ };
      await assert.rejects(baton.createTask(noop, undefined, { tx: client.tx }), refused);
      await client.send('BEGIN');
      await client.send('COMMIT');
      await assert.rejects(baton.createTask(noop, undefined, { tx: client.tx }), refused);
      for (const wrong of [null, 7, 'tx', {}, [], () => undefined, system.instance()])
        await assert.rejects(baton.createTask(noop, undefined, { tx: wrong }), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual((await baton.getTasks()).tasks, []);
    });
  }

  it('a transaction in a database without this system is refused', async (t) => {
    const { system } = await open(backend, t);
    const [connect] = Object.values(CLIENTS[backend.name]);
    const client = await connect!(system.backend.url);
    t.after(() => client.close());
    // Another system of the same kind, in a file or under a prefix where the client finds no tables of it.
    const other = new DatabaseSync(':memory:');
    other.exec('BEGIN');
    const tx = backend.name === 'sqlite' ? other : client.tx;
    const stranger =
      backend.name === 'sqlite' ? system.instance() : system.instance({ db: 'sqlite::memory:' });
    await client.send('BEGIN');
    await assert.rejects(stranger.createTask(noop, undefined, { tx }), { code: 'INVALID_ARGUMENT' });
    await client.send('ROLLBACK');
  });
});

onBackend('sqlite', (backend) => {
  it('a first call in a transaction on the very handle that is the database is refused at once', async (t) => {
    const { system } = await open(backend, t);
    for (const db of [new DatabaseSync(pathOf(system.backend.url)), new BetterSqlite(':memory:')]) {
      t.after(() => db.close());
      const baton = system.instance({ db });
      db.exec('BEGIN');
      await assert.rejects(baton.createTask(noop, undefined, { tx: db }), {
        code: 'INVALID_ARGUMENT',
        message: /has not been opened yet: call migrate\(\) or start\(\) before you begin/,
      });
      db.exec('ROLLBACK');
      await baton.migrate();
      db.exec('BEGIN');
      const id = await baton.createTask(noop, undefined, { tx: db });
      db.exec('COMMIT');
      assert.equal((await baton.getTask(id)).state, 'pending');
    }
  });
});

onBackend('postgres', (backend) => {
  it('in a transaction of postgres.js, a task is there if and only if it is committed', async (t) => {
    const { system } = await open(backend, t);
    const baton = system.instance();
    const sql = postgresJs(system.backend.url, { max: 1 });
    t.after(() => sql.end());
    await assert.rejects(
      sql.begin(async (tx) => {
        await baton.createTask(noop, undefined, { tx });
        throw new Error('never mind');
      }),
    );
    assert.deepEqual((await baton.getTasks()).tasks, []);
    let ended: unknown;
    await sql.begin((tx) => {
      ended = tx;
      return baton.createTask(noop, undefined, { tx });
    });
    await assert.rejects(baton.createTask(noop, undefined, { tx: ended }), {
      code: 'INVALID_ARGUMENT',
      message: /it has ended already|begin one first/,
    });
    assert.equal((await baton.getTasks()).tasks.length, 1);
    await assert.rejects(baton.createTask(noop, undefined, { tx: sql }), { code: 'INVALID_ARGUMENT' });
  });
});

async function open(
  backend: Backend,
  t: TestContext,
): Promise<{ system: System; database: Database; table: string }> {
  const system = await openSystem(backend, t);
  const database = await openDatabase(system.backend.url, { clock: systemClock });
  t.after(() => database.close());
  await system.instance().migrate();
  const table = `${system.backend.prefix}row`;
  await database.query(`CREATE TABLE ${table} (value INTEGER NOT NULL)`);
  return { system, database, table };
}

async function rowsOf(database: Database, table: string): Promise<readonly number[]> {
  const { rows } = await database.query(`SELECT value FROM ${table} ORDER BY value`);
  return rows.map(({ value }) => Number(value));
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
