/** What a database says of itself: how many are connected, how much it holds, and how long tasks waited. */
import type { Database } from '../src/core/connection.ts';

export interface Gauges {
  readonly connections: number | undefined;
  readonly deadRows: number | undefined;
  readonly size: number;
}

/** A query with one row, for each figure that there is. */
const QUERIES: Readonly<
  Record<Database['dialect'], (prefix: string) => Readonly<Partial<Record<keyof Gauges, string>>>>
> = {
  sqlite: () => ({
    size: 'SELECT page_count * page_size AS found FROM pragma_page_count(), pragma_page_size()',
  }),
  postgres: (prefix) => ({
    connections: `SELECT COUNT(*) AS found FROM pg_stat_activity WHERE datname = current_database()`,
    deadRows: `SELECT SUM(n_dead_tup) AS found FROM pg_stat_user_tables WHERE relname LIKE '${prefix}%'`,
    size: `SELECT SUM(pg_total_relation_size(relid)) AS found FROM pg_stat_user_tables WHERE relname LIKE '${prefix}%'`,
  }),
  mysql: (prefix) => ({
    connections: 'SELECT COUNT(*) AS found FROM information_schema.processlist WHERE db = DATABASE()',
    size: `SELECT SUM(data_length + index_length) AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE '${prefix}%'`,
  }),
};

export async function readGauges(database: Database, prefix: string): Promise<Gauges> {
  const queries = QUERIES[database.dialect](prefix);
  const read = async (sql: string | undefined): Promise<number | undefined> =>
    sql === undefined ? undefined : Number((await database.query(sql)).rows[0]?.['found'] ?? 0);
  return {
    connections: await read(queries.connections),
    deadRows: await read(queries.deadRows),
    size: (await read(queries.size)) ?? 0,
  };
}

/** Of tasks with an id above `after`: how long they waited for their start, and the highest id. */
export async function readWaits(
  database: Database,
  prefix: string,
  after: number,
): Promise<{ readonly waits: readonly number[]; readonly last: number }> {
  const sql = `SELECT id, started_at - created_at AS wait FROM ${prefix}task WHERE id > ? AND done_at IS NOT NULL AND epoch = 1 ORDER BY id`;
  const { rows } = await database.query(sql, [after]);
  return { waits: rows.map(({ wait }) => Number(wait)), last: Number(rows.at(-1)?.['id'] ?? after) };
}
