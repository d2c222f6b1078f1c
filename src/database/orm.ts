/**
 * Transactions of query builders and object-relational mappers, for `{ tx }`. Each adapter knows of its library only what
 * that hands its users, by its shape: nothing of it is imported here, and none of them is needed.
 */
import type { DialectName, QueryResult, Row, SqlValue } from '../core/connection.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { numbered } from './postgres.ts';

/** How a statement is sent in a transaction that somebody else has begun. */
export type Send = (sql: string, values: readonly SqlValue[]) => Promise<QueryResult>;

/** What an adapter makes of its library's transaction: pass it as `tx`. */
export class OrmTransaction {
  /** The driver's own connection in the transaction, if the library hands it out; else `send`. */
  readonly native?: unknown;
  readonly send?: (dialect: DialectName) => Send;

  constructor(way: Pick<OrmTransaction, 'native' | 'send'>) {
    this.native = way.native;
    if (way.send !== undefined) this.send = way.send;
  }
}

/** For what the callback of Kysely's `transaction().execute(…)` is given. Throws INVALID_ARGUMENT. */
export function fromKysely(trx: unknown): OrmTransaction {
  const { isTransaction, withoutPlugins } = parts(trx);
  if (typeof withoutPlugins !== 'function' || !can(trx, 'executeQuery', 'withoutPlugins'))
    refuse(trx, 'it must be a transaction of Kysely');
  if (isTransaction !== true) refuse(trx, NOT_BEGUN);
  const plain = (trx as { withoutPlugins(): Kysely }).withoutPlugins();
  return new OrmTransaction({
    send: (dialect) => async (sql, values) => {
      const text = textFor(dialect, sql);
      const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] };
      const answer = await plain.executeQuery({
        sql: text,
        parameters: values,
        query,
        queryId: { queryId: 'taskbaton' },
      });
      return result(sql, answer.rows, answer.numAffectedRows);
    },
  });
}

/** For what the callback of Drizzle's `db.transaction(…)` is given, or a database in whose connection you have begun. */
export function fromDrizzle(tx: unknown): OrmTransaction {
  const { client } = parts(parts(tx)['session']);
  if (client === undefined || !can(tx, 'select', 'insert')) refuse(tx, 'it must be a transaction of Drizzle');
  return new OrmTransaction({ native: client });
}

/** For what the callback of Knex's `transaction(…)` is given, or what that resolves to. Throws INVALID_ARGUMENT. */
export function fromKnex(trx: unknown): OrmTransaction {
  if (!can(trx, 'raw')) refuse(trx, 'it must be a transaction of Knex');
  if (parts(trx)['isTransaction'] !== true || !can(trx, 'isCompleted')) refuse(trx, NOT_BEGUN);
  const knex = trx as Knex;
  return new OrmTransaction({
    send: (dialect) => async (sql, values) => {
      if (knex.isCompleted()) refuse(trx, 'it has ended already');
      return KNEX_RESULTS[dialect](sql, await knex.raw(sql, [...values]));
    },
  });
}

/** For what the callback of Prisma's `$transaction(async (tx) => …)` is given. Throws INVALID_ARGUMENT. */
export function fromPrisma(tx: unknown): OrmTransaction {
  if (!can(tx, '$queryRawUnsafe', '$executeRawUnsafe'))
    refuse(tx, 'it must be an interactive transaction of Prisma');
  // Inside a transaction Prisma hides what would end its connection.
  if (can(tx, '$connect')) refuse(tx, NOT_BEGUN);
  const prisma = tx as Prisma;
  return new OrmTransaction({
    send: (dialect) => async (sql, values) => {
      const text = textFor(dialect, sql);
      if (!returnsRows(sql)) return { rows: [], changes: await prisma.$executeRawUnsafe(text, ...values) };
      return result(sql, await prisma.$queryRawUnsafe(text, ...values), undefined);
    },
  });
}

