/** Kysely on whatever database an example runs. */
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely';
import { isMysql, isPostgres, pathOf } from './place.ts';

export async function openKysely<Tables>(url: string): Promise<Kysely<Tables>> {
  if (isPostgres(url)) {
    const { default: pg } = await import('pg');
    return new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
  }
  if (isMysql(url)) {
    const { createPool } = await import('mysql2');
    return new Kysely({ dialect: new MysqlDialect({ pool: createPool({ uri: url }) }) });
  }
  const { default: Sqlite } = await import('better-sqlite3');
  return new Kysely({ dialect: new SqliteDialect({ database: new Sqlite(pathOf(url), { timeout: 5000 }) }) });
}
