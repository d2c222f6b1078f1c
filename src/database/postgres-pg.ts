/**
 * The package `pg`. A client that met an error of its connection, or that we gave up waiting for, is destroyed and not
 * handed back; and every client has an error listener all its life, since an error event without one ends the process.
 */
import type { Clock } from '../core/clock.ts';
import type { Address, QueryResult, Row, SqlValue } from '../core/connection.ts';
import { addressOf, isShaped } from './address.ts';
import {
  BEGIN,
  type ChannelSink,
  idleLimit,
  type Listened,
  type PostgresDriver,
  resultFrom,
} from './postgres-driver.ts';
import { isConnectionLost, isStale, Unreached } from './postgres-failure.ts';
import { PreparedStatements } from './prepared.ts';
import { endPool, within } from './within.ts';
import type { Session } from './transaction.ts';

/** What is used of a Pool of the package `pg`. */
export interface PgPool {
  connect(): Promise<unknown>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  readonly options?: object;
}

/** How it connects, the password included, which a copy of its options lacks. */
export function addressOfPgPool(pool: PgPool): Address | undefined {
  if (isShaped(pool, 'connect')) return undefined;
  const options: { readonly password?: unknown; readonly ssl?: unknown } = pool.options ?? {};
  const { password, ssl } = options;
  const parts = Object.entries(options).filter(([option]) => !OF_THE_POOL.has(option));
  const key = Object(ssl) === ssl ? { ssl: { ...(ssl as object), key: (ssl as { key?: unknown }).key } } : {};
  return addressOf('pg', { ...Object.fromEntries(parts), ...key, password });
}

/** How many connections there are and what becomes of their rows: nothing that tells where they lead. */
const OF_THE_POOL: ReadonlySet<string> = new Set([
  'max',
  'min',
  'idleTimeoutMillis',
  'connectionTimeoutMillis',
  'maxUses',
  'maxLifetimeSeconds',
  'allowExitOnIdle',
  'types',
  'log',
  'Promise',
]);

interface PgClient {
  query(statement: {
    text: string;
    values: readonly SqlValue[];
    name?: string | undefined;
  }): Promise<{ rows: Row[]; command: unknown; rowCount: unknown }>;
  on(event: string, listener: (argument: never) => void): unknown;
}

interface PooledClient extends PgClient {
  /** Of the server's process that it has reached, or so it was told. */
  readonly processID?: number | null;
  release(destroy: boolean): void;
}

interface LoneClient extends PgClient {
  connect(): Promise<unknown>;
  end(): Promise<unknown>;
  unref?(): void;
  readonly connection?: { readonly stream?: { destroy?(): void } };
}

/** How long connecting and LISTEN may take each. */
const LISTEN_MS = 5000;

/**
 * Answers only if no pooler stands between, which lends out other sessions than it tells of. In such a session statements can be
 * prepared; but each is to be planned for the tables as they are, not as they were when it was prepared.
 */
const GREETING = `SELECT set_config('plan_cache_mode', 'force_custom_plan', false) WHERE pg_backend_pid() = $1`;

export class PgDriver implements PostgresDriver {
  readonly #pool: PgPool;
  readonly #owned: boolean;
  readonly #clock: Clock;
  readonly timeout: number;
  readonly #guarded = new WeakSet<object>();
  readonly #statements = new PreparedStatements();
  /** Clients in whose sessions statements are prepared: of our own pool only, for it changes the session. */
  readonly #preparing = new WeakSet<object>();
  readonly #sessions = new Set<PgSession>();

  constructor(pool: PgPool, owned: boolean, clock: Clock, timeout: number) {
    this.#pool = pool;
    this.#owned = owned;
    this.#clock = clock;
    this.timeout = timeout;
    pool.on('error', ignore);
  }

  async query(text: string, values: readonly SqlValue[]): Promise<QueryResult> {
    const session = await this.#acquire();
    try {
      return await session.query(text, values);
    } finally {
      session.release();
    }
  }

  async begin(idle: number): Promise<Session> {
    const session = await this.#acquire();
    try {
      // Two statements in one message.
      await session.begin(`BEGIN ${BEGIN}; ${idleLimit(idle)}`);
      return session;
    } catch (error) {
      session.release();
      throw error;
    }
  }

