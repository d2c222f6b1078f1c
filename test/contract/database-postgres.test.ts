/** What is special about PostgreSQL: conflicts between transactions, and a network that may fail at any moment. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import pg from 'pg';
import postgresJs from 'postgres';
import type { Connection, Database } from '../../src/core/connection.ts';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { postgres } from '../../src/database/postgres.ts';
import { type Bench, createTwoRows, Heard, meeting, onBackend, openBench } from '../support/databases.ts';
import { until } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** How a database is opened for these tests, on a URL that may lead through a proxy. */
type Opener = (bench: Bench, url: string, options?: { statementTimeout: number }) => Promise<Database>;

const OPENERS: Readonly<Record<string, Opener>> = {
  'a URL': (bench, url, options) => bench.openHandle(postgres(url, options)),
  'a pg Pool': (bench, url, options) => {
    const pool = new pg.Pool({ connectionString: url, application_name: nameOf(bench) });
    bench.later(() => pool.end());
    return bench.openHandle(postgres(pool, options));
  },
  'a postgres.js client': (bench, url, options) => {
    const sql = postgresJs(url, { connection: { application_name: nameOf(bench) }, backoff: false });
    bench.later(() => sql.end({ timeout: 1 }));
    return bench.openHandle(postgres(sql, options));
  },
};

