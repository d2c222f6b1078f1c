/**
 * The one database of a simulated system: SQLite in memory, which executes one statement or one transaction at a time. It
 * tells of each row that was changed, once that is committed.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Database, QueryResult, SqlValue } from '../../src/core/connection.ts';
import { SqliteConnection, translateSqlite } from '../../src/database/sqlite-connection.ts';
import { Store } from '../../src/store/store.ts';
import { tablesOf } from '../../src/store/schema.ts';

export const PREFIX = 'taskbaton_';
/** The database's own time, as SQL. */
export const NOW = 'simulated_now()';
/** What handlers write of their own, in transactions with their reports. */
export const EFFECT = 'effect';

/** A change of a row: how it was and how it is now. */
export interface TaskChange {
  readonly table: 'task';
  readonly id: number;
  readonly before: TaskColumns | undefined;
  readonly after: TaskColumns | undefined;
  /** For which claim it was written, if it was a handler's write. */
  readonly epoch: number | undefined;
}

const TASK_COLUMNS = [
  'status',
  'owner',
  'epoch',
  'queue',
  'precedence',
  'turn',
  'type',
  'task_group',
  'crashes',
  'crash_budget',
  'attempt',
  'context',
  'input',
] as const;

export type TaskColumns = Readonly<Record<(typeof TASK_COLUMNS)[number], SqlValue>>;

export interface ReplicaChange {
  readonly table: 'replica';
  readonly id: string;
  readonly before: { readonly until: number } | undefined;
  readonly after: { readonly until: number } | undefined;
}

export interface RuleChange {
  readonly table: 'rule';
  readonly id: string;
  readonly after: { readonly most: number | null; readonly paused: boolean } | undefined;
}

export type Change = TaskChange | ReplicaChange | RuleChange;

type Given = readonly (string | number | bigint | null | Uint8Array)[];

export class SharedDatabase {
  /** Milliseconds since 1970. */
  now = 0;
  /** The claims that the present statement writes for: epochs by task. */
  fences: ReadonlyMap<number, number> | undefined;
  /** When the present transaction began; now, outside of one. */
  began = 0;
  /** Told of what was committed; undefined while nobody looks. */
  onCommit: ((changes: readonly Change[]) => void) | undefined;
  readonly #handle: DatabaseSync;
  readonly #connection: SqliteConnection;
  readonly #tables = tablesOf(PREFIX, undefined);
  #changes: Change[] = [];
  #inTransaction = false;
  #clear: () => void = () => undefined;

  private constructor() {
    this.#handle = new DatabaseSync(':memory:');
    this.#connection = new SqliteConnection(this.#handle, 10);
    this.#handle.function('simulated_now', () => Math.floor(this.now));
    this.#handle.function('note_task', { varargs: true }, (...given: Given) => this.#noteTask(given));
    this.#handle.function('note_replica', { varargs: true }, (...given: Given) => this.#noteReplica(given));
    this.#handle.function('note_rule', { varargs: true }, (...given: Given) => this.#noteRule(given));
  }

  /** With the tables of a new system. */
  static async open(): Promise<SharedDatabase> {
    const shared = new SharedDatabase();
    await new Store(shared.#plain(), PREFIX).prepare(true);
    shared.#handle.exec(
      `CREATE TABLE ${EFFECT} (task INTEGER NOT NULL, step INTEGER NOT NULL, epoch INTEGER NOT NULL)`,
    );
    shared.#dropIndexes();
    shared.#clear = shared.#clearing();
    shared.#watch();
    return shared;
  }

