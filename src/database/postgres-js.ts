/**
 * The package `postgres` (postgres.js), handed in as a client. It has no way to destroy one of its connections, and it
 * breaks down if a statement is sent on one that was lost, so a transaction whose connection is lost is left alone: it ends
 * when the driver notices. One that was given up is rolled back as soon as the statement it was waiting for is answered.
 */
import type { Clock } from '../core/clock.ts';
import type { Address, QueryResult, Row, SqlValue } from '../core/connection.ts';
import { addressOf } from './address.ts';
import {
  BEGIN,
  type ChannelSink,
  idleLimit,
  type Listened,
  type PostgresDriver,
  resultFrom,
} from './postgres-driver.ts';
import { isConnectionLost } from './postgres-failure.ts';
import { TimedOut, within } from './within.ts';
import type { Session } from './transaction.ts';

/** What is used of a client of the package `postgres`. */
export interface PostgresJs {
  unsafe(text: string, values?: (string | number | null)[]): PromiseLike<unknown>;
  end(options: { readonly timeout: number }): PromiseLike<unknown>;
  begin(options: string, work: (sql: PostgresJsSql) => Promise<unknown>): Promise<unknown>;
  listen(
    channel: string,
    heard: (payload: string) => void,
    listening?: () => void,
  ): PromiseLike<{ unlisten(): Promise<unknown> }>;
}

/** What of a client's options says where to connect to, as whom, and how. */
const CONNECTING = [
  'host',
  'port',
  'path',
  'socket',
  'database',
  'user',
  'pass',
  'ssl',
  'sslnegotiation',
  'connection',
  'connect_timeout',
  'target_session_attrs',
] as const;

export function addressOfPostgresJs(client: PostgresJs): Address | undefined {
  const { options } = client as { options?: Readonly<Record<string, unknown>> };
  if (options === undefined) return undefined;
  return addressOf('postgres', Object.fromEntries(CONNECTING.map((name) => [name, options[name]])));
}

interface PostgresJsSql {
  unsafe(text: string, values?: (string | number | null)[]): PromiseLike<unknown>;
}

type Answer = readonly Row[] & { readonly command: unknown; readonly count: unknown };

/** One registration with the driver, which renews it by itself; those who listen come and go. */
interface Channel {
  readonly sinks: Set<ChannelSink>;
  readonly listening: Promise<{ unlisten(): Promise<unknown> }>;
}

export class PostgresJsDriver implements PostgresDriver {
  readonly #sql: PostgresJs;
  readonly #owned: boolean;
  readonly #clock: Clock;
  readonly timeout: number;
  readonly #channels = new Map<string, Channel>();

  constructor(sql: PostgresJs, owned: boolean, clock: Clock, timeout: number) {
    this.#sql = sql;
    this.#owned = owned;
    this.#clock = clock;
    this.timeout = timeout;
  }

