/** The loop of `bare-postgres.ts` on MySQL and MariaDB, which can't return what they update: they lock, read, then write. */
import { setTimeout as sleep } from 'node:timers/promises';
import mysql, { type Pool, type RowDataPacket } from 'mysql2/promise';
import { inChunks, type OpenContestant, type Payload } from '../contestant.ts';

const BATCH = 500;
const IDLE = 20;
const CHUNK = 5000;
const OWNER = `bare-${process.pid}`;
const NOW = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)';

const SCHEMA = [
  `CREATE TABLE task (id BIGINT AUTO_INCREMENT PRIMARY KEY, type VARBINARY(255) NOT NULL, task_user VARBINARY(255) NOT NULL,
    status VARCHAR(16) NOT NULL, queue VARCHAR(8), turn BIGINT, owner VARCHAR(36), epoch BIGINT NOT NULL DEFAULT 0,
    input LONGTEXT, context LONGTEXT, created_at BIGINT NOT NULL, started_at BIGINT, done_at BIGINT,
    KEY task_claim (queue, turn, id), KEY task_owner (owner, id), KEY task_user (task_user, id))
    ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  'CREATE TABLE replica (id VARCHAR(36) PRIMARY KEY, lease_until BIGINT NOT NULL) ENGINE = InnoDB',
];

const ALIVE = `SELECT 1 FROM replica WHERE id = ? AND lease_until > ${NOW} LOCK IN SHARE MODE`;
// With `queue` named in the order, MariaDB sorts all that wait.
const PICK = `SELECT id, epoch, input FROM task WHERE queue = 'run' ORDER BY turn, id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;

interface Claim extends RowDataPacket {
  readonly id: number;
  readonly epoch: number;
  readonly input: string;
}

export const open: OpenContestant = (uri) => ({
  async setUp() {
    const connection = await mysql.createConnection({ uri });
    for (const statement of SCHEMA) await connection.query(statement);
    await connection.end();
  },
  async produce() {
    const pool = mysql.createPool({ uri, connectionLimit: 50 });
    const create = (payloads: readonly Payload[]): Promise<unknown> => {
      const row = `('noop', '', 'pending', 'run', ${NOW}, ?, ${NOW})`;
      const rows = payloads.map(() => row).join(', ');
      const values = payloads.map((payload) => JSON.stringify(payload));
      return pool.query(
        `INSERT INTO task (type, task_user, status, queue, turn, input, created_at) VALUES ${rows}`,
        values,
      );
    };
    return {
      create: (payload) => create([payload]),
      createMany: (payloads) => inChunks(payloads, CHUNK, create),
      close: () => pool.end(),
    };
  },
  async work(handle) {
    const pool = mysql.createPool({ uri, connectionLimit: 2 });
    let stopped = false;
    await pool.query(`INSERT INTO replica VALUES (?, ${NOW} + 3600000)`, [OWNER]);
    const loop = async (): Promise<void> => {
      let next = claim(pool);
      while (!stopped) {
        const claims = await next;
        if (claims.length === 0) await sleep(IDLE);
        next = claim(pool);
        await Promise.all(
          claims.map(({ input }) => handle(JSON.parse(input) as Payload, async () => undefined)),
        );
        if (claims.length > 0) await finish(pool, claims);
      }
      await next;
    };
    const looping = loop();
    return {
      stop: async () => {
        stopped = true;
        await looping;
        await pool.end();
      },
    };
  },
});

async function claim(pool: Pool): Promise<readonly Claim[]> {
  const connection = await pool.getConnection();
  try {
    await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await connection.beginTransaction();
    const [alive] = await connection.query<RowDataPacket[]>(ALIVE, [OWNER]);
    const [claims] = alive.length === 0 ? [[]] : await connection.query<Claim[]>(PICK);
    if (claims.length > 0) {
      await connection.query(
        `UPDATE task SET status = 'running', queue = NULL, owner = ?, epoch = epoch + 1, started_at = ${NOW} WHERE id IN (?)`,
        [OWNER, claims.map(({ id }) => id)],
      );
    }
    await connection.commit();
    return claims;
  } finally {
    connection.release();
  }
}

async function finish(pool: Pool, claims: readonly Claim[]): Promise<void> {
  // Claims mostly share an epoch, and with one each the list of pairs would not be looked up by the primary key.
  for (const [epoch, ids] of Map.groupBy(claims, (each) => each.epoch)) {
    const [{ affectedRows }] = await pool.query<mysql.ResultSetHeader>(
      `UPDATE task SET status = 'finished', owner = NULL, done_at = ${NOW} WHERE id IN (?) AND epoch = ? AND owner = ? AND status = 'running'`,
      [ids.map(({ id }) => id), epoch + 1, OWNER],
    );
    if (affectedRows !== ids.length) throw new Error('a task was lost');
  }
}
