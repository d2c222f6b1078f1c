/**
 * The two SQLite drivers behind one face: statements prepared once, rows and changes told apart, errors named.
 */
import type { QueryResult, Row, SqlValue } from '../core/connection.ts';
import { messageFrom } from '../core/errors.ts';
import { codeOf, Conflict, failed, unavailable } from './retry.ts';

/** What is used of a database of node:sqlite or better-sqlite3. */
export interface SqliteHandle {
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

export interface SqliteStatement {
  all(...values: (string | number | bigint | null)[]): unknown[];
  run(...values: (string | number | bigint | null)[]): { changes: number | bigint };
  columns(): unknown[];
  /** node:sqlite alone has it: the objects that it makes of rows otherwise are slow to make and to read. */
  setReturnArrays?(enabled: boolean): void;
}

/** A statement, and whether it yields rows and whether it changes them. */
interface Prepared {
  readonly statement: SqliteStatement;
  /** Its columns, where it yields arrays. */
  readonly columns: readonly string[] | undefined;
  readonly reads: boolean;
  readonly writes: boolean;
}

const MOST_STATEMENTS = 256;

export class SqliteConnection {
  /** What to call the database in messages. */
  readonly name: string;
  readonly handle: SqliteHandle;
  /** A longer `busy_timeout` of the owner's is put aside while our statements run. */
  readonly #longTimeout: { readonly aside: string; readonly back: string } | undefined;
  readonly #statements = new Map<string, Prepared>();
  /** Rows and statements that were written through it. */
  written = 0;
  #closed = false;

  constructor(handle: SqliteHandle, blockingMs: number) {
    this.handle = handle;
    this.name = nameOf(handle);
    const timeout = Number(this.#run('PRAGMA busy_timeout', []).rows[0]?.['timeout']);
    if (timeout > 2 * blockingMs) {
      this.#longTimeout = {
        aside: `PRAGMA busy_timeout = ${blockingMs}`,
        back: `PRAGMA busy_timeout = ${timeout}`,
      };
    }
  }

  /** Whether a transaction is open, whoever began it. */
  isInTransaction(): boolean {
    const handle = this.handle as { readonly isTransaction?: boolean; readonly inTransaction?: boolean };
    try {
      return handle.isTransaction === true || handle.inTransaction === true;
    } catch {
      // A closed database won't say; the next statement meets the error.
      return false;
    }
  }

  execute(sql: string, values: readonly SqlValue[] = []): QueryResult {
    if (this.#closed) throw new Error('the database is not open');
    if (this.#longTimeout === undefined) return this.#run(sql, values);
    this.handle.exec(this.#longTimeout.aside);
    try {
      return this.#run(sql, values);
    } finally {
      this.handle.exec(this.#longTimeout.back);
    }
  }

  /** Ends the open transaction, if any: some errors have ended it already. */
  rollback(): void {
    if (!this.isInTransaction()) return;
    try {
      this.execute('ROLLBACK');
    } catch {
      // A file that can't even be rolled back says so again at the next statement.
    }
  }

  close(handleToo: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#statements.clear();
    if (handleToo) this.handle.close();
  }

  #run(sql: string, values: readonly SqlValue[]): QueryResult {
    const { statement, columns, reads, writes } = this.#prepare(sql);
    const bound = values.map(bind);
    if (!reads) {
      const { changes } = statement.run(...bound);
      return { rows: [], changes: writes ? this.#wrote(Number(changes)) : 0 };
    }
    const found = statement.all(...bound);
    const rows = columns === undefined ? (found as Row[]) : found.map((cells) => rowOf(columns, cells));
    // With RETURNING, exactly the rows that changed come back.
    return { rows, changes: writes ? this.#wrote(rows.length) : 0 };
  }

  #wrote(rows: number): number {
    this.written += 1 + rows;
    return rows;
  }

  #prepare(sql: string): Prepared {
    const prepared = this.#statements.get(sql) ?? this.#prepareAnew(sql);
    // Whichever was not used for longest is the first to go.
    this.#statements.delete(sql);
    this.#statements.set(sql, prepared);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > MOST_STATEMENTS && oldest !== undefined) this.#statements.delete(oldest);
    return prepared;
  }

  #prepareAnew(sql: string): Prepared {
    const statement = this.handle.prepare(sql);
    const reads = returnsRows(statement);
    const writes = reads
      ? /\breturning\b/i.test(sql)
      : /^\s*(insert|update|delete|replace|with)\b/i.test(sql);
    return { statement, columns: reads ? columnsOfArrays(statement) : undefined, reads, writes };
  }
}

/** Has `statement` yield arrays, if it can; says which columns are in them then. */
function columnsOfArrays(statement: SqliteStatement): readonly string[] | undefined {
  if (statement.setReturnArrays === undefined) return undefined;
  statement.setReturnArrays(true);
  return statement.columns().map((column) => (column as { readonly name: string }).name);
}

function rowOf(columns: readonly string[], cells: unknown): Row {
  const row: Record<string, unknown> = {};
  columns.forEach((column, index) => (row[column] = (cells as readonly unknown[])[index]));
  return row;
}

/** `TaskbatonError` or `Conflict` for an error of either driver. */
export function translateSqlite(error: unknown, name: string): Error {
  const code = resultCode(error) ?? codeWithoutSqlite(error);
  if (['BUSY', 'LOCKED', 'PROTOCOL'].includes(code)) return new Conflict(error);
  if (['READONLY', 'IOERR', 'FULL', 'CANTOPEN', 'NOTADB'].includes(code)) return unavailable(error, name);
  return failed(error, code === 'CORRUPT' ? name : undefined);
}

/** The primary result codes that matter; an extended code has its primary one in the low byte. */
const RESULT_CODES: Readonly<Record<number, string>> = {
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  15: 'PROTOCOL',
  26: 'NOTADB',
};

/** `BUSY` and the like, from node:sqlite's number or better-sqlite3's name; undefined if SQLite didn't say it. */
function resultCode(error: unknown): string | undefined {
  const number = (error as { errcode?: unknown }).errcode;
  if (typeof number === 'number') return RESULT_CODES[number & 0xff] ?? 'OTHER';
  return /^SQLITE_([A-Z]+)/.exec(codeOf(error) ?? '')?.[1];
}

/** What the drivers refuse by themselves: a closed database, and one over whose rows its owner is iterating. */
function codeWithoutSqlite(error: unknown): string {
  const message = messageFrom(error);
  if (/\bnot open\b/.test(message)) return 'CANTOPEN';
  return /\bbusy executing\b/.test(message) ? 'BUSY' : 'OTHER';
}

/** Whole numbers as integers: node:sqlite would bind them as reals, and `1.0` is another text than `1`. */
function bind(value: SqlValue): string | number | bigint | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** better-sqlite3 says it and has no `columns()` for the others; node:sqlite has columns to count. */
function returnsRows(statement: SqliteStatement): boolean {
  const { reader } = statement as { reader?: boolean };
  return reader ?? statement.columns().length > 0;
}

function nameOf(handle: SqliteHandle): string {
  const { name, location } = handle as { name?: unknown; location?: unknown };
  if (typeof name === 'string') return name;
  return (typeof location === 'function' ? (location.call(handle) as string | null) : null) ?? ':memory:';
}
