/**
 * Every way to hand over a database, each on a database of its own, for tests of the connection layer; and a second
 * process that does something to a SQLite file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { createPool as mysqlPool } from 'mysql2/promise';
import pg from 'pg';
import postgresJs from 'postgres';
import type { Database, WakeTopic } from '../../src/core/connection.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { type Backend, type BackendName, backends, type TestBackend } from '../backends.ts';

/** Something to pass as `db`, and how to close it. */
export interface Handle {
  readonly db: unknown;
  close(): Promise<void>;
}

export interface Way {
  readonly name: string;
  readonly backend: BackendName;
  /** Whether the handle is the user's, who closes it. */
  readonly foreign: boolean;
  make(url: string): Handle;
}

const nothing = async (): Promise<void> => undefined;

const WAYS: readonly Way[] = [
  { name: 'a sqlite: URL', backend: 'sqlite', foreign: false, make: (url) => ({ db: url, close: nothing }) },
  {
    name: 'a node:sqlite database',
    backend: 'sqlite',
    foreign: true,
    make: (url) => {
      const db = new DatabaseSync(pathOf(url));
      return { db, close: async () => db.close() };
    },
  },
  {
    name: 'a better-sqlite3 database',
    backend: 'sqlite',
    foreign: true,
    make: (url) => {
      const db = new BetterSqlite(pathOf(url));
      return { db, close: async () => void db.close() };
    },
  },
  {
    name: 'a postgres: URL',
    backend: 'postgres',
    foreign: false,
    make: (url) => ({ db: url, close: nothing }),
  },
  {
    name: 'a pg Pool',
    backend: 'postgres',
    foreign: true,
    make: (url) => {
      const db = new pg.Pool({ connectionString: url, max: 5 });
      return { db, close: () => db.end() };
    },
  },
  {
    name: 'a postgres.js client',
    backend: 'postgres',
    foreign: true,
    make: (url) => {
      const db = postgresJs(url, { max: 5, transform: postgresJs.camel });
      return { db, close: () => db.end({ timeout: 1 }) };
    },
  },
  { name: 'a mysql: URL', backend: 'mysql', foreign: false, make: (url) => ({ db: url, close: nothing }) },
  {
    name: 'a mysql2 pool',
    backend: 'mysql',
    foreign: true,
    make: (url) => {
      const db = mysqlPool({ uri: url, connectionLimit: 5 });
      return { db, close: () => db.end() };
    },
  },
];

/** Declares `suite` once for each way to hand over a database. */
export function eachWay(suite: (way: Way, backend: Backend) => void): void {
  for (const way of WAYS) {
    const backend = backends.find(({ name }) => name === way.backend);
    if (backend !== undefined) describe(`${way.name}:`, () => suite(way, backend));
  }
}

/** Declares `suite` if the tests run on this database at all. */
export function onBackend(name: BackendName, suite: (backend: Backend) => void): void {
  const backend = backends.find((candidate) => candidate.name === name);
  if (backend !== undefined) describe(`${name}:`, () => suite(backend));
}

/** Opened databases on one fresh place, closed in the right order when the test is over. */
export class Bench {
  readonly place: TestBackend;
  readonly #closers: (() => Promise<unknown>)[] = [];

  constructor(place: TestBackend, context: TestContext) {
    this.place = place;
    context.after(async () => {
      for (const close of this.#closers.toReversed()) await close();
      await place.close();
    });
  }

  /** The name of a table in this place. */
  table(name: string): string {
    return `${this.place.prefix}${name}`;
  }

  /** Runs `close` at the end of the test, before whatever was opened earlier is closed. */
  later(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  async open(way: Way): Promise<{ database: Database; db: unknown }> {
    const handle = way.make(this.place.url);
    this.later(() => handle.close());
    return { database: await this.openHandle(handle.db), db: handle.db };
  }

  async openHandle(db: unknown): Promise<Database> {
    const database = await openDatabase(db, { clock: systemClock });
    this.later(() => database.close());
    return database;
  }
}

export async function openBench(backend: Backend, context: TestContext): Promise<Bench> {
  return new Bench(await backend.open(), context);
}

export async function createWakeTable(database: Database, name: string): Promise<void> {
  await database.query(`CREATE TABLE ${name} (topic VARCHAR(8) PRIMARY KEY, counter BIGINT NOT NULL)`);
  await database.query(`INSERT INTO ${name} (topic, counter) VALUES ('run', 0), ('tick', 0)`);
}

/** A table with two rows, for transactions that get in each other's way. */
export async function createTwoRows(bench: Bench, database: Database): Promise<string> {
  const table = bench.table('thing');
  await database.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, value INT)`);
  await database.query(`INSERT INTO ${table} VALUES (1, 0), (2, 0)`);
  return table;
}

/** Resolves for all once `size` have come; who comes later goes on at once. */
export function meeting(size: number): () => Promise<void> {
  const all = Promise.withResolvers<void>();
  let missing = size;
  return () => {
    if (--missing <= 0) all.resolve();
    return all.promise;
  };
}

/** What a listener was told. */
export class Heard {
  readonly wakes: WakeTopic[] = [];
  readonly healths: { working: boolean; cause: unknown }[] = [];

  wake(topic: WakeTopic): void {
    this.wakes.push(topic);
  }

  health(working: boolean, cause?: unknown): void {
    this.healths.push({ working, cause });
  }

  get working(): boolean {
    return this.healths.at(-1)?.working === true;
  }
}

/** Another process with `db` open on the file of `url`. It runs `script`, where `await told()` waits for `tell()`. */
export class Peer {
  readonly #child: ChildProcess;

  constructor(url: string, script: string) {
    const program = `
      import { DatabaseSync } from 'node:sqlite';
      const db = new DatabaseSync(${JSON.stringify(pathOf(url))}, { timeout: 5000 });
      const told = () => new Promise((resolve) => process.once('message', resolve));
      ${script}
      db.close();
      process.disconnect();
    `;
    this.#child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  /** Waits for `process.send(…)` of the script. */
  async said(): Promise<unknown> {
    const [message] = (await once(this.#child, 'message')) as unknown[];
    return message;
  }

  tell(): void {
    this.#child.send('go on');
  }

  async exited(): Promise<unknown> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const [code] = (await once(this.#child, 'exit')) as unknown[];
    return code;
  }
}

export function pathOf(url: string): string {
  return url.slice('sqlite:'.length);
}
