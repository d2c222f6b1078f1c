/**
 * Somebody keeps a transaction open that reads, and goes home: the database must keep for it every version of every row that
 * changes meanwhile. Tasks go on, about as fast as before, and whoever follows them misses nothing.
 */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { defineTask, type HistoryEntry, type Taskbaton } from '../../src/index.ts';
import { type BackendName, eachBackend } from '../backends.ts';
import { pathOf } from '../support/databases.ts';
import { openSystem } from '../support/system.ts';

/** Begins to read `table` and stays there; resolves with how to leave. */
type Look = (url: string, table: string) => Promise<() => unknown>;

const LOOKS: Readonly<Record<BackendName, Look>> = {
  sqlite: async (url, table) => {
    const database = new DatabaseSync(pathOf(url));
    database.exec('BEGIN');
    database.prepare(`SELECT * FROM ${table}`).all();
    return () => database.close();
  },
  postgres: async (url, table) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query(`SELECT * FROM ${table}`);
    return () => client.end();
  },
  mysql: async (url, table) => {
    const connection = await createConnection({ uri: url });
    await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    await connection.query(`SELECT * FROM ${table}`);
    return () => connection.end();
  },
};
const TASKS = 400;
/** More than a busy machine makes of it by itself. */
const SLOWER = 10;

const step = defineTask({ type: 'step', run: () => undefined });

describe('a transaction that somebody keeps open', () => {
  eachBackend((backend) => {
    it('keeps no task from being done, and no event from being told, and makes nothing much slower', async (t) => {
      const system = await openSystem(backend, t);
      const baton = await system.replica({ tasks: [step], concurrency: 10, history: 'changes' });
      const entries = baton.events({ since: 'start' });
      await doMany(baton, entries);
      const usual = await doMany(baton, entries);
      const leave = await LOOKS[backend.name](system.backend.url, `${system.backend.prefix}task`);
      try {
        const times: number[] = [];
        for (let round = 0; round < 3; round++) times.push(await doMany(baton, entries));
        t.diagnostic(`${TASKS} tasks: ${usual} ms, then ${times.join(', ')} ms`);
        assert.ok(Math.min(...times.slice(1)) < SLOWER * usual, `${times.join(', ')} ms after ${usual} ms`);
      } finally {
        await leave();
      }
    });
  });
});

/** Milliseconds until as many tasks have been created and done, and whoever follows `entries` has been told. */
async function doMany(baton: Taskbaton, entries: AsyncGenerator<HistoryEntry, void, void>): Promise<number> {
  const began = performance.now();
  const ids = await Promise.all(Array.from({ length: TASKS }, () => baton.createTask(step, undefined)));
  const left = new Set(ids);
  while (left.size > 0) {
    const { value: entry } = await entries.next();
    if (entry?.event === 'finish' && entry.task !== undefined) left.delete(entry.task);
  }
  return Math.round(performance.now() - began);
}
