/** What a run came to, for people: what was provoked, what was demanded, and each invariant with its violations. */
import { INVARIANTS, hearingTimes } from './checker.ts';
import { type Evidence, staleWrites } from './evidence.ts';

/** A run that provokes less than this proves nothing. */
export interface Minima {
  readonly tasks: number;
  readonly faults: number;
  readonly stale: number;
}

export interface Verdict {
  readonly lines: readonly string[];
  readonly good: boolean;
}

const MOST_SHOWN = 10;

export function verdictOn(title: string, evidence: Evidence, minima: Minima): Verdict {
  const provoked: readonly (readonly [name: string, found: number, least: number])[] = [
    ['tasks', evidence.histories.size, minima.tasks],
    ['faults', evidence.faults.length, minima.faults],
    ['stale writes, all refused', staleWrites(evidence), minima.stale],
  ];
  const enough = provoked.every(([, found, least]) => found >= least);
  const checked = INVARIANTS.map((invariant) => ({
    ...invariant,
    found: [...invariant.violations(evidence)],
  }));
  const violations = checked.reduce((sum, { found }) => sum + found.length, 0);
  const kinds = Map.groupBy(evidence.faults, ({ fault }) => fault);
  const waits = hearingTimes(evidence).toSorted((one, other) => one - other);
  const heard = Math.round(waits[Math.floor(waits.length * 0.99)] ?? 0);
  const lines = [
    '',
    title,
    ...provoked.map(([name, found, least]) =>
      row(found >= least ? '✔' : '✖', name, `${found} (at least ${least})`),
    ),
    ...[...kinds].map(([kind, found]) => row(' ', `  ${kind}`, `${found.length}`)),
    row(' ', 'records of the database', `${evidence.findings.records.length}`),
    row(' ', 'lines of the ledger', `${evidence.findings.entries.length}`),
    row(' ', 'orders heard, 99th percentile', `${heard} ms of ${waits.length}`),
    ...checked.flatMap(({ id, says, found }) => [
      row(found.length === 0 ? '✔' : '✖', `${id.padEnd(3)} ${says}`, `${found.length}`),
      ...found.slice(0, MOST_SHOWN).map((violation) => `      ${violation}`),
    ]),
    `${violations} violations; ${enough ? 'the run counts' : 'THE RUN DOES NOT COUNT: it provoked too little'}`,
  ];
  return { lines, good: enough && violations === 0 };
}

function row(sign: string, name: string, figure: string): string {
  return `  ${sign} ${name.padEnd(100)} ${figure}`;
}
