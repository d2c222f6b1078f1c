/**
 * A database as a careful operator would give it to a service: the tables are made by somebody else, and the service's own user
 * has the rights that the guide names and no others. The statements are read from the guide, so that it can't be wrong.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { Taskbaton } from '../../src/index.ts';
import type { Backend, TestBackend } from '../backends.ts';

const GUIDE = join(import.meta.dirname, '..', '..', 'docs', 'guide', 'security.md');
const PASSWORD = 'worker';

/** Set to run any tests with so few rights. */
export const LEAST_PRIVILEGE = 'TASKBATON_LEAST_PRIVILEGE';

/** The statements of the guide for a database, for the role `prefix`worker and our tables with that prefix. */
export function grantsFor(name: 'postgres' | 'mysql', prefix: string): readonly string[] {
  const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(/```sql\n([^`]*)```/g)].map(([, sql]) => sql ?? '');
  const [postgres = '', mysql = ''] = blocks;
  return (name === 'postgres' ? postgres : mysql)
    .replaceAll('taskbaton_', prefix)
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** The same database, of whose tables the tests are not the owner. SQLite has no users. */
export function withLeastPrivilege(backend: Backend): Backend {
  const { name } = backend;
  if (name === 'sqlite') return backend;
  return { name, open: async () => restrict(name, await backend.open()) };
}

async function restrict(name: 'postgres' | 'mysql', world: TestBackend): Promise<TestBackend> {
  const { url, prefix } = world;
  const role = `${prefix}worker`;
  const owner = new Taskbaton({ db: url, prefix, logger: null, migrate: false });
  await owner.migrate();
  await owner.stop();
  const password =
    name === 'postgres'
      ? `ALTER ROLE ${role} PASSWORD '${PASSWORD}'`
      : `SET PASSWORD FOR ${role} = PASSWORD('${PASSWORD}')`;
  await runAsOwner(name, url, [...grantsFor(name, prefix), password]);
  const restricted = new URL(url);
  restricted.username = role;
  restricted.password = PASSWORD;
  return {
    url: restricted.href,
    prefix,
    close: async () => {
      await world.close();
      const dropped =
        name === 'postgres' ? [`DROP OWNED BY ${role}`, `DROP ROLE ${role}`] : [`DROP USER ${role}`];
      await runAsOwner(name, url, dropped);
    },
  };
}

async function runAsOwner(
  name: 'postgres' | 'mysql',
  url: string,
  statements: readonly string[],
): Promise<void> {
  const owner = await (name === 'mysql' ? connectMysql(url) : connectPostgres(url));
  try {
    for (const statement of statements) await owner.query(statement);
  } finally {
    await owner.end();
  }
}

interface Owner {
  query(statement: string): Promise<unknown>;
  end(): Promise<void>;
}

async function connectMysql(url: string): Promise<Owner> {
  const connection = await createConnection({ uri: url });
  return { query: (statement) => connection.query(statement), end: () => connection.end() };
}

async function connectPostgres(url: string): Promise<Owner> {
  const client = new pg.Client(url);
  await client.connect();
  // Rights in a schema are one row, which PostgreSQL lets no two change at once.
  await client.query(`SELECT pg_advisory_lock(hashtextextended('least privilege', 0))`);
  return { query: (statement) => client.query(statement), end: () => client.end() };
}
