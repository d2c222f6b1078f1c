/** Whether a system that has run for long is as it was at first: what its gauges showed at the beginning against the end. */

/** What the gauges show at one moment. */
export interface Sample {
  /** Milliseconds since the beginning. */
  readonly at: number;
  /** Bytes, of each replica that lives through it all. */
  readonly heaps: readonly number[];
  readonly handles: readonly number[];
  /** To the database; undefined where there are none. */
  readonly connections?: number | undefined;
  readonly deadRows?: number | undefined;
  /** Bytes of all our tables with their indexes. */
  readonly size: number;
  /** Milliseconds from creation to start, of tasks created since the sample before. */
  readonly waits: readonly number[];
}

export interface Finding {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly most: number;
  readonly good: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** What is compared: so much of the beginning with as much of the end, or a third each. */
const WINDOW = 10 * MINUTE;
const MEBIBYTE = 2 ** 20;
/** How far gauges swing in any case. */
const SWING = {
  heap: 3 * MEBIBYTE,
  handles: 3,
  connections: 3,
  deadRows: 2000,
  size: 4 * MEBIBYTE,
  wait: 25,
} as const;
const HEAP_AN_HOUR = MEBIBYTE;

/** `warmUp` milliseconds of the beginning don't count. */
export function findingsOf(all: readonly Sample[], warmUp: number): readonly Finding[] {
  const samples = all.filter(({ at }) => at >= warmUp);
  const [begin, end] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0];
  const window = Math.min(WINDOW, (end - begin) / 3);
  const first = samples.filter(({ at }) => at <= begin + window);
  const last = samples.filter(({ at }) => at >= end - window);
  const compare = (
    name: string,
    of: (sample: Sample) => readonly number[],
    bound: (first: number) => number,
  ): Finding => {
    const [one, other] = [first, last].map((some) =>
      percentile(some.flatMap(of), name.includes('p99') ? 0.99 : 0.5),
    );
    return {
      name,
      first: one ?? 0,
      last: other ?? 0,
      most: bound(one ?? 0),
      good: (other ?? 0) <= bound(one ?? 0),
    };
  };
  const hours = (end - begin) / HOUR;
  return [
    compare(
      'heap of a replica, bytes',
      ({ heaps }) => heaps,
      (before) => before + SWING.heap + HEAP_AN_HOUR * hours,
    ),
    compare(
      'handles of a replica',
      ({ handles }) => handles,
      (before) => before + SWING.handles,
    ),
    compare(
      'connections',
      ({ connections }) => given(connections),
      (before) => before + SWING.connections,
    ),
    compare(
      'dead rows',
      ({ deadRows }) => given(deadRows),
      (before) => 2 * before + SWING.deadRows,
    ),
    compare(
      'tables and indexes, bytes',
      ({ size }) => [size],
      (before) => 2 * before + SWING.size,
    ),
    compare(
      'wait for a start, p99 ms',
      ({ waits }) => waits,
      (before) => 1.5 * before + SWING.wait,
    ),
  ];
}

function given(value: number | undefined): readonly number[] {
  return value === undefined ? [] : [value];
}

function percentile(values: readonly number[], part: number): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
