/** pg-boss with notifications, large batches, and the next batch at once after a full one. It settles a batch as a whole. */
import { PgBoss, type PgBossOptions } from 'pg-boss';
import { inChunks, type OpenContestant, type Payload } from '../contestant.ts';

const QUEUE = 'noop';
const CHUNK = 20_000;
const WORK = {
  batchSize: 2000,
  localConcurrency: 2,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
};

export const open: OpenContestant = (connectionString) => {
  const start = async (options: PgBossOptions): Promise<PgBoss> => {
    const boss = new PgBoss({ connectionString, useListenNotify: true, ...options });
    boss.on('error', (error) => console.error('pg-boss', error));
    await boss.start();
    return boss;
  };
  return {
    async setUp() {
      const boss = await start({});
      await boss.createQueue(QUEUE, { notify: true });
      await boss.stop({ graceful: false });
    },
    async produce() {
      const boss = await start({ useListenNotify: false, supervise: false, schedule: false, max: 50 });
      return {
        create: (payload) => boss.send(QUEUE, payload),
        createMany: (payloads) =>
          inChunks(payloads, CHUNK, (chunk) =>
            boss.insert(
              QUEUE,
              chunk.map((data) => ({ data })),
            ),
          ),
        close: () => boss.stop({ graceful: false }),
      };
    },
    async work(handle) {
      const boss = await start({ max: 10 });
      await boss.work(QUEUE, WORK, async (jobs) => {
        for (const { data } of jobs) await handle(data as Payload, async () => undefined);
      });
      return { stop: () => boss.stop({ graceful: true, wait: true, timeout: 5000 }) };
    },
  };
};
