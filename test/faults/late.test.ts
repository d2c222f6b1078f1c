/**
 * An answer comes after it was given up, over a connection that has nothing wrong with it: a server that was busy, a lock
 * that was waited for. Nobody may be left with a transaction that is open for ever, and its locks.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTaskbatonError } from '../../src/index.ts';
import { backends } from '../backends.ts';
import { createTwoRows, openBench } from '../support/databases.ts';
import { until } from '../support/system.ts';
import { ROUTES } from './line.ts';

/** In milliseconds: by then it has been given up. */
const LATE = 300;

describe('an answer comes late', () => {
  for (const route of ROUTES) {
    const backend = backends.find(({ name }) => name === route.backend);
    // A file answers at once.
    if (backend === undefined || backend.name === 'sqlite') continue;
    for (const moment of ['BEGIN', 'UPDATE', 'COMMIT'] as const) {
      it(`${route.name}: a transaction that was given up at its ${moment} ends, and its locks go`, async (t) => {
        const bench = await openBench(backend, t);
        const direct = await bench.openHandle(bench.place.url);
        const table = await createTwoRows(bench, direct);
        const line = await route.open(bench.place.url);
        bench.later(() => line.close());
        const database = await bench.openHandle(line.db);
        await database.query('SELECT 1');
        const begin = backend.name === 'mysql' ? 'START' : 'BEGIN';
        const text = moment === 'BEGIN' ? begin : moment;
        line.judge = (sql) => {
          if (!sql.toUpperCase().startsWith(text)) return undefined;
          line.judge = () => undefined;
          return { late: LATE };
        };
        const work = database.transaction(async (connection) => {
          await connection.query(`UPDATE ${table} SET value = value + 1 WHERE id = 1`);
        });
        await assert.rejects(work, (error) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE'));
        await until('somebody else gets the lock', () =>
          direct
            .transaction((connection) => connection.query(`UPDATE ${table} SET value = 9 WHERE id = 1`))
            .then(
              () => true,
              () => false,
            ),
        );
        // The connection is of use again, or gone: so many at once are all that there are.
        await Promise.all(
          Array.from({ length: 5 }, () => database.transaction((one) => one.query('SELECT 1'))),
        );
      });
    }
  }
});
