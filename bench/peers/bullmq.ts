/** BullMQ, on Redis or on PostgreSQL. What it has nearest to a checkpoint is `updateProgress`; finished jobs are removed. */
import { createPostgresBackend, Queue, runMigrations, Worker } from 'bullmq';
import pg from 'pg';
import { concurrently, type OpenContestant, type Payload } from '../contestant.ts';

const QUEUE = 'noop';
const CHUNK = 2000;
const CONCURRENCY = { redis: 200, postgres: 8 };

export const open: OpenContestant = (url, setting) => {
  const onPostgres = setting === 'postgres';
  const backend = onPostgres ? [createPostgresBackend] : [];
  const connection = (max: number): object => (onPostgres ? { connectionString: url, max } : { url });
  return {
    async setUp() {
      if (!onPostgres) return;
      const pool = new pg.Pool({ connectionString: url });
      const client = await pool.connect();
      await runMigrations(client);
      client.release();
      await pool.end();
    },
    async produce() {
      const defaultJobOptions = { removeOnComplete: true, removeOnFail: 1000 };
      const queue = new Queue(QUEUE, { connection: connection(50), defaultJobOptions }, ...backend);
      await queue.waitUntilReady();
      return {
        create: (payload) => queue.add('noop', payload),
        createMany: (payloads) =>
          concurrently(Math.ceil(payloads.length / CHUNK), 2, (index) =>
            queue.addBulk(
              payloads.slice(index * CHUNK, (index + 1) * CHUNK).map((data) => ({ name: 'noop', data })),
            ),
          ),
        close: () => queue.close(),
      };
    },
    async work(handle) {
      const worker = new Worker(
        QUEUE,
        (job) => handle(job.data as Payload, (_step, state) => job.updateProgress(state)),
        {
          connection: connection(25),
          concurrency: onPostgres ? CONCURRENCY.postgres : CONCURRENCY.redis,
          removeOnComplete: { count: 0 },
        },
        ...backend,
      );
      worker.on('error', (error) => console.error('bullmq', error));
      await worker.waitUntilReady();
      return { stop: () => worker.close() };
    },
  };
};
