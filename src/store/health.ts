/** What a database says about itself, for people who look after it. */
import type { Connection } from '../core/connection.ts';
import type { Dialect } from './dialect.ts';

interface Context {
  readonly connection: Connection;
  readonly dialect: Dialect;
}

/** The database's own time, in milliseconds since 1970. */
export async function databaseTime({ connection, dialect }: Context): Promise<number> {
  const { rows } = await connection.query(`SELECT ${dialect.now} AS at_ms`);
  return Number(rows[0]?.['at_ms']);
}
