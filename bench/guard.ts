/**
 * `npm run bench:guard`: fails if working off tasks has become slow, whatever the machine: taskbaton and a loop written by
 * hand with the same guarantees take turns on one PostgreSQL, and the ratio of their medians must not fall too low.
 */
import type { Line } from './outcome.ts';
import { outcome, summary } from './outcome.ts';
import { ROSTER } from './roster.ts';
import { FULL, isOneOf } from './scenario.ts';
import { drain } from './scenarios/drain.ts';
import { Servers } from './servers.ts';
import { play } from './tournament.ts';

/** 0.58 to 0.71 on machines of two cores. A plan or a loop that has gone wrong makes it a small part of that. */
const LEAST_RATIO = 0.5;

const scale = { ...FULL, drained: 50_000, patience: 0, timeout: 60_000 };
const servers = new Servers();
const lines: Line[] = [];
try {
  const entries = ROSTER.filter(isOneOf('postgres', ['ours', 'bare-loop']));
  for await (const line of play(drain, entries, servers, scale)) {
    if (line.error !== undefined) throw new Error(`${line.contestant}: ${line.error}`);
    console.log(`${line.contestant}: ${Math.round(line.figures?.['rate'] ?? 0)} tasks/s`);
    lines.push(line);
  }
} finally {
  await servers.close();
}
const rate = (contestant: string): number =>
  summary(outcome(lines, true), contestant, 'rate')?.median ?? Number.NaN;
const ratio = rate('ours') / rate('bare-loop');
console.log(`ratio ${ratio.toFixed(3)}, at least ${LEAST_RATIO}`);
if (!(ratio >= LEAST_RATIO)) process.exitCode = 1;
