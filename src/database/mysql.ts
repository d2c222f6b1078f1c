/**
 * MySQL and MariaDB, by the package `mysql2`. Statements go as text, escaped by the driver, and come back with texts as
 * texts whatever the pool is set to; transactions are READ COMMITTED, so that locks are those of the rows we name.
 *
 * This is the door `taskbaton/mysql`: `new Taskbaton({ db: mysql(pool, { statementTimeout: 10_000 }) })`.
 */
import type { Clock } from '../core/clock.ts';
import type {
  Address,
  Connection,
  Database,
  QueryResult,
  SqlValue,
  Subscription,
  TransactionOptions,
  WakeListener,
  WakeTopic,
} from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { addressOf, isShaped } from './address.ts';
import { Hints } from './hints.ts';
import { isUnknownVariable, translateCommit, translateMysql } from './mysql-failure.ts';
import { MysqlSession, type PooledConnection } from './mysql-session.ts';
import { MysqlWakes } from './mysql-wakes.ts';
import { type Patience, retryConflicts, unavailable } from './retry.ts';
import type { AddressContext, DatabaseSource } from './source.ts';
import { runInSession } from './transaction.ts';
import { endPool, within } from './within.ts';

export type { DatabaseSource } from './source.ts';

/** What is used of a pool of `mysql2/promise`. */
interface PromisePool {
  getConnection(): Promise<PooledConnection>;
  end(): Promise<void>;
}

/** A pool of `mysql2` or `mysql2/promise`. */
export interface MysqlPool {
  getConnection(...args: never[]): unknown;
  end(...args: never[]): unknown;
  promise?(): PromisePool;
}

export interface MysqlOptions {
  /** After how many milliseconds without an answer a statement is given up; 30,000 by default. */
  readonly statementTimeout?: number;
}

const PATIENCE: Patience = { retries: 10, ms: Infinity };
/** The client's flag that makes an UPDATE count the rows it matched, not only those it changed. */
const FOUND_ROWS = 2;

/** A URL (`mysql://user:password@host/database`), or a pool of `mysql2` or `mysql2/promise`. Yours is left open in the end. */
export function mysql(source: string | MysqlPool, options: MysqlOptions = {}): DatabaseSource {
  return {
    async openDatabase({ clock }) {
      const timeout = options.statementTimeout ?? 30_000;
      const owned = typeof source === 'string';
      const target = owned
        ? { uri: source.replace(/^mariadb:/, 'mysql:'), charset: 'utf8mb4', enableKeepAlive: true }
        : undefined;
      const pool =
        target === undefined
          ? promised(source as MysqlPool)
          : await openPool({ ...target, connectionLimit: 5, connectTimeout: 5000 });
      const address = target === undefined ? addressOfMysqlPool(pool) : addressOf('mysql2', target);
      const database = new MysqlDatabase(pool, address, owned, clock, timeout);
      await database.reach();
      return database;
    },
  };
}

/** One connection to where another thread has opened a pool. */
export async function openMysqlAt(
  { target }: Address,
  { clock, timeout }: AddressContext,
): Promise<Database> {
  const options = target as Readonly<Record<string, unknown>>;
  const pool = await openPool({ ...options, connectionLimit: 1, connectTimeout: timeout });
  const database = new MysqlDatabase(pool, undefined, true, clock, timeout);
  await database.reach();
  return database;
}

async function openPool(options: object): Promise<PromisePool> {
  const { createPool } = await import('mysql2/promise').catch((cause: unknown) => {
    throw new TaskbatonError('DRIVER_MISSING', { driver: 'mysql2' }, { cause });
  });
  const pool: unknown = createPool(options);
  return pool as PromisePool;
}

/** What of a pool's configuration says where to connect to, as whom, and how. */
const CONNECTING = [
  'host',
  'port',
  'localAddress',
  'socketPath',
  'stream',
  'ssl',
  'compress',
  'connectAttributes',
  'user',
  'password',
  'password2',
  'password3',
  'passwordSha1',
  'database',
  'insecureAuth',
  'enableCleartextPlugin',
  'authPlugins',
  'authSwitchHandler',
] as const;

function addressOfMysqlPool(pool: PromisePool): Address | undefined {
  const core = (pool as { readonly pool?: { readonly config?: { readonly connectionConfig?: object } } })
    .pool;
  const config = core?.config?.connectionConfig as Readonly<Record<string, unknown>> | undefined;
  if (config === undefined || isShaped(core, 'connection')) return undefined;
  return addressOf('mysql2', Object.fromEntries(CONNECTING.map((name) => [name, config[name]])));
}

function promised(pool: MysqlPool): PromisePool {
  return pool.promise === undefined ? (pool as PromisePool) : pool.promise();
}

class MysqlDatabase implements Database {
  readonly dialect = 'mysql';
  readonly address: Address | undefined;
  readonly #pool: PromisePool;
  readonly #owned: boolean;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #hints: Hints;
  readonly #wakes: MysqlWakes;
  readonly #checked = new WeakSet<object>();
  /** After how long the server gives up on a transaction that says nothing, as the connection was last told. */
  readonly #idle = new WeakMap<object, number>();
  readonly #sessions = new Set<MysqlSession>();
  #canLimit = true;
  #closing: Promise<void> | undefined;
  longestStatement: number | undefined;

