/**
 * Gets the tests a PostgreSQL database, whatever the machine has: one that is named, a server that answers at the
 * usual address, or a private one started for this run. Never none: what can't be tested must fail.
 */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import pg from 'pg';
import { type PrivatePostgres, startPrivatePostgres } from './private-postgres.ts';

export { type PrivatePostgres, type ShutdownMode, startPrivatePostgres } from './private-postgres.ts';

export interface EnsuredPostgres {
  readonly url: string;
  /** Where it was found, for messages. */
  readonly source: string;
  /** Stops the server if it was started for us. */
  close(): Promise<void>;
}

const DATABASE = 'taskbaton_test';
const OLDEST = 130_000;

export async function ensurePostgres(): Promise<EnsuredPostgres> {
  return (await named()) ?? (await answering()) ?? (await started());
}

async function named(): Promise<EnsuredPostgres | undefined> {
  const url = process.env['TASKBATON_POSTGRES_URL'];
  if (url === undefined || url === '') return undefined;
  try {
    await checkUsable(url);
  } catch (error) {
    throw new Error(`TASKBATON_POSTGRES_URL names a database that can't be used: ${reason(error)}`, {
      cause: error,
    });
  }
  return { url, source: 'TASKBATON_POSTGRES_URL', close: nothing };
}

async function answering(): Promise<EnsuredPostgres | undefined> {
  for (const user of new Set(['postgres', userInfo().username])) {
    const server = `postgres://${encodeURIComponent(user)}@127.0.0.1:5432`;
    try {
      await createDatabase(`${server}/template1`);
      await checkUsable(`${server}/${DATABASE}`);
      return { url: `${server}/${DATABASE}`, source: 'the server at 127.0.0.1:5432', close: nothing };
    } catch {
      continue;
    }
  }
  return undefined;
}

async function started(): Promise<EnsuredPostgres> {
  const server: PrivatePostgres = await startPrivatePostgres();
  try {
    await createDatabase(server.url);
    const url = server.url.replace(/\/postgres$/, `/${DATABASE}`);
    await checkUsable(url);
    return { url, source: `a private server (${server.source})`, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** `template0` is the one template that nobody can be connected to, and so can always be copied. */
async function createDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rows.length > 0) return;
    try {
      await client.query(
        `CREATE DATABASE ${DATABASE} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`,
      );
    } catch (error) {
      if (!wasCreatedMeanwhile(error)) throw error;
    }
  });
}

function wasCreatedMeanwhile(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === '42P04' || code === '23505';
}

/** New enough, and we may create and drop tables. */
async function checkUsable(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
    const version = Number(rows[0]?.server_version_num);
    if (version < OLDEST)
      throw new Error(`The server's version is ${version}; PostgreSQL 13 or newer is needed.`);
    const table = `tb_probe_${randomBytes(4).toString('hex')}`;
    await client.query(`CREATE TABLE ${table} (id integer)`);
    await client.query(`DROP TABLE ${table}`);
  });
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    query_timeout: 30_000,
    application_name: 'taskbaton tests',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}

async function nothing(): Promise<void> {}
