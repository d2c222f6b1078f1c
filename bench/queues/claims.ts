/**
 * What a claim costs, however many tasks wait and however many of them may not start: each series is claimed from a
 * large and a small backlog in turn, and the ratio of the two is taken run by run.
 */
import { Backlog, type Claimed, type Kind } from './backlog.ts';
import { connected, type Place, withPrefix } from './place.ts';
import { median, quantile, type Result, type Scale } from './result.ts';

/** As many as a replica with 100 free slots asks for. */
const BATCH = 100;

const POLICIES: Readonly<Record<string, { readonly kind: Kind; readonly target: number }>> = {
  fifo: { kind: { policy: 'fifo', users: 50, groups: 50 }, target: 0.9 },
  priority: { kind: { policy: 'priority', users: 50, groups: 50 }, target: 0.8 },
  'fair by user': { kind: { policy: 'fair', users: 50, groups: 50 }, target: 0.8 },
};

/** Claim rate out of a million against that out of twenty thousand. */
export async function* measureBacklogs(place: Place, scale: Scale): AsyncGenerator<Result> {
  for (const [policy, { kind, target }] of Object.entries(POLICIES)) {
    const runs = await compare(place, scale, [
      { kind, fill: scale.large },
      { kind, fill: scale.small },
    ]);
    yield ratioOf(runs, {
      name: `${policy}: claims from ${scale.large.toLocaleString('en')} ÷ from ${scale.small.toLocaleString('en')}`,
      target,
    });
  }
}

/** Claim rate where every other group is full against that of fifo without limits, and the slowest claims there. */
export async function* measureLimits(place: Place, scale: Scale): AsyncGenerator<Result> {
  const groups = scale.groups;
  const full = groups / 2;
  const runs = await compare(place, scale, [
    { kind: { policy: 'fifo', limits: { group: 1 }, users: 1, groups }, fill: groups * 100, hold: full },
    { kind: { policy: 'fifo', users: 1, groups }, fill: groups * 100 },
  ]);
  const crowd = `${groups.toLocaleString('en')} groups, ${full.toLocaleString('en')} of them full`;
  yield ratioOf(runs, { name: `limit of 1: claims with ${crowd} ÷ fifo`, target: 0.5 });
  const slowest = runs.map(([limited]) => quantile(limited.claims, 0.99));
  yield { name: `limit of 1: claim p99 with ${crowd}`, unit: 'ms', runs: slowest, target: 20, below: true };
}

interface Series {
  readonly kind: Kind;
  readonly fill: number;
  /** So many are running all the while. */
  readonly hold?: number;
}

type Pair = readonly [Claimed, Claimed];

/** Claims so many from each, batch by batch in turns, so that whatever else the server does is in the way of both. */
async function inTurns(backlogs: readonly [Backlog, Backlog], count: number): Promise<Pair> {
  const parts: [Claimed[], Claimed[]] = [[], []];
  for (let batch = 0; batch < count / BATCH; batch++) {
    const order = batch % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
    for (const index of order) parts[index].push(await backlogs[index].claim(BATCH, BATCH));
  }
  return [summed(parts[0]), summed(parts[1])];
}

function summed(parts: readonly Claimed[]): Claimed {
  return {
    tasks: parts.reduce((sum, { tasks }) => sum + tasks, 0),
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    claims: parts.flatMap(({ claims }) => claims),
  };
}

/** Runs both series side by side; one claim before those that are timed warms each up. */
async function compare(
  place: Place,
  scale: Scale,
  series: readonly [Series, Series],
): Promise<readonly Pair[]> {
  const [one, other] = series;
  return connected(place, (database) =>
    withPrefix(place, (first) =>
      withPrefix(place, async (second) => {
        const backlogs: readonly [Backlog, Backlog] = [
          await Backlog.open(database, first, one.kind),
          await Backlog.open(database, second, other.kind),
        ];
        for (const [index, backlog] of backlogs.entries()) {
          const { fill, hold = 0 } = series[index] ?? one;
          await backlog.fill(fill);
          await backlog.sort();
          await backlog.hold(hold);
          await backlog.analyze();
          await backlog.claim(BATCH, BATCH);
        }
        const runs: Pair[] = [];
        for (let run = 0; run < scale.runs; run++) runs.push(await inTurns(backlogs, scale.claimed));
        return runs;
      }),
    ),
  );
}

function ratioOf(runs: readonly Pair[], { name, target }: { name: string; target: number }): Result {
  const rate = ({ tasks, seconds }: Claimed): number => tasks / seconds;
  const rates = [0, 1].map((index) => median(runs.map((pair) => rate(pair[index as 0 | 1]))));
  const note = rates.map((each) => `${Math.round(each ?? 0).toLocaleString('en')}/s`).join(' ÷ ');
  return { name, unit: '×', runs: runs.map(([one, other]) => rate(one) / rate(other)), target, note };
}
