/**
 * The life of a task as its history tells it: its stints, each on one replica from claim to end, with what was reported.
 * Pure, so that it is tested without a browser.
 */
import type { HistoryView } from '../../../src/dashboard/api.ts';

export interface Stint {
  readonly replica: string;
  readonly epoch: number;
  readonly from: number;
  /** Undefined while it lasts. */
  readonly to: number | undefined;
  /** The event that ended it. */
  readonly end: string | undefined;
  readonly reports: readonly { readonly at: number; readonly progress: number | null }[];
}

/** What takes a task from its replica. */
const ENDS = new Set([
  'unclaim',
  'yield',
  'finish',
  'fail',
  'recover',
  'expire',
  'retry',
  'snooze',
  'wait',
  'remove',
]);

export function stintsOf(entries: readonly HistoryView[]): readonly Stint[] {
  const stints: Stint[] = [];
  for (const entry of entries) {
    const at = Date.parse(entry.at);
    const last = stints.at(-1);
    if (entry.event === 'claim') {
      // A claim with none before it ended: what ended that one isn't in the history.
      if (last !== undefined && last.to === undefined) stints[stints.length - 1] = { ...last, to: at };
      stints.push({
        replica: entry.replica ?? '',
        epoch: entry.epoch ?? 0,
        from: at,
        to: undefined,
        end: undefined,
        reports: [],
      });
    } else if (last !== undefined && last.to === undefined) {
      const changed = during(last, entry, at);
      if (changed !== undefined) stints[stints.length - 1] = changed;
    }
  }
  return stints;
}

function during(stint: Stint, entry: HistoryView, at: number): Stint | undefined {
  const reports =
    entry.progress === null ? stint.reports : [...stint.reports, { at, progress: entry.progress }];
  if (ENDS.has(entry.event)) return { ...stint, to: at, end: entry.event, reports };
  return entry.event === 'report' ? { ...stint, reports } : undefined;
}

/** The replicas in the order in which they first had it. */
export function lanesOf(stints: readonly Stint[]): readonly string[] {
  return [...new Set(stints.map(({ replica }) => replica))];
}
