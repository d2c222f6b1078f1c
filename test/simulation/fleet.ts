/**
 * Many seeds at once: workers that take them by batches, until all are done or one of them fails. What comes out does not
 * depend on who did which.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Violation } from './invariants.ts';

export interface Batch {
  readonly from: number;
  readonly to: number;
}

/** What became of a batch; it ends at the first seed that fails. */
export interface BatchResult {
  readonly runs: number;
  readonly failed: { readonly seed: number; readonly violation: Violation } | undefined;
  /** Of all runs, whatever their order. */
  readonly digest: number;
  readonly events: number;
  readonly statements: number;
  readonly counts: ReadonlyMap<string, number>;
}

const BATCH = 250;

export async function simulateSeeds(
  from: number,
  count: number,
  {
    workers = availableParallelism(),
    onProgress = (): void => undefined,
  }: {
    readonly workers?: number;
    readonly onProgress?: (total: BatchResult) => void;
  } = {},
): Promise<BatchResult> {
  let next = from;
  let total: BatchResult = {
    runs: 0,
    failed: undefined,
    digest: 0,
    events: 0,
    statements: 0,
    counts: new Map(),
  };
  const take = (): Batch | undefined => {
    if (next >= from + count || total.failed !== undefined) return undefined;
    const batch = { from: next, to: Math.min(next + BATCH, from + count) };
    next = batch.to;
    return batch;
  };
  await Promise.all(
    Array.from({ length: workers }, () =>
      work(take, (result) => {
        total = sum(total, result);
        onProgress(total);
      }),
    ),
  );
  return total;
}

function work(take: () => Batch | undefined, onResult: (result: BatchResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('worker.ts', import.meta.url));
    const hand = (): void => {
      const batch = take();
      if (batch === undefined) void worker.terminate();
      else worker.postMessage(batch);
    };
    worker.on('message', (result: BatchResult) => {
      onResult(result);
      hand();
    });
    worker.once('error', reject);
    worker.once('exit', () => resolve());
    hand();
  });
}

/** Of several that failed, the first counts. */
function sum(one: BatchResult, other: BatchResult): BatchResult {
  const counts = new Map(one.counts);
  for (const [what, count] of other.counts) counts.set(what, (counts.get(what) ?? 0) + count);
  const failed = [one.failed, other.failed].filter((found) => found !== undefined);
  return {
    runs: one.runs + other.runs,
    failed: failed.toSorted((first, second) => first.seed - second.seed)[0],
    digest: (one.digest + other.digest) >>> 0,
    events: one.events + other.events,
    statements: one.statements + other.statements,
    counts,
  };
}