  /** As it was when it was opened. */
  reset(now: number): void {
    this.onCommit = undefined;
    this.now = now;
    if (this.#inTransaction) this.rollback();
    this.#clear();
    this.#changes = [];
  }

  execute(sql: string, values: readonly SqlValue[]): QueryResult {
    try {
      if (!this.#inTransaction) this.began = this.now;
      const result = this.#connection.execute(sql, values);
      if (!this.#inTransaction) this.#tell();
      return result;
    } catch (error) {
      if (!this.#inTransaction) this.#changes = [];
      throw translateSqlite(error, 'the simulated database');
    }
  }

  /** Rows, for whoever checks them. */
  read(sql: string, values: readonly SqlValue[] = []): QueryResult['rows'] {
    return this.#connection.execute(sql, values).rows;
  }

  begin(): void {
    this.began = this.now;
    this.#connection.execute('BEGIN IMMEDIATE');
    this.#inTransaction = true;
  }

  commit(): void {
    this.#connection.execute('COMMIT');
    this.#inTransaction = false;
    this.#tell();
  }

  rollback(): void {
    this.#connection.rollback();
    this.#inTransaction = false;
    this.#changes = [];
  }

  close(): void {
    this.#handle.close();
  }

  #tell(): void {
    if (this.#changes.length === 0) return;
    const changes = this.#changes;
    this.#changes = [];
    this.onCommit?.(changes);
  }

  #watch(): void {
    const { task, replica, rule } = this.#tables;
    const columns = (row: 'OLD' | 'NEW'): string =>
      TASK_COLUMNS.map((column) => `${row}.${column}`).join(', ');
    const nothing = TASK_COLUMNS.map(() => 'NULL').join(', ');
    const trigger = (table: string, event: string, call: string): void =>
      this.#handle.exec(
        `CREATE TEMP TRIGGER watch_${table}_${event} AFTER ${event} ON ${table} BEGIN SELECT ${call}; END`,
      );
    trigger(task, 'INSERT', `note_task(NEW.id, ${nothing}, ${columns('NEW')})`);
    trigger(task, 'UPDATE', `note_task(NEW.id, ${columns('OLD')}, ${columns('NEW')})`);
    trigger(task, 'DELETE', `note_task(OLD.id, ${columns('OLD')}, ${nothing})`);
    trigger(replica, 'INSERT', 'note_replica(NEW.id, NULL, NEW.lease_until)');
    trigger(replica, 'UPDATE', 'note_replica(NEW.id, OLD.lease_until, NEW.lease_until)');
    trigger(replica, 'DELETE', 'note_replica(OLD.id, OLD.lease_until, NULL)');
    trigger(rule, 'INSERT', 'note_rule(NEW.kind, NEW.name, NEW.most, NEW.paused)');
    trigger(rule, 'DELETE', 'note_rule(OLD.kind, OLD.name, NULL, NULL)');
  }

  #noteTask(given: Given): null {
    const row = (from: number): TaskColumns | undefined =>
      given[from] === null
        ? undefined
        : (Object.fromEntries(
            TASK_COLUMNS.map((column, index) => [column, given[from + index]]),
          ) as TaskColumns);
    const id = Number(given[0]);
    this.#changes.push({
      table: 'task',
      id,
      epoch: this.fences?.get(id),
      before: row(1),
      after: row(1 + TASK_COLUMNS.length),
    });
    return null;
  }

  #noteReplica([id, before, after]: Given): null {
    const row = (until: unknown): { until: number } | undefined =>
      until === null ? undefined : { until: Number(until) };
    this.#changes.push({ table: 'replica', id: String(id), before: row(before), after: row(after) });
    return null;
  }

  #noteRule([kind, name, most, paused]: Given): null {
    const after =
      paused === null
        ? undefined
        : { most: most === null ? null : Number(most), paused: Number(paused) === 1 };
    this.#changes.push({ table: 'rule', id: `${String(kind)} ${String(name)}`, after });
    return null;
  }

  /** For a handful of rows they only cost time: SQLite prepares anew, at each run, what might go by a partial one. */
  #dropIndexes(): void {
    const indexes = this.#handle
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE INDEX%'`)
      .all();
    for (const { name } of indexes) this.#handle.exec(`DROP INDEX ${String(name)}`);
  }

  /** Puts every table back to what is in it now. */
  #clearing(): () => void {
    const names = this.#handle
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('sqlite_sequence')`)
      .all()
      .map(({ name }) => String(name));
    const steps = names.map((name) => {
      const empty = this.#handle.prepare(`DELETE FROM ${name}`);
      const rows = this.#handle.prepare(`SELECT * FROM ${name}`).all();
      const columns = Object.keys(rows[0] ?? {});
      const fill =
        rows.length === 0
          ? undefined
          : this.#handle.prepare(
              `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
            );
      return (): void => {
        empty.run();
        for (const row of rows) fill?.run(...columns.map((column) => row[column] ?? null));
      };
    });
    const ids = this.#handle.prepare('DELETE FROM sqlite_sequence');
    return () => {
      this.#handle.exec('BEGIN');
      for (const step of steps) step();
      ids.run();
      this.#handle.exec('COMMIT');
    };
  }

  /** For whoever is alone with it. */
  #plain(): Database {
    const query = async (sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> =>
      this.execute(sql, values);
    return {
      dialect: 'sqlite',
      query,
      transaction: async (work) => {
        this.begin();
        const result = await work({ query });
        this.commit();
        return result;
      },
      listen: () => Promise.reject(new Error('nobody listens')),
      notify: async () => undefined,
      close: async () => undefined,
    };
  }
}
