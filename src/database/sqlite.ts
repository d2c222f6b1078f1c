/**
 * SQLite: one connection, on which statements and transactions take turns. Nothing here waits inside SQLite for more
 * than a few milliseconds, because that would freeze the event loop: a busy file is waited out by timers instead.
 *
 * This is the door `taskbaton/sqlite`: `new Taskbaton({ db: sqlite('tasks.db', { patience: 30_000 }) })`.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type {
  Address,
  Connection,
  Database,
  QueryResult,
  SqlValue,
  Subscription,
  WakeListener,
  WakeTopic,
} from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { Hints } from './hints.ts';
import { Mutex } from './mutex.ts';
import { Conflict, type Patience, retryConflicts, unavailable } from './retry.ts';
import type { DatabaseSource } from './source.ts';
import { SqliteConnection, type SqliteHandle, translateSqlite } from './sqlite-connection.ts';
import { SqliteWakes } from './sqlite-wakes.ts';
import { ROWS, WriteBack } from './sqlite-write-back.ts';
import { runInSession, type Session } from './transaction.ts';

export type { SqliteHandle } from './sqlite-connection.ts';
export type { DatabaseSource } from './source.ts';

export interface SqliteOptions {
  /** For how many milliseconds a file that others hold locked is tried before DATABASE_BUSY; 10,000 by default. */
  readonly patience?: number;
}

/** How long SQLite itself may wait for a lock; the event loop stands still meanwhile. */
const BLOCKING_MS = 10;

/**
 * A database file (made if there is none, but not its directory; `:memory:` for one in memory), or a database that
 * you opened with node:sqlite or better-sqlite3. Yours keeps its settings and is left open in the end; its own
 * transactions are waited for.
 */
export function sqlite(source: string | SqliteHandle, options: SqliteOptions = {}): DatabaseSource {
  return {
    async openDatabase({ clock }) {
      const patience: Patience = { retries: Infinity, ms: options.patience ?? 10_000 };
      if (typeof source !== 'string')
        return new SqliteDatabase(connect(source), addressOfHandle(source), false, clock, patience);
      const handle = await openFile(source);
      try {
        const connection = connect(handle);
        await retryConflicts(clock, patience, async () => setUp(connection));
        return new SqliteDatabase(connection, addressOfFile(source), true, clock, patience);
      } catch (error) {
        handle.close();
        throw error;
      }
    },
  };
}

async function openFile(path: string): Promise<SqliteHandle> {
  const directory = dirname(resolve(path));
  if (path !== ':memory:' && !existsSync(directory)) {
    throw unavailable(new Error(`the directory ${directory} of the file ${path} does not exist`));
  }
  const { DatabaseSync } = await import('node:sqlite').catch((cause: unknown) => {
    throw new TaskbatonError('DRIVER_MISSING', { driver: 'better-sqlite3' }, { cause });
  });
  try {
    return new DatabaseSync(path, { timeout: BLOCKING_MS });
  } catch (error) {
    throw unavailable(error, path);
  }
}

/** Each opening of a database in memory is another database. */
function addressOfFile(path: string): Address | undefined {
  return path === ':memory:' ? undefined : { driver: 'sqlite', target: resolve(path) };
}

/**
 * Only of node:sqlite: two copies of SQLite in one process, such as that of better-sqlite3 and Node's own, take each
 * other's locks away, and the file would be damaged.
 */
function addressOfHandle(handle: SqliteHandle): Address | undefined {
  const { location } = handle as { location?: () => string | null };
  const path = typeof location === 'function' ? location.call(handle) : null;
  return path === null ? undefined : addressOfFile(path);
}

function connect(handle: SqliteHandle): SqliteConnection {
  try {
    return new SqliteConnection(handle, BLOCKING_MS);
  } catch (error) {
    throw translateSqlite(error, 'the database handed in');
  }
}

/** In KiB: SQLite's own 2 MiB don't hold the inner pages of the indexes of a million tasks. */
const CACHE = 16_384;

/** Pages of the log from which on a COMMIT writes it back: SQLite's own number, and where a thread does so before it comes to that. */
const STANDARD_LOG = 1000;
const LONGEST_LOG = 16_000;

/**
 * With a write-ahead log readers don't wait for writers. The first to open a file switches it, for all and for good; the
 * cache is this connection's own.
 */