  query(text: string, values: readonly SqlValue[]): Promise<QueryResult> {
    return within(this.#clock, this.timeout, send(this.#sql, this.#sql, text, values));
  }

  begin(idle: number): Promise<Session> {
    const begun = new Promise<Transaction>((resolve, reject) => {
      // The driver commits or rolls back as soon as its callback has settled, so that waits for us.
      const ended = this.#sql.begin(
        BEGIN.toLowerCase(),
        (sql) =>
          new Promise<void>((commit, rollback) => {
            // On its way with the first statement, which shows if it failed.
            sql.unsafe(idleLimit(idle)).then(ignore, ignore);
            const wait: Wait = (promise) => within(this.#clock, this.timeout, promise);
            const query: Session['query'] = (text, values) => send(this.#sql, sql, text, values);
            resolve(new Transaction({ native: sql, query, commit, rollback, ended, wait }));
          }),
      );
      ended.catch(reject);
    });
    return within(this.#clock, this.timeout, begun, (late) => void late.rollback());
  }

  async listen(channel: string, sink: ChannelSink): Promise<Listened> {
    const known = this.#channels.get(channel) ?? this.#register(channel);
    known.sinks.add(sink);
    await known.listening.catch(ignore);
    sink.ready();
    // A loss is the driver's to notice and to mend; ours is to probe.
    return { lost: new AbortController().signal, close: () => void known.sinks.delete(sink) };
  }

  async close(): Promise<void> {
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    const unlistened = Promise.all(channels.map(async ({ listening }) => (await listening).unlisten()));
    await within(this.#clock, 1000, unlistened).catch(ignore);
    if (this.#owned) await this.#sql.end({ timeout: 1 });
  }

  #register(channel: string): Channel {
    const sinks = new Set<ChannelSink>();
    const heard = (payload: string): void => sinks.forEach((sink) => sink.message(payload));
    const again = (): void => sinks.forEach((sink) => sink.ready());
    const listening = Promise.resolve(this.#sql.listen(channel, heard, again));
    listening.catch(ignore);
    const made: Channel = { sinks, listening };
    this.#channels.set(channel, made);
    return made;
  }
}

type Wait = <Result>(promise: Promise<Result>) => Promise<Result>;

interface Begun {
  readonly native: unknown;
  readonly query: Session['query'];
  commit(): void;
  rollback(reason: Error): void;
  readonly ended: Promise<unknown>;
  /** No longer than a statement may take. */
  readonly wait: Wait;
}

class Transaction implements Session {
  #usable = true;
  #lost = false;
  /** The statement that was given up, if one was: it is answered some time, or its connection is lost. */
  #givenUp: Promise<unknown> | undefined;
  readonly #begun: Begun;

  constructor(begun: Begun) {
    this.#begun = begun;
    begun.ended.catch(() => {
      this.#usable = false;
      this.#lost = true;
    });
  }

  get native(): unknown {
    return this.#begun.native;
  }

  async query(text: string, values: readonly SqlValue[]): Promise<QueryResult> {
    if (!this.#usable) throw new Error('Connection terminated in a transaction');
    const sent = this.#begun.query(text, values);
    try {
      return await this.#begun.wait(sent);
    } catch (error) {
      if (isConnectionLost(error)) this.#usable = false;
      if (error instanceof TimedOut) this.#givenUp = sent;
      throw error;
    }
  }

  async commit(): Promise<void> {
    if (!this.#usable) throw new Error('Connection terminated before the commit');
    this.#begun.commit();
    await this.#begun.wait(this.#begun.ended);
  }

  async rollback(): Promise<void> {
    if (!this.#usable) return void this.#rollbackLater();
    this.#begun.rollback(new Error('rolled back'));
    await this.#begun.wait(this.#begun.ended).catch(ignore);
  }

  /** Nobody waits for it; till then the server has the transaction open, with its locks. */
  async #rollbackLater(): Promise<void> {
    if (this.#givenUp === undefined) return;
    const lost = await this.#givenUp.then(() => false, isConnectionLost);
    if (!lost && !this.#lost) this.#begun.rollback(new Error('rolled back'));
  }
}

async function send(
  client: PostgresJs,
  sql: PostgresJsSql,
  text: string,
  values: readonly SqlValue[],
): Promise<QueryResult> {
  const answer = (await sql.unsafe(text, [...values])) as Answer;
  const { to } = columnNames(client);
  const rows = to === undefined ? answer : answer.map((row) => renamed(row, to));
  return resultFrom(rows, answer.command, answer.count);
}

/** How the client's owner has columns renamed (`postgres.camel` and the like): `to` leads back to their names in SQL. */
function columnNames(client: PostgresJs): { readonly to?: ((name: string) => string) | undefined } {
  const { options } = client as { options?: { transform?: { column?: { to?: (name: string) => string } } } };
  return options?.transform?.column ?? {};
}

function renamed(row: Row, to: (name: string) => string): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [to(name), value]));
}

function ignore(): void {
  // Listening is repeated by the driver, rolling back by the server, and what dooms a transaction shows at its next statement.
}
