/**
 * `npm run bench:dashboards`: what open dashboards cost those who work. A system takes turns with itself, with nobody looking and
 * with fifty dashboards open on a process of their own: how long claims take at an even load, how fast a backlog is worked off,
 * and what the server is asked when nothing happens.
 *
 *     npm run bench:dashboards -- --db postgres --dashboards 50 --repetitions 5
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { positive, readOptions, refuse } from '../scripts/tool-options.ts';
import type { Arena } from './arena.ts';
import { Onlooker } from './onlooker.ts';
import { type Line, outcome, summary } from './outcome.ts';
import { type Entry, ROSTER } from './roster.ts';
import { FULL, type Figures, type Scenario } from './scenario.ts';
import { Servers } from './servers.ts';
import { quantile, shown } from './statistics.ts';
import { play } from './tournament.ts';

/** A hundred a second. */
const TASKS = 1500;
const DRAINED = 5000;
const IDLE = 6000;

const FIGURES = {
  half: { title: 'claims, p50', unit: 'ms' },
  late: { title: 'claims, p99', unit: 'ms' },
  rate: { title: 'working off tasks that do nothing', unit: 'tasks/s' },
  statements: { title: 'statements while nothing happens', unit: 'statements/s' },
} as const;

const values = readOptions(import.meta.filename, {
  db: { type: 'string', default: 'postgres' },
  dashboards: { type: 'string', default: '50' },
  repetitions: { type: 'string', default: '5' },
});

const watched: Scenario = {
  name: 'dashboards',
  title: 'Open dashboards',
  figures: FIGURES,
  takesPart: () => true,
  async measure(arena) {
    const worker = await arena.program('./steady.ts');
    await worker.call('start');
    const onlookers = await lookOn(arena, Number(arena.entry.label));
    const claims = await worker.call<number[]>('load', { tasks: TASKS });
    const rate = await worker.call<number>('drain', { tasks: DRAINED });
    const statements = await statementsOf(arena);
    for (const onlooker of onlookers) onlooker.close();
    await worker.call('stop');
    return { half: quantile(claims, 0.5), late: quantile(claims, 0.99), rate, statements } satisfies Figures;
  },
};

async function lookOn(arena: Arena, count: number): Promise<readonly Onlooker[]> {
  if (count === 0) return [];
  const desk = await arena.program('./desk.ts');
  return Onlooker.open(await desk.call<string>('start'), count);
}

/** A second, once those who look have seen all that there was. */
async function statementsOf(arena: Arena): Promise<number> {
  await sleep(IDLE / 2);
  const before = await arena.work();
  await sleep(IDLE);
  return ((await arena.work()).statements - before.statements) / (IDLE / 1000);
}

const ours = ROSTER.find(({ name, comparison }) => name === 'ours' && comparison === values.db);
if (ours === undefined) refuse(`There is no database ${values.db}`);
const entries = ['0', values.dashboards].map((label): Entry => ({ ...ours, name: `open-${label}`, label }));
const servers = new Servers();
const lines: Line[] = [];
try {
  const scale = { ...FULL, repetitions: positive('repetitions', values.repetitions) };
  for await (const line of play(watched, entries, servers, scale)) {
    if (line.error !== undefined) throw new Error(`${line.contestant}: ${line.error}`);
    lines.push(line);
    console.log(JSON.stringify(line));
  }
} finally {
  await servers.close();
}
console.log(
  `\n| ${values.db} | nobody looks | ${values.dashboards} dashboards | |\n| --- | --- | --- | --- |`,
);
for (const [figure, { title, unit }] of Object.entries(FIGURES)) {
  const [without, withThem] = entries.map(({ name }) => summary(outcome(lines, false), name, figure));
  const cells = [without, withThem].map((of) =>
    of === undefined
      ? '–'
      : `${shown(of.median)} (${shown(of.least)}–${shown(of.most)})${of.noisy ? ' ⚠' : ''}`,
  );
  const ratio = shown((withThem?.median ?? Number.NaN) / (without?.median ?? Number.NaN));
  console.log(`| ${title}, ${unit} | ${cells.join(' | ')} | ${ratio} × |`);
}