function setUp(connection: SqliteConnection): void {
  try {
    connection.execute(`PRAGMA cache_size = -${CACHE}`);
    const mode = connection.execute('PRAGMA journal_mode').rows[0]?.['journal_mode'];
    if (mode === 'delete') connection.execute('PRAGMA journal_mode = WAL');
  } catch (error) {
    throw translateSqlite(error, connection.name);
  }
}

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly address: Address | undefined;
  readonly #connection: SqliteConnection;
  readonly #owned: boolean;
  readonly #clock: Clock;
  readonly #patience: Patience;
  readonly #mutex: Mutex;
  readonly #hints: Hints;
  readonly #wakes: SqliteWakes;
  readonly #translate: (error: unknown) => Error;
  #lastTurn = -Infinity;
  /** Whether it will write a lot: whoever listens does. In real time only, for no thread goes by another, and in a file of our own opening. */
  #atWork = false;
  #writeBack: WriteBack | undefined;
  #logIsLong = false;
  #closing: Promise<void> | undefined;

  constructor(
    connection: SqliteConnection,
    address: Address | undefined,
    owned: boolean,
    clock: Clock,
    patience: Patience,
  ) {
    this.address = address;
    this.#connection = connection;
    this.#owned = owned;
    this.#clock = clock;
    this.#patience = patience;
    this.#mutex = new Mutex(clock);
    this.#hints = new Hints(clock);
    this.#wakes = new SqliteWakes(clock, (sql) => this.#peek(sql));
    this.#translate = (error) => translateSqlite(error, connection.name);
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> {
    return this.#inTurn(async () => {
      try {
        return this.#connection.execute(sql, values);
      } catch (error) {
        throw this.#translate(error);
      }
    });
  }

  transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    return this.#inTurn(async () =>
      runInSession(this.#begin(), work, { statement: this.#translate, commit: this.#translate }),
    );
  }

  async listen(channel: string, listener: WakeListener): Promise<Subscription> {
    checkTable(channel);
    const { rows } = await this.query(`SELECT topic, counter FROM ${channel}`);
    const isOurFile = this.#owned && this.address !== undefined;
    this.#atWork = isOurFile && this.#clock.real === true && this.#writeBack === undefined;
    return this.#wakes.listen(channel, listener, rows);
  }

  notify(channel: string, topic: WakeTopic): Promise<void> {
    return this.#hints.notify(`${channel} ${topic}`, async () => {
      checkTable(channel);
      this.#wakes.wake(channel, topic);
      const raise = `UPDATE ${channel} SET counter = counter + 1 WHERE topic = ? RETURNING counter`;
      const { rows } = await this.query(raise, [topic]);
      this.#wakes.raised(channel, topic, Number(rows[0]?.['counter']));
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#wakes.close();
    await this.#hints.close();
    this.#atWork = false;
    await this.#writeBack?.close();
    const release = await this.#mutex.lock(this.#patience.ms).catch(() => undefined);
    this.#connection.close(this.#owned);
    release?.();
  }

  /** Runs `attempt` while nobody else uses the connection; between two attempts, others may. */
  #inTurn<Result>(attempt: () => Promise<Result>): Promise<Result> {
    return retryConflicts(this.#clock, this.#patience, async () => {
      await this.#leaveOthersTheirTurn();
      const release = await this.#mutex.lock(this.#patience.ms);
      try {
        if (this.#connection.isInTransaction())
          throw new Conflict(new Error('the connection is in a transaction of its owner'));
        return await attempt();
      } finally {
        this.#keepLogShort();
        release();
      }
    });
  }

  #keepLogShort(): void {
    const { written } = this.#connection;
    if (this.#atWork && written >= ROWS) this.#writeBack = this.#leaveLog();
    if (this.#logIsLong && !this.#connection.isInTransaction()) this.#writeRestBack();
    this.#writeBack?.wrote(written);
  }

  #writeRestBack(): void {
    this.#logIsLong = false;
    try {
      this.#connection.execute('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // Whatever keeps the log from being written back is met by a commit that has to.
    }
  }

  /** To a thread, where there is a log and a thread can be had; else commits write it back, as ever. */
  #leaveLog(): WriteBack | undefined {
    this.#atWork = false;
    const connection = this.#connection;
    const writeFrom = (pages: number): unknown => connection.execute(`PRAGMA wal_autocheckpoint = ${pages}`);
    const onLong = (): void => void (this.#logIsLong = true);
    const onLost = (): void => void writeFrom(STANDARD_LOG);
    try {
      const mode = connection.execute('PRAGMA journal_mode').rows[0]?.['journal_mode'];
      if (mode !== 'wal') return undefined;
      const writeBack = new WriteBack({ path: resolve(connection.name), clock: this.#clock, onLong, onLost });
      writeFrom(LONGEST_LOG);
      return writeBack;
    } catch {
      return undefined;
    }
  }

  /** SQLite answers at once, so a caller in a loop would otherwise keep timers and sockets waiting. */
  async #leaveOthersTheirTurn(): Promise<void> {
    if (this.#clock.monotonic() - this.#lastTurn < BLOCKING_MS) return;
    await this.#clock.turn();
    this.#lastTurn = this.#clock.monotonic();
  }

  #begin(): Session {
    const connection = this.#connection;
    try {
      connection.execute('BEGIN IMMEDIATE');
    } catch (error) {
      throw this.#translate(error);
    }
    return {
      native: connection.handle,
      query: async (sql, values) => connection.execute(sql, values),
      commit: async () => {
        try {
          connection.execute('COMMIT');
        } catch (error) {
          connection.rollback();
          throw error;
        }
      },
      rollback: async () => connection.rollback(),
    };
  }

  /** Reads without waiting for a turn; undefined while somebody else has it. */
  #peek(sql: string): QueryResult | undefined {
    return this.#mutex.locked || this.#connection.isInTransaction()
      ? undefined
      : this.#connection.execute(sql);
  }
}

/** On SQLite a channel is a table, so its name becomes part of a statement. */
function checkTable(channel: string): void {
  if (!/^[a-z_][a-z0-9_]*$/i.test(channel)) throw new TypeError(`${channel} is not the name of a table`);
}