  async listen(channel: string, sink: ChannelSink): Promise<Listened> {
    const client = this.#loneClient();
    const lost = new AbortController();
    // Before connecting, since a connection may break at any moment from then on.
    client.on('error', (error: Error) => lost.abort(error));
    client.on('end', () => lost.abort(new Error('Connection terminated')));
    client.on('notification', ({ channel: from, payload = '' }: { channel: string; payload?: string }) => {
      if (from === channel) sink.message(payload);
    });
    const destroy = (): void => client.connection?.stream?.destroy?.();
    try {
      await within(this.#clock, LISTEN_MS, client.connect());
      await within(this.#clock, LISTEN_MS, client.query({ text: `LISTEN "${channel}"`, values: [] }));
    } catch (error) {
      client.end().catch(ignore);
      destroy();
      throw error;
    }
    client.unref?.();
    sink.ready();
    return {
      lost: lost.signal,
      close: () => {
        client.end().catch(ignore);
        // A half-open connection would never see the end.
        this.#clock.after(LISTEN_MS, destroy);
      },
    };
  }

  async close(): Promise<void> {
    if (this.#owned) await endPool(this.#clock, this.#pool, this.#sessions);
    else this.#pool.removeListener('error', ignore);
  }

  async #acquire(): Promise<PgSession> {
    const connecting = this.#pool.connect() as Promise<PooledClient>;
    const client = await within(this.#clock, this.timeout, connecting, (late) => late.release(false)).catch(
      (error: unknown) => {
        throw new Unreached(error);
      },
    );
    if (!this.#guarded.has(client)) {
      this.#guarded.add(client);
      client.on('error', ignore);
      if (this.#owned) await this.#greet(client);
    }
    const statements = this.#preparing.has(client) ? this.#statements : undefined;
    const [clock, timeout, sessions] = [this.#clock, this.timeout, this.#sessions];
    return new PgSession(client, { clock, timeout, statements, sessions });
  }

  async #greet(client: PooledClient): Promise<void> {
    try {
      const greeting = { text: GREETING, values: [client.processID ?? null] };
      const { rows } = await within(this.#clock, this.timeout, client.query(greeting));
      if (rows.length > 0) this.#preparing.add(client);
    } catch (error) {
      client.release(true);
      throw new Unreached(error);
    }
  }

  /** A client with the options of the pool, outside it, for LISTEN must not come and go with a pool's clients. */
  #loneClient(): LoneClient {
    const { Client } = this.#pool as { Client?: new (options: object) => LoneClient };
    if (Client === undefined) throw new Error('this pool does not tell how to make a client for LISTEN');
    const options: { readonly password?: unknown } = this.#pool.options ?? {};
    // The pool keeps the password where a copy doesn't find it.
    const password = options.password === undefined ? {} : { password: options.password };
    return new Client({ ...options, ...password, keepAlive: true });
  }
}

interface SessionContext {
  readonly clock: Clock;
  readonly timeout: number;
  /** Where statements are prepared. */
  readonly statements: PreparedStatements | undefined;
  /** All that are in use. */
  readonly sessions: Set<PgSession>;
}

class PgSession implements Session {
  #usable = true;
  readonly #client: PooledClient;
  readonly #context: SessionContext;

  constructor(client: PooledClient, context: SessionContext) {
    this.#client = client;
    this.#context = context;
    context.sessions.add(this);
  }

  get native(): unknown {
    return this.#client;
  }

  /** Whatever is sent without values may be several statements. */
  async begin(text: string): Promise<void> {
    await this.#send(text, []);
  }

  async query(text: string, values: readonly SqlValue[]): Promise<QueryResult> {
    const name = this.#context.statements?.nameOf(text, values);
    const { rows, command, rowCount } = await this.#send(text, values, name);
    return resultFrom(rows, command, rowCount);
  }

  async #send(text: string, values: readonly SqlValue[], name?: string): ReturnType<PgClient['query']> {
    const { clock, timeout } = this.#context;
    try {
      return await within(clock, timeout, this.#client.query({ text, values, name }));
    } catch (error) {
      if (isConnectionLost(error) || isStale(error)) this.#usable = false;
      throw error;
    }
  }

  async commit(): Promise<void> {
    try {
      await this.query('COMMIT', []);
    } catch (error) {
      // The server may still be in the transaction.
      this.#usable = false;
      throw error;
    } finally {
      this.release();
    }
  }

  async rollback(): Promise<void> {
    try {
      if (this.#usable) await this.query('ROLLBACK', []);
    } catch {
      this.#usable = false;
    }
    this.release();
  }

  release(): void {
    if (this.#context.sessions.delete(this)) this.#client.release(!this.#usable);
  }

  destroy(): void {
    this.#usable = false;
    this.release();
  }
}

function ignore(): void {
  // The statement that needed the connection meets the error itself; if none did, nobody needs to know.
}