/** For a TypeORM `EntityManager` in a transaction, or its `QueryRunner`. Throws INVALID_ARGUMENT. */
export function fromTypeOrm(managerOrRunner: unknown): OrmTransaction {
  const runner: unknown = parts(managerOrRunner)['queryRunner'] ?? managerOrRunner;
  if (!can(runner, 'query', 'startTransaction'))
    refuse(managerOrRunner, 'it must be an EntityManager or a QueryRunner of TypeORM, in a transaction');
  const typeOrm = runner as TypeOrm;
  if (!typeOrm.isTransactionActive) refuse(managerOrRunner, NOT_BEGUN);
  return new OrmTransaction({
    send: (dialect) => async (sql, values) => {
      if (!typeOrm.isTransactionActive) refuse(managerOrRunner, 'it has ended already');
      const answer = await typeOrm.query(textFor(dialect, sql), [...values], true);
      return result(sql, answer.records ?? [], answer.affected);
    },
  });
}

/** The driver's error within a library's, so that deadlocks and the like are known as what they are. */
export function driverErrorOf(error: unknown): unknown {
  const { driverError, cause, meta } = parts(error);
  const inner: unknown = driverError ?? parts(meta)['driverAdapterError'];
  if (inner !== undefined) return driverErrorOf(inner);
  const { originalCode, originalMessage } = parts(cause);
  if (typeof originalCode !== 'string') return error;
  const number = Number(originalCode);
  return Object.assign(new Error(String(originalMessage), { cause: error }), {
    code: originalCode,
    ...(Number.isInteger(number) ? { errno: number, errcode: number } : {}),
  });
}

const NOT_BEGUN = 'no transaction is open on it; begin one first';

interface Kysely {
  executeQuery(
    query: object,
  ): Promise<{ readonly rows: readonly Row[]; readonly numAffectedRows?: bigint | undefined }>;
}

interface Knex {
  raw(sql: string, values: readonly SqlValue[]): Promise<unknown>;
  isCompleted(): boolean;
}

interface Prisma {
  $queryRawUnsafe(sql: string, ...values: readonly SqlValue[]): Promise<readonly Row[]>;
  $executeRawUnsafe(sql: string, ...values: readonly SqlValue[]): Promise<number>;
}

interface TypeOrm {
  readonly isTransactionActive: boolean;
  query(
    sql: string,
    values: readonly SqlValue[],
    structured: true,
  ): Promise<{ readonly records?: readonly Row[] | undefined; readonly affected?: number | undefined }>;
}

/** Knex hands on what the driver answered. */
const KNEX_RESULTS: Readonly<Record<DialectName, (sql: string, answer: unknown) => QueryResult>> = {
  sqlite: (sql, answer) =>
    Array.isArray(answer)
      ? result(sql, answer as Row[], undefined)
      : result(sql, [], parts(answer)['changes']),
  postgres: (sql, answer) => result(sql, parts(answer)['rows'] as Row[], parts(answer)['rowCount']),
  mysql: (sql, answer) => {
    const [rows] = answer as readonly [unknown];
    return Array.isArray(rows)
      ? result(sql, rows as Row[], undefined)
      : result(sql, [], parts(rows)['affectedRows']);
  },
};

function textFor(dialect: DialectName, sql: string): string {
  return dialect === 'postgres' ? numbered(sql) : sql;
}

/** What stands within brackets, as parts of a WITH do, returns its rows to the statement around it. */
function returnsRows(sql: string): boolean {
  return isSelect(sql) || /\bRETURNING\b[^()]*$/.test(sql) || /^\s*WITH\b[\s\S]*\) SELECT\b[^()]*$/.test(sql);
}

function isSelect(sql: string): boolean {
  return /^\s*\(?SELECT\b/.test(sql);
}

/** A statement that returns what it wrote has written as much as it returns, where the library doesn't say. */
function result(sql: string, rows: readonly Row[], affected: unknown): QueryResult {
  const changes = isSelect(sql) ? 0 : Number(affected ?? rows.length);
  return { rows: rows.map(readable), changes };
}

/** Names are stored as bytes on MySQL, which our own connections read as text. */
function readable(row: Row): Row {
  if (!Object.values(row).some((value) => value instanceof Uint8Array)) return row;
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    ]),
  );
}

/** What may be looked at of something unknown. */
function parts(value: unknown): Partial<Record<string, unknown>> {
  return Object(value) as Partial<Record<string, unknown>>;
}

function can(value: unknown, ...methods: readonly string[]): boolean {
  return methods.every((method) => typeof parts(value)[method] === 'function');
}

function refuse(tx: unknown, problem: string): never {
  const { name } = parts(parts(tx)['constructor']);
  const value = typeof tx === 'object' && typeof name === 'string' ? `a ${name}` : show(typeof tx);
  throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'tx', value, problem });
}
