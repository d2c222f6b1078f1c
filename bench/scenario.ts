/** What is measured: a kind of load, whom it is put on, and the figures that come of it. */
import type { Arena } from './arena.ts';
import type { Comparison, Entry } from './roster.ts';

export type Figures = Readonly<Record<string, number>>;

export interface FigureKind {
  /** For people: the head of a column. */
  readonly title: string;
  readonly unit: 'tasks/s' | 'updates/s' | 'statements/s' | 'ms' | '';
  /** Whether it may stand in a chart. */
  readonly chart?: true;
}

export interface Scenario {
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly figures: Readonly<Record<string, FigureKind>>;
  takesPart(entry: Entry): boolean;
  /** One run of one contestant. */
  measure?(arena: Arena, scale: Scale): Promise<Figures>;
  /** All contestants at once, for what takes time and no work: the figures of each, run by run. */
  measureTogether?(arenas: readonly Arena[], scale: Scale): AsyncIterable<readonly Figures[]>;
}

/** How much is measured. */
export interface Scale {
  readonly repetitions: number;
  readonly createdOneByOne: number;
  readonly createdFromCallers: number;
  readonly createdInBulk: number;
  readonly drained: number;
  readonly checkpointed: number;
  readonly observed: number;
  readonly latencies: number;
  readonly smallBacklog: number;
  readonly backlog: number;
  /** Milliseconds until an idle system has come to rest, and that it is then watched. */
  readonly rest: number;
  readonly window: number;
  /** How many tasks, and how many replicas, are under control. */
  readonly controlled: { readonly tasks: readonly number[]; readonly replicas: readonly number[] };
  /** How long others may keep a run waiting for a quiet machine, in milliseconds. */
  readonly patience: number;
  /** After which a run has failed, in milliseconds. */
  readonly timeout: number;
}

/** Long enough that what is measured is a process that has warmed up: compiling is half of what a drain of 20,000 costs. */
export const FULL: Scale = {
  repetitions: 5,
  createdOneByOne: 3000,
  createdFromCallers: 20_000,
  createdInBulk: 100_000,
  drained: 100_000,
  checkpointed: 10_000,
  observed: 5000,
  latencies: 300,
  smallBacklog: 20_000,
  backlog: 1_000_000,
  rest: 20_000,
  window: 30_000,
  controlled: { tasks: [10, 100, 1000], replicas: [1, 10, 50] },
  patience: 4000,
  timeout: 300_000,
};

export const QUICK: Scale = {
  repetitions: 1,
  createdOneByOne: 300,
  createdFromCallers: 1000,
  createdInBulk: 4000,
  drained: 3000,
  checkpointed: 200,
  observed: 500,
  latencies: 40,
  smallBacklog: 3000,
  backlog: 30_000,
  rest: 2000,
  window: 2000,
  controlled: { tasks: [10, 1000], replicas: [10] },
  patience: 0,
  timeout: 30_000,
};

/** What a contestant is given of `count`: a slow one less, but never too little to measure. */
export function share({ slowness = 1 }: Entry, count: number): number {
  return Math.max(Math.min(count, LEAST), Math.ceil(count / slowness));
}

/** Of ours, the plain variant. */
export function isOurs(entry: Entry): boolean {
  return entry.name === 'ours';
}

export function isOneOf(comparison: Comparison, names: readonly string[]): (entry: Entry) => boolean {
  return (entry) => entry.comparison === comparison && names.includes(entry.name);
}

const LEAST = 2000;
