/**
 * A database that does what a test says with chosen statements: answers them late, loses the answer, or refuses them.
 * Everything else goes through unchanged, so what is tested is the engine on a real database.
 */
import type { Clock } from '../../src/core/clock.ts';
import type {
  Connection,
  Database,
  QueryResult,
  SqlValue,
  Subscription,
  WakeListener,
  WakeTopic,
} from '../../src/core/connection.ts';
import { openDatabase } from '../../src/database/open.ts';

/** Sends the statement, or doesn't; answers with its result, or with an error. */
export type Fault = (sql: string, send: () => Promise<QueryResult>) => Promise<QueryResult>;

const CLAIM = 'epoch = epoch + 1';
/** A handler's own transaction. */
export const TRANSACTION = 'COALESCE(v_nth - reports, 1) IN (1)';

export const NO_FAULT: Fault = (_sql, send) => send();

/** For the option `db`; `fault` may be exchanged while it runs. */
export class FaultyDatabase {
  fault: Fault = NO_FAULT;
  /** The same for each statement in a transaction. */
  inside: Fault = NO_FAULT;
  /** Behave like a database whose transactions send their hints. */
  hintsInTransactions = false;
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async openDatabase(context: { readonly clock: Clock }): Promise<Database> {
    return new Faulty(await openDatabase(this.#url, context), this);
  }
}

class Faulty implements Database {
  readonly #real: Database;
  readonly #source: FaultyDatabase;
  notifyIn?: NonNullable<Database['notifyIn']>;

  constructor(real: Database, source: FaultyDatabase) {
    this.#real = real;
    this.#source = source;
    if (source.hintsInTransactions) this.notifyIn = async () => undefined;
  }

  get dialect(): Database['dialect'] {
    return this.#real.dialect;
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> {
    return this.#source.fault(sql, () => this.#real.query(sql, values));
  }

  /** A claim that takes a transaction meets its fault when that has been committed, as the answer of one statement would. */
  async transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    let texts: string[] = [];
    let claimed = 0;
    const result = await this.#real.transaction((connection) => {
      texts = [];
      return work({
        query: async (sql, values) => {
          const answer = await this.#source.inside(sql, () => connection.query(sql, values));
          texts.push(sql);
          if (sql.includes(CLAIM)) claimed = answer.changes;
          return answer;
        },
      });
    });
    const text = texts.join(';');
    const answer = { rows: Array.from({ length: claimed }, () => ({})), changes: claimed };
    if (text.includes(`queue = '`) || text.includes(TRANSACTION))
      await this.#source.fault(text, async () => answer);
    return result;
  }

  listen(channel: string, listener: WakeListener): Promise<Subscription> {
    return this.#real.listen(channel, listener);
  }

  notify(channel: string, topic: WakeTopic): Promise<void> {
    return this.#real.notify(channel, topic);
  }

  close(): Promise<void> {
    return this.#real.close();
  }
}
