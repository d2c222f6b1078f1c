/**
 * `npm run soak`: five replicas work for long, one of them is killed every half a minute, and the database is restarted now
 * and then; whatever a leak would show in must be in the end as it was in the beginning.
 *
 *     npm run soak -- --db postgres --minutes 30       # sqlite, postgres, mysql, or a URL; 120 and more for a release
 *     npm run soak -- --db sqlite --minutes 2          # shows that it works
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { positive, readOptions } from '../scripts/tool-options.ts';
import { openPlace, type Place } from '../nemesis/arena.ts';
import type { Database } from '../src/core/connection.ts';
import { Taskbaton } from '../src/index.ts';
import { openDatabase } from '../src/database/open.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { readGauges, readWaits } from './gauges.ts';
import type { Assignment, Holdings } from './replica.ts';
import { type Finding, findingsOf, type Sample } from './verdict.ts';

const values = readOptions(import.meta.filename, {
  db: { type: 'string', default: 'postgres' },
  minutes: { type: 'string', default: '30' },
  rate: { type: 'string', default: '50' },
  restart: { type: 'string', default: '10' },
});
const minutes = positive('minutes', values.minutes);
/** New tasks a second, and minutes from one restart of the database to the next. */
const [rate, restart] = [positive('rate', values.rate), positive('restart', values.restart)];

const PREFIX = 'soak_';
const REPLICAS = 5;
const KILL_EVERY = 30_000;
const length = minutes * 60_000;
const sampleEvery = Math.min(10_000, length / 24);
const warmUp = Math.min(60_000, length / 4);

const place = await openPlace(values.db);
const children: ChildProcess[] = [];
try {
  const findings = await soak(place);
  console.log(`\n${values.db}, ${minutes} min, ${rate} tasks/s: first → last (at most)`);
  for (const finding of findings) console.log(lineOf(finding));
  process.exitCode = findings.every(({ good }) => good) ? 0 : 1;
} finally {
  for (const child of children) child.kill('SIGKILL');
  await place.close();
}
process.exit();

async function soak({ url, power }: Place): Promise<readonly Finding[]> {
  const maker = new Taskbaton({ db: url, prefix: PREFIX, logger: null });
  await maker.migrate();
  await maker.stop();
  const database = await openDatabase(url, { clock: systemClock });
  for (let index = 0; index < REPLICAS; index++) children.push(await start(url));
  const samples: Sample[] = [];
  const begin = performance.now();
  let [killed, restarted, last] = [begin, begin, 0];
  while (performance.now() - begin < length) {
    await pause(sampleEvery);
    const { waits, last: newest } = await readWaits(database, PREFIX, last);
    last = newest;
    samples.push(await take(database, performance.now() - begin, waits));
    if (performance.now() - killed > KILL_EVERY) {
      killed = performance.now();
      children.pop()?.kill('SIGKILL');
      children.push(await start(url));
    }
    if (power !== undefined && performance.now() - restarted > restart * 60_000) {
      restarted = performance.now();
      await power.down('crash');
      await power.up();
    }
  }
  const count = samples.reduce((sum, sample) => sum + sample.waits.length, 0);
  console.log(`${samples.length} samples, ${count} tasks`);
  // Otherwise a system that stands still would be one that is as it was.
  if (count < (rate * length) / 1000 / 2) throw new Error(`only ${count} tasks were done`);
  await database.close();
  return findingsOf(samples, warmUp);
}

async function start(url: string): Promise<ChildProcess> {
  const assignment: Assignment = { url, prefix: PREFIX, rate: rate / REPLICAS };
  const program = join(import.meta.dirname, 'replica.ts');
  const options = ['--expose-gc', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...options, program, JSON.stringify(assignment)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}

/** The last of the replicas is the one that is killed, so it shows nothing. */
async function take(database: Database, at: number, waits: readonly number[]): Promise<Sample> {
  const holdings: Holdings[] = [];
  for (const child of children.slice(0, -1)) {
    child.send('tell');
    const [told] = (await once(child, 'message')) as [Holdings];
    holdings.push(told);
  }
  const sample: Sample = {
    at,
    heaps: holdings.map(({ heap }) => heap),
    handles: holdings.map(({ handles }) => handles),
    ...(await readGauges(database, PREFIX)),
    waits,
  };
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `${(at / 60_000).toFixed(1)} min: heap ${mebibytes(Math.max(...sample.heaps))}, handles ${Math.max(...sample.handles)}, ` +
      `connections ${sample.connections ?? '–'}, dead rows ${sample.deadRows ?? '–'}, tables ${mebibytes(sample.size)}, ` +
      `${waits.length} tasks`,
  );
  return sample;
}

function lineOf({ name, first, last, most, good }: Finding): string {
  const shown = (value: number): string => Math.round(value).toLocaleString('en');
  return `  ${good ? '✔' : '✖'} ${name.padEnd(28)} ${shown(first)} → ${shown(last)} (${shown(most)})`;
}
