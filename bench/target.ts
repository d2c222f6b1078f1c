/** What taskbaton should reach: against a peer in the same run, against itself, or as it stands. */
import { type Outcomes, type Summary, summary } from './outcome.ts';
import { type Comparison, ROSTER } from './roster.ts';
import { shown } from './statistics.ts';

interface Target {
  readonly title: string;
  readonly scenario: string;
  readonly figure: string;
  readonly contestant?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** With whom it is compared: the best of them counts. Without, the figure itself is. */
  readonly rivals?: readonly string[];
  /** Where the rival's figure is from, if it isn't the same. */
  readonly rivalScenario?: string;
  readonly rivalFigure?: string;
}

/** A target with what was reached. */
export interface Score {
  readonly title: string;
  /** What it should be, for people. */
  readonly target: string;
  readonly ours: Summary;
  readonly rival: Summary | undefined;
  /** Ours to the rival's. */
  readonly ratio: number | undefined;
  readonly reached: boolean;
}

const POSTGRES_PEERS = [
  'graphile-worker-batch',
  'graphile-worker',
  'pg-boss',
  'bullmq-postgres',
  'dbos',
  'openworkflow',
];
const TUNED = ['graphile-worker-batch'];

const POSTGRES: readonly Target[] = [
  ...drains([
    ['drain, one process, rows kept', 'ours', 1.2, TUNED],
    ['drain, one process, rows kept', 'ours', 1.7, ['pg-boss']],
    ['drain, one process, rows removed', 'ours-remove', 1.5, TUNED],
    ['drain, default settings, concurrency 100', 'ours-default', 10, ['graphile-worker']],
    ['drain, default settings, concurrency 100', 'ours-default', 0.7, ['ours']],
    ['drain, one process, rows kept', 'ours', 0.75, ['bare-loop']],
  ]),
  { title: 'drain, two processes', scenario: 'drain-two', figure: 'rate', atLeast: 1.2, rivals: TUNED },
  {
    title: 'create, one at a time',
    scenario: 'create',
    figure: 'one',
    atLeast: 2.5,
    rivals: ['graphile-worker', 'pg-boss'],
  },
  {
    title: 'create, one at a time',
    scenario: 'create',
    figure: 'one',
    atLeast: 1.3,
    rivals: POSTGRES_PEERS,
  },
  { title: 'create, 50 callers', scenario: 'create', figure: 'callers', atLeast: 5, rivals: POSTGRES_PEERS },
  {
    title: 'create, 50 callers',
    scenario: 'create',
    figure: 'callers',
    atLeast: 1.2,
    rivals: ['bullmq-redis'],
  },
  { title: 'create in bulk', scenario: 'create', figure: 'bulk', atLeast: 1.5, rivals: ['graphile-worker'] },
  {
    title: 'latency, p50',
    scenario: 'latency',
    figure: 'p50',
    atMost: 1,
    rivals: ['graphile-worker', 'graphile-worker-batch'],
  },
  { title: 'latency, p99', scenario: 'latency', figure: 'p99', atMost: 1, rivals: ['bullmq-postgres'] },
  { title: 'large backlog ÷ small backlog', scenario: 'backlog', figure: 'ratio', atLeast: 0.85 },
  {
    title: '8 checkpoints a task',
    scenario: 'checkpoints',
    figure: 'updates',
    atLeast: 1.2,
    rivals: ['bullmq-redis-always'],
  },
  {
    title: '8 checkpoints a task',
    scenario: 'checkpoints',
    figure: 'updates',
    atLeast: 15,
    rivals: POSTGRES_PEERS,
  },
  { title: 'idle replica, statements/s', scenario: 'idle', figure: 'statements', atMost: 0.5 },
  { title: 'statements per task', scenario: 'cost', figure: 'statements', atMost: 1 },
  {
    title: 'bytes of log per task',
    scenario: 'cost',
    figure: 'logged',
    atMost: 0.8,
    rivals: ['pg-boss'],
  },
  { title: '1,000 running tasks, statements/s', scenario: 'control', figure: 'tasks1000', atMost: 2 },
];

const MYSQL: readonly Target[] = drains([['drain, one process, rows kept', 'ours', 0.8, ['bare-loop']]]);

const SQLITE: readonly Target[] = [
  { title: 'drain, one process, rows kept', scenario: 'drain', figure: 'rate', atLeast: 100_000 },
  {
    title: 'drain, two processes ÷ one',
    scenario: 'drain-two',
    figure: 'rate',
    atLeast: 0.8,
    rivals: ['ours'],
    rivalScenario: 'drain',
  },
];

const TARGETS: Readonly<Record<Comparison, readonly Target[]>> = {
  postgres: POSTGRES,
  mysql: MYSQL,
  sqlite: SQLITE,
};

/** Those targets for which all was measured. */
export function scores(comparison: Comparison, outcomes: Outcomes): readonly Score[] {
  return TARGETS[comparison].flatMap((target) => score(comparison, outcomes, target) ?? []);
}

export function labelOf(comparison: Comparison, name: string): string {
  return ROSTER.find((entry) => entry.comparison === comparison && entry.name === name)?.label ?? name;
}

function drains(
  rows: readonly (readonly [title: string, contestant: string, atLeast: number, rivals: readonly string[]])[],
): readonly Target[] {
  return rows.map(([title, contestant, atLeast, rivals]) => ({
    title,
    scenario: 'drain',
    figure: 'rate',
    contestant,
    atLeast,
    rivals,
  }));
}

function score(comparison: Comparison, outcomes: Outcomes, target: Target): Score | undefined {
  const { title, scenario, figure, contestant = 'ours', atLeast, atMost } = target;
  const ours = summary(outcomes[scenario], contestant, figure);
  const rival = target.rivals === undefined ? undefined : bestRival(outcomes, target);
  if (ours === undefined || (target.rivals !== undefined && rival === undefined)) return undefined;
  const ratio = rival === undefined ? undefined : ours.median / rival.summary.median;
  const compared = ratio ?? ours.median;
  const bound = `${atMost === undefined ? '≥' : '≤'} ${shown(atMost ?? atLeast ?? 0)}`;
  return {
    title,
    target: rival === undefined ? bound : `${bound} × ${labelOf(comparison, rival.name)}`,
    ours,
    rival: rival?.summary,
    ratio,
    reached: atMost === undefined ? compared >= (atLeast ?? 0) : compared <= atMost,
  };
}

function bestRival(
  outcomes: Outcomes,
  target: Target,
): { readonly name: string; readonly summary: Summary } | undefined {
  const { scenario, figure, rivals = [], rivalScenario = scenario, rivalFigure = figure, atMost } = target;
  const sign = atMost === undefined ? -1 : 1;
  return rivals
    .flatMap((name) => {
      const found = summary(outcomes[rivalScenario], name, rivalFigure);
      return found === undefined ? [] : [{ name, summary: found }];
    })
    .toSorted((one, other) => sign * (one.summary.median - other.summary.median))[0];
}
