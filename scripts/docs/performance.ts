/**
 * `docs/performance.md` and its charts: the results of `npm run bench` as they are stored in `bench/results`, the targets
 * beside what was reached. Figures are medians, with the least and the most.
 */
import { type Outcome, type Outcomes, readOutcomes, type Summary, summary } from '../../bench/outcome.ts';
import { peerVersions } from '../../bench/peers.ts';
import { COMPARISONS, type Comparison, type Entry, ROSTER } from '../../bench/roster.ts';
import type { FigureKind, Scenario } from '../../bench/scenario.ts';
import { SCENARIOS } from '../../bench/scenarios/index.ts';
import { shown } from '../../bench/statistics.ts';
import { scores } from '../../bench/target.ts';
import { type Bar, barChart } from './bars.ts';
import { lifeSection } from './life.ts';
import { table } from './markdown.ts';

const DATABASES: Readonly<Record<Comparison, string>> = {
  postgres: 'PostgreSQL',
  mysql: 'MariaDB',
  sqlite: 'SQLite',
};

interface Chart {
  readonly path: string;
  readonly title: string;
  readonly bars: readonly Bar[];
}

export function performancePage(): string {
  const measured = COMPARISONS.filter((comparison) => Object.keys(readOutcomes(comparison)).length > 0);
  return `# Performance

\`npm run bench\` measures taskbaton beside other libraries and beside a loop of SQL written by hand that gives the same
guarantees, and writes this page together with \`npm run docs\`. Compare figures of one table only: they are from one run,
in which the contestants took turns, each in a fresh database on a private server with its standard durability, producers
and workers in processes of their own. A drain is timed from the first handler until the last task is durably done. Figures
are medians, with the least and the most in parentheses; ⚠ marks those during which others used more than half a core.
Whoever does a sixth of what others do in the same time, or less, is given as much less of it.

The peers are ${versions()}.
graphile-worker tuned is the preset of its author's own performance test, pg-boss tuned has large batches (each settled as a
whole), and the others have the concurrency at which they were fastest in trials. Absurd is left out: its SQL isn't on npm.
DBOS polls every 50 ms here instead of every second, which buys latency with idle statements. graphile-worker and BullMQ
remove what is done; taskbaton keeps it unless it says otherwise, and is without a [history](guide/history.md), which none of the others has. Redis is as durable as the databases only where it is
synced always; its statements are commands, those inside its scripts included. The hand-written loop controls nothing and
retries nothing: it shows what the database can do. DBOS and OpenWorkflow take no part in the large backlog, which they
would take too long to load or to work off.

${measured.length === 0 ? 'Nothing is measured yet.' : measured.map(section).join('\n\n')}
`;
}

/** By path. */
export const performanceCharts: ReadonlyMap<string, () => string> = new Map(
  COMPARISONS.flatMap((comparison) => charts(comparison, readOutcomes(comparison))).map(
    ({ path, title, bars }) => [path, () => barChart(title, bars)],
  ),
);

function versions(): string {
  return Object.entries(peerVersions())
    .filter(([name]) => !['pg', 'ioredis'].includes(name))
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

function section(comparison: Comparison): string {
  const outcomes = readOutcomes(comparison);
  const reached = scores(comparison, outcomes);
  const rows = reached.map((score) => [
    score.title,
    score.target,
    figureText(score.ours),
    score.rival === undefined ? '' : figureText(score.rival),
    score.ratio === undefined ? '' : `${shown(score.ratio)} ×`,
    score.reached ? 'yes' : 'no',
  ]);
  const parts = [
    `## ${DATABASES[comparison]}`,
    ...(rows.length === 0 ? [] : [table(['', 'Target', 'taskbaton', 'Rival', 'Ratio', 'Reached'], rows)]),
    ...SCENARIOS.flatMap((scenario) => {
      const outcome = outcomes[scenario.name];
      return outcome === undefined ? [] : part(comparison, scenario, outcome);
    }),
    ...(comparison === 'postgres' ? [lifeSection()] : []),
  ];
  return parts.join('\n\n');
}

function part(comparison: Comparison, scenario: Scenario, outcome: Outcome): readonly string[] {
  const figures = Object.entries(scenario.figures).filter(([name]) => isMeasured(outcome, name));
  const entries = contestants(comparison, outcome);
  const rows = entries.map(({ name, label }) => [
    label,
    ...figures.map(([figure]) => {
      const found = summary(outcome, name, figure);
      return found === undefined ? '–' : figureText(found);
    }),
  ]);
  const heads = figures.map(([, figure]) => headOf(figure));
  const pictures = charts(comparison, { [scenario.name]: outcome }).map(
    ({ path, title }) => `![${title}](${path.replace('docs/', '')})`,
  );
  const size = outcome.quick ? ' A quick run with few tasks and few repetitions: an impression only.' : '';
  return [
    `### ${scenario.title} (${DATABASES[comparison]})`,
    ...pictures,
    table(['', ...heads], rows),
    `${outcome.date}, ${outcome.machine}.${size}${failures(outcome)}`,
  ];
}

function headOf({ title, unit }: FigureKind): string {
  return unit === '' || title.includes(unit) ? title : `${title} (${unit})`;
}

function charts(comparison: Comparison, outcomes: Outcomes): readonly Chart[] {
  return SCENARIOS.flatMap((scenario) => {
    const outcome = outcomes[scenario.name];
    const charted = Object.entries(scenario.figures).find(([, { chart }]) => chart === true);
    if (outcome === undefined || charted === undefined) return [];
    const bars = barsOf(comparison, outcome, ...charted);
    if (bars.length < 2) return [];
    const title = `${scenario.title}, ${headOf(charted[1])}`;
    return [{ path: `docs/images/bench-${comparison}-${scenario.name}.svg`, title, bars }];
  });
}

function barsOf(
  comparison: Comparison,
  outcome: Outcome,
  figure: string,
  { unit }: FigureKind,
): readonly Bar[] {
  const bars = contestants(comparison, outcome).flatMap((entry): Bar[] => {
    const found = summary(outcome, entry.name, figure);
    if (found === undefined) return [];
    const kind = entry.bare === true ? 'bare' : entry.name.startsWith('ours') ? 'ours' : 'peer';
    const { median: value, least, most } = found;
    return [{ label: entry.label, value, least, most, text: shown(value), kind }];
  });
  const sign = unit === 'ms' ? 1 : -1;
  return bars.toSorted((one, other) => sign * (one.value - other.value));
}

function contestants(comparison: Comparison, { lines }: Outcome): readonly Entry[] {
  const names = new Set(lines.map(({ contestant }) => contestant));
  return ROSTER.filter((entry) => entry.comparison === comparison && names.has(entry.name));
}

function isMeasured(outcome: Outcome, figure: string): boolean {
  return outcome.lines.some(({ figures }) => Number.isFinite(figures?.[figure]));
}

function figureText({ median, least, most, noisy, runs }: Summary): string {
  const range = runs === 1 ? '' : ` (${shown(least)}–${shown(most)})`;
  return `${shown(median)}${range}${noisy ? ' ⚠' : ''}`;
}

function failures({ lines }: Outcome): string {
  const failed = lines.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return '';
  return ` Failed: ${failed.map(({ contestant, repetition, error }) => `${contestant} #${repetition} (${error})`).join('; ')}.`;
}
