/**
 * A transaction that the user has begun, with a driver of their own, as a `Connection`: what we write in it is there if
 * and only if they commit. Told apart by what it can do, as a database is; nothing here begins or ends a transaction.
 */
import type { Connection, Database, DialectName, Row, SqlValue } from '../core/connection.ts';
import { messageFrom, show, TaskbatonError } from '../core/errors.ts';
import { mysqlResult, mysqlStatement } from './mysql-session.ts';
import { translateMysql } from './mysql-failure.ts';
import { driverErrorOf, OrmTransaction, type Send } from './orm.ts';
import { numbered } from './postgres.ts';
import { resultFrom } from './postgres-driver.ts';
import { translatePostgres } from './postgres-failure.ts';
import { busy, codeOf, Conflict } from './retry.ts';
import { SqliteConnection, type SqliteHandle, translateSqlite } from './sqlite-connection.ts';
import { isScope } from './transaction.ts';

/** How long a statement may block on a SQLite file, in milliseconds, if the handle's owner has it longer. */
const BLOCKING_MS = 20;

/** Throws INVALID_ARGUMENT for what is no transaction, or one of another kind of database. */
async function connectionIn(tx: unknown, dialect: DialectName): Promise<Connection> {
  // One of ours, as handlers are given.
  if (isScope(tx)) return tx;
  if (tx instanceof OrmTransaction && tx.native !== undefined) return connectionIn(tx.native, dialect);
  const orm = tx instanceof OrmTransaction ? tx : undefined;
  const send = orm === undefined ? SENDERS[dialect](tx) : orm.send?.(dialect);
  if (send === undefined)
    throw unusable(`it must be ${KINDS[dialect]}, in a transaction that you have begun`, tx);
  const translate = TRANSLATIONS[dialect];
  const connection: Connection = {
    async query(sql, values = []) {
      try {
        return await send(sql, values);
      } catch (error) {
        const failure = translate(driverErrorOf(error));
        // Only whoever began the transaction can begin it again.
        throw failure instanceof Conflict ? busy(failure.cause) : failure;
      }
    },
  };
  // The adapters have seen to it themselves.
  if (orm === undefined) await BEGUN[dialect](connection, tx);
  return connection;
}

/**
 * The same as a database whose transactions are all that one. Hints go out with its commit where the database can do
 * that; elsewhere a replica finds at its next poll what was committed.
 */
export async function databaseIn(tx: unknown, database: Database): Promise<Database> {
  const connection = await connectionIn(tx, database.dialect);
  return {
    dialect: database.dialect,
    borrowed: true,
    query: (sql, values) => connection.query(sql, values),
    transaction: (work) => work(connection),
    notify: async (channel, topic) => database.notifyIn?.(connection, channel, topic).catch(() => undefined),
    listen: () => Promise.reject(new Error('nobody listens in a transaction')),
    close: async () => undefined,
  };
}

function unusable(problem: string, tx?: unknown): TaskbatonError {
  const value = tx === undefined ? 'that transaction' : typeof tx === 'object' ? kindOf(tx) : show(tx);
  return new TaskbatonError('INVALID_ARGUMENT', { argument: 'tx', value, problem });
}

const KINDS: Readonly<Record<DialectName, string>> = {
  sqlite: 'a database of node:sqlite or better-sqlite3',
  postgres: 'a client of pg, or what begin of postgres.js hands you',
  mysql: 'a connection of mysql2',
};

const SENDERS: Readonly<Record<DialectName, (tx: unknown) => Send | undefined>> = {
  sqlite: (tx) => {
    if (!can(tx, 'prepare', 'exec')) return undefined;
    const connection = new SqliteConnection(tx as SqliteHandle, BLOCKING_MS);
    return async (sql, values) => connection.execute(sql, values);
  },
  postgres: (tx) => {
    if (typeof tx === 'function' && can(tx, 'unsafe', 'savepoint'))
      return postgresJsSender(tx as unknown as PostgresJsTx);
    return can(tx, 'query') && !can(tx, 'execute') ? pgSender(tx as PgClient) : undefined;
  },
  mysql: (tx) => {
    if (!can(tx, 'query', 'execute') || can(tx, 'getConnection')) return undefined;
    const callback = tx as { promise?: () => MysqlConnection };
    const connection = typeof callback.promise === 'function' ? callback.promise() : (tx as MysqlConnection);
    return async (sql, values) => mysqlResult((await connection.query(mysqlStatement(sql, values)))[0]);
  },
};

const TRANSLATIONS: Readonly<Record<DialectName, (error: unknown) => Error>> = {
  sqlite: (error) => translateSqlite(error, 'the database of tx'),
  postgres: translatePostgres,
  mysql: translateMysql,
};

const NOT_BEGUN = 'no transaction is open on it; begin one first';

/** Refuses one that isn't in a transaction: each of our statements would be committed by itself. */
const BEGUN: Readonly<Record<DialectName, (connection: Connection, tx: unknown) => Promise<void>>> = {
  sqlite: async (_connection, tx) => {
    const { isTransaction, inTransaction } = tx as { isTransaction?: unknown; inTransaction?: unknown };
    if (isTransaction !== true && inTransaction !== true) throw unusable(NOT_BEGUN);
  },
  postgres: async (connection) => {
    try {
      await connection.query('SAVEPOINT taskbaton');
      await connection.query('RELEASE SAVEPOINT taskbaton');
    } catch (error) {
      if (causeCode(error) === '25P01') throw unusable(NOT_BEGUN);
      if (causeCode(error) === '25P02') throw unusable('it has failed already; roll it back');
      throw error;
    }
  },
  mysql: async (connection) => {
    // MySQL doesn't tell; MariaDB does.
    const found = await connection.query('SELECT @@in_transaction AS begun').catch(() => undefined);
    if (found !== undefined && Number(found.rows[0]?.['begun']) === 0) throw unusable(NOT_BEGUN);
  },
};

interface PostgresJsTx {
  unsafe(text: string, values: readonly SqlValue[]): Promise<Row[] & { command: unknown; count: unknown }>;
}

interface PgClient {
  query(statement: {
    text: string;
    values: readonly SqlValue[];
  }): Promise<{ rows: Row[]; command: unknown; rowCount: unknown }>;
}

interface MysqlConnection {
  query(statement: object): Promise<readonly [unknown, unknown]>;
}

function postgresJsSender(sql: PostgresJsTx): Send {
  return async (text, values) => {
    const answer = await sql.unsafe(numbered(text), [...values]);
    return resultFrom(answer, answer.command, answer.count);
  };
}

function pgSender(client: PgClient): Send {
  return async (text, values) => {
    const { rows, command, rowCount } = await client.query({ text: numbered(text), values });
    return resultFrom(rows, command, rowCount);
  };
}

/** Whether a driver, or the library around it, says that there is no table of that name. */
export function isTableMissing(error: unknown): boolean {
  const driver = driverErrorOf(error);
  const code = codeOf(driver);
  return (
    code === '42P01' || code === 'ER_NO_SUCH_TABLE' || /no such table|n[o']t exist/.test(messageFrom(driver))
  );
}

function causeCode(error: unknown): string | undefined {
  return codeOf((error as { cause?: unknown }).cause);
}

function can(value: unknown, ...methods: readonly string[]): boolean {
  const properties = Object(value) as Record<string, unknown>;
  return methods.every((method) => typeof properties[method] === 'function');
}

/** Without its secrets. */
function kindOf(value: unknown): string {
  const maker = (Object(value) as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof maker === 'string' ? `a ${maker}` : 'an object';
}
