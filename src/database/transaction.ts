/**
 * A transaction as all databases run it. The work sends one statement at a time; a statement that fails dooms the
 * transaction, even if the work goes on as if nothing had happened, for that is how PostgreSQL has it; and after the
 * end the connection is refused, so that a forgotten `await` can't write into somebody else's transaction.
 */
import type { Connection, QueryResult, SqlValue } from '../core/connection.ts';
import { busy, Conflict, failed } from './retry.ts';

/** A transaction that a driver has begun. Its methods reject with the driver's own errors. */
export interface Session {
  /** The driver's own connection, for whoever wants to use it in this transaction. */
  readonly native?: unknown;
  query(sql: string, values: readonly SqlValue[]): Promise<QueryResult>;
  commit(): Promise<void>;
  /** Never rejects: a session that can't be rolled back is thrown away. */
  rollback(): Promise<void>;
}

/** Makes one of our errors, or a `Conflict`, of a driver's error. */
export interface Translation {
  statement(error: unknown): Error;
  commit(error: unknown): Error;
}

/** Runs `work` in `session` once. */
export async function runInSession<Result>(
  session: Session,
  work: (connection: Connection) => Promise<Result>,
  translate: Translation,
): Promise<Result> {
  const scope = new Scope(session, translate);
  let result: Result;
  try {
    result = await work(scope);
  } catch (error) {
    await scope.end();
    await session.rollback();
    throw scope.failure instanceof Conflict ? scope.failure : error;
  }
  await scope.end();
  if (scope.failure !== undefined) {
    await session.rollback();
    throw scope.failure;
  }
  try {
    await session.commit();
  } catch (error) {
    throw translate.commit(error);
  }
  return result;
}

const wrapped = new WeakSet<object>();

/** Whether `value` is a transaction that we have begun. */
export function isScope(value: unknown): value is Connection {
  return value instanceof Scope || (typeof value === 'object' && value !== null && wrapped.has(value));
}

/** Lets `connection`, which passes on to a transaction that we have begun, count as one. */
export function asScope(connection: Connection): Connection {
  wrapped.add(connection);
  return connection;
}

class Scope implements Connection {
  failure: Error | undefined;
  #open = true;
  #last: Promise<unknown> = Promise.resolve();
  readonly #session: Session;
  readonly #translate: Translation;

  constructor(session: Session, translate: Translation) {
    this.#session = session;
    this.#translate = translate;
  }

  get native(): unknown {
    return this.#session.native;
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> {
    if (!this.#open) return Promise.reject(failed(new Error('the transaction has ended already')));
    const result = this.#last.then(() => this.#send(sql, values));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Waits for what the work has sent and not awaited. */
  async end(): Promise<void> {
    this.#open = false;
    await this.#last;
  }

  async #send(sql: string, values: readonly SqlValue[]): Promise<QueryResult> {
    if (this.failure !== undefined) throw toWork(this.failure);
    try {
      return await this.#session.query(sql, values);
    } catch (error) {
      this.failure = this.#translate.statement(error);
      throw toWork(this.failure);
    }
  }
}

/** The work need not know conflicts: it is run again whatever it makes of the error. */
function toWork(failure: Error): Error {
  return failure instanceof Conflict ? busy(failure.cause) : failure;
}
