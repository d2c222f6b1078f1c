/**
 * PostgreSQL, by the package `pg` or a client of the package `postgres`. No session state that anything rests on, so that
 * it works through poolers too; a statement that gets no answer is given up, never waited for for ever.
 *
 * This is the door `taskbaton/postgres`: `new Taskbaton({ db: postgres(pool, { statementTimeout: 10_000 }) })`.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type {
  Address,
  Connection,
  Database,
  Hint,
  QueryResult,
  SqlValue,
  Subscription,
  TransactionOptions,
  WakeListener,
  WakeTopic,
} from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { Hints } from './hints.ts';
import type { PostgresDriver } from './postgres-driver.ts';
import { translateCommit, translatePostgres } from './postgres-failure.ts';
import { addressOfPostgresJs, PostgresJsDriver, type PostgresJs } from './postgres-js.ts';
import { PostgresListener } from './postgres-listener.ts';
import { addressOfPgPool, PgDriver, type PgPool } from './postgres-pg.ts';
import { type Patience, retryConflicts, unavailable } from './retry.ts';
import type { AddressContext, DatabaseSource } from './source.ts';
import { runInSession } from './transaction.ts';

export type { PgPool } from './postgres-pg.ts';
export type { PostgresJs } from './postgres-js.ts';
export type { DatabaseSource } from './source.ts';

export interface PostgresOptions {
  /** After how many milliseconds without an answer a statement is given up; 30,000 by default. */
  readonly statementTimeout?: number;
}

const PATIENCE: Patience = { retries: 5, ms: Infinity };

/**
 * A URL (`postgres://user:password@host/database`, opened with the package `pg`), a Pool of `pg`, or a client of the
 * package `postgres`. Yours is left open in the end.
 */
export function postgres(
  source: string | PgPool | PostgresJs,
  options: PostgresOptions = {},
): DatabaseSource {
  return {
    async openDatabase({ clock }) {
      const timeout = options.statementTimeout ?? 30_000;
      if (typeof source === 'string') {
        const target = { connectionString: source, fallback_application_name: 'taskbaton', keepAlive: true };
        const pool = await openPool({ ...target, max: 5, connectionTimeoutMillis: 5000 });
        return new PostgresDatabase(
          new PgDriver(pool, true, clock, timeout),
          { driver: 'pg', target },
          clock,
        );
      }
      return 'unsafe' in source
        ? new PostgresDatabase(
            new PostgresJsDriver(source, false, clock, timeout),
            addressOfPostgresJs(source),
            clock,
          )
        : new PostgresDatabase(new PgDriver(source, false, clock, timeout), addressOfPgPool(source), clock);
    },
  };
}

/** One connection to where another thread has opened a pool or a client. */
export async function openPostgresAt(
  { driver, target }: Address,
  { clock, timeout }: AddressContext,
): Promise<Database> {
  const options = target as Readonly<Record<string, unknown>>;
  if (driver === 'pg') {
    const pool = await openPool({
      ...options,
      max: 1,
      connectionTimeoutMillis: timeout,
      idleTimeoutMillis: 0,
    });
    return new PostgresDatabase(new PgDriver(pool, true, clock, timeout), undefined, clock);
  }
  const postgresJs = await import('postgres').catch((cause: unknown) => {
    throw new TaskbatonError('DRIVER_MISSING', { driver: 'postgres' }, { cause });
  });
  const sql = postgresJs.default({ ...options, max: 1 }) as PostgresJs;
  return new PostgresDatabase(new PostgresJsDriver(sql, true, clock, timeout), undefined, clock);
}

async function openPool(options: object): Promise<PgPool> {
  const pg = await import('pg').catch((cause: unknown) => {
    throw new TaskbatonError('DRIVER_MISSING', { driver: 'pg' }, { cause });
  });
  return new pg.default.Pool({ ...options, allowExitOnIdle: true });
}

class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly address: Address | undefined;
  readonly #driver: PostgresDriver;
  readonly #clock: Clock;
  readonly #hints: Hints;
  readonly #listeners = new Set<PostgresListener>();
  #closing: Promise<void> | undefined;

  constructor(driver: PostgresDriver, address: Address | undefined, clock: Clock) {
    this.address = address;
    this.#driver = driver;
    this.#clock = clock;
    this.#hints = new Hints(clock);
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> {
    return this.#retried(async () => {
      try {
        return await this.#driver.query(numbered(sql), values);
      } catch (error) {
        throw translatePostgres(error);
      }
    });
  }

  transaction<Result>(
    work: (connection: Connection) => Promise<Result>,
    { idle = this.#driver.timeout }: TransactionOptions = {},
  ): Promise<Result> {
    return this.#retried(async () => {
      const session = await this.#driver.begin(idle).catch((error: unknown) => {
        throw translatePostgres(error);
      });
      return runInSession(
        {
          native: session.native,
          query: (sql, values) => session.query(numbered(sql), values),
          commit: () => session.commit(),
          rollback: () => session.rollback(),
        },
        work,
        { statement: translatePostgres, commit: translateCommit },
      );
    });
  }

  async listen(channel: string, listener: WakeListener): Promise<Subscription> {
    const listening = new PostgresListener(this.#driver, this.#clock, channelName(channel), listener);
    this.#listeners.add(listening);
    return {
      close: () => {
        this.#listeners.delete(listening);
        return listening.close();
      },
    };
  }

  notify(channel: string, topic: WakeTopic): Promise<void> {
    const name = channelName(channel);
    return this.#hints.notify(`${name} ${topic}`, () =>
      this.#driver.query('SELECT pg_notify($1, $2)', [name, topic]),
    );
  }

  hintWithin(channel: string, topic: WakeTopic): Hint | undefined {
    const name = channelName(channel);
    return this.#hints.take(`${name} ${topic}`)
      ? { sql: '(SELECT pg_notify(?, ?)) AS hint', values: [name, topic] }
      : undefined;
  }

  async notifyIn(connection: Connection, channel: string, topic: WakeTopic): Promise<void> {
    await connection.query('SELECT CAST(pg_notify(?, ?) AS TEXT) AS sent', [channelName(channel), topic]);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#listeners, (listener) => listener.close()));
    await this.#hints.close();
    await this.#driver.close();
  }

  #retried<Result>(attempt: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined)
      return Promise.reject(unavailable(new Error('the database has been closed')));
    return retryConflicts(this.#clock, PATIENCE, attempt);
  }
}

const MOST_TEXTS = 1000;
const texts = new Map<string, string>();

/** `?` as `$1`, `$2`, …; there is no `?` inside a literal. */
export function numbered(sql: string): string {
  let text = texts.get(sql);
  if (text === undefined) {
    let count = 0;
    text = sql.replaceAll('?', () => `$${++count}`);
    if (texts.size >= MOST_TEXTS) texts.clear();
    texts.set(sql, text);
  }
  return text;
}

/** A channel is an identifier of at most 63 bytes; what would not be one is known by its hash. */
function channelName(channel: string): string {
  if (/^[a-z_][a-z0-9_.]{0,62}$/.test(channel)) return channel;
  return `taskbaton_${createHash('sha256').update(channel).digest('hex').slice(0, 40)}`;
}
