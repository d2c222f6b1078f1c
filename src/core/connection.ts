/**
 * The port to a database: what the store and the queues may ask of one, whichever it is. SQL is written once, with
 * `?` for parameters; each database's own file makes a `Database` out of the user's handle or of a URL.
 */
import { type QueueName, QUEUES } from './status.ts';

export type SqlValue = string | number | null;

/** Columns by name. 64-bit integers may arrive as strings: whoever maps a row says `Number(…)`. */
export type Row = Readonly<Record<string, unknown>>;

export interface QueryResult {
  readonly rows: readonly Row[];
  /** How many rows the statement matched and wrote; 0 for a SELECT. */
  readonly changes: number;
}

/** One place to send statements to: a database (each statement commits by itself) or a transaction in it. */
export interface Connection {
  /** Of a transaction: the driver's own connection. */
  readonly native?: unknown;
  query(sql: string, values?: readonly SqlValue[]): Promise<QueryResult>;
}

/**
 * What a hint is about. The name of a queue: there may be somebody to take from it; `tick`, there may be marks to read; `due`,
 * something is to be let in at a time that isn't known yet.
 */
export type WakeTopic = QueueName | 'tick' | 'due';
export const WAKE_TOPICS: readonly WakeTopic[] = [...QUEUES, 'tick', 'due'];

export interface WakeListener {
  wake(topic: WakeTopic): void;
  /** Hints are known not to arrive (now polling is all there is), or to arrive again. */
  health(working: boolean, cause?: unknown): void;
}

export interface Subscription {
  close(): Promise<void>;
}

export interface TransactionOptions {
  /**
   * For how many milliseconds it may pause between its statements; `Infinity` for as long as it likes. By default as long as a
   * statement may take.
   */
  readonly idle?: number;
}

export type DialectName = 'sqlite' | 'postgres' | 'mysql';

/** All that another thread of this process needs to open a database for itself; it can be cloned. */
export type Address =
  | { readonly driver: 'sqlite'; readonly target: string }
  | { readonly driver: ServerDriver; readonly target: Readonly<Record<string, unknown>> };

export type ServerDriver = 'pg' | 'postgres' | 'mysql2';

/** SQL that sends a hint where it is carried out. */
export interface Hint {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * A database that the store can run on.
 *
 * Errors of the driver come out as `DatabaseUnavailable` (not reached, or lost: the outcome of the statement is
 * unknown), `DatabaseBusy` (nothing was written, even after retries) or `DatabaseFailed` (anything else); the
 * driver's error is the `cause`. What the caller's own `work` throws comes out as it is.
 */
export interface Database extends Connection {
  readonly dialect: DialectName;
  /** It is a transaction of the user's. */
  readonly borrowed?: true;
  /** Its time as SQL, in milliseconds since 1970, where that isn't the server's own. */
  readonly now?: string | undefined;
  /** How another thread can open it for itself; undefined if none can. */
  readonly address?: Address | undefined;
  /** The longest statement it takes, in bytes; undefined if there is no such limit. */
  readonly longestStatement?: number | undefined;
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. `work` may run again if the
   * database asks for that (deadlock, busy), so it must not have other effects. A server that hears nothing between two of
   * its statements for longer than `idle` rolls back, for then its host may have vanished, locks and all.
   */
  transaction<Result>(
    work: (connection: Connection) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /** Passes on hints sent by `notify` from any process. A hint may be late, doubled or lost. */
  listen(channel: string, listener: WakeListener): Promise<Subscription>;
  /** Sends a hint to all listeners of `channel`, in this process too. Never throws for a lost hint. */
  notify(channel: string, topic: WakeTopic): Promise<void>;
  /**
   * The same as a table of one row, for the statement that writes what the hint is about; undefined where there is no such thing,
   * or where one has gone out just now, so that the next one is for `notify` to send.
   */
  hintWithin?(channel: string, topic: WakeTopic): Hint | undefined;
  /** The same in a transaction, to arrive once it is committed; where the database can do that. */
  notifyIn?(connection: Connection, channel: string, topic: WakeTopic): Promise<void>;
  /** Closes what we opened; leaves alone what the user handed in. */
  close(): Promise<void>;
}
