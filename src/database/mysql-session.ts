/** A connection of `mysql2` that is lent out by its pool: each statement has an end, and one that broke is not handed back. */
import type { Clock } from '../core/clock.ts';
import type { QueryResult, Row, SqlValue } from '../core/connection.ts';
import { isConnectionLost } from './mysql-failure.ts';
import { within } from './within.ts';

export interface PooledConnection {
  query(statement: object): Promise<readonly [unknown, unknown]>;
  release(): void;
  destroy(): void;
  readonly connection: object & { readonly config?: { readonly clientFlags?: number } };
}

interface Field {
  readonly type: string;
  string(encoding: string): string | null;
}

const TEXTS = /STRING|BLOB|VARCHAR|JSON/;

/** A statement as mysql2 takes it, with rows in the same shape whatever the connection's owner has set. */
export function mysqlStatement(sql: string, values: readonly SqlValue[]): object {
  return {
    sql,
    values: [...values],
    rowsAsArray: false,
    nestTables: false,
    namedPlaceholders: false,
    typeCast: (field: Field, next: () => unknown) => (TEXTS.test(field.type) ? field.string('utf8') : next()),
  };
}

export function mysqlResult(result: unknown): QueryResult {
  if (Array.isArray(result)) return { rows: result as Row[], changes: 0 };
  return { rows: [], changes: Number((result as { affectedRows?: unknown }).affectedRows ?? 0) };
}

interface SessionContext {
  readonly clock: Clock;
  readonly timeout: number;
  /** All that are in use. */
  readonly sessions: Set<MysqlSession>;
}

export class MysqlSession {
  readonly #connection: PooledConnection;
  readonly #context: SessionContext;
  #lost = false;

  get native(): unknown {
    return this.#connection;
  }

  /** The connection itself, whoever has it from the pool. */
  get key(): object {
    return this.#connection.connection;
  }

  constructor(connection: PooledConnection, context: SessionContext) {
    this.#connection = connection;
    this.#context = context;
    context.sessions.add(this);
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<QueryResult> {
    const { clock, timeout } = this.#context;
    try {
      const sent = this.#connection.query(mysqlStatement(sql, values));
      const [result] = await within(clock, timeout, sent);
      return mysqlResult(result);
    } catch (error) {
      this.#lost ||= isConnectionLost(error);
      throw error;
    }
  }

  async commit(): Promise<void> {
    try {
      await this.query('COMMIT', []);
    } catch (error) {
      this.#lost = true;
      throw error;
    } finally {
      this.release();
    }
  }

  async rollback(): Promise<void> {
    if (!this.#lost) await this.query('ROLLBACK', []).catch(() => (this.#lost = true));
    this.release();
  }

  /** One that broke is not handed back. */
  release(): void {
    if (!this.#context.sessions.delete(this)) return;
    if (this.#lost) this.#connection.destroy();
    else this.#connection.release();
  }

  destroy(): void {
    this.#lost = true;
    this.release();
  }
}
