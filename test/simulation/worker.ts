/** Runs batches of seeds in a thread of its own. */
import { parentPort } from 'node:worker_threads';
import type { Batch, BatchResult } from './fleet.ts';
import { mix } from './random.ts';
import { SharedDatabase } from './shared-database.ts';
import { simulate } from './simulation.ts';
import { makeSchedule } from './themes.ts';

// Nobody looks at them: whoever wants to know more of a seed replays it.
Error.stackTraceLimit = 0;
const shared = await SharedDatabase.open();

parentPort?.on('message', (batch: Batch) => {
  void run(batch).then((result) => parentPort?.postMessage(result));
});

async function run({ from, to }: Batch): Promise<BatchResult> {
  const counts = new Map<string, number>();
  let [runs, digest, events, statements] = [0, 0, 0, 0];
  for (let seed = from; seed < to; seed++) {
    const outcome = await simulate(makeSchedule(seed), shared);
    runs += 1;
    digest = (digest + mix(outcome.digest ^ seed)) >>> 0;
    events += outcome.events;
    statements += outcome.statements;
    for (const [what, count] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (outcome.violation !== undefined)
      return { runs, failed: { seed, violation: outcome.violation }, digest, events, statements, counts };
  }
  return { runs, failed: undefined, digest, events, statements, counts };
}
