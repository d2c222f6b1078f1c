/** A database that passes everything on, and remembers or disturbs it: for cases about what is sent, and when. */
import type {
  Connection,
  Database,
  DialectName,
  QueryResult,
  SqlValue,
  Subscription,
  WakeListener,
  WakeTopic,
} from '../core/connection.ts';

export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** Called after each statement outside transactions, before its result is handed on. */
export type Interference = (statement: Statement) => Promise<void>;

export class RecordingDatabase implements Database {
  readonly dialect: DialectName;
  readonly statements: Statement[] = [];
  readonly topics: WakeTopic[] = [];
  readonly #inner: Database;
  readonly #interfere: Interference;

  constructor(inner: Database, interfere: Interference = () => Promise.resolve()) {
    this.dialect = inner.dialect;
    this.#inner = inner;
    this.#interfere = interfere;
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> {
    this.statements.push({ sql, values });
    const result = await this.#inner.query(sql, values);
    await this.#interfere({ sql, values });
    return result;
  }

  transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    return this.#inner.transaction((connection) =>
      work({
        query: (sql, values = []) => {
          this.statements.push({ sql, values });
          return connection.query(sql, values);
        },
      }),
    );
  }

  listen(channel: string, listener: WakeListener): Promise<Subscription> {
    return this.#inner.listen(channel, listener);
  }

  notify(_channel: string, topic: WakeTopic): Promise<void> {
    this.topics.push(topic);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
