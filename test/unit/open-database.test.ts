/** What may be handed over as `db`, and what is said about everything else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import pg from 'pg';
import postgresJs from 'postgres';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { postgres } from '../../src/database/postgres.ts';
import { sqlite } from '../../src/database/sqlite.ts';

const context = { clock: systemClock };
/** Nobody listens there, and nothing connects before the first statement. */
const NOWHERE = 'postgres://ada:s3cret@127.0.0.1:1/test';

test('URLs and handles are recognized', async () => {
  const pool = new pg.Pool({ connectionString: NOWHERE });
  const client = postgresJs(NOWHERE);
  const node = new DatabaseSync(':memory:');
  const better = new BetterSqlite(':memory:');
  for (const [handle, dialect] of [
    ['sqlite::memory:', 'sqlite'],
    ['file::memory:', 'sqlite'],
    [sqlite(':memory:'), 'sqlite'],
    [node, 'sqlite'],
    [better, 'sqlite'],
    [sqlite(node), 'sqlite'],
    [sqlite(better), 'sqlite'],
    [NOWHERE, 'postgres'],
    [NOWHERE.replace('postgres:', 'postgresql:'), 'postgres'],
    [postgres(NOWHERE), 'postgres'],
    [pool, 'postgres'],
    [client, 'postgres'],
    [postgres(pool), 'postgres'],
    [postgres(client), 'postgres'],
  ] as const) {
    const database = await openDatabase(handle, context);
    assert.equal(database.dialect, dialect);
    await database.close();
  }
  await pool.end();
  await client.end();
  node.close();
  better.close();
});

test('an open database is taken as it is', async () => {
  const database = await openDatabase('sqlite::memory:', context);
  assert.equal(await openDatabase(database, context), database);
  await database.close();
});

test('a SQLite database that is closed already is DATABASE_UNAVAILABLE', async () => {
  for (const handle of [new DatabaseSync(':memory:'), new BetterSqlite(':memory:')]) {
    handle.close();
    const opening = openDatabase(handle, context);
    await assert.rejects(opening, (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'));
  }
});

test('anything else is refused, in words that fit and without secrets', async () => {
  for (const [handle, says] of [
    [undefined, /undefined/],
    [null, /null/],
    ['tasks.db', /"tasks\.db"/],
    ['sqlite:', /"sqlite:"/],
    ['sqlite:tasks.db?mode=ro', /a URL sqlite:…/],
    ['mssql://root:s3cret@localhost/test', /a URL mssql:…/],
    ['host=localhost password=s3cret', /a text that is not a URL/],
    ['postgres://ada:s3cret@local host:x/', /a URL postgres:…/],
    [{ host: 'localhost', password: 's3cret' }, /an object with host, password/],
    [{}, /an object with nothing in it/],
    [new Map(), /an object of class Map/],
    [new pg.Client({ connectionString: NOWHERE }), /one pg Client, and a Pool is needed/],
    [Object.create(null), /an object of class undefined/],
  ] as const) {
    await assert.rejects(openDatabase(handle, context), (error) => {
      assert.ok(isTaskbatonError(error, 'UNKNOWN_DATABASE'));
      assert.match(error.message, says);
      return !error.message.includes('s3cret') && !JSON.stringify(error.details).includes('s3cret');
    });
  }
});

test("a driver that isn't installed is asked for by name", () => {
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, from, next) {
        if (name === 'pg') throw Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' });
        return next(name, from);
      },
    });
    const { openDatabase } = await import(${moduleOf('database/open.ts')});
    const { systemClock } = await import(${moduleOf('runtime/clock.ts')});
    await openDatabase('sqlite::memory:', { clock: systemClock }).then((database) => database.close());
    await openDatabase('${NOWHERE}', { clock: systemClock }).catch((error) => console.log(error.code, error.message));
  `;
  const { stdout } = run(program);
  assert.match(stdout, /^DRIVER_MISSING the package pg is not installed\. Run: npm install pg\n$/);
});

test('nothing of an open database keeps the process alive, closed or not', () => {
  for (const end of ['', 'await database.close();']) {
    const program = `
      const { openDatabase } = await import(${moduleOf('database/open.ts')});
      const { systemClock } = await import(${moduleOf('runtime/clock.ts')});
      const database = await openDatabase('sqlite::memory:', { clock: systemClock });
      await database.query("CREATE TABLE wake AS SELECT 'tick' AS topic, 0 AS counter");
      await database.listen('wake', { wake() {}, health() {} });
      ${end}
      console.log('end');
    `;
    const { stdout, status } = run(program);
    assert.deepEqual([stdout, status], ['end\n', 0]);
  }
});

function moduleOf(path: string): string {
  return JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
}

function run(program: string): { stdout: string; status: number | null } {
  const args = ['--no-warnings', '--input-type=module', '-e', program];
  return spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
