/**
 * `npm run nemesis`: five replicas on one database, users who give orders, and a nemesis that strikes whatever it can; then
 * all that was put down is checked, with nobody's help.
 *
 *     npm run nemesis -- --db postgres --minutes 10 --seed 7     # sqlite, postgres, mysql, or a URL
 *     npm run nemesis -- --short                                 # a minute on each database
 *
 * It fails on a violation, and on a run that provoked too little to prove anything.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { positive, readOptions, refuse } from '../scripts/tool-options.ts';
import { Taskbaton } from '../src/index.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { Database } from '../src/core/connection.ts';
import { openDatabase } from '../src/database/open.ts';
import { TcpProxy } from '../test/support/tcp-proxy.ts';
import { Arena, LEASE, openPlace, type Place, PREFIX, TABLE } from './arena.ts';
import { Evidence, type Findings } from './evidence.ts';
import { rage } from './faults.ts';
import { monotonic, readLedgers } from './ledger.ts';
import { Orders } from './orders.ts';
import { Random } from './random.ts';
import { type Minima, type Verdict, verdictOn } from './report.ts';
import { Witness } from './witness.ts';

const values = readOptions(import.meta.filename, {
  db: { type: 'string' },
  minutes: { type: 'string' },
  seed: { type: 'string', default: `${Math.floor(Math.random() * 1e9)}` },
  short: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
});
const seed = Number(values.seed);
if (!Number.isInteger(seed)) refuse(`--seed is a whole number, not ${values.seed}`);
const minutes = positive('minutes', values.minutes ?? (values.short ? '1' : '10'));
/** What ten minutes must provoke. */
const WHOLE: Minima = { tasks: 3000, faults: 200, stale: 50 };
const minima: Minima = {
  tasks: Math.round((WHOLE.tasks * minutes) / 10),
  faults: Math.round((WHOLE.faults * minutes) / 10),
  // The first replica must have been frozen, rescued and woken before there is any.
  stale: Math.round((WHOLE.stale * Math.max(0.2, minutes - 0.5)) / 9.5),
};
/** New tasks a second, and milliseconds from one fault to the next. */
const RATE = 9;
const PACE = 1500;
/** Whatever has made no way for so long, though nothing goes wrong any more, is stuck. */
const STUCK_AFTER = 45_000 + LEASE;

const databases = values.db === undefined ? ['sqlite', 'postgres', 'mysql'] : values.db.split(',');
let good = true;
for (const db of databases) {
  const place = await openPlace(db);
  try {
    const verdict = await run(db, place);
    for (const line of verdict.lines) console.log(line);
    good &&= verdict.good;
  } finally {
    await place.close();
  }
}
process.exit(good ? 0 : 1);

async function run(db: string, place: Place): Promise<Verdict> {
  const database = await openDatabase(place.url, { clock: systemClock });
  const witness = await setUp(place, database);
  const arena = await Arena.open(place);
  const proxy = place.url.startsWith('sqlite:') ? undefined : await TcpProxy.to(place.url);
  const users = new Taskbaton({ db: proxy?.through(place.url) ?? place.url, prefix: PREFIX, logger: null });
  console.log(`${db}: ${minutes} min, seed ${seed}, ledger in ${arena.folder}`);
  const random = new Random(seed);
  const over = new AbortController();
  const watched = witness.watch(over.signal);
  const end = monotonic() + minutes * 60_000;
  const given = new Orders(users, new Random(seed + 1), arena.ledger).give(end, RATE);
  await rage({ arena, random }, end, PACE);
  await arena.heal();
  await given;
  await rest(database);
  await users.stop();
  await arena.dismiss();
  await proxy?.takeAway();
  over.abort();
  const clockOffset = (await witness.now()) - monotonic();
  const { rows } = await database.query(`SELECT task, step FROM ${TABLE}`);
  const findings: Findings = {
    records: await witness.records(),
    sightings: await watched,
    entries: readLedgers(arena.folder),
    tasksLeft: await witness.countTasks(),
    numbers: rows.map(({ task, step }) => ({ task: Number(task), step: Number(step) })),
    clockOffset,
  };
  // For whoever wants to ask again.
  writeFileSync(join(arena.folder, 'findings.json'), JSON.stringify(findings));
  const evidence = new Evidence(findings);
  await database.close();
  const verdict = verdictOn(`${db}, ${minutes} min, seed ${seed}`, evidence, minima);
  if (verdict.good && !values.keep) rmSync(dirname(arena.folder), { recursive: true });
  return verdict;
}

/** The tables, the witness's and the handlers' own. */
async function setUp({ url }: Place, database: Database): Promise<Witness> {
  const maker = new Taskbaton({ db: url, prefix: PREFIX, logger: null });
  await maker.migrate();
  await maker.stop();
  const witness = new Witness(database, PREFIX);
  await witness.settle();
  // Without a key, so that whatever is doubled shows.
  await database.query(`CREATE TABLE ${TABLE} (task BIGINT, step INT)`);
  return witness;
}

/** Waits until there is nothing left to do, or nothing more is done: the checker will say what is stuck. */
async function rest(database: Database): Promise<void> {
  const busy = `SELECT COUNT(*) AS found FROM ${PREFIX}task WHERE status NOT IN ('finished/run', 'failed/run', 'paused/pause')`;
  let left = Infinity;
  for (let end = monotonic() + STUCK_AFTER; monotonic() < end; await pause(200)) {
    const { rows } = await database.query(busy);
    const found = Number(rows[0]?.['found']);
    if (found === 0) return;
    if (found < left) end = monotonic() + STUCK_AFTER;
    left = Math.min(left, found);
  }
}
