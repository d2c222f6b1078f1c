/**
 * `npm run bench:history`: what keeping a history costs. taskbaton takes turns with itself at each level, doing what writes most
 * entries: creating tasks, working them off, and storing checkpoints.
 *
 *     npm run bench:history -- --db postgres,sqlite --only drain --repetitions 5
 */
import { choose, positive, readOptions } from '../scripts/tool-options.ts';
import { type Line, outcome, summary } from './outcome.ts';
import { COMPARISONS, type Entry, ROSTER } from './roster.ts';
import { FULL, type Scenario } from './scenario.ts';
import { create } from './scenarios/create.ts';
import { checkpoints, drain } from './scenarios/drain.ts';
import { Servers } from './servers.ts';
import { play } from './tournament.ts';

const LEVELS = ['off', 'changes', 'all'] as const;

/** What is measured of each scenario. */
const FIGURES: readonly (readonly [Scenario, readonly string[]])[] = [
  [create, ['one', 'callers', 'bulk']],
  [drain, ['rate']],
  [checkpoints, ['updates']],
];

const values = readOptions(import.meta.filename, {
  db: { type: 'string', default: COMPARISONS.join(',') },
  only: { type: 'string', default: FIGURES.map(([{ name }]) => name).join(',') },
  repetitions: { type: 'string', default: '5' },
});
const databases = choose(values.db, COMPARISONS);
const scenarios = choose(
  values.only,
  FIGURES.map(([{ name }]) => name),
);
const scale = {
  ...FULL,
  repetitions: positive('repetitions', values.repetitions),
  createdOneByOne: 1000,
  createdFromCallers: 5000,
  createdInBulk: 10_000,
  drained: 10_000,
  checkpointed: 1000,
  patience: 0,
};

const servers = new Servers();
try {
  for (const ours of ROSTER.filter(({ name }) => name === 'ours')) {
    if (!databases.includes(ours.comparison)) continue;
    const entries = LEVELS.map((level): Entry => ({ ...ours, name: level, setting: level }));
    for (const [scenario, figures] of FIGURES) {
      if (!scenarios.includes(scenario.name)) continue;
      const lines: Line[] = [];
      for await (const line of play(scenario, entries, servers, scale)) {
        if (line.error !== undefined) throw new Error(`${line.contestant}: ${line.error}`);
        lines.push(line);
      }
      for (const figure of figures) print(`${ours.comparison} ${scenario.name} ${figure}`, lines, figure);
    }
  }
} finally {
  await servers.close();
}

/** The medians of all levels, and what part of the first they are. */
function print(what: string, lines: readonly Line[], figure: string): void {
  const medians = LEVELS.map((level) => summary(outcome(lines, true), level, figure)?.median ?? Number.NaN);
  const cells = medians.map(
    (median, index) =>
      `${LEVELS[index]} ${Math.round(median)}/s (${((median / (medians[0] ?? median)) * 100).toFixed(0)} %)`,
  );
  console.log(`${what}: ${cells.join(', ')}`);
}
