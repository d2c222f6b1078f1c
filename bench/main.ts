/**
 * `npm run bench`: taskbaton beside its peers and beside a loop written by hand, in one run on servers of its own. Prints
 * each run, then what was reached; a whole scenario at full size is stored in `results/`, from which `npm run docs`
 * makes `docs/performance.md` and its charts.
 *
 *     npm run bench                                            # everything; hours
 *     npm run bench -- --quick                                 # small sizes, few peers; minutes
 *     npm run bench -- --db postgres --only drain,create --peers pg-boss,graphile-worker-batch
 *     npm run bench -- --quick --repetitions 3 --write         # stores what it measured all the same
 */
import { choose, positive, readOptions } from '../scripts/tool-options.ts';
import { type Line, type Outcomes, outcome, writeOutcome } from './outcome.ts';
import { installPeers } from './peers.ts';
import { COMPARISONS, type Comparison, type Entry, ROSTER } from './roster.ts';
import { FULL, QUICK, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { Servers } from './servers.ts';
import { shown } from './statistics.ts';
import { scores } from './target.ts';
import { play } from './tournament.ts';

const QUICK_PEERS = [
  'graphile-worker-batch',
  'graphile-worker',
  'pg-boss',
  'bullmq-redis',
  'bullmq-postgres',
];

const values = readOptions(import.meta.filename, {
  db: { type: 'string', default: COMPARISONS.join(',') },
  only: { type: 'string', default: SCENARIOS.map(({ name }) => name).join(',') },
  peers: { type: 'string' },
  repetitions: { type: 'string' },
  quick: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
});
const { quick } = values;
const comparisons = choose(values.db, COMPARISONS);
const scenarios = choose(
  values.only,
  SCENARIOS.map(({ name }) => name),
);
const standard = quick ? QUICK : FULL;
const scale = {
  ...standard,
  repetitions: positive('repetitions', values.repetitions ?? `${standard.repetitions}`),
};
const peers = ROSTER.filter(isPeer).map(({ name }) => name);
const chosenPeers = choose(values.peers ?? (quick ? QUICK_PEERS : peers).join(','), peers);
// A part of the peers says nothing of the best of them.
const stored = values.write || (!quick && chosenPeers.length === peers.length);

const servers = new Servers();
try {
  await run();
} finally {
  await servers.close();
}

async function run(): Promise<void> {
  for (const comparison of comparisons) {
    const measured: Record<string, Outcomes[string]> = {};
    for (const scenario of SCENARIOS.filter(({ name }) => scenarios.includes(name))) {
      const lines = await playIn(comparison, scenario);
      if (lines.length === 0) continue;
      measured[scenario.name] = outcome(lines, quick);
      if (stored) writeOutcome(comparison, scenario.name, outcome(lines, quick));
    }
    printScores(comparison, measured);
  }
}

async function playIn(comparison: Comparison, scenario: Scenario): Promise<readonly Line[]> {
  const entries = ROSTER.filter(
    (entry) =>
      entry.comparison === comparison &&
      scenario.takesPart(entry) &&
      (!isPeer(entry) || chosenPeers.includes(entry.name)),
  );
  if (entries.length === 0) return [];
  if (entries.some(isPeer)) installPeers();
  console.log(`\n${comparison}: ${scenario.title}`);
  const lines: Line[] = [];
  for await (const line of play(scenario, entries, servers, scale)) {
    lines.push(line);
    console.log(`  ${lineOf(line, scenario)}`);
  }
  return lines;
}

function isPeer({ module }: Entry): boolean {
  return module.startsWith('./peers/');
}

function lineOf(line: Line, { figures }: Scenario): string {
  const values_ = Object.entries(line.figures ?? {}).map(
    ([name, value]) => `${figures[name]?.title ?? name} ${shown(value)}`,
  );
  const told = line.error === undefined ? values_.join(', ') : `FAILED: ${line.error}`;
  return `#${line.repetition} ${line.contestant.padEnd(22)} ${told}  [others_cpu ${line.others_cpu ?? '?'}]`;
}

function printScores(comparison: Comparison, outcomes: Outcomes): void {
  const reached = scores(comparison, outcomes);
  if (reached.length === 0) return;
  console.log(`\n${comparison}: target, figure (least–most), rival, ratio`);
  for (const { title, target, ours, rival, ratio, reached: good } of reached) {
    const noisy = ours.noisy || rival?.noisy === true ? ' (noisy)' : '';
    const figure = `${shown(ours.median)} (${shown(ours.least)}–${shown(ours.most)})`;
    const beside = rival === undefined ? '' : `, ${shown(rival.median)}, ${shown(ratio ?? Number.NaN)} ×`;
    console.log(`  ${good ? 'reached' : 'MISSED '}  ${title}: ${target}: ${figure}${beside}${noisy}`);
  }
}
