/**
 * `npm run bench:life`: whether a system that works for long becomes slower. Half as many tasks a second as can be created and
 * worked off at the same time are, for half an hour, on a server that vacuums by itself, while somebody now and then holds a
 * snapshot, so that nothing can be vacuumed. Measured: how long claims take and how large the tables are, minute by minute.
 *
 *     npm run bench:life -- --minutes 30 --held 0.6 --write
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { positive, readOptions } from '../../scripts/tool-options.ts';
import pg from 'pg';
import type { Actor } from '../actor.ts';
import { Arena } from '../arena.ts';
import { now } from '../clock.ts';
import { ROSTER } from '../roster.ts';
import { Servers } from '../servers.ts';
import { shown } from '../statistics.ts';
import { type Claims, isLasting, type Life, type Minute, summed, writeLife } from './result.ts';

const MINUTE = 60_000;
/** Creates go out so many milliseconds apart. */
const PACE = 20;
/** The peak is what is worked off in so many milliseconds, after as many to warm up, while so many tasks wait. */
const LOOKED_AT = 20_000;
const AHEAD = 20_000;
const CREATED_AT_ONCE = 2000;

const values = readOptions(import.meta.filename, {
  minutes: { type: 'string', default: '30' },
  /** For so many seconds of each minute somebody holds a snapshot: for a hundredth of the time. */
  held: { type: 'string', default: '0.6' },
  write: { type: 'boolean', default: false },
});
const held = Number(values.held) * 1000;
const minutes = positive('minutes', values.minutes);
const ours = ROSTER.find(({ name, comparison }) => name === 'ours-remove' && comparison === 'postgres');
if (ours === undefined) throw new Error('There is no such contestant.');
const entry = ours;
const servers = new Servers();
try {
  const peak = await peakOf();
  const rate = Math.round(peak / 2);
  console.log(`peak ${shown(peak)} tasks/s, so ${shown(rate)} tasks/s for ${minutes} minutes`);
  const life: Life = summed(peak, rate, held / MINUTE, await live(rate));
  console.log(`claims, p99: first ${shown(life.first)} ms, last ${shown(life.last)} ms`);
  if (values.write) writeLife(life);
  if (!isLasting(life)) process.exitCode = 1;
} finally {
  await servers.close();
}

/** Tasks a second that are created and worked off at the same time, neither waiting for the other. */
async function peakOf(): Promise<number> {
  const arena = await Arena.open(servers, entry);
  try {
    const { worker, producer } = await crewOf(arena);
    let created = 0;
    let ended = 0;
    const endedUntil = async (end: number): Promise<number> => {
      while (now() < end) {
        ended += (await worker.call<Claims>('claims')).ended;
        if (created - ended > AHEAD) await sleep(PACE);
        else {
          await producer.call('createMany', { tasks: CREATED_AT_ONCE, from: created });
          created += CREATED_AT_ONCE;
        }
      }
      return ended;
    };
    const begun = now();
    const before = await endedUntil(begun + LOOKED_AT);
    const middle = now();
    const after = await endedUntil(middle + LOOKED_AT);
    return ((after - before) / (now() - middle)) * 1000;
  } finally {
    await arena.close();
  }
}

async function crewOf(arena: Arena): Promise<{ readonly worker: Actor; readonly producer: Actor }> {
  const [worker, producer] = [await arena.program('./life/worker.ts'), await arena.role()];
  await worker.call('start');
  await producer.call('produce');
  return { worker, producer };
}

async function live(rate: number): Promise<readonly Minute[]> {
  const arena = await Arena.open(servers, entry);
  const admin = new pg.Client(arena.database);
  const holder = new pg.Client(arena.database);
  const ended = new AbortController();
  try {
    await Promise.all([admin.connect(), holder.connect()]);
    const { worker, producer } = await crewOf(arena);
    const busy = Promise.all([produce(producer, rate, ended.signal), hold(holder, ended.signal)]);
    const seen: Minute[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      await Promise.race([sleep(MINUTE), busy]);
      const claims = await worker.call<Claims>('claims');
      seen.push({ minute, ...claims, ...(await sizesOf(admin)) });
      console.log(JSON.stringify(seen.at(-1)));
    }
    ended.abort();
    await busy;
    await worker.call('stop');
    return seen;
  } finally {
    ended.abort();
    await Promise.all([admin.end(), holder.end()]);
    await arena.close();
  }
}

/** Who is late makes up for it: what is created is what was meant to be. */
async function produce(producer: Actor, rate: number, ended: AbortSignal): Promise<void> {
  const begun = now();
  for (let created = 0; !ended.aborted;) {
    const tasks = Math.min(Math.round(((now() - begun) / 1000) * rate) - created, rate);
    if (tasks > 0) await producer.call('createMany', { tasks, from: created });
    created += tasks;
    await sleep(PACE);
  }
  await producer.call('stop');
}

async function hold(holder: pg.Client, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await sleep(MINUTE - held, undefined, { signal: ended }).catch(() => undefined);
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await holder.query('SELECT count(*) FROM pg_class');
    await sleep(held, undefined, { signal: ended }).catch(() => undefined);
    await holder.query('ROLLBACK');
  }
}

async function sizesOf(admin: pg.Client): Promise<Pick<Minute, 'table' | 'indexes' | 'waiting'>> {
  const { rows } = await admin.query<{ table: number; indexes: number; waiting: number }>(
    `SELECT pg_table_size(c.oid)::float8 AS table, pg_indexes_size(c.oid)::float8 AS indexes,
       (SELECT count(*) FROM taskbaton_task WHERE queue IS NOT NULL)::float8 AS waiting
     FROM pg_class c WHERE c.relname = 'taskbaton_task'`,
  );
  const [sizes] = rows;
  if (sizes === undefined) throw new Error('There is no table of tasks.');
  return sizes;
}
