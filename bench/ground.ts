/**
 * A fresh database on a server, and what can be asked of it from outside: what isn't done yet, what the server has been
 * asked, what it has written.
 */
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import type { ServerName } from './servers.ts';

/** What a server has done so far. */
export interface Work {
  readonly statements: number;
  /** Bytes written to its log. */
  readonly logged?: number;
}

export interface Ground {
  readonly database: string;
  /** Whether it needs no setting up. */
  readonly ready: boolean;
  /** Whether `query` selects anything; Redis is asked for BullMQ's jobs. */
  selects(query: string): Promise<boolean>;
  /** Brings its statistics up to date, as a server does by itself after a while. */
  settle(): Promise<void>;
  work(): Promise<Work>;
  remove(): Promise<void>;
}

/** `setUp` makes a database ready; where databases can be copied, it is called once for all of the same `kind`. */
export function groundOn(
  server: ServerName,
  url: string,
  name: string,
  kind: string,
  setUp: (database: string) => Promise<void>,
): Promise<Ground> {
  if (server === 'postgres') return onPostgres(url, name, kind, setUp);
  if (server === 'mysql') return onMysql(url, name);
  return server === 'sqlite' ? onSqlite(url, name) : onRedis(url);
}

async function onPostgres(
  server: string,
  name: string,
  kind: string,
  setUp: (database: string) => Promise<void>,
): Promise<Ground> {
  const admin = await connected(server);
  const template = `template_${kind.replaceAll('-', '_')}`;
  const { rows } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
  if (rows.length === 0) {
    await admin.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await admin.query(`CREATE DATABASE ${template}`);
    await setUp(within(server, template));
  }
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const database = within(server, name);
  const client = await connected(database);
  return {
    database,
    ready: true,
    selects: async (query) => (await client.query(query)).rows.length > 0,
    settle: async () => {
      await client.query('VACUUM ANALYZE');
    },
    work: async () => {
      const found = await admin.query<{ statements: number; logged: number }>(
        `SELECT (SELECT coalesce(sum(calls), 0)::float8 FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
           WHERE d.datname = $1) AS statements, (pg_current_wal_lsn() - '0/0')::float8 AS logged`,
        [name],
      );
      return found.rows[0] as Work;
    },
    remove: async () => {
      await client.end();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

async function connected(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  // A server that goes is told of by the next query.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function onMysql(server: string, name: string): Promise<Ground> {
  const connection = await mysql.createConnection({ uri: server });
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.changeUser({ database: name });
  const status = async (variable: string): Promise<number> => {
    const [rows] = await connection.query<RowDataPacket[]>(`SHOW GLOBAL STATUS LIKE '${variable}'`);
    return Number(rows[0]?.['Value']);
  };
  // Its own questions are counted too.
  let own = 0;
  const query = async (text: string): Promise<RowDataPacket[]> => {
    own++;
    return (await connection.query<RowDataPacket[]>(text))[0];
  };
  return {
    database: within(server, name),
    ready: false,
    selects: async (text) => (await query(text)).length > 0,
    settle: async () => {
      const tables = await query('SHOW TABLES');
      for (const row of tables) await query(`ANALYZE TABLE ${String(Object.values(row)[0])}`);
    },
    work: async () => {
      own += 2;
      return { statements: (await status('Questions')) - own, logged: await status('Innodb_os_log_written') };
    },
    remove: async () => {
      await connection.query(`DROP DATABASE ${name}`);
      await connection.end();
    },
  };
}

async function onSqlite(folder: string, name: string): Promise<Ground> {
  const file = join(folder, `${name}.db`);
  const opened = (): DatabaseSync => new DatabaseSync(file, { timeout: 10_000 });
  return {
    database: `sqlite:${file}`,
    ready: false,
    selects: async (query) => {
      const database = opened();
      const row = database.prepare(query).get();
      database.close();
      return row !== undefined;
    },
    settle: async () => {
      const database = opened();
      database.exec('ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
    },
    // Nobody counts the statements of a database that is a file.
    work: async () => ({ statements: Number.NaN }),
    remove: async () => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    },
  };
}

async function onRedis(server: string): Promise<Ground> {
  const redis = new Redis(server);
  await redis.flushall();
  return {
    database: server,
    ready: false,
    selects: async () => {
      const lists = await Promise.all([redis.llen('bull:noop:wait'), redis.llen('bull:noop:active')]);
      return lists.some((length) => length > 0);
    },
    settle: async () => undefined,
    work: async () => {
      const [, commands] = /total_commands_processed:(\d+)/.exec(await redis.info('stats')) ?? [];
      return { statements: Number(commands) };
    },
    remove: async () => {
      await redis.flushall();
      await redis.quit();
    },
  };
}

function within(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
