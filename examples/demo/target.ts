/**
 * The table that the demo imports into: the columns of the file, the number of the row as its key, and who put it there.
 */
import { createHash } from 'node:crypto';
import type { Transaction } from 'taskbaton';
import type { DataSet } from '../support/data-set.ts';
import type { Range } from './import-rows.ts';
import { openSql, type Sql } from '../support/sql.ts';

/** Who imports: written beside each row, as evidence. */
export interface Importer {
  readonly task: number;
  readonly epoch: number;
  readonly letter: string;
}

/** The rows that one replica imported of a task under one claim. */
export interface Share extends Importer {
  readonly rows: number;
  readonly first: number;
  readonly last: number;
}

export class Target {
  readonly #sql: Sql;
  readonly #table: string;
  readonly #columns: readonly string[];

  private constructor(sql: Sql, table: string, columns: readonly string[]) {
    this.#sql = sql;
    this.#table = table;
    this.#columns = columns;
  }

  static async open(url: string, table: string, data: DataSet): Promise<Target> {
    const columns = data.columns.map((name) => name.toLowerCase().replaceAll(/\W+/g, '_').replace(/_$/, ''));
    return new Target(await openSql(url), table, columns);
  }

  async create(): Promise<void> {
    const columns = this.#columns.map((name) => `${name} TEXT NOT NULL`).join(', ');
    await this.#sql.query(
      `CREATE TABLE ${this.#table} (line INTEGER PRIMARY KEY, ${columns}, task INTEGER NOT NULL, epoch INTEGER NOT NULL, letter TEXT NOT NULL)`,
    );
  }

  /** Adds rows in one statement, in a transaction. */
  async insert(
    tx: Transaction,
    first: number,
    rows: readonly (readonly string[])[],
    by: Importer,
  ): Promise<void> {
    const holes = `(${Array.from({ length: this.#columns.length + 4 }, () => '?').join(', ')})`;
    await tx.query(
      `INSERT INTO ${this.#table} (line, ${this.#columns.join(', ')}, task, epoch, letter)
       VALUES ${rows.map(() => holes).join(', ')}`,
      rows.flatMap((row, index) => [first + index, ...row, by.task, by.epoch, by.letter]),
    );
  }

  /** Removes at most `limit` rows of the range, the last ones first; says how many. */
  async remove({ from, to }: Range, limit: number): Promise<number> {
    const pick = `SELECT line FROM ${this.#table} WHERE line BETWEEN ? AND ? ORDER BY line DESC LIMIT ${limit}`;
    const { changes } = await this.#sql.query(
      `DELETE FROM ${this.#table} WHERE line IN (SELECT line FROM (${pick}) AS picked)`,
      [from, to],
    );
    return changes;
  }

  async count({ from, to }: Range): Promise<number> {
    const { rows } = await this.#sql.query(
      `SELECT COUNT(*) AS n FROM ${this.#table} WHERE line BETWEEN ? AND ?`,
      [from, to],
    );
    return Number(rows[0]?.['n']);
  }

  /** All that is in the table, by the number of the row. */
  async rows(): Promise<(readonly [line: number, fields: readonly string[]])[]> {
    const { rows } = await this.#sql.query(
      `SELECT line, ${this.#columns.join(', ')} FROM ${this.#table} ORDER BY line`,
    );
    return rows.map((row) => [Number(row['line']), this.#columns.map((name) => String(row[name]))]);
  }

  async shares(): Promise<Share[]> {
    const { rows } = await this.#sql.query(
      `SELECT task, epoch, letter, COUNT(*) AS n, MIN(line) AS first, MAX(line) AS last
       FROM ${this.#table} GROUP BY task, epoch, letter ORDER BY task, epoch`,
    );
    return rows.map((row) => ({
      task: Number(row['task']),
      epoch: Number(row['epoch']),
      letter: String(row['letter']),
      rows: Number(row['n']),
      first: Number(row['first']),
      last: Number(row['last']),
    }));
  }

  close(): Promise<void> {
    return this.#sql.close();
  }
}

export function checksumOf(rows: Iterable<readonly [line: number, fields: readonly string[]]>): string {
  const hash = createHash('sha256');
  for (const [line, fields] of rows) hash.update(`${JSON.stringify([line, ...fields])}\n`);
  return hash.digest('hex').slice(0, 16);
}
