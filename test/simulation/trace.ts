/** What happened in runs, as one hash: to see that it is always the same. */
import { createHash } from 'node:crypto';
import type { SharedDatabase } from './shared-database.ts';
import { simulate } from './simulation.ts';
import { makeSchedule } from './themes.ts';

/** Of the traces of the first so many seeds, each line of them. */
export async function traceOf(shared: SharedDatabase, seeds: number): Promise<string> {
  const hash = createHash('sha256');
  for (let seed = 1; seed <= seeds; seed++)
    await simulate(makeSchedule(seed), shared, (line) => void hash.update(`${line}\n`));
  return hash.digest('hex');
}
