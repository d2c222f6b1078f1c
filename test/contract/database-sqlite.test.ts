/** What is special about SQLite: one file, several processes, one event loop that must not stand still. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import type { Database } from '../../src/core/connection.ts';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { sqlite } from '../../src/database/sqlite.ts';
import { WriteBack } from '../../src/database/sqlite-write-back.ts';
import { createWakeTable, Heard, onBackend, openBench, pathOf, Peer } from '../support/databases.ts';
import { until } from '../support/system.ts';

const LOCK = `db.exec('BEGIN IMMEDIATE'); process.send('locked'); await told(); db.exec('COMMIT');`;

onBackend('sqlite', (backend) => {
  const openers = {
    'a URL': (url: string) => url,
    'a node:sqlite database that may wait 5 s': (url: string) =>
      new DatabaseSync(pathOf(url), { timeout: 5000 }),
    'a better-sqlite3 database that may wait 5 s': (url: string) =>
      new BetterSqlite(pathOf(url), { timeout: 5000 }),
  };
  for (const [name, opener] of Object.entries(openers)) {
    test(`a write lock of another process is waited out while the event loop goes on: ${name}`, async (context) => {
      const bench = await openBench(backend, context);
      const handle = opener(bench.place.url);
      if (typeof handle !== 'string') bench.later(async () => handle.close());
      const database = await bench.openHandle(handle);
      await database.query('CREATE TABLE thing (id INTEGER)');
      const peer = new Peer(bench.place.url, LOCK);
      await peer.said();
      const ticks = startTicking();
      const writes = [
        database.query('INSERT INTO thing VALUES (1)'),
        database.transaction((connection) => connection.query('INSERT INTO thing VALUES (2)')),
      ];
      await until('the timer to tick on', () => ticks.count > 60);
      peer.tell();
      await Promise.all(writes);
      ticks.stop();
      assert.ok(ticks.longestGap < 500, `the event loop stood still for ${ticks.longestGap} ms`);
      assert.equal((await database.query('SELECT id FROM thing')).rows.length, 2);
      await peer.exited();
    });
  }

  test('a lock that stays is DATABASE_BUSY in the end, and readers never wait for it', async (context) => {
    const bench = await openBench(backend, context);
    const database = await bench.openHandle(sqlite(pathOf(bench.place.url), { patience: 100 }));
    await database.query('CREATE TABLE thing (id INTEGER)');
    const peer = new Peer(bench.place.url, LOCK);
    await peer.said();
    const write = database.query('INSERT INTO thing VALUES (1)');
    assert.deepEqual((await database.query('SELECT id FROM thing')).rows, []);
    await assert.rejects(write, (error) => isTaskbatonError(error, 'DATABASE_BUSY'));
    await assert.rejects(
      database.transaction(async () => assert.fail('it ran')),
      (error) => isTaskbatonError(error, 'DATABASE_BUSY'),
    );
    peer.tell();
    await peer.exited();
  });

  test("a transaction that never ends makes the others DATABASE_BUSY, and closing doesn't wait for it for ever", async (context) => {
    const bench = await openBench(backend, context);
    const database = await bench.openHandle(sqlite(':memory:', { patience: 50 }));
    const end = Promise.withResolvers<void>();
    const stuck = database.transaction(() => end.promise);
    await assert.rejects(database.query('SELECT 1'), (error) => isTaskbatonError(error, 'DATABASE_BUSY'));
    await database.close();
    end.resolve();
    await assert.rejects(stuck, (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'));
  });

  test("the user's own open transaction is waited for, never joined", async (context) => {
    const bench = await openBench(backend, context);
    const handle = new DatabaseSync(':memory:');
    bench.later(async () => handle.close());
    const database = await bench.openHandle(handle);
    handle.exec('CREATE TABLE thing (id INTEGER); BEGIN; INSERT INTO thing VALUES (1)');
    const write = database.query('INSERT INTO thing VALUES (2)');
    const ticks = startTicking();
    await until('some time to pass', () => ticks.count > 10);
    ticks.stop();
    handle.exec('ROLLBACK');
    await write;
    assert.deepEqual(
      handle
        .prepare('SELECT id FROM thing')
        .all()
        .map(({ id }) => id),
      [2],
    );
  });

  test("our file has a write-ahead log; a handle of the user's keeps its settings", async (context) => {
    const bench = await openBench(backend, context);
    const path = `${pathOf(bench.place.url)}.user`;
    const handle = new BetterSqlite(path, { timeout: 4321 });
    bench.later(async () => handle.close());
    const theirs = await bench.openHandle(handle);
    await theirs.query('CREATE TABLE thing (id INTEGER)');
    assert.deepEqual(handle.pragma('journal_mode', { simple: true }), 'delete');
    assert.deepEqual(handle.pragma('busy_timeout', { simple: true }), 4321);
    const ours = await bench.openHandle(bench.place.url);
    assert.deepEqual({ ...(await ours.query('PRAGMA journal_mode')).rows[0] }, { journal_mode: 'wal' });
    assert.deepEqual({ ...(await ours.query('PRAGMA synchronous')).rows[0] }, { synchronous: 2 });
  });

  test('several processes may open a new file at once', async (context) => {
    const bench = await openBench(backend, context);
    const script = `
      process.send('here'); await told();
      const { openDatabase } = await import(${JSON.stringify(new URL('../../src/database/open.ts', import.meta.url).href)});
      const { systemClock } = await import(${JSON.stringify(new URL('../../src/runtime/clock.ts', import.meta.url).href)});
      const database = await openDatabase(${JSON.stringify(bench.place.url)}, { clock: systemClock });
      await database.query('CREATE TABLE IF NOT EXISTS thing (id INTEGER)');
      await database.transaction((connection) => connection.query('INSERT INTO thing VALUES (?)', [process.pid]));
      await database.close();
    `;
    const peers = Array.from({ length: 4 }, () => new Peer('sqlite::memory:', script));
    await Promise.all(peers.map((peer) => peer.said()));
    peers.forEach((peer) => peer.tell());
    assert.deepEqual(await Promise.all(peers.map((peer) => peer.exited())), [0, 0, 0, 0]);
    const database = await bench.openHandle(bench.place.url);
    assert.equal((await database.query('SELECT id FROM thing')).rows.length, 4);
  });

  test('a new file that another process holds locked is waited for', async (context) => {
    const bench = await openBench(backend, context);
    const peer = new Peer(bench.place.url, `db.exec('CREATE TABLE thing (id INTEGER)'); ${LOCK}`);
    await peer.said();
    const opening = bench.openHandle(bench.place.url);
    const ticks = startTicking();
    await until('some time to pass', () => ticks.count > 20);
    ticks.stop();
    peer.tell();
    const database = await opening;
    assert.deepEqual({ ...(await database.query('PRAGMA journal_mode')).rows[0] }, { journal_mode: 'wal' });
    await peer.exited();
  });

  test("a file that can't be used is DATABASE_UNAVAILABLE by name", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskbaton-test-'));
    const garbage = join(folder, 'garbage.db');
    writeFileSync(garbage, 'this is not a database '.repeat(100));
    const missing = join(folder, 'missing', 'tasks.db');
    for (const [url, says] of [
      [`sqlite:${garbage}`, garbage],
      [`sqlite:${folder}`, folder],
      [`sqlite:${missing}`, join(folder, 'missing')],
    ] as const) {
      await assert.rejects(openDatabase(url, { clock: systemClock }), (error) => {
        assert.ok(isTaskbatonError(error, 'DATABASE_UNAVAILABLE'));
        return error.message.includes(says);
      });
    }
  });

  test('hints of another process arrive within 100 ms, and other writes are no hints', async (context) => {
    const bench = await openBench(backend, context);
    const table = bench.table('wake');
    const database = await bench.openHandle(bench.place.url);
    await createWakeTable(database, table);
    const heard = new Heard();
    await database.listen(table, heard);
    const peer = new Peer(
      bench.place.url,
      `process.send('here'); await told();
       db.exec('CREATE TABLE other (id INTEGER)');
       db.exec("UPDATE ${table} SET counter = counter + 1 WHERE topic = 'tick'"); process.send(Date.now());`,
    );
    await peer.said();
    peer.tell();
    await peer.said();
    const begin = systemClock.monotonic();
    await until('the hint', () => heard.wakes.length > 0);
    const took = systemClock.monotonic() - begin;
    assert.ok(took < 100, `it took ${took} ms`);
    assert.deepEqual(heard.wakes, ['tick']);
    await peer.exited();
  });

  test("hints that can't be read are reported once, and so is their return", async (context) => {
    const bench = await openBench(backend, context);
    const table = bench.table('wake');
    const database = await bench.openHandle(bench.place.url);
    await createWakeTable(database, table);
    const heard = new Heard();
    await database.listen(table, heard);
    const peer = new Peer(
      bench.place.url,
      `db.exec('ALTER TABLE ${table} RENAME TO away'); process.send('away'); await told();
       db.exec('ALTER TABLE away RENAME TO ${table}');`,
    );
    await peer.said();
    await until('the failure', () => !heard.working);
    peer.tell();
    await until('the return', () => heard.working);
    assert.deepEqual(
      heard.healths.map(({ working }) => working),
      [true, false, true],
    );
    await peer.exited();
  });

  test('a thread writes the log of whoever listens back into the file, long before a commit would', async (context) => {
    const bench = await openBench(backend, context);
    const database = await bench.openHandle(bench.place.url);
    await beginToWork(database);
    assert.deepEqual((await database.query('PRAGMA wal_autocheckpoint')).rows, [
      { wal_autocheckpoint: 1000 },
    ]);
    await database.query(`INSERT INTO thing (text) ${MANY_ROWS}`);
    const { rows } = await database.query('PRAGMA wal_autocheckpoint');
    assert.deepEqual(rows, [{ wal_autocheckpoint: 16_000 }]);
    // Whoever listens later finds the thread there.
    await database.listen('wakes', new Heard());
    // The first were written back by their own commit.
    await database.query(`INSERT INTO thing (text) ${MANY_ROWS}`);
    await until('the file to have all of them', () => statSync(pathOf(bench.place.url)).size > 9_000_000);
    await database.close();
    assert.equal(existsSync(`${pathOf(bench.place.url)}-wal`), false);
  });

  test('a log that is always added to is begun anew all the same', async (context) => {
    const bench = await openBench(backend, context);
    const database = await bench.openHandle(bench.place.url);
    await beginToWork(database);
    await database.query(`INSERT INTO thing (text) ${MANY_ROWS}`);
    for (let round = 0; round < 40; round++) await database.query("UPDATE thing SET text = text || 'x'");
    // All that was written is four times as much, and so long a commit leaves it.
    const most = statSync(`${pathOf(bench.place.url)}-wal`).size;
    assert.ok(most < 60_000_000, `the log came to ${most} bytes`);
  });

  test('whoever lends a database keeps its log, and a thread that fails says so', async (context) => {
    const bench = await openBench(backend, context);
    const handle = new DatabaseSync(pathOf(bench.place.url));
    bench.later(async () => handle.close());
    const database = await bench.openHandle(handle);
    await beginToWork(database);
    await database.query(`INSERT INTO thing (text) ${MANY_ROWS}`);
    assert.deepEqual((await database.query('PRAGMA wal_autocheckpoint')).rows, [
      { wal_autocheckpoint: 1000 },
    ]);
    const lost = Promise.withResolvers<void>();
    const path = join(bench.place.url, 'nowhere', 'tasks.db');
    const writeBack = new WriteBack({ path, clock: systemClock, onLong: assert.fail, onLost: lost.resolve });
    await lost.promise;
    await writeBack.close();
  });
});

/** As a replica does: it listens, and then writes a lot. */
async function beginToWork(database: Database): Promise<void> {
  await createWakeTable(database, 'wakes');
  await database.listen('wakes', new Heard());
  await database.query('CREATE TABLE thing (id INTEGER PRIMARY KEY, text TEXT)');
}

/** 5 MB of them. */
const MANY_ROWS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
  SELECT printf('%.*c', 3500, 'x') FROM n`;

/** Counts the ticks of a short timer, and notes the longest pause between two. */
function startTicking(): { readonly count: number; readonly longestGap: number; stop(): void } {
  let last = systemClock.monotonic();
  const ticks = { count: 0, longestGap: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    const now = systemClock.monotonic();
    ticks.count++;
    ticks.longestGap = Math.max(ticks.longestGap, now - last);
    last = now;
  }, 5);
  return ticks;
}
