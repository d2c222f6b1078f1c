/** The loop of `bare-postgres.ts` on SQLite. There is one writer at a time, so a batch is finished and the next one claimed in one transaction. */
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as pause, setTimeout as sleep } from 'node:timers/promises';
import type { OpenContestant, Payload } from '../contestant.ts';

const BATCH = 500;
const IDLE = 20;
const OWNER = `bare-${process.pid}`;
const NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

const SCHEMA = `
  CREATE TABLE task (id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, task_user TEXT NOT NULL, status TEXT NOT NULL,
    queue TEXT, turn INTEGER, owner TEXT, epoch INTEGER NOT NULL DEFAULT 0, input TEXT, context TEXT,
    created_at INTEGER NOT NULL, started_at INTEGER, done_at INTEGER);
  CREATE INDEX task_claim ON task (turn, id) WHERE queue IS NOT NULL;
  CREATE INDEX task_owner ON task (owner, id) WHERE owner IS NOT NULL;
  CREATE INDEX task_user ON task (task_user, id);
  CREATE TABLE replica (id TEXT PRIMARY KEY, lease_until INTEGER NOT NULL)`;

const CLAIM = `
  UPDATE task SET status = 'running', queue = NULL, owner = ?1, epoch = epoch + 1, started_at = ${NOW}
  WHERE id IN (SELECT id FROM task WHERE queue IS NOT NULL ORDER BY turn, id LIMIT ${BATCH})
    AND EXISTS (SELECT 1 FROM replica WHERE id = ?1 AND lease_until > ${NOW})
  RETURNING id, epoch, input`;

const FINISH = `
  UPDATE task SET status = 'finished', owner = NULL, done_at = ${NOW}
  WHERE id = ? AND epoch = ? AND owner = ? AND status = 'running'`;

interface Claim {
  readonly id: number;
  readonly epoch: number;
  readonly input: string;
}

export const open: OpenContestant = (url) => ({
  async setUp() {
    const database = connect(url);
    database.exec(SCHEMA);
    database.close();
  },
  async produce() {
    const database = connect(url);
    const insert = database.prepare(
      `INSERT INTO task (type, task_user, status, queue, turn, input, created_at) VALUES ('noop', '', 'pending', 'run', ${NOW}, ?, ${NOW})`,
    );
    return {
      create: async (payload) => insert.run(JSON.stringify(payload)),
      createMany: async (payloads) =>
        inTransaction(database, () => {
          for (const payload of payloads) insert.run(JSON.stringify(payload));
        }),
      close: async () => database.close(),
    };
  },
  async work(handle) {
    const database = connect(url);
    database.prepare(`INSERT INTO replica VALUES (?, ${NOW} + 3600000)`).run(OWNER);
    const claim = database.prepare(CLAIM);
    const finish = database.prepare(FINISH);
    const swap = (ended: readonly Claim[]): readonly Claim[] =>
      inTransaction(database, () => {
        for (const { id, epoch } of ended)
          if (finish.run(id, epoch, OWNER).changes !== 1) throw new Error('a task was lost');
        return claim.all(OWNER) as unknown as readonly Claim[];
      });
    let stopped = false;
    const loop = async (): Promise<void> => {
      let claims: readonly Claim[] = [];
      while (!stopped) {
        claims = swap(claims);
        await (claims.length === 0 ? sleep(IDLE) : pause());
        await Promise.all(
          claims.map(({ input }) => handle(JSON.parse(input) as Payload, async () => undefined)),
        );
      }
    };
    const looping = loop();
    return {
      stop: async () => {
        stopped = true;
        await looping;
        database.close();
      },
    };
  },
});

function connect(url: string): DatabaseSync {
  const database = new DatabaseSync(url.replace(/^sqlite:/, ''), { timeout: 10_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  return database;
}

function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  const result = work();
  database.exec('COMMIT');
  return result;
}
