/** What the store takes for granted of a `Database`: values, counts, transactions, errors. */
import assert from 'node:assert/strict';
import type { Connection } from '../../core/connection.ts';
import { type Bench, refused } from '../bench.ts';
import type { Operation } from '../operation.ts';

/** One of each kind of character that a driver or a database might trip over. */
const TEXTS: readonly string[] = [
  '',
  ' blanks ',
  `it's "quoted" \`so\``,
  `'; DROP TABLE task; --`,
  '\\0 \\n \\\\',
  '$1 ? ?? :name @name %s',
  'line\nbreak\r\ttab',
  '\u0001\u001f\u007f\u0085\u2028\ufeff',
  'übermäßig 漢字 שלום',
  '👩‍👩‍👧‍👦 \u{1d11e} \u{10ffff}',
  '\u202eright to left',
  'x'.repeat(65_536),
];

export const database: Operation = {
  name: 'database',
  cases: {
    'every text comes back as it went': async (bench) => {
      const id = await bench.create();
      for (const text of TEXTS) {
        await bench.update(id, { input: text });
        assert.equal((await bench.row(id)).input, text);
      }
    },

    'numbers come back as they went': async (bench) => {
      const id = await bench.create();
      for (const number of [0, -1, 1_700_000_000_000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
        await bench.update(id, { turn: number });
        assert.equal((await bench.row(id)).turn, number);
      }
      for (const number of [0, 1, 0.1, 1e-300, 2 / 3]) {
        await bench.update(id, { progress: number });
        assert.equal((await bench.row(id)).progress, number);
      }
    },

    'a write counts the rows that it matched, even those it left as they were; a read counts none': async (
      bench,
    ) => {
      for (let index = 0; index < 3; index++) await bench.create({ user: 'ada' });
      const { task } = bench.tables;
      const update = `UPDATE ${task} SET task_user = ? WHERE task_user = ?`;
      assert.equal((await bench.database.query(update, ['bob', 'ada'])).changes, 3);
      assert.equal((await bench.database.query(update, ['bob', 'bob'])).changes, 3);
      assert.equal((await bench.database.query(update, ['bob', 'ada'])).changes, 0);
      const read = await bench.database.query(`SELECT id FROM ${task}`);
      assert.deepEqual([read.changes, read.rows.length], [0, 3]);
      assert.equal((await bench.database.query(`DELETE FROM ${task}`)).changes, 3);
    },

    'a transaction is committed when its work is done, and hands on what it resolved to': async (bench) => {
      const [id, other] = [await bench.create(), await bench.connect()];
      const result = await bench.database.transaction(async (connection) => {
        await rename(bench, connection, id, 'in the transaction');
        return 'done';
      });
      assert.equal(result, 'done');
      assert.equal((await other.get(id, false)).user, 'in the transaction');
    },

    'a transaction whose work throws leaves nothing, and the error comes out as it is': async (bench) => {
      const id = await bench.create({ user: 'before' });
      const error = new Error('of the work');
      const failing = bench.database.transaction(async (connection) => {
        await rename(bench, connection, id, 'in the transaction');
        throw error;
      });
      await assert.rejects(failing, (thrown) => thrown === error);
      assert.equal((await bench.row(id)).task_user, 'before');
    },

    'a statement that fails leaves nothing of its transaction, and the next one works': async (bench) => {
      const id = await bench.create({ user: 'before' });
      const failing = bench.database.transaction(async (connection) => {
        await rename(bench, connection, id, 'in the transaction');
        await connection.query('SELECT nothing FROM nowhere');
      });
      await refused(failing, 'DATABASE_FAILED');
      assert.equal((await bench.row(id)).task_user, 'before');
      await bench.database.transaction((connection) => rename(bench, connection, id, 'after'));
      assert.equal((await bench.row(id)).task_user, 'after');
    },

    'others do not see what is not committed': async (bench) => {
      const [id, other] = [await bench.create({ user: 'before' }), await bench.connect()];
      await bench.database.transaction(async (connection) => {
        await rename(bench, connection, id, 'not yet');
        assert.equal((await other.get(id, false)).user, 'before');
      });
    },

    'transactions and statements that meet all take effect': async (bench) => {
      const [id, other] = [await bench.create(), await bench.connect()];
      const raise = `UPDATE ${bench.tables.task} SET retries = retries + 1 WHERE id = ?`;
      const handles = [bench.database, other.database];
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const handle = handles[index % 2] ?? bench.database;
          if (index % 4 < 2) return handle.query(raise, [id]);
          return handle.transaction((connection) => connection.query(raise, [id]));
        }),
      );
      assert.equal((await bench.row(id)).retries, 20);
    },

    'a statement that is refused says so, with the reason of the driver as its cause': async (bench) => {
      const error = await refused(bench.database.query('SELECT nothing FROM nowhere'), 'DATABASE_FAILED');
      assert.ok(error.cause instanceof Error);
    },

    'a handle that is closed says that there is no database': async (bench) => {
      const { database: handle } = await bench.connect();
      await handle.close();
      await handle.close();
      await refused(handle.query('SELECT 1 AS one'), 'DATABASE_UNAVAILABLE');
      await refused(
        handle.transaction(() => Promise.resolve()),
        'DATABASE_UNAVAILABLE',
      );
    },
  },
};

async function rename(bench: Bench, connection: Connection, id: number, user: string): Promise<void> {
  await connection.query(`UPDATE ${bench.tables.task} SET task_user = ? WHERE id = ?`, [user, id]);
}
