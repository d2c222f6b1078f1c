/** What every `Database` does, whichever way it was handed over. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Database } from '../../src/core/connection.ts';
import { type ErrorCode, isTaskbatonError } from '../../src/core/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { isDuplicateKey } from '../../src/database/retry.ts';
import { createWakeTable, eachWay, Heard, openBench } from '../support/databases.ts';
import { until } from '../support/system.ts';

eachWay((way, backend) => {
  test('placeholders are filled in order, and values come back as they were', async (context) => {
    const { database, table } = await openTable(context);
    const text = `What's "$1"? \\ 🦑 ${'x'.repeat(10_000)}`;
    const big = Number.MAX_SAFE_INTEGER;
    await database.query(`INSERT INTO ${table} (id, name, big) VALUES (?, ?, ?)`, [7, text, big]);
    const { rows } = await database.query(`SELECT name, big FROM ${table} WHERE name = ? AND id = ?`, [
      text,
      7,
    ]);
    assert.deepEqual([rows[0]?.['name'], Number(rows[0]?.['big'])], [text, big]);
  });

  test('a whole number stays a whole number, in a column for text too', async (context) => {
    const { database, table } = await openTable(context);
    await database.query(`INSERT INTO ${table} (id, name, big) VALUES (?, ?, ?)`, [1, 5, null]);
    const { rows } = await database.query(`SELECT name, big FROM ${table}`);
    assert.deepEqual({ ...rows[0] }, { name: '5', big: null });
  });

  test('columns keep the names they have in SQL', async (context) => {
    const { database } = await openTable(context);
    const { rows } = await database.query('SELECT 1 AS lease_until, 2 AS id');
    assert.deepEqual(Object.keys(rows[0] ?? {}), ['lease_until', 'id']);
  });

  test('changes are the rows that matched, with RETURNING and without, and none for a SELECT', async (context) => {
    const { database, table } = await openTable(context);
    const insert = `INSERT INTO ${table} (id, name) VALUES (1, 'a'), (2, 'a'), (3, 'b')`;
    assert.equal((await database.query(insert)).changes, 3);
    assert.equal((await database.query(`UPDATE ${table} SET name = 'a' WHERE name = 'a'`)).changes, 2);
    assert.equal((await database.query(`SELECT * FROM ${table}`)).changes, 0);
    if (database.dialect !== 'mysql') {
      const updated = await database.query(`UPDATE ${table} SET big = ? WHERE name = ? RETURNING id`, [
        1,
        'a',
      ]);
      assert.equal(updated.changes, 2);
      assert.deepEqual(new Set(updated.rows.map(({ id }) => Number(id))), new Set([1, 2]));
      const none = await database.query(`UPDATE ${table} SET big = 1 WHERE id = 99 RETURNING id`);
      assert.equal(none.changes, 0);
    }
    assert.equal((await database.query(`DELETE FROM ${table}`)).changes, 3);
  });

  test('a transaction is committed when its work resolves, and its result handed on', async (context) => {
    const { database, table } = await openTable(context);
    const result = await database.transaction(async (connection) => {
      await connection.query(`INSERT INTO ${table} (id) VALUES (?)`, [1]);
      return (await connection.query(`SELECT id FROM ${table}`)).rows.length;
    });
    assert.deepEqual([result, await count(database, table)], [1, 1]);
  });

  test('a transaction is rolled back when its work rejects, and the error comes out as it is', async (context) => {
    const { database, table } = await openTable(context);
    const error = new Error('changed my mind');
    const work = database.transaction(async (connection) => {
      await connection.query(`INSERT INTO ${table} (id) VALUES (1)`);
      throw error;
    });
    await assert.rejects(work, (thrown) => thrown === error);
    assert.equal(await count(database, table), 0);
  });

  test('a statement that failed dooms its transaction, even if the work carries on', async (context) => {
    const { database, table } = await openTable(context);
    const work = database.transaction(async (connection) => {
      await connection.query(`INSERT INTO ${table} (id) VALUES (1)`);
      await connection.query(`INSERT INTO ${table} (id) VALUES (1)`).catch(() => undefined);
      return 'fine';
    });
    await assert.rejects(work, isDuplicateKey);
    assert.equal(await count(database, table), 0);
  });

  test('a transaction waits for statements its work did not await, and refuses later ones', async (context) => {
    const { database, table } = await openTable(context);
    let late: (() => Promise<unknown>) | undefined;
    await database.transaction(async (connection) => {
      void connection.query(`INSERT INTO ${table} (id) VALUES (1)`);
      void connection.query(`INSERT INTO ${table} (id) VALUES (2)`);
      late = () => connection.query(`INSERT INTO ${table} (id) VALUES (3)`);
    });
    await assert.rejects(async () => late?.(), hasCode('DATABASE_FAILED'));
    assert.equal(await count(database, table), 2);
  });

  test('statements of others never land in an open transaction', async (context) => {
    const { database, table } = await openTable(context);
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const rolledBack = database.transaction(async (connection) => {
      await connection.query(`INSERT INTO ${table} (id) VALUES (1)`);
      begun.resolve();
      await end.promise;
      throw new Error('rolled back');
    });
    await begun.promise;
    const insert = `INSERT INTO ${table} (id) VALUES (?)`;
    const others = [2, 3].map((id) => database.query(insert, [id]));
    const transaction = database.transaction((connection) => connection.query(insert, [4]));
    end.resolve();
    await assert.rejects(rolledBack, { message: 'rolled back' });
    await Promise.all([...others, transaction]);
    const { rows } = await database.query(`SELECT id FROM ${table} ORDER BY id`);
    assert.deepEqual(
      rows.map(({ id }) => Number(id)),
      [2, 3, 4],
    );
  });

  test('many transactions at once all get their turn', async (context) => {
    const { database, table } = await openTable(context);
    await database.query(`INSERT INTO ${table} (id, big) VALUES (1, 0)`);
    const raise = (): Promise<unknown> =>
      database.transaction((connection) =>
        connection.query(`UPDATE ${table} SET big = big + 1 WHERE id = 1`),
      );
    await Promise.all(Array.from({ length: 50 }, raise));
    const { rows } = await database.query(`SELECT big FROM ${table}`);
    assert.equal(Number(rows[0]?.['big']), 50);
  });

  test('one statement after the other leaves timers their turn', async (context) => {
    const { database } = await openTable(context);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const end = systemClock.monotonic() + 300;
    while (systemClock.monotonic() < end) {
      await database.transaction((connection) => connection.query('SELECT 1'));
      await database.query('SELECT 1');
    }
    clearInterval(timer);
    assert.ok(ticks > 5, `${ticks} ticks`);
  });

  test("what the database refuses is DATABASE_FAILED with the driver's error as its cause", async (context) => {
    const { database, table } = await openTable(context);
    await assert.rejects(database.query('SELEC 1'), (error) => {
      assert.ok(isTaskbatonError(error, 'DATABASE_FAILED'));
      assert.match(error.message, /SELEC/);
      assert.ok(error.cause instanceof Error);
      return !isDuplicateKey(error);
    });
    await database.query(`INSERT INTO ${table} (id) VALUES (1)`);
    await assert.rejects(database.query(`INSERT INTO ${table} (id) VALUES (1)`), isDuplicateKey);
  });

  test('closing is done once, and refuses what comes later', async (context) => {
    const { database } = await openTable(context);
    await Promise.all([database.close(), database.close()]);
    await database.close();
    await assert.rejects(database.query('SELECT 1'), hasCode('DATABASE_UNAVAILABLE'));
    const work = database.transaction(async () => undefined);
    await assert.rejects(work, hasCode('DATABASE_UNAVAILABLE'));
    await database.notify('gone', 'tick');
  });

  if (way.foreign) {
    test("a handle of the user's stays open", async (context) => {
      const bench = await openBench(backend, context);
      const { database, db } = await bench.open(way);
      await database.close();
      const again = await bench.openHandle(db);
      assert.equal((await again.query('SELECT 1 AS one')).rows.length, 1);
    });
  }

  test('a hint wakes its topic on this handle and on others, within 100 ms', async (context) => {
    const { near, far, channel } = await openTwo(context);
    const [heardNear, heardFar] = [new Heard(), new Heard()];
    await near.listen(channel, heardNear);
    await far.listen(channel, heardFar);
    await until('both to listen', () => heardNear.working && heardFar.working);
    heardNear.wakes.length = heardFar.wakes.length = 0;
    const begin = systemClock.monotonic();
    await near.notify(channel, 'run');
    await until('both to be woken', () => heardNear.wakes.length > 0 && heardFar.wakes.length > 0);
    const took = systemClock.monotonic() - begin;
    assert.ok(took < 100, `it took ${took} ms`);
    await far.notify(channel, 'tick');
    await until('both to be woken again', () => heardNear.wakes.length > 1 && heardFar.wakes.length > 1);
    assert.deepEqual(heardNear.wakes, ['run', 'tick']);
    assert.deepEqual(heardFar.wakes, ['run', 'tick']);
  });

  test('a burst of hints is a few, and the last is not lost', async (context) => {
    const { near, far, channel } = await openTwo(context);
    const heard = new Heard();
    await far.listen(channel, heard);
    await until('it to listen', () => heard.working);
    heard.wakes.length = 0;
    await Promise.all(Array.from({ length: 1000 }, () => near.notify(channel, 'run')));
    await near.notify(channel, 'tick');
    await until('the last hint', () => heard.wakes.includes('tick'));
    const claims = heard.wakes.filter((topic) => topic === 'run').length;
    assert.ok(claims >= 1 && claims <= 2, `${claims} hints`);
  });

  test('hints on their way are sent before closing, and a closed subscription hears nothing', async (context) => {
    const { near, far, channel } = await openTwo(context);
    const [heard, deaf] = [new Heard(), new Heard()];
    await far.listen(channel, heard);
    const closed = await far.listen(channel, deaf);
    await until('both to listen', () => heard.working && deaf.working);
    await closed.close();
    heard.wakes.length = deaf.wakes.length = 0;
    void near.notify(channel, 'run');
    void near.notify(channel, 'run');
    void near.notify(channel, 'tick');
    await near.close();
    await until('the hints', () => heard.wakes.includes('tick') && heard.wakes.includes('run'));
    assert.deepEqual(deaf.wakes, []);
  });

  async function openTable(context: TestContext): Promise<{ database: Database; table: string }> {
    const bench = await openBench(backend, context);
    const { database } = await bench.open(way);
    const table = bench.table('thing');
    // Whatever the database's own character set is.
    const options = database.dialect === 'mysql' ? 'CHARACTER SET utf8mb4' : '';
    await database.query(`CREATE TABLE ${table} (id BIGINT PRIMARY KEY, name TEXT, big BIGINT) ${options}`);
    return { database, table };
  }

  async function openTwo(context: TestContext): Promise<{ near: Database; far: Database; channel: string }> {
    const bench = await openBench(backend, context);
    const channel = bench.table('wake');
    const { database: near } = await bench.open(way);
    const { database: far } = await bench.open(way);
    await createWakeTable(near, channel);
    return { near, far, channel };
  }
});

async function count(database: Database, table: string): Promise<number> {
  return (await database.query(`SELECT id FROM ${table}`)).rows.length;
}

function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isTaskbatonError(error, code);
}
