/**
 * The host of a replica vanishes in the midst of a transaction, and its server is never told: no reset, no end, as when power
 * or network fails. What it had locked would be locked until TCP gives up, hours later; the server is to give up much sooner.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPool as mysqlPool } from 'mysql2/promise';
import pg from 'pg';
import postgresJs from 'postgres';
import { mysql } from '../../src/database/mysql.ts';
import { postgres } from '../../src/database/postgres.ts';
import { isTaskbatonError } from '../../src/index.ts';
import { type BackendName, backends } from '../backends.ts';
import { createTwoRows, openBench } from '../support/databases.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** A second is the shortest that MariaDB knows. */
const PATIENCE = { statementTimeout: 1000 };

const WAYS: readonly (readonly [
  name: string,
  backend: BackendName,
  open: (url: string) => [unknown, () => unknown],
])[] = [
  [
    'pg',
    'postgres',
    (url) => {
      const pool = new pg.Pool({ connectionString: url });
      return [postgres(pool, PATIENCE), () => pool.end()];
    },
  ],
  [
    'postgres.js',
    'postgres',
    (url) => {
      const sql = postgresJs(url, { fetch_types: false });
      return [postgres(sql, PATIENCE), () => sql.end({ timeout: 0 })];
    },
  ],
  [
    'mysql2',
    'mysql',
    (url) => {
      const pool = mysqlPool({ uri: url });
      return [mysql(pool, PATIENCE), () => pool.end()];
    },
  ],
];

describe('a host vanishes in the midst of a transaction', () => {
  for (const [name, backendName, open] of WAYS) {
    const backend = backends.find((known) => known.name === backendName);
    if (backend === undefined) continue;

    it(`${name}: what it had locked is free again soon after`, async (t) => {
      const bench = await openBench(backend, t);
      const direct = await bench.openHandle(bench.place.url);
      const table = await createTwoRows(bench, direct);
      const proxy = await TcpProxy.to(bench.place.url);
      const [db, close] = open(proxy.through(bench.place.url));
      bench.later(async () => {
        const closed = Promise.resolve(close()).catch(() => undefined);
        await proxy.takeAway();
        await closed;
      });
      const vanishing = await bench.openHandle(db);
      const work = vanishing.transaction(async (connection) => {
        await connection.query(`UPDATE ${table} SET value = 1 WHERE id = 1`);
        proxy.stall();
        await connection.query(`UPDATE ${table} SET value = 1 WHERE id = 2`);
      });
      await assert.rejects(work, (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'));
      await direct.transaction((connection) =>
        connection.query(`UPDATE ${table} SET value = 9 WHERE id = 1`),
      );
      const { rows } = await direct.query(`SELECT value FROM ${table} ORDER BY id`);
      assert.deepEqual(
        rows.map(({ value }) => Number(value)),
        [9, 0],
      );
    });

    it(`${name}: a handler may think in its transaction for longer than a statement may take`, async (t) => {
      const bench = await openBench(backend, t);
      const [db, close] = open(bench.place.url);
      bench.later(async () => close());
      const database = await bench.openHandle(db);
      const table = await createTwoRows(bench, database);
      await database.transaction(
        async (connection) => {
          await connection.query(`UPDATE ${table} SET value = 1 WHERE id = 1`);
          await new Promise((resolve) => setTimeout(resolve, 2.5 * PATIENCE.statementTimeout));
          await connection.query(`UPDATE ${table} SET value = 2 WHERE id = 2`);
        },
        { idle: Infinity },
      );
      const { rows } = await database.query(`SELECT value FROM ${table} ORDER BY id`);
      assert.deepEqual(
        rows.map(({ value }) => Number(value)),
        [1, 2],
      );
    });
  }
});
