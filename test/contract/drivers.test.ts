/**
 * The whole contract through the public door, as a database of somebody else would prove itself, for the handles that
 * a user may bring along besides a URL: better-sqlite3, and the package `postgres`.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import BetterSqlite3 from 'better-sqlite3';
import { createPool } from 'mysql2';
import postgresJs from 'postgres';
import type { Database } from '../../src/core/connection.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { CONTRACT, storeContract } from '../../src/testing/index.ts';
import { backends, type BackendName } from '../backends.ts';

const HANDLES: Readonly<
  Record<BackendName, readonly [driver: string, open: (url: string) => Promise<Database>]>
> = {
  sqlite: ['better-sqlite3', openBetterSqlite3],
  postgres: ['postgres.js', openPostgresJs],
  mysql: ['a callback pool of mysql2', openMysqlPool],
};

for (const backend of backends) {
  const [driver, connect] = HANDLES[backend.name];
  describe(`${backend.name} by ${driver}:`, () => {
    storeContract(async () => {
      const world = await backend.open();
      return { connect: () => connect(world.url), prefix: world.prefix, close: () => world.close() };
    });
  });
}

describe('the contract', () => {
  it('has a test file for each operation', () => {
    const missing = CONTRACT.map(({ name }) => `${name.replaceAll(' ', '-')}.test.ts`).filter(
      (file) => !existsSync(join(import.meta.dirname, file)),
    );
    assert.deepEqual(missing, []);
  });
});

async function openBetterSqlite3(url: string): Promise<Database> {
  const handle = new BetterSqlite3(url.replace('sqlite:', ''));
  handle.pragma('journal_mode = WAL');
  return closing(await openDatabase(handle, { clock: systemClock }), async () => void handle.close());
}

async function openPostgresJs(url: string): Promise<Database> {
  const sql = postgresJs(url, { max: 4, onnotice: () => undefined });
  return closing(await openDatabase(sql, { clock: systemClock }), () => sql.end());
}

async function openMysqlPool(url: string): Promise<Database> {
  // With settings that change what the driver hands out.
  const pool = createPool({
    uri: url,
    connectionLimit: 4,
    rowsAsArray: true,
    bigNumberStrings: true,
    supportBigNumbers: true,
  });
  return closing(await openDatabase(pool, { clock: systemClock }), () => pool.promise().end());
}

/** A database whose handle is ours to close. */
function closing(database: Database, close: () => Promise<void>): Database {
  const inner = database.close.bind(database);
  let closed: Promise<void> | undefined;
  return Object.assign(database, {
    close: () => (closed ??= inner().then(close)),
  });
}
