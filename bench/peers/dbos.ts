/**
 * DBOS: a queue in its database, of a workflow without steps, or with one for each checkpoint. It polls every 50 ms here, which buys
 * latency with idle statements; its own default is a second.
 */
import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { concurrently, type Handle, type OpenContestant, type Payload } from '../contestant.ts';

const QUEUE = 'bench';
const VERSION = 'v1';
const OPTIONS = { workerConcurrency: 500, minPollingIntervalMs: 50, onConflict: 'always_update' };
const ENQUEUED = { workflowName: 'noop', queueName: QUEUE, appVersion: VERSION };

function nothing(): void {}
const logger = {
  info: nothing,
  debug: nothing,
  warn: nothing,
  error: (...words: readonly unknown[]) => console.error('dbos', ...words),
};

export const open: OpenContestant = (systemDatabaseUrl) => {
  const config = {
    name: 'bench',
    systemDatabaseUrl,
    systemDatabasePoolSize: 20,
    logger,
    logLevel: 'error',
    applicationVersion: VERSION,
    runAdminServer: false,
    useListenNotify: true,
  };
  let handle: Handle = async () => undefined;
  DBOS.registerWorkflow(
    (payload) =>
      handle(payload as Payload, (step, state) => DBOS.runStep(async () => state, { name: `s${step}` })),
    { name: 'noop' },
  );
  const launch = async (more: object): Promise<void> => {
    DBOS.setConfig({ ...config, ...more });
    await DBOS.launch();
    await DBOS.registerQueue(QUEUE, OPTIONS);
  };
  return {
    async setUp() {
      await launch({});
      await DBOS.shutdown();
    },
    async produce() {
      const client = await DBOSClient.create({ systemDatabaseUrl, systemDatabasePoolSize: 50, logger });
      return {
        create: (payload) => client.enqueue(ENQUEUED, payload),
        createMany: (payloads) => enqueueMany(client, systemDatabaseUrl, payloads),
        close: () => client.destroy(),
      };
    },
    async work(given) {
      handle = given;
      await launch({ listenQueues: [QUEUE] });
      return { stop: () => DBOS.shutdown() };
    },
  };
};

/** It can't create many by one call; two transactions of single calls come nearest. */
async function enqueueMany(
  client: DBOSClient,
  connectionString: string,
  payloads: readonly Payload[],
): Promise<void> {
  const pool = new pg.Pool({ connectionString, max: 2 });
  await concurrently(2, 2, async (half) => {
    const connection = await pool.connect();
    await connection.query('BEGIN');
    for (const [index, payload] of payloads.entries())
      if (index % 2 === half) await client.enqueueInTransaction(connection, ENQUEUED, payload);
    await connection.query('COMMIT');
    connection.release();
  });
  await pool.end();
}