  constructor(
    pool: PromisePool,
    address: Address | undefined,
    owned: boolean,
    clock: Clock,
    timeout: number,
  ) {
    this.address = address;
    this.#pool = pool;
    this.#owned = owned;
    this.#clock = clock;
    this.#timeout = timeout;
    this.#hints = new Hints(clock);
    this.#wakes = new MysqlWakes(clock, async (channel) => {
      return (await this.query(`SELECT topic, counter FROM ${channel}`)).rows;
    });
  }

  /** Connects once, so that it's known what the server takes. */
  async reach(): Promise<void> {
    try {
      (await this.#acquire()).release();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> {
    return this.#retried(async () => {
      const session = await this.#acquire();
      try {
        return await session.query(sql, values);
      } catch (error) {
        throw translateMysql(error);
      } finally {
        session.release();
      }
    });
  }

  transaction<Result>(
    work: (connection: Connection) => Promise<Result>,
    { idle = this.#timeout }: TransactionOptions = {},
  ): Promise<Result> {
    return this.#retried(async () => {
      const session = await this.#acquire();
      try {
        if (this.#canLimit) await this.#limitIdling(session, idle);
        await session.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED', []);
        await session.query('START TRANSACTION', []);
      } catch (error) {
        session.release();
        throw translateMysql(error);
      }
      return runInSession(session, work, { statement: translateMysql, commit: translateCommit });
    });
  }

  listen(channel: string, listener: WakeListener): Promise<Subscription> {
    return this.#wakes.listen(channel, listener);
  }

  notify(channel: string, topic: WakeTopic): Promise<void> {
    return this.#hints.notify(`${channel} ${topic}`, async () => {
      this.#wakes.raise(channel, topic);
      let counter: number | undefined;
      try {
        await this.query(`UPDATE ${channel} SET counter = counter + 1 WHERE topic = ?`, [topic]);
        const { rows } = await this.query(`SELECT counter FROM ${channel} WHERE topic = ?`, [topic]);
        counter = Number(rows[0]?.['counter']);
      } finally {
        this.#wakes.raised(channel, topic, counter);
      }
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#wakes.close();
    await this.#hints.close();
    if (this.#owned) await endPool(this.#clock, this.#pool, this.#sessions);
  }

  async #acquire(): Promise<MysqlSession> {
    let connection: PooledConnection;
    try {
      // The driver would wait for ever where others have all connections.
      const connecting = this.#pool.getConnection();
      connection = await within(this.#clock, this.#timeout, connecting, (late) => late.release());
    } catch (error) {
      throw translateMysql(error);
    }
    const [clock, timeout, sessions] = [this.#clock, this.#timeout, this.#sessions];
    const session = new MysqlSession(connection, { clock, timeout, sessions });
    try {
      if (!this.#checked.has(session.key)) this.longestStatement = await check(session, connection);
      this.#checked.add(session.key);
    } catch (error) {
      session.release();
      throw error instanceof TaskbatonError ? error : translateMysql(error);
    }
    return session;
  }

  /** A server keeps the locks of a client that has vanished until TCP gives up, for hours; only MariaDB can be told. */
  async #limitIdling(session: MysqlSession, idle: number): Promise<void> {
    if (this.#idle.get(session.key) === idle) return;
    try {
      await session.query(idleLimit(idle), []);
      this.#idle.set(session.key, idle);
    } catch (error) {
      if (!isUnknownVariable(error)) throw error;
      this.#canLimit = false;
    }
  }

  #retried<Result>(attempt: () => Promise<Result>): Promise<Result> {
    // A hint on its way out is the last thing to be sent.
    if (this.#closing !== undefined && !this.#owned)
      return Promise.reject(unavailable(new Error('the database has been closed')));
    return retryConflicts(this.#clock, PATIENCE, attempt);
  }
}

/** In whole seconds; 0 for none. */
function idleLimit(ms: number): string {
  return `SET SESSION idle_transaction_timeout = ${ms === Infinity ? 0 : Math.ceil(ms / 1000)}`;
}

/** Refuses a connection whose settings would break what we rely on; says how long a statement may be. */
async function check(session: MysqlSession, { connection }: PooledConnection): Promise<number> {
  const refuse = (value: string, problem: string): never => {
    throw new TaskbatonError('INVALID_OPTION', { option: 'db', value, problem });
  };
  const flags = connection.config?.clientFlags;
  if (flags !== undefined && (flags & FOUND_ROWS) === 0)
    refuse('a pool with the flag -FOUND_ROWS', 'leave that flag as mysql2 has it by default');
  await session.query('SET NAMES utf8mb4', []);
  const { rows } = await session.query(
    'SELECT @@SESSION.sql_mode AS modes, @@SESSION.autocommit AS autocommit, @@max_allowed_packet AS packet',
    [],
  );
  if (Number(rows[0]?.['autocommit']) !== 1)
    refuse('a pool with autocommit = 0', 'leave autocommit on, or what is written would be lost');
  const modes = String(rows[0]?.['modes']);
  // The driver escapes with backslashes.
  if (modes.includes('NO_BACKSLASH_ESCAPES'))
    refuse(
      'a pool with the sql_mode NO_BACKSLASH_ESCAPES',
      'connect without that mode, since mysql2 escapes with backslashes',
    );
  if (!/STRICT_(TRANS|ALL)_TABLES/.test(modes))
    refuse(
      `a pool with the sql_mode "${modes}"`,
      'add STRICT_TRANS_TABLES, or values might be cut off unnoticed',
    );
  return Number(rows[0]?.['packet']);
}
