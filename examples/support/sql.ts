/**
 * A connection of an example's own to the database, next to the library's: SQLite through node:sqlite, PostgreSQL through pg,
 * MySQL and MariaDB through mysql2; one SQL text with `?` for all.
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMysql, isPostgres, pathOf } from './place.ts';

export type Value = string | number | null;

export interface Result {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** How many rows a statement changed. */
  readonly changes: number;
}

export interface Sql {
  query(text: string, values?: readonly Value[]): Promise<Result>;
  close(): Promise<void>;
}

export function openSql(url: string): Promise<Sql> {
  if (isMysql(url)) return openMysql(url);
  return isPostgres(url) ? openPostgres(url) : openSqlite(pathOf(url));
}

const PATIENCE = 5000;

async function openSqlite(path: string): Promise<Sql> {
  // SQLite waits inside the call, which stops heartbeats too: so it waits briefly, and we try again from a timer.
  const database = new DatabaseSync(path, { timeout: 10 });
  const isBusy = (error: unknown): boolean => (error as { errcode?: number }).errcode === 5;
  const run = (text: string, values: readonly Value[]): Result => {
    const statement = database.prepare(text);
    if (statement.columns().length > 0) return { rows: statement.all(...values), changes: 0 };
    return { rows: [], changes: Number(statement.run(...values).changes) };
  };
  await patiently(isBusy, async () =>
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL'),
  );
  return {
    query: (text, values = []) => patiently(isBusy, async () => run(text, values)),
    close: async () => database.close(),
  };
}

async function openPostgres(url: string): Promise<Sql> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  const lacksConnections = (error: unknown): boolean => (error as { code?: string }).code === '53300';
  return {
    query: (text, values = []) =>
      patiently(lacksConnections, async () => {
        let number = 0;
        const numbered = text.replaceAll('?', () => `$${++number}`);
        const { rows, rowCount } = await pool.query<Record<string, unknown>>(numbered, [...values]);
        return { rows, changes: rowCount ?? 0 };
      }),
    close: () => pool.end(),
  };
}

async function openMysql(url: string): Promise<Sql> {
  const { createPool } = await import('mysql2/promise');
  const pool = createPool({ uri: url.replace(/^mariadb:/, 'mysql:'), connectionLimit: 2 });
  const deadlocked = (error: unknown): boolean =>
    [1213, 1205, 1040].includes(Number((error as { errno?: unknown }).errno));
  return {
    query: (text, values = []) =>
      patiently(deadlocked, async () => {
        const [result] = await pool.query(text, [...values]);
        if (Array.isArray(result)) return { rows: result as Result['rows'], changes: 0 };
        return { rows: [], changes: result.affectedRows };
      }),
    close: () => pool.end(),
  };
}

/** Tries again for a while when the database only says "not now". */
async function patiently<Answer>(
  notNow: (error: unknown) => boolean,
  call: () => Promise<Answer>,
): Promise<Answer> {
  for (const end = performance.now() + PATIENCE; ;) {
    try {
      return await call();
    } catch (error) {
      if (!notNow(error) || performance.now() > end) throw error;
    }
    await sleep(5 + Math.random() * 20);
  }
}
