/**
 * Where a benchmark runs: a database of its own on each kind of server, removed afterwards. The tables of one place are
 * told apart by prefix, so that two sizes of backlog can be measured in turn on the same server.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { Database } from '../../src/core/connection.ts';
import { allTables, tablesOf } from '../../src/store/schema.ts';

export interface Place {
  readonly name: PlaceName;
  readonly url: string;
}

export type PlaceName = 'sqlite' | 'postgres' | 'mysql';

const URLS: Readonly<Record<Exclude<PlaceName, 'sqlite'>, { variable: string; standard: string }>> = {
  postgres: {
    variable: 'TASKBATON_POSTGRES_URL',
    standard: 'postgres://postgres@127.0.0.1:5432/postgres',
  },
  mysql: { variable: 'TASKBATON_MYSQL_URL', standard: 'mysql://root@127.0.0.1:3306/test' },
};

/** Calls `work` with a place of this kind. */
export async function inPlace(name: PlaceName, work: (place: Place) => Promise<void>): Promise<void> {
  if (name !== 'sqlite') {
    const { variable, standard } = URLS[name];
    const place = { name, url: process.env[variable] ?? standard };
    return name === 'mysql' ? withBufferPool(place, () => work(place)) : work(place);
  }
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-bench-'));
  try {
    await work({ name, url: `sqlite:${join(folder, 'tasks.db')}` });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What MySQL and MariaDB set aside by default, 128 MiB, is less than the largest backlog: its claims would measure the disk. */
const BUFFER_POOL = 2 ** 30;

async function withBufferPool(place: Place, work: () => Promise<void>): Promise<void> {
  const size = await connected(place, async (database) => {
    const { rows } = await database.query('SELECT @@innodb_buffer_pool_size AS size');
    return Number(rows[0]?.['size']);
  });
  const resize = (bytes: number): Promise<unknown> =>
    connected(place, (database) => database.query(`SET GLOBAL innodb_buffer_pool_size = ${bytes}`));
  if (size >= BUFFER_POOL) return work();
  await resize(BUFFER_POOL);
  try {
    await work();
  } finally {
    await resize(size);
  }
}

/** Opens a connection to the place, and closes it after `work`. */
export async function connected<Result>(
  { url }: Place,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(url, { clock: systemClock });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

let prefixes = 0;

/** Calls `work` with a prefix that nobody else uses; its tables are dropped afterwards. */
export async function withPrefix<Result>(
  place: Place,
  work: (prefix: string) => Promise<Result>,
): Promise<Result> {
  const prefix = `bench_${process.pid}_${++prefixes}_`;
  try {
    return await work(prefix);
  } finally {
    await connected(place, async (database) => {
      for (const table of allTables(tablesOf(prefix, undefined)))
        await database.query(`DROP TABLE IF EXISTS ${table}`);
    });
  }
}