onBackend('postgres', (backend) => {
  for (const [name, opener] of Object.entries(OPENERS)) {
    test(`${name}: a deadlock is run again, and both transactions end well`, async (context) => {
      const { bench, database } = await open(context, opener);
      const table = await createTwoRows(bench, database);
      let attempts = 0;
      const bothHold = meeting(2);
      const crossing = (first: number, second: number): Promise<unknown> =>
        database.transaction(async (connection) => {
          attempts++;
          await connection.query("SET LOCAL deadlock_timeout = '20ms'");
          await connection.query(`UPDATE ${table} SET value = value + 1 WHERE id = ?`, [first]);
          await bothHold();
          await connection.query(`UPDATE ${table} SET value = value + 1 WHERE id = ?`, [second]);
        });
      await Promise.all([crossing(1, 2), crossing(2, 1)]);
      assert.ok(attempts > 2);
      const { rows } = await database.query(`SELECT value FROM ${table}`);
      assert.deepEqual(
        rows.map(({ value }) => Number(value)),
        [2, 2],
      );
    });

    test(`${name}: a conflict that stays is DATABASE_BUSY after a few attempts`, async (context) => {
      const { database } = await open(context, opener);
      let attempts = 0;
      const work = database.transaction(async (connection) => {
        attempts++;
        await connection
          .query("DO $$ BEGIN RAISE EXCEPTION 'never' USING ERRCODE = '40001'; END $$")
          .catch(() => undefined);
      });
      await assert.rejects(work, (error) => isTaskbatonError(error, 'DATABASE_BUSY'));
      assert.equal(attempts, 6);
    });

    test(`${name}: an error of COMMIT that says it was refused is DATABASE_FAILED`, async (context) => {
      const { bench, database } = await open(context, opener);
      const table = bench.table('thing');
      await database.query(`CREATE TABLE ${table} (id INT UNIQUE DEFERRABLE INITIALLY DEFERRED)`);
      const work = database.transaction((connection) =>
        connection.query(`INSERT INTO ${table} VALUES (1), (1)`),
      );
      await assert.rejects(work, (error) => isTaskbatonError(error, 'DATABASE_FAILED'));
    });

    test(`${name}: a connection lost in a transaction is DATABASE_UNAVAILABLE, and the next one works`, async (context) => {
      const { bench, database } = await open(context, opener);
      const table = await createTwoRows(bench, database);
      const witness = await bench.openHandle(bench.place.url);
      for (const moment of ['between statements', 'during a statement', 'before the commit']) {
        const work = database.transaction(async (connection) => {
          await connection.query(`UPDATE ${table} SET value = value + 1`);
          const pid = await backendOf(connection);
          const sleeping =
            moment === 'during a statement' ? connection.query('SELECT pg_sleep(20)') : undefined;
          await terminate(witness, pid);
          if (sleeping !== undefined) await sleeping;
          if (moment === 'between statements') await connection.query('SELECT 1');
        });
        await assert.rejects(work, (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'), moment);
        await until('it to work again', () =>
          database.query('SELECT 1').then(
            () => true,
            () => false,
          ),
        );
      }
      const { rows } = await witness.query(`SELECT value FROM ${table}`);
      assert.deepEqual(
        rows.map(({ value }) => Number(value)),
        [0, 0],
      );
    });

    test(`${name}: idle connections may be lost without harm`, async (context) => {
      const { bench, database } = await open(context, opener);
      const witness = await bench.openHandle(bench.place.url);
      const pids = await Promise.all([1, 2, 3].map(() => database.transaction(backendOf)));
      for (const pid of pids) await terminate(witness, pid);
      await until('it to work again', () =>
        database.query('SELECT 1').then(
          () => true,
          () => false,
        ),
      );
    });

    test(`${name}: a server that doesn't answer is given up, not waited for for ever`, async (context) => {
      const bench = await openBench(backend, context);
      const proxy = await openProxy(bench);
      const database = await opener(bench, proxy.through(bench.place.url), { statementTimeout: 200 });
      await database.query('SELECT 1');
      proxy.stall();
      const unavailable = (error: unknown): boolean => isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
      await assert.rejects(database.query('SELECT 1'), unavailable);
      await assert.rejects(
        database.transaction(async () => undefined),
        unavailable,
      );
      proxy.cut();
      await proxy.takeAway();
      await assert.rejects(database.query('SELECT 1'), unavailable);
      await proxy.restore();
      await until('it to work again', () =>
        database.query('SELECT 1').then(
          () => true,
          () => false,
        ),
      );
    });

    test(`${name}: a server that stops answering in a transaction is given up too`, async (context) => {
      const bench = await openBench(backend, context);
      const proxy = await openProxy(bench);
      const database = await opener(bench, proxy.through(bench.place.url), { statementTimeout: 200 });
      const unavailable = (error: unknown): boolean => isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
      const atStatement = database.transaction(async (connection) => {
        await connection.query('SELECT 1');
        proxy.stall();
        await connection.query('SELECT 1');
      });
      await assert.rejects(atStatement, unavailable);
      await proxy.takeAway();
      await proxy.restore();
      const atCommit = (): Promise<unknown> =>
        database.transaction(async (connection) => {
          await connection.query('SELECT 1');
          proxy.stall();
        });
      await until('it to work again', () =>
        database.query('SELECT 1').then(
          () => true,
          () => false,
        ),
      );
      await assert.rejects(atCommit, unavailable);
      proxy.cut();
    });

    test(`${name}: a lost listener comes back by itself, says so, and wakes for what it missed`, async (context) => {
      const { bench, database } = await open(context, opener);
      const witness = await bench.openHandle(bench.place.url);
      const channel = bench.table('wake');
      const heard = new Heard();
      await database.listen(channel, heard);
      await until('it to listen', () => heard.working);
      for (let round = 1; round <= 3; round++) {
        heard.wakes.length = 0;
        await terminateListener(witness, channel);
        await until('it to listen again', () => heard.wakes.includes('run') && heard.wakes.includes('tick'));
        heard.wakes.length = 0;
        await until('hints to arrive again', async () => {
          await witness.notify(channel, 'tick');
          return heard.wakes.includes('tick');
        });
      }
      await until('its health', () => heard.working);
    });

    test(`${name}: a listener waits for a server that is away, without a flood of reports`, async (context) => {
      const bench = await openBench(backend, context);
      const proxy = await openProxy(bench);
      await proxy.takeAway();
      const database = await opener(bench, proxy.through(bench.place.url));
      const heard = new Heard();
      await database.listen('away', heard);
      await until('the failure', () => heard.healths.length > 0);
      assert.equal(heard.working, false);
      await proxy.restore();
      await until('it to listen', () => heard.working);
      assert.equal(heard.healths.length, 2);
    });

    test(`${name}: channels of any name are told apart`, async (context) => {
      const { database } = await open(context, opener);
      const long = `"; DROP TABLE x; -- ${'long'.repeat(40)}`;
      const [one, other] = [new Heard(), new Heard()];
      await database.listen(`${long}1`, one);
      await database.listen(`${long}2`, other);
      await until('both to listen', () => one.working && other.working);
      one.wakes.length = other.wakes.length = 0;
      await database.notify(`${long}1`, 'tick');
      await until('the hint', () => one.wakes.length > 0);
      assert.deepEqual([one.wakes, other.wakes], [['tick'], []]);
    });
  }

  test('a URL that leads nowhere is DATABASE_UNAVAILABLE, and its password is told to nobody', async () => {
    for (const place of ['127.0.0.1:1', 'localhost:1', 'no-such-host.invalid']) {
      const database = await openDatabase(`postgres://ada:s3cret@${place}/test`, { clock: systemClock });
      await assert.rejects(database.query('SELECT 1'), (error) => {
        assert.ok(isTaskbatonError(error, 'DATABASE_UNAVAILABLE'));
        assert.match(error.message, /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/);
        return !error.message.includes('s3cret');
      });
      await database.close();
    }
  });

  test('a missing database, a standby and too many connections are DATABASE_UNAVAILABLE', async (context) => {
    const bench = await openBench(backend, context);
    const unavailable = (error: unknown): boolean => isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
    const missing = new URL(bench.place.url);
    missing.pathname = '/no_such_database';
    await assert.rejects((await bench.openHandle(missing.href)).query('SELECT 1'), unavailable);
    const standby = new URL(bench.place.url);
    standby.searchParams.set('options', '-c default_transaction_read_only=on');
    const create = `CREATE TABLE ${bench.table('thing')} (id INT)`;
    await assert.rejects((await bench.openHandle(standby.href)).query(create), unavailable);
    const full = `DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53300'; END $$`;
    await assert.rejects((await bench.openHandle(bench.place.url)).query(full), unavailable);
  });

  test('a COMMIT whose answer is lost is DATABASE_UNAVAILABLE, for nobody knows', async (context) => {
    const bench = await openBench(backend, context);
    const released: unknown[] = [];
    const client = {
      query: async ({ text }: { text: string }) => {
        if (text === 'COMMIT') throw new Error('something odd');
        return { rows: [], command: 'SELECT', rowCount: 0 };
      },
      on: () => undefined,
      release: (destroy: unknown) => released.push(destroy),
    };
    const pool = {
      connect: async () => client,
      query() {},
      end: async () => {},
      on() {},
      removeListener() {},
    };
    const database = await bench.openHandle(pool);
    await assert.rejects(
      database.transaction(async () => 1),
      (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'),
    );
    assert.deepEqual(released, [true]);
  });

  test('the listener logs in as the pool does, with the password that the pool hides', async (context) => {
    const bench = await openBench(backend, context);
    const seen: unknown[] = [];
    const pool = new pg.Pool({ host: 'db.example', user: 'ada', password: 's3cret' });
    class Client extends pg.Client {
      constructor(options: pg.ClientConfig) {
        super(options);
        seen.push(options.host, options.user, options.password);
      }
      override connect(): Promise<never> {
        return Promise.reject(new Error('not now'));
      }
    }
    Reflect.set(pool, 'Client', Client);
    const database = await bench.openHandle(pool);
    const heard = new Heard();
    await database.listen('some', heard);
    await until('the failure', () => heard.healths.length > 0);
    assert.deepEqual(seen.slice(0, 3), ['db.example', 'ada', 's3cret']);
  });

  test("closing a URL's database leaves no connection behind", async (context) => {
    const bench = await openBench(backend, context);
    const witness = await bench.openHandle(bench.place.url);
    const url = new URL(bench.place.url);
    url.searchParams.set('application_name', nameOf(bench));
    const database = await bench.openHandle(url.href);
    const heard = new Heard();
    await database.listen('some', heard);
    await until('it to listen', () => heard.working);
    const connections = async (): Promise<number> => {
      const sql = 'SELECT COUNT(*) AS found FROM pg_stat_activity WHERE application_name = ?';
      return Number((await witness.query(sql, [nameOf(bench)])).rows[0]?.['found']);
    };
    assert.ok((await connections()) >= 2);
    await database.close();
    await until('they are gone', async () => (await connections()) === 0);
  });

  async function open(context: TestContext, opener: Opener): Promise<{ bench: Bench; database: Database }> {
    const bench = await openBench(backend, context);
    return { bench, database: await opener(bench, bench.place.url) };
  }
});

function nameOf(bench: Bench): string {
  return `taskbaton ${bench.place.prefix}`;
}

async function openProxy(bench: Bench): Promise<TcpProxy> {
  const proxy = await TcpProxy.to(bench.place.url);
  bench.later(() => proxy.takeAway());
  return proxy;
}

async function backendOf(connection: Connection): Promise<number> {
  return Number((await connection.query('SELECT pg_backend_pid() AS pid')).rows[0]?.['pid']);
}

async function terminate(witness: Database, pid: number): Promise<void> {
  await witness.query('SELECT pg_terminate_backend(?)', [pid]);
  await until('the connection is gone', async () => {
    const { rows } = await witness.query('SELECT 1 FROM pg_stat_activity WHERE pid = ?', [pid]);
    return rows.length === 0;
  });
}

async function terminateListener(witness: Database, channel: string): Promise<void> {
  const sql = 'SELECT pid FROM pg_stat_activity WHERE lower(query) = ? AND pid <> pg_backend_pid()';
  const pids = await until('the listener', async () => {
    const { rows } = await witness.query(sql, [`listen "${channel}"`]);
    return rows.length > 0 && rows.map(({ pid }) => Number(pid));
  });
  for (const pid of pids) await terminate(witness, pid);
}
