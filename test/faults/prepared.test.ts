/** Statements that a server keeps parsed: only in sessions of ours, and never in the way of what has changed since. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import pg from 'pg';
import { startPgbouncer } from '../../scripts/pgbouncer.ts';
import type { Database } from '../../src/core/connection.ts';
import { openDatabase } from '../../src/database/open.ts';
import { postgres } from '../../src/database/postgres.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { onBackend } from '../support/databases.ts';

const OFTEN = 5;
const KEPT = "SELECT COUNT(*) AS kept FROM pg_prepared_statements WHERE name LIKE 'taskbaton_%'";

async function kept(database: Database): Promise<number> {
  return Number((await database.query(KEPT)).rows[0]?.['kept']);
}

async function often(database: Database, sql: string): Promise<void> {
  for (let time = 0; time < OFTEN; time++) await database.query(sql, [time]);
}

describe('prepared statements', () => {
  onBackend('postgres', (backend) => {
    const open = async (t: TestContext): Promise<{ database: Database; table: string; url: string }> => {
      const place = await backend.open();
      const { url, prefix } = place;
      const database = await openDatabase(url, { clock: systemClock });
      const table = `${prefix}prepared`;
      await database.query(`CREATE TABLE ${table} (one INTEGER)`);
      t.after(async () => {
        await database.query(`DROP TABLE ${table}`);
        await database.close();
        await place.close();
      });
      return { database, table, url };
    };

    it('are those that come again, and each is planned for the tables as they are', async (t) => {
      const { database, table } = await open(t);
      const before = await kept(database);
      await database.query(`SELECT one FROM ${table} WHERE one = ?`, [1]);
      assert.equal(await kept(database), before);
      await often(database, `SELECT one FROM ${table} WHERE one = ?`);
      assert.equal(await kept(database), before + 1);
      const { rows } = await database.query('SHOW plan_cache_mode');
      assert.equal(rows[0]?.['plan_cache_mode'], 'force_custom_plan');
    });

    it('are none in a pool of the user, whose sessions are as they were', async (t) => {
      const { url, table } = await open(t);
      const pool = new pg.Pool({ connectionString: url });
      t.after(() => pool.end());
      const database = await openDatabase(postgres(pool), { clock: systemClock });
      await often(database, `SELECT one FROM ${table} WHERE one = ?`);
      assert.equal(await kept(database), 0);
      assert.equal((await database.query('SHOW plan_cache_mode')).rows[0]?.['plan_cache_mode'], 'auto');
    });

    it('are none where a pooler stands between', async (t) => {
      const { url, table } = await open(t);
      const bouncer = await startPgbouncer(url);
      t.after(() => bouncer.close());
      const database = await openDatabase(bouncer.url, { clock: systemClock });
      t.after(() => database.close());
      await often(database, `SELECT one FROM ${table} WHERE one = ?`);
      assert.equal(await kept(database), 0);
    });

    const changes: readonly (readonly [string, (database: Database, table: string) => Promise<unknown>])[] = [
      ['has other columns now', (database, table) => database.query(`ALTER TABLE ${table} ADD two INTEGER`)],
      ['the session has forgotten', (database) => database.query('DEALLOCATE ALL')],
    ];
    for (const [what, change] of changes) {
      it(`one that ${what} is prepared anew`, async (t) => {
        const { database, table } = await open(t);
        const sql = `SELECT * FROM ${table} WHERE one = ?`;
        await often(database, sql);
        await change(database, table);
        assert.deepEqual((await database.query(sql, [1])).rows, []);
      });

      it(`one that ${what} is prepared anew in a transaction, all of which is carried out once`, async (t) => {
        const { database, table } = await open(t);
        const sql = `SELECT * FROM ${table} WHERE one > ?`;
        await often(database, sql);
        await change(database, table);
        await database.transaction(async (connection) => {
          await connection.query(`INSERT INTO ${table} (one) VALUES (?)`, [7]);
          assert.equal((await connection.query(sql, [0])).rows.length, 1);
        });
        const { rows } = await database.query(`SELECT one FROM ${table}`);
        assert.deepEqual(
          rows.map(({ one }) => Number(one)),
          [7],
        );
      });
    }
  });
});
