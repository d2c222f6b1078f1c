/**
 * What the two PostgreSQL drivers have in common for us, and the pieces that both adapters are made of.
 */
import type { QueryResult, Row, SqlValue } from '../core/connection.ts';
import type { Session } from './transaction.ts';

/** Statements have their placeholders numbered already. All methods reject with the driver's own errors. */
export interface PostgresDriver {
  /** How many milliseconds a statement may take. */
  readonly timeout: number;
  /** One statement that commits by itself. */
  query(text: string, values: readonly SqlValue[]): Promise<QueryResult>;
  /** The server rolls back if it hears nothing for `idle` milliseconds. */
  begin(idle: number): Promise<Session>;
  /** Listens on a connection of its own; resolves once LISTEN is in effect. */
  listen(channel: string, sink: ChannelSink): Promise<Listened>;
  /** Closes what we opened. */
  close(): Promise<void>;
}

export interface ChannelSink {
  message(payload: string): void;
  /** LISTEN is in effect, for the first time or again: what was sent before has not been heard. */
  ready(): void;
}

export interface Listened {
  /** Fires when the connection is lost, with the cause as its reason. */
  readonly lost: AbortSignal;
  close(): void;
}

export const BEGIN = 'ISOLATION LEVEL READ COMMITTED';

/** For this transaction only: a server keeps the locks of a client that has vanished until TCP gives up, for hours. */
export function idleLimit(ms: number): string {
  return `SET LOCAL idle_in_transaction_session_timeout = ${ms === Infinity ? 0 : Math.ceil(ms)}`;
}

const WRITES: readonly unknown[] = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'];

export function resultFrom(rows: readonly Row[], command: unknown, count: unknown): QueryResult {
  return { rows, changes: WRITES.includes(command) ? Number(count) : 0 };
}
