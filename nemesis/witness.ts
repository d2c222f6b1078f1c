/**
 * The history of the database, written by the database: triggers put down each change of a task, and each replica that is
 * struck off, in the transaction that made it. What the engine says about itself is not asked.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Database, DialectName, Row } from '../src/core/connection.ts';
import type { Status } from '../src/core/status.ts';
import { monotonic } from './ledger.ts';

/** A task as it was after a change; `gone`, as it was before it was removed. */
export interface TaskRecord {
  readonly kind: 'created' | 'changed' | 'gone';
  readonly seq: number;
  /** By the database's clock. */
  readonly at: number;
  readonly task: number;
  readonly type: string;
  readonly key: string;
  readonly group: string;
  readonly status: Status;
  readonly owner: string | undefined;
  readonly epoch: number;
  readonly crashes: number;
  readonly budget: number;
  readonly queue: string | undefined;
  readonly precedence: number;
  readonly turn: number;
  readonly context: WrittenContext | undefined;
}

/** Which replica was struck off, and when its lease ended. Its name is its host and the number of its process. */
export interface ReplicaRecord {
  readonly kind: 'struck off';
  readonly seq: number;
  readonly at: number;
  readonly replica: string;
  readonly name: string;
  readonly leaseUntil: number;
}

export type HistoryRecord = TaskRecord | ReplicaRecord;

/** A record, and by when its transaction had been committed. */
export interface Sighting {
  readonly seq: number;
  /** By the database's clock. */
  readonly at: number;
}

/** What the handlers of a nemesis store: how far they are, and who says so. */
export interface WrittenContext {
  readonly step: number;
  readonly epoch: number;
  readonly process: string;
}

const COLUMNS = [
  'id',
  'type',
  'task_key',
  'task_group',
  'status',
  'owner',
  'epoch',
  'crashes',
  'crash_budget',
  'queue',
  'precedence',
  'turn',
  'context',
];

const KINDS = { INSERT: 'created', UPDATE: 'changed', DELETE: 'gone' } as const;

