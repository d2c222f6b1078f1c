/**
 * The databases that a test runs on. A contract test is written once and runs on each of them; `BACKENDS=sqlite`
 * narrows by hand. Every `open()` is a world of its own, so tests may run beside each other, and the URL and prefix
 * can be handed to another process.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import { LEAST_PRIVILEGE, withLeastPrivilege } from './support/least-privilege.ts';

export type BackendName = 'sqlite' | 'postgres' | 'mysql';

export interface TestBackend {
  readonly url: string;
  readonly prefix: string;
  /** Removes everything that the test left. */
  close(): Promise<void>;
}

export interface Backend {
  readonly name: BackendName;
  open(): Promise<TestBackend>;
}

const OWNED: readonly Backend[] = [
  { name: 'sqlite', open: openSqlite },
  { name: 'postgres', open: openPostgres },
  { name: 'mysql', open: openMysql },
];
const ALL = process.env[LEAST_PRIVILEGE] === undefined ? OWNED : OWNED.map(withLeastPrivilege);

export const backends: readonly Backend[] = selected(process.env['BACKENDS']);

/** Declares `suite` once for each database. */
export function eachBackend(suite: (backend: Backend) => void): void {
  for (const backend of backends) describe(`${backend.name}:`, () => suite(backend));
}

function selected(list: string | undefined): readonly Backend[] {
  if (list === undefined || list === '') return ALL;
  return list.split(',').map((name) => {
    const backend = ALL.find((candidate) => candidate.name === name.trim());
    if (backend !== undefined) return backend;
    throw new Error(
      `BACKENDS names ${JSON.stringify(name)}; known are ${ALL.map(({ name: known }) => known).join(', ')}.`,
    );
  });
}

async function openSqlite(): Promise<TestBackend> {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-test-'));
  return {
    url: `sqlite:${join(folder, 'tasks.db')}`,
    prefix: randomPrefix(),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function openPostgres(): Promise<TestBackend> {
  const url = process.env['TASKBATON_POSTGRES_URL'];
  if (url === undefined || url === '') {
    throw new Error(
      'There is no PostgreSQL to test on. Run the tests with `npm test`, or set TASKBATON_POSTGRES_URL.',
    );
  }
  const prefix = randomPrefix();
  return { url, prefix, close: () => dropTables(url, prefix) };
}

async function openMysql(): Promise<TestBackend> {
  const url = process.env['TASKBATON_MYSQL_URL'];
  if (url === undefined || url === '') {
    throw new Error(
      'There is no MySQL or MariaDB to test on. Run the tests with `npm test`, or set TASKBATON_MYSQL_URL.',
    );
  }
  const prefix = randomPrefix();
  return { url, prefix, close: () => dropMysqlTables(url, prefix) };
}

async function dropMysqlTables(url: string, prefix: string): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND LEFT(table_name, ?) = ?',
      [prefix.length, prefix],
    );
    if (rows.length > 0)
      await connection.query(`DROP TABLE ${rows.map((row) => String(row['name'])).join(', ')}`);
  } finally {
    await connection.end();
  }
}

function randomPrefix(): string {
  return `tb_${randomBytes(5).toString('hex')}_`;
}

async function dropTables(url: string, prefix: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'taskbaton tests' });
  await client.connect();
  try {
    await client.query("SET lock_timeout = '20s'");
    const { rows } = await client.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE starts_with(tablename::text, $1)",
      [prefix],
    );
    if (rows.length > 0) await client.query(`DROP TABLE ${rows.map(({ name }) => name).join(', ')} CASCADE`);
  } finally {
    await client.end();
  }
}
