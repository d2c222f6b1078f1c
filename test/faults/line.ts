/**
 * The way from an engine to its database, on which a fault can be put at a chosen statement. For servers it is a network
 * that fails; SQLite has none, so there a statement fails before or after it has been carried out.
 */
import { createPool as mysqlPool } from 'mysql2/promise';
import pg from 'pg';
import postgresJs from 'postgres';
import type { Clock, Timer } from '../../src/core/clock.ts';
import type { Connection, Database, QueryResult, SqlValue } from '../../src/core/connection.ts';
import { TaskbatonError } from '../../src/core/errors.ts';
import { mysql } from '../../src/database/mysql.ts';
import { openDatabase } from '../../src/database/open.ts';
import { postgres } from '../../src/database/postgres.ts';
import type { DatabaseSource } from '../../src/database/source.ts';
import { asScope } from '../../src/database/transaction.ts';
import type { BackendName } from '../backends.ts';
import { type Fault, type Judge, TcpProxy } from '../support/tcp-proxy.ts';

/**
 * How long a statement is waited for by the clock of a `Patience`, which ends when an answer is withheld. By a real clock a
 * busy machine would be given up.
 */
const STATEMENT_TIMEOUT = 3_600_000;
/** In milliseconds; long enough for an answer that comes soon on the busiest machine. */
const CONNECT_TIMEOUT = 60_000;

export interface Line {
  /** For the option `db`. */
  readonly db: unknown;
  judge: Judge;
  close(): Promise<void>;
}

export interface Route {
  readonly name: string;
  readonly backend: BackendName;
  /** What can happen on it. */
  readonly faults: readonly Fault[];
  open(url: string): Promise<Line>;
}

const NETWORK: readonly Fault[] = ['unsent', 'unanswered', 'closed', 'torn', 'half-open'];
/** What a server refuses for somebody else's sake; it is to be tried again, and nobody need know. */
const SERIALIZATION: Fault = { refused: { code: '40001', message: 'could not serialize access' } };
const DEADLOCK: Fault = { refused: { code: 1213, message: 'Deadlock found when trying to get lock' } };

/** Whether a server could meet a conflict over it. */
export function canConflict(text: string): boolean {
  return !/^(SET|LISTEN|UNLISTEN|START|BEGIN|SELECT @@)/i.test(text);
}

export const ROUTES: readonly Route[] = [
  {
    name: 'sqlite',
    backend: 'sqlite',
    faults: ['unsent', 'unanswered'],
    open: async (url) => new SqliteLine(url),
  },
  {
    name: 'pg',
    backend: 'postgres',
    faults: [...NETWORK, SERIALIZATION],
    open: (url) =>
      overProxy(url, (through) => {
        const pool = new pg.Pool({
          connectionString: through,
          max: 5,
          connectionTimeoutMillis: CONNECT_TIMEOUT,
        });
        return [postgres(pool, { statementTimeout: STATEMENT_TIMEOUT }), () => pool.end()];
      }),
  },
  {
    name: 'postgres.js',
    backend: 'postgres',
    // It asks for a description first, and a made-up refusal of that would put question and answer out of step.
    faults: NETWORK,
    open: (url) =>
      overProxy(url, (through) => {
        const sql = postgresJs(through, {
          max: 5,
          backoff: () => 0.02,
          connect_timeout: CONNECT_TIMEOUT / 1000,
          fetch_types: false,
        });
        return [postgres(sql, { statementTimeout: STATEMENT_TIMEOUT }), () => sql.end({ timeout: 0 })];
      }),
  },
  {
    name: 'mysql2',
    backend: 'mysql',
    faults: [...NETWORK, DEADLOCK],
    open: (url) =>
      overProxy(url, (through) => {
        const pool = mysqlPool({ uri: through, connectionLimit: 5, connectTimeout: CONNECT_TIMEOUT });
        return [mysql(pool, { statementTimeout: STATEMENT_TIMEOUT }), () => pool.end()];
      }),
  },
];

/** Waits for answers, which all end at once, when and only when the test says so. */
class Patience {
  readonly #waits = new Set<() => void>();

  /** `source`, opened with a clock that knows no other end of a wait for an answer. */
  of(source: DatabaseSource): DatabaseSource {
    return { openDatabase: ({ clock }) => source.openDatabase({ clock: this.#clockFrom(clock) }) };
  }

  end(): void {
    const waits = [...this.#waits];
    for (const wait of waits) wait();
  }

  #clockFrom(clock: Clock): Clock {
    return {
      ...clock,
      after: (ms, callback, options) =>
        ms === STATEMENT_TIMEOUT ? this.#wait(callback) : clock.after(ms, callback, options),
    };
  }

  #wait(callback: () => void): Timer {
    const end = (): void => {
      this.#waits.delete(end);
      callback();
    };
    this.#waits.add(end);
    return { cancel: () => this.#waits.delete(end) };
  }
}

type Opener = (url: string) => [db: DatabaseSource, close: () => Promise<unknown>];

async function overProxy(url: string, open: Opener): Promise<Line> {
  const proxy = await TcpProxy.to(url);
  const [source, close] = open(proxy.through(url));
  const patience = new Patience();
  proxy.withheld = () => patience.end();
  return {
    db: patience.of(source),
    get judge() {
      return proxy.judge;
    },
    set judge(judge) {
      proxy.judge = judge;
    },
    close: async () => {
      const closed = close().catch(() => undefined);
      // What is half-open by now would never end by itself.
      await proxy.takeAway();
      await closed;
    },
  };
}

/** Opens the database itself, and stands between. */
class SqliteLine implements Line {
  judge: Judge = () => undefined;
  readonly db: { openDatabase(context: { readonly clock: Clock }): Promise<Database> };

  constructor(url: string) {
    this.db = {
      openDatabase: async (context) => between(await openDatabase(url, context), (text) => this.judge(text)),
    };
  }

  async close(): Promise<void> {
    // Whoever opened the database closes it.
  }
}

function between(database: Database, judge: Judge): Database {
  return {
    dialect: database.dialect,
    query: (sql, values) => meet(judge, sql, () => database.query(sql, values)),
    transaction: (work) => transactionIn(database, judge, work),
    listen: (channel, listener) => database.listen(channel, listener),
    notify: (channel, topic) => database.notify(channel, topic),
    close: () => database.close(),
  };
}

async function transactionIn<Result>(
  database: Database,
  judge: Judge,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  let commit: Fault | undefined;
  const result = await database.transaction(async (connection) => {
    const judged: Connection = {
      native: connection.native,
      query: (sql: string, values?: readonly SqlValue[]): Promise<QueryResult> =>
        meet(judge, sql, () => connection.query(sql, values)),
    };
    const done = await work(asScope(judged));
    commit = judge('COMMIT');
    if (commit === 'unsent') throw lost();
    return done;
  });
  if (commit === 'unanswered') throw lost();
  return result;
}

async function meet<Result>(judge: Judge, sql: string, send: () => Promise<Result>): Promise<Result> {
  const fault = judge(sql);
  if (fault === 'unsent') throw lost();
  const result = await send();
  if (fault === 'unanswered') throw lost();
  return result;
}

function lost(): TaskbatonError {
  return new TaskbatonError('DATABASE_UNAVAILABLE', { problem: 'the test took the connection away' });
}
