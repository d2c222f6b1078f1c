/**
 * `docs/grafana.json`: a Grafana dashboard of what `/metrics` tells, to be imported as it is. Each panel is a line of
 * the table below; where it stands follows from its place.
 */
interface Panel {
  readonly title: string;
  readonly unit: 'short' | 's' | 'ops';
  /** Queries for Prometheus, each with what its lines are called. */
  readonly queries: readonly (readonly [expression: string, legend: string])[];
  /** A number rather than a line over time. */
  readonly single?: true;
}

const RATE = '[$__rate_interval]';

export const PANELS: readonly Panel[] = [
  single('Running', 'short', 'max(taskbaton_tasks{state="running"})'),
  single('Waiting', 'short', 'max(taskbaton_tasks{state="pending"})'),
  single('The oldest waits for', 's', 'max(taskbaton_oldest_waiting_seconds)'),
  single('Replicas', 'short', 'max(taskbaton_replicas)'),
  single('Problems', 'short', 'sum(max by (kind) (taskbaton_problems))'),
  lines('Tasks by state', 'short', ['max by (state) (taskbaton_tasks)', '{{state}}']),
  lines('How stints end', 'ops', [`sum by (event) (rate(taskbaton_stints_ended_total${RATE}))`, '{{event}}']),
  lines('Begun by type', 'ops', [`sum by (type) (rate(taskbaton_stints_total${RATE}))`, '{{type}}']),
  lines('The oldest waits, by group', 's', [
    'topk(10, max by (group) (taskbaton_group_oldest_waiting_seconds))',
    '{{group}}',
  ]),
  lines(
    'Asking for tasks',
    's',
    [quantile('0.5', 'taskbaton_claim_seconds'), 'median'],
    [quantile('0.99', 'taskbaton_claim_seconds'), '99 of 100'],
  ),
  lines(
    'Storing a checkpoint',
    's',
    [quantile('0.5', 'taskbaton_checkpoint_seconds'), 'median'],
    [quantile('0.99', 'taskbaton_checkpoint_seconds'), '99 of 100'],
  ),
  lines('What is left of each lease', 's', [
    'min by (replica) (taskbaton_lease_left_seconds)',
    '{{replica}}',
  ]),
  lines('The event loop is late by', 's', ['max by (instance) (taskbaton_loop_lag_seconds)', '{{instance}}']),
  lines(
    'Refused, abandoned, rescued',
    'ops',
    [`sum(rate(taskbaton_stale_writes_total${RATE}))`, 'stale writes refused'],
    [`sum(rate(taskbaton_abandoned_total${RATE}))`, 'handlers abandoned'],
    [`sum(rate(taskbaton_rescued_total${RATE}))`, 'tasks rescued'],
  ),
  lines('Tasks by group', 'short', [
    'topk(10, sum by (group) (max by (group, state) (taskbaton_group_tasks)))',
    '{{group}}',
  ]),
];

/** Of Grafana's 24 columns. */
const SINGLE = { w: 24 / 5, h: 4 };
const LINES = { w: 12, h: 8 };

export function grafanaDashboard(): string {
  const singles = PANELS.filter((panel) => panel.single === true);
  const charts = PANELS.filter((panel) => panel.single !== true);
  const placed = [
    ...singles.map((panel, index) => placedAt(panel, { ...SINGLE, x: index * SINGLE.w, y: 0 })),
    ...charts.map((panel, index) =>
      placedAt(panel, {
        ...LINES,
        x: (index % 2) * LINES.w,
        y: SINGLE.h + Math.floor(index / 2) * LINES.h,
      }),
    ),
  ];
  const dashboard = {
    title: 'taskbaton',
    uid: 'taskbaton',
    tags: ['taskbaton'],
    schemaVersion: 39,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [{ name: 'source', label: 'Prometheus', type: 'datasource', query: 'prometheus' }],
    },
    panels: placed.map((panel, index) => ({ id: index + 1, ...panel })),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function placedAt({ title, unit, queries, single: one }: Panel, gridPos: object): object {
  return {
    title,
    type: one === true ? 'stat' : 'timeseries',
    gridPos,
    datasource: { type: 'prometheus', uid: '$source' },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: 'ABCDEFGH'.charAt(index),
      expr,
      legendFormat,
    })),
  };
}

function single(title: string, unit: Panel['unit'], expression: string): Panel {
  return { title, unit, queries: [[expression, title]], single: true };
}

function lines(title: string, unit: Panel['unit'], ...queries: Panel['queries']): Panel {
  return { title, unit, queries };
}

function quantile(part: string, histogram: string): string {
  return `histogram_quantile(${part}, sum by (le) (rate(${histogram}_bucket${RATE})))`;
}
