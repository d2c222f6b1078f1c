/**
 * The engine by itself: how long an idle system takes from `createTask` to the first line of the handler, how many
 * no-op tasks a second one replica gets through, and what an idle replica costs its database. Medians of several runs.
 *
 *     npm run bench                       # SQLite, and PostgreSQL where TASKBATON_POSTGRES_URL is set
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { defineTask, Taskbaton, typed } from 'taskbaton';

const RUNS = Number(process.env['RUNS'] ?? 5);
const LATENCIES = 200;
const DRAINED = 20_000;
const IDLE_MS = 10_000;

interface Place {
  readonly db: string;
  readonly prefix: string;
  close(): Promise<void>;
}

function sqlitePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-bench-'));
  const close = async (): Promise<void> => rmSync(folder, { recursive: true, force: true });
  return { db: `sqlite:${join(folder, 'tasks.db')}`, prefix: 'bench_', close };
}

function postgresPlace(db: string): Place {
  const prefix = `bench_${process.pid}_${Math.floor(performance.now())}_`;
  const close = async (): Promise<void> => {
    const client = new pg.Client(db);
    await client.connect();
    for (const table of ['task', 'replica', 'migration', 'wake'])
      await client.query(`DROP TABLE IF EXISTS ${prefix}${table}`);
    await client.end();
  };
  return { db, prefix, close };
}

/** Milliseconds from `createTask` to the handler in another instance of this process, one task at a time. */
async function latencies({ db, prefix }: Place): Promise<readonly number[]> {
  const started = new Map<number, () => void>();
  const task = defineTask({
    type: 'latency',
    input: typed<number>(),
    run: async ({ input }) => started.get(input)?.(),
  });
  const worker = new Taskbaton({ db, prefix, tasks: [task], logger: null });
  const creator = new Taskbaton({ db, prefix, logger: null });
  await worker.start();
  await creator.getTasks();
  const measured: number[] = [];
  for (let index = 0; index < LATENCIES; index++) {
    const begun = performance.now();
    const running = new Promise<void>((resolve) => started.set(index, resolve));
    await creator.createTask(task, index);
    await running;
    measured.push(performance.now() - begun);
    // A pause of a prime number of milliseconds, so that the next one doesn't ride on a poll.
    await new Promise((resolve) => setTimeout(resolve, 23));
  }
  await Promise.all([worker.stop(), creator.stop()]);
  return measured;
}

/** Tasks a second, from the start of a replica until the last of the tasks that wait for it has finished. */
async function drain({ db, prefix }: Place, concurrency: number): Promise<number> {
  const task = defineTask({ type: 'noop', run: async () => undefined });
  const creator = new Taskbaton({ db, prefix, logger: null });
  for (let created = 0; created < DRAINED; created += 500) {
    await Promise.all(Array.from({ length: 500 }, () => creator.createTask(task, undefined)));
  }
  await creator.stop();
  const worker = new Taskbaton({ db, prefix, tasks: [task], concurrency, logger: null });
  let ended = 0;
  const finished = new Promise<void>((resolve) => {
    worker.observe((event) => {
      if (event.name === 'task.ended' && ++ended === DRAINED) resolve();
    });
  });
  const begun = performance.now();
  await worker.start();
  await finished;
  const seconds = (performance.now() - begun) / 1000;
  await worker.stop();
  return DRAINED / seconds;
}

/** Statements a second that one idle replica sends, counted at the driver. */
async function idle({ db, prefix }: Place): Promise<number> {
  if (!db.startsWith('postgres')) return Number.NaN;
  const pool = new pg.Pool({ connectionString: db });
  let sent = 0;
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    Object.assign(client, { query: (...parameters: unknown[]) => (sent++, query(...parameters)) });
  });
  const worker = new Taskbaton({
    db: pool,
    prefix,
    tasks: [defineTask({ type: 'idle', run: async () => undefined })],
  });
  await worker.start();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const before = sent;
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const rate = (sent - before) / (IDLE_MS / 1000);
  await worker.stop();
  await pool.end();
  return rate;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

async function onFresh<Result>(
  make: () => Place,
  measure: (place: Place) => Promise<Result>,
): Promise<Result> {
  const place = make();
  try {
    return await measure(place);
  } finally {
    await place.close();
  }
}

async function medians(make: () => Place, measure: (place: Place) => Promise<number>): Promise<string> {
  const runs: number[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await onFresh(make, measure));
  const show = (value: number): string => Math.round(value).toLocaleString('en');
  return `${show(quantile(runs, 0.5))} (${show(Math.min(...runs))}–${show(Math.max(...runs))})`;
}

const url = process.env['TASKBATON_POSTGRES_URL'];
const places: Record<string, () => Place> = { sqlite: sqlitePlace };
if (url !== undefined) places['postgres'] = () => postgresPlace(url);
for (const [name, make] of Object.entries(places)) {
  const measured = await onFresh(make, latencies);
  console.log(
    `${name}: create→start p50 ${quantile(measured, 0.5).toFixed(1)} ms, p99 ${quantile(measured, 0.99).toFixed(1)} ms`,
  );
  for (const concurrency of [5, 100]) {
    console.log(
      `${name}: drain of ${DRAINED} no-ops, concurrency ${concurrency}: ${await medians(make, (place) => drain(place, concurrency))} tasks/s`,
    );
  }
  const rate = await onFresh(make, idle);
  if (!Number.isNaN(rate)) console.log(`${name}: an idle replica sends ${rate.toFixed(1)} statements/s`);
}
