/**
 * Where an example keeps its tasks: the database it was given, or else a SQLite file of its own in a fresh folder. Its
 * tables have names that nobody else uses, and nothing of it stays behind.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Place {
  /** What to pass as `db`. */
  readonly url: string;
  /** What to pass as `prefix`. */
  readonly prefix: string;
  /** Removes all that was made here. */
  close(): Promise<void>;
}

export function openPlace(given: string | undefined = process.env['TASKBATON_DB']): Place {
  const prefix = process.env['TASKBATON_PREFIX'] ?? `example_${randomBytes(4).toString('hex')}_`;
  if (given !== undefined && given !== '')
    return { url: given, prefix, close: () => dropTables(given, prefix) };
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-example-'));
  return {
    url: `sqlite:${join(folder, 'tasks.db')}`,
    prefix,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:/.test(url);
}

export function isMysql(url: string): boolean {
  return /^(mysql|mariadb):/.test(url);
}

/** The path of a `sqlite:` URL. */
export function pathOf(url: string): string {
  return url.replace(/^(sqlite|file):(\/\/)?/, '');
}

async function dropTables(url: string, prefix: string): Promise<void> {
  if (isPostgres(url)) return dropPostgresTables(url, prefix);
  if (isMysql(url)) return dropMysqlTables(url, prefix);
  const database = new DatabaseSync(pathOf(url), { timeout: 5000 });
  try {
    const names = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1)) = ?1")
      .all(prefix);
    for (const { name } of names) database.exec(`DROP TABLE "${String(name)}"`);
  } finally {
    database.close();
  }
}

async function dropPostgresTables(url: string, prefix: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE starts_with(tablename::text, $1)",
      [prefix],
    );
    if (rows.length > 0) await client.query(`DROP TABLE ${rows.map(({ name }) => name).join(', ')}`);
  } finally {
    await client.end();
  }
}

async function dropMysqlTables(url: string, prefix: string): Promise<void> {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({ uri: url });
  try {
    const [rows] = await connection.query(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND LEFT(table_name, ?) = ?',
      [prefix.length, prefix],
    );
    const names = (rows as { name: string }[]).map(({ name }) => name);
    if (names.length > 0) await connection.query(`DROP TABLE ${names.join(', ')}`);
  } finally {
    await connection.end();
  }
}
