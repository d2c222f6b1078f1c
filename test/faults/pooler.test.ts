/**
 * A pooler that lends a connection for a transaction and no longer: nothing may be kept in a session. Everything works as without
 * one; only hints don't come, which is noticed and said, and polling takes their place.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pg from 'pg';
import postgresJs from 'postgres';
import { type Pgbouncer, startPgbouncer } from '../../scripts/pgbouncer.ts';
import { postgres } from '../../src/database/postgres.ts';
import { defineTask, type TaskbatonOptions } from '../../src/index.ts';
import { onBackend } from '../support/databases.ts';
import { openSystem, reaches, record, vanishes } from '../support/system.ts';

const POLL = 200;

describe('a pooler in transaction mode', () => {
  onBackend('postgres', (backend) => {
    const ways: readonly (readonly [
      string,
      (url: string) => readonly [TaskbatonOptions['db'], () => Promise<unknown>],
    ])[] = [
      ['a URL', (url) => [url, async () => undefined]],
      [
        'a pool of pg',
        (url) => {
          const pool = new pg.Pool({ connectionString: url, max: 5 });
          return [postgres(pool), () => pool.end()];
        },
      ],
      [
        'a client of postgres.js',
        (url) => {
          const sql = postgresJs(url, { max: 5, prepare: false, fetch_types: false });
          return [postgres(sql), () => sql.end({ timeout: 1 })];
        },
      ],
    ];
    for (const [name, open] of ways) {
      it(`${name}: tasks run, are paused, resumed and deleted, and many of them at once`, async (t) => {
        const system = await openSystem(backend, t);
        const bouncer: Pgbouncer = await startPgbouncer(system.backend.url);
        const [db, close] = open(bouncer.url);
        const counted = defineTask({
          type: 'counted',
          async run({ transaction, report }) {
            await report({ context: 1 });
            await transaction(async (tx) => ({
              context: Number((await tx.query('SELECT 2 AS two')).rows[0]?.['two']),
            }));
          },
        });
        const endless = defineTask({
          type: 'endless',
          run: ({ signal }) =>
            new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
          cleanup: async () => undefined,
        });
        // With limits a claim is a transaction of several statements.
        const options = {
          db,
          tasks: [counted, endless],
          pollInterval: POLL,
          concurrency: 20,
          limits: { type: 15 },
        };
        const baton = system.instance(options);
        try {
          const events = record(baton);
          await baton.start();
          const ids = await Promise.all(
            Array.from({ length: 40 }, () => baton.createTask(counted, undefined)),
          );
          for (const id of ids) assert.equal((await reaches(baton, id, 'finished')).context, 2);
          const id = await baton.createTask(endless, undefined);
          await reaches(baton, id, 'running');
          await baton.pauseTask(id);
          await reaches(baton, id, 'paused');
          await baton.runTask(id);
          await reaches(baton, id, 'running');
          await baton.deleteTask(id);
          await vanishes(baton, id);
          // A probe that the listener sends to itself does not come back.
          await events.next('hints.lost');
        } finally {
          await baton.stop();
          await close();
          await bouncer.close();
        }
      });
    }
  });
});
