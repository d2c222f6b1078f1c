/** graphile-worker; `batch` is the preset of its author's own performance test: a local queue, completions in batches. */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { inChunks, type OpenContestant, type Payload } from '../contestant.ts';

const CONCURRENCY = { default: 24, batch: 50 };
const BATCH = {
  localQueue: { size: 1000, refetchDelay: { durationMs: 10 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const CHUNK = 20_000;

const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error('graphile-worker', message);
});

export const open: OpenContestant = (connectionString, setting) => ({
  async setUp() {
    const utilities = await makeWorkerUtils({ connectionString, logger });
    await utilities.migrate();
    await utilities.release();
  },
  async produce() {
    const pgPool = new pg.Pool({ connectionString, max: 50 });
    // It warns of a pool without one.
    pgPool.on('error', (error) => console.error('graphile-worker', error));
    pgPool.on('connect', (client) => client.on('error', (error) => console.error('graphile-worker', error)));
    const utilities = await makeWorkerUtils({ pgPool, logger });
    return {
      create: (payload) => utilities.addJob('noop', payload),
      createMany: (payloads) =>
        inChunks(payloads, CHUNK, (chunk) =>
          utilities.addJobs(chunk.map((payload) => ({ identifier: 'noop', payload }))),
        ),
      close: async () => {
        await utilities.release();
        await pgPool.end();
      },
    };
  },
  async work(handle) {
    const concurrentJobs = setting === 'batch' ? CONCURRENCY.batch : CONCURRENCY.default;
    const runner = await run({
      preset: {
        worker: {
          connectionString,
          concurrentJobs,
          maxPoolSize: concurrentJobs + 1,
          logger,
          pollInterval: 2000,
          ...(setting === 'batch' ? BATCH : {}),
        },
      },
      taskList: { noop: (payload) => handle(payload as Payload, async () => undefined) },
      noHandleSignals: true,
    });
    return { stop: () => runner.stop() };
  },
});
