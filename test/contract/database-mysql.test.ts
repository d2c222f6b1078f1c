/** What is special about MySQL and MariaDB: the settings a session may come with, conflicts, and lost connections. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createPool } from 'mysql2/promise';
import type { Connection, Database } from '../../src/core/connection.ts';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { mysql } from '../../src/database/mysql.ts';
import { type Bench, createTwoRows, Heard, meeting, onBackend, openBench } from '../support/databases.ts';
import { until } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** Ways in which a server or a pool may be set up that we must see through. */
const HOSTILE_SESSIONS: Readonly<Record<string, string>> = {
  'another character set': 'SET NAMES latin1',
  'REPEATABLE READ': 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  SERIALIZABLE: 'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
  'another time zone': "SET time_zone = '+05:45'",
  'ANSI quotes': "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
};

onBackend('mysql', (backend) => {
  test('a deadlock is run again, and both transactions end well', async (context) => {
    const { bench, database } = await open(context);
    const table = await createTwoRows(bench, database);
    let attempts = 0;
    const bothHold = meeting(2);
    const crossing = (first: number, second: number): Promise<unknown> =>
      database.transaction(async (connection) => {
        attempts++;
        await connection.query(`UPDATE ${table} SET value = value + 1 WHERE id = ?`, [first]);
        await bothHold();
        await connection.query(`UPDATE ${table} SET value = value + 1 WHERE id = ?`, [second]);
      });
    await Promise.all([crossing(1, 2), crossing(2, 1)]);
    assert.ok(attempts > 2);
    assert.deepEqual(await valuesOf(database, table), [2, 2]);
  });

  test('a conflict that stays is DATABASE_BUSY after a few attempts', async (context) => {
    const { database } = await open(context);
    let attempts = 0;
    const work = database.transaction(async (connection) => {
      attempts++;
      await connection.query("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213");
    });
    await assert.rejects(work, (error) => isTaskbatonError(error, 'DATABASE_BUSY'));
    assert.equal(attempts, 11);
  });

  test('an update that finds a row as it should be counts it all the same', async (context) => {
    const { bench, database } = await open(context);
    const table = await createTwoRows(bench, database);
    assert.equal((await database.query(`UPDATE ${table} SET value = 0 WHERE id = 1`)).changes, 1);
  });

  for (const [name, setting, problem] of [
    [
      'NO_BACKSLASH_ESCAPES',
      "SET sql_mode = 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES'",
      /NO_BACKSLASH_ESCAPES/,
    ],
    ['no strict mode', "SET sql_mode = ''", /STRICT_TRANS_TABLES/],
    ['no automatic commit', 'SET autocommit = 0', /autocommit/],
    ['affected rows for found ones', undefined, /FOUND_ROWS/],
  ] as const) {
    test(`a pool with ${name} is refused before it is used`, async (context) => {
      const bench = await openBench(backend, context);
      const flags = setting === undefined ? ['-FOUND_ROWS'] : [];
      const pool = createPool({ uri: bench.place.url, flags });
      bench.later(() => pool.end());
      // In the order of a connection's commands it comes before all of ours.
      if (setting !== undefined) pool.pool.on('connection', (connection) => connection.query(setting));
      await assert.rejects(bench.openHandle(pool), (error) => {
        assert.ok(isTaskbatonError(error, 'INVALID_OPTION'));
        assert.match(error.message, problem);
        return true;
      });
    });
  }

  for (const [name, setting] of Object.entries(HOSTILE_SESSIONS)) {
    test(`a pool with ${name} changes nothing`, async (context) => {
      const bench = await openBench(backend, context);
      const pool = createPool({ uri: bench.place.url, connectionLimit: 3 });
      bench.later(() => pool.end());
      pool.pool.on('connection', (connection) => connection.query(setting));
      const database = await bench.openHandle(pool);
      const witness = await bench.openHandle(bench.place.url);
      const table = bench.table('text');
      await database.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, content TEXT) CHARACTER SET utf8mb4`);
      const content = 'a "quoted" \\ 😀 text';
      await database.query(`INSERT INTO ${table} VALUES (1, ?)`, [content]);
      assert.equal((await witness.query(`SELECT content FROM ${table}`)).rows[0]?.['content'], content);
      await database.transaction(async (connection) => {
        await connection.query(`SELECT content FROM ${table}`);
        await witness.query(`UPDATE ${table} SET content = 'later'`);
        const { rows } = await connection.query(`SELECT content FROM ${table}`);
        assert.equal(rows[0]?.['content'], 'later', 'a transaction sees what others have committed');
      });
    });
  }

  test('a connection killed in a transaction is DATABASE_UNAVAILABLE, and the next one works', async (context) => {
    const { bench, database } = await open(context);
    const table = await createTwoRows(bench, database);
    const witness = await bench.openHandle(bench.place.url);
    for (const moment of ['between statements', 'during a statement', 'before the commit']) {
      const work = database.transaction(async (connection) => {
        await connection.query(`UPDATE ${table} SET value = value + 1`);
        const id = await connectionOf(connection);
        const sleeping = moment === 'during a statement' ? connection.query('SELECT SLEEP(20)') : undefined;
        await kill(witness, id);
        if (sleeping !== undefined) await sleeping;
        if (moment === 'between statements') await connection.query('SELECT 1');
      });
      await assert.rejects(work, (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'), moment);
      await until('it to work again', () => works(database));
    }
    assert.deepEqual(await valuesOf(witness, table), [0, 0]);
  });

  test('a statement that somebody interrupts is DATABASE_BUSY, and its connection goes on', async (context) => {
    const { bench, database } = await open(context);
    const witness = await bench.openHandle(bench.place.url);
    const work = database.transaction(async (connection) => {
      const id = await connectionOf(connection);
      const sleeping = connection.query('SELECT COUNT(*) FROM seq_1_to_1000000 a JOIN seq_1_to_1000000 b');
      const refused = assert.rejects(sleeping, (error) => isTaskbatonError(error, 'DATABASE_BUSY'));
      await until('the statement is at work', async () => {
        const sql = `SELECT 1 FROM information_schema.processlist WHERE id = ? AND info LIKE '%seq_1_to%'`;
        return (await witness.query(sql, [id])).rows.length > 0;
      });
      await witness.query(`KILL QUERY ${id}`);
      await refused;
    });
    await work.catch(() => undefined);
    assert.equal(await works(database), true);
  });

  test("a server that doesn't answer is given up, in a transaction too", async (context) => {
    const bench = await openBench(backend, context);
    const proxy = await TcpProxy.to(bench.place.url);
    bench.later(() => proxy.takeAway());
    const database = await bench.openHandle(mysql(proxy.through(bench.place.url), { statementTimeout: 200 }));
    const unavailable = (error: unknown): boolean => isTaskbatonError(error, 'DATABASE_UNAVAILABLE');
    for (const moment of ['before it', 'between its statements', 'before its commit']) {
      const stallAt = (now: string): void => {
        if (now === moment) proxy.stall();
      };
      stallAt('before it');
      const work = database.transaction(async (connection) => {
        await connection.query('SELECT 1');
        stallAt('between its statements');
        await connection.query('SELECT 1');
        stallAt('before its commit');
      });
      await assert.rejects(work, unavailable, moment);
      await proxy.takeAway();
      await proxy.restore();
      await until('it to work again', () => works(database));
    }
  });

  test('a listener survives a server that goes away for a while', async (context) => {
    const bench = await openBench(backend, context);
    const proxy = await TcpProxy.to(bench.place.url);
    bench.later(() => proxy.takeAway());
    const witness = await bench.openHandle(bench.place.url);
    const channel = bench.table('wake');
    await witness.query(`CREATE TABLE ${channel} (topic VARCHAR(8) PRIMARY KEY, counter BIGINT NOT NULL)`);
    await witness.query(`INSERT INTO ${channel} (topic, counter) VALUES ('run', 0), ('tick', 0)`);
    const database = await bench.openHandle(proxy.through(bench.place.url));
    const heard = new Heard();
    await database.listen(channel, heard);
    await until('it to listen', () => heard.working);
    await proxy.takeAway();
    await until('the failure', () => !heard.working);
    await proxy.restore();
    await until('it to listen again', () => heard.working);
    heard.wakes.length = 0;
    await until('hints to arrive again', async () => {
      await witness.notify(channel, 'tick');
      return heard.wakes.includes('tick');
    });
  });

  async function open(context: TestContext): Promise<{ bench: Bench; database: Database }> {
    const bench = await openBench(backend, context);
    // mysql2 keeps the process alive for the statement timeout of a connection that was killed.
    return { bench, database: await bench.openHandle(mysql(bench.place.url, { statementTimeout: 3000 })) };
  }
});

async function valuesOf(database: Database, table: string): Promise<readonly number[]> {
  const { rows } = await database.query(`SELECT value FROM ${table} ORDER BY id`);
  return rows.map(({ value }) => Number(value));
}

async function connectionOf(connection: Connection): Promise<number> {
  return Number((await connection.query('SELECT CONNECTION_ID() AS id')).rows[0]?.['id']);
}

async function kill(witness: Database, id: number): Promise<void> {
  await witness.query(`KILL ${id}`);
  await until('the connection is gone', async () => {
    const sql = 'SELECT 1 FROM information_schema.processlist WHERE id = ?';
    return (await witness.query(sql, [id])).rows.length === 0;
  });
}

function works(database: Database): Promise<boolean> {
  return database.query('SELECT 1').then(
    () => true,
    () => false,
  );
}
