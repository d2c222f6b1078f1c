/** What a benchmark came to: a figure per run, and what it should be. The median counts; the rest shows the noise. */

/** How much is measured. */
export interface Scale {
  /** Runs of each measurement. */
  readonly runs: number;
  /** Tasks waiting in the large and the small backlog. */
  readonly large: number;
  readonly small: number;
  /** Groups with 100 tasks each. */
  readonly groups: number;
  /** Tasks claimed in each run. */
  readonly claimed: number;
  /** Tasks paused at once. */
  readonly paused: number;
}

export interface Result {
  readonly name: string;
  readonly unit: '×' | 'ms' | '';
  readonly runs: readonly number[];
  /** At least that much; at most, with `below`. Without one the figure is for information. */
  readonly target?: number;
  readonly below?: boolean;
  readonly note?: string;
}

export function reached({ runs, target, below = false }: Result): boolean | undefined {
  if (target === undefined) return undefined;
  return below ? median(runs) <= target : median(runs) >= target;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