const SERIAL: Readonly<Record<DialectName, string>> = {
  sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  postgres: 'BIGSERIAL PRIMARY KEY',
  mysql: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
};
const NOW: Readonly<Record<DialectName, string>> = {
  sqlite: `CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
  postgres: `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`,
  mysql: 'CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)',
};

const LOOK_EVERY = 100;
/** What has not been committed after so long never will be. */
const LONGEST_TRANSACTION = 40_000;

export class Witness {
  readonly #database: Database;
  readonly #prefix: string;

  constructor(database: Database, prefix: string) {
    this.#database = database;
    this.#prefix = prefix;
  }

  get #log(): string {
    return `${this.#prefix}history_log`;
  }

  /** Begins to watch the tables, which must be there. */
  async settle(): Promise<void> {
    const { dialect } = this.#database;
    await this.#database.query(`CREATE TABLE ${this.#log} (
      seq ${SERIAL[dialect]}, kind VARCHAR(12) NOT NULL, at BIGINT NOT NULL, id VARCHAR(40), type TEXT, task_key TEXT,
      task_group TEXT, status VARCHAR(16), owner VARCHAR(36), epoch BIGINT, crashes INT, crash_budget INT,
      queue VARCHAR(8), precedence BIGINT, turn BIGINT, context TEXT)`);
    for (const event of ['INSERT', 'UPDATE', 'DELETE'] as const) {
      const row = event === 'DELETE' ? 'OLD' : 'NEW';
      const values = COLUMNS.map((column) => `${row}.${column}`).join(', ');
      const insert = `INSERT INTO ${this.#log} (kind, at, ${COLUMNS.join(', ')}) VALUES ('${KINDS[event]}', ${NOW[dialect]}, ${values})`;
      await this.#trigger('task', event, insert);
    }
    await this.#trigger(
      'replica',
      'DELETE',
      `INSERT INTO ${this.#log} (kind, at, id, task_key, turn) VALUES ('struck off', ${NOW[dialect]}, OLD.id, OLD.name, OLD.lease_until)`,
    );
  }

  /** Looks for records that have come to be there, until `signal`; nobody can see one before its transaction is committed. */
  async watch(signal: AbortSignal): Promise<readonly Sighting[]> {
    const found: Sighting[] = [];
    /** Numbers that were passed over, for their transactions were not over, and since when. */
    const missing = new Map<number, number>();
    let last = 0;
    for (; !signal.aborted; await pause(LOOK_EVERY)) {
      const sql = `SELECT seq, ${NOW[this.#database.dialect]} AS now FROM ${this.#log}
        WHERE seq > ${last} OR seq IN (${[0, ...missing.keys()].join(', ')}) ORDER BY seq`;
      // Where the database is away, nothing is committed either.
      const { rows } = await this.#database.query(sql).catch(() => ({ rows: [] }));
      for (const row of rows) {
        const [seq, at] = [Number(row['seq']), Number(row['now'])];
        found.push({ seq, at });
        missing.delete(seq);
        for (let passed = last + 1; passed < seq; passed++) missing.set(passed, monotonic());
        last = Math.max(last, seq);
      }
      for (const [seq, since] of missing) if (monotonic() - since > LONGEST_TRANSACTION) missing.delete(seq);
    }
    return found;
  }

  /** All that was put down, in order. */
  async records(): Promise<HistoryRecord[]> {
    const found: HistoryRecord[] = [];
    for (let after = 0; ;) {
      const sql = `SELECT * FROM ${this.#log} WHERE seq > ? ORDER BY seq LIMIT 5000`;
      const { rows } = await this.#database.query(sql, [after]);
      found.push(...rows.map(recordFrom));
      if (rows.length === 0) return found;
      after = Number(rows.at(-1)?.['seq']);
    }
  }

  /** How many tasks there are. */
  async countTasks(): Promise<number> {
    const { rows } = await this.#database.query(`SELECT COUNT(*) AS found FROM ${this.#prefix}task`);
    return Number(rows[0]?.['found']);
  }

  /** The database's time. */
  async now(): Promise<number> {
    const { rows } = await this.#database.query(`SELECT ${NOW[this.#database.dialect]} AS now`);
    return Number(rows[0]?.['now']);
  }

  async #trigger(table: 'task' | 'replica', event: keyof typeof KINDS, insert: string): Promise<void> {
    const name = `${this.#prefix}${table}_${event.toLowerCase()}`;
    const on = `AFTER ${event} ON ${this.#prefix}${table} FOR EACH ROW`;
    const texts: Readonly<Record<DialectName, readonly string[]>> = {
      sqlite: [`CREATE TRIGGER ${name} ${on} BEGIN ${insert}; END`],
      mysql: [`CREATE TRIGGER ${name} ${on} ${insert}`],
      postgres: [
        `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${insert}; RETURN NULL; END $$`,
        `CREATE TRIGGER ${name} ${on} EXECUTE FUNCTION ${name}()`,
      ],
    };
    for (const text of texts[this.#database.dialect]) await this.#database.query(text);
  }
}

function recordFrom(row: Row): HistoryRecord {
  const number = (column: string): number => Number(row[column] ?? 0);
  const text = (column: string): string => `${(row[column] as string | number | null) ?? ''}`;
  const optional = (column: string): string | undefined => (row[column] === null ? undefined : text(column));
  const seq = number('seq');
  const at = number('at');
  if (row['kind'] === 'struck off')
    return {
      kind: 'struck off',
      seq,
      at,
      replica: text('id'),
      name: text('task_key'),
      leaseUntil: number('turn'),
    };
  const context = optional('context');
  return {
    kind: row['kind'] as TaskRecord['kind'],
    seq,
    at,
    task: number('id'),
    type: text('type'),
    key: text('task_key'),
    group: text('task_group'),
    status: row['status'] as Status,
    owner: optional('owner'),
    epoch: number('epoch'),
    crashes: number('crashes'),
    budget: number('crash_budget'),
    queue: optional('queue'),
    precedence: number('precedence'),
    turn: number('turn'),
    context: context === undefined ? undefined : (JSON.parse(context) as WrittenContext),
  };
}
