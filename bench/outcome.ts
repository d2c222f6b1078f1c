/**
 * What a scenario came to: one line for each run, and the figures that are read from them. Stored as JSON, one file for
 * each database, from which the page and its charts are made.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Comparison } from './roster.ts';
import type { Figures } from './scenario.ts';
import { median } from './statistics.ts';

export interface Line {
  readonly contestant: string;
  readonly repetition: number;
  readonly figures?: Figures;
  /** Cores that others used meanwhile. */
  readonly others_cpu?: number;
  readonly error?: string;
}

export interface Outcome {
  /** The day it was measured. */
  readonly date: string;
  readonly machine: string;
  readonly quick: boolean;
  readonly lines: readonly Line[];
}

/** By the name of the scenario. */
export type Outcomes = Readonly<Record<string, Outcome>>;

/** One figure of a contestant over its runs. */
export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly runs: number;
  /** Others used the machine during most runs. */
  readonly noisy: boolean;
}

/** Above this the machine was not the benchmark's own. */
const NOISY_CORES = 0.5;

export function outcome(lines: readonly Line[], quick: boolean): Outcome {
  return { date: today(), machine: machine(), quick, lines };
}

export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** What ran it, in one line. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${model}), ${memory} GiB, Node.js ${process.versions.node}`;
}

/** Noisy runs count only where quiet ones are too few. */
export function summary(of: Outcome | undefined, contestant: string, figure: string): Summary | undefined {
  const runs = (of?.lines ?? []).filter(
    (line) => line.contestant === contestant && Number.isFinite(line.figures?.[figure]),
  );
  if (runs.length === 0) return undefined;
  const quietRuns = runs.filter((line) => !isNoisy(line));
  const noisy = quietRuns.length < runs.length / 2;
  const values = (noisy ? runs : quietRuns).map((line) => line.figures?.[figure] ?? Number.NaN);
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    runs: values.length,
    noisy,
  };
}

export function isNoisy({ others_cpu: others = 0 }: Line): boolean {
  return others > NOISY_CORES;
}

export function readOutcomes(comparison: Comparison): Outcomes {
  const file = fileOf(comparison);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Outcomes) : {};
}

/** Leaves those of other scenarios as they are. */
export function writeOutcome(comparison: Comparison, scenario: string, measured: Outcome): void {
  const all = { ...readOutcomes(comparison), [scenario]: measured };
  mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
  writeFileSync(fileOf(comparison), `${JSON.stringify(all, rounded, 2)}\n`);
}

function fileOf(comparison: Comparison): URL {
  return new URL(`./results/${comparison}.json`, import.meta.url);
}

/** Six digits are more than any figure means. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}
