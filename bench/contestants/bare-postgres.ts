/**
 * What our guarantees cost at least, on PostgreSQL: a loop written by hand that claims in batches under a live lease,
 * raising epochs, and finishes in batches fenced by id, owner and epoch, the next claim under way meanwhile. No library
 * code, no control of running tasks, no retries: an upper bound, not a rival.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { inChunks, type OpenContestant, type Payload } from '../contestant.ts';

const BATCH = 500;
const IDLE = 20;
const CHUNK = 20_000;
const OWNER = `bare-${process.pid}`;
const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

const SCHEMA = `
  CREATE TABLE task (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, type text NOT NULL, task_user text NOT NULL,
    status text NOT NULL, queue text, turn bigint, owner text, epoch bigint NOT NULL DEFAULT 0, input text, context text,
    created_at bigint NOT NULL, started_at bigint, done_at bigint);
  CREATE INDEX task_claim ON task (turn, id) WHERE queue IS NOT NULL;
  CREATE INDEX task_owner ON task (owner, id) WHERE owner IS NOT NULL;
  CREATE INDEX task_user ON task (task_user, id);
  CREATE TABLE replica (id text PRIMARY KEY, lease_until bigint NOT NULL)`;

const CREATE = `
  INSERT INTO task (type, task_user, status, queue, turn, input, created_at)
  SELECT 'noop', '', 'pending', 'run', ${NOW}, input, ${NOW} FROM unnest($1::text[]) AS input`;

const REGISTER = `INSERT INTO replica VALUES ($1, ${NOW} + 3600000)`;

// An array, and not a join: with that a prepared statement may be planned as a scan of the whole table.
const CLAIM = `
  UPDATE task SET status = 'running', queue = NULL, owner = $1, epoch = epoch + 1, started_at = ${NOW}
  WHERE id = ANY (ARRAY(
      SELECT id FROM task WHERE queue IS NOT NULL ORDER BY turn, id LIMIT $2 FOR UPDATE SKIP LOCKED))
    AND EXISTS (SELECT 1 FROM replica WHERE id = $1 AND lease_until > ${NOW} FOR SHARE)
  RETURNING id, epoch, input`;

// Not `owner = $3`: statistics from before the first claim know no owner, and the index of owners would be searched. And no
// join with pairs of id and epoch: that is planned as a scan of all that is running, for each task of the batch.
const FINISH = `
  UPDATE task SET status = 'finished', owner = NULL, done_at = ${NOW}
  WHERE id = ANY ($1::bigint[]) AND epoch = $2 AND owner IS NOT DISTINCT FROM $3 AND status = 'running'`;

/** A plan for the lists that come, not one for each of them. */
const OPTIONS = '-c plan_cache_mode=force_generic_plan';

interface Claim {
  readonly id: string;
  readonly epoch: string;
  readonly input: string;
}

export const open: OpenContestant = (connectionString) => ({
  async setUp() {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query(SCHEMA);
    await client.end();
  },
  async produce() {
    const pool = new pg.Pool({ connectionString, max: 50 });
    const create = (payloads: readonly Payload[]): Promise<unknown> =>
      pool.query({ name: 'create', text: CREATE, values: [payloads.map((each) => JSON.stringify(each))] });
    return {
      create: (payload) => create([payload]),
      createMany: (payloads) => inChunks(payloads, CHUNK, create),
      close: () => pool.end(),
    };
  },
  async work(handle) {
    const pool = new pg.Pool({ connectionString, max: 2, options: OPTIONS });
    let stopped = false;
    await pool.query(REGISTER, [OWNER]);
    const claim = async (): Promise<readonly Claim[]> =>
      (await pool.query<Claim>({ name: 'claim', text: CLAIM, values: [OWNER, BATCH] })).rows;
    const finish = async (claims: readonly Claim[]): Promise<void> => {
      for (const [epoch, some] of Map.groupBy(claims, (each) => each.epoch)) {
        const values = [some.map(({ id }) => id), epoch, OWNER];
        const { rowCount } = await pool.query({ name: 'finish', text: FINISH, values });
        if (rowCount !== some.length) throw new Error('a task was lost');
      }
    };
    const loop = async (): Promise<void> => {
      let next = claim();
      while (!stopped) {
        const claims = await next;
        if (claims.length === 0) await sleep(IDLE);
        next = claim();
        await Promise.all(
          claims.map(({ input }) => handle(JSON.parse(input) as Payload, async () => undefined)),
        );
        if (claims.length > 0) await finish(claims);
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
