/** From a schedule that fails to a short one that fails in the same way: whatever it doesn't need is left out. */
import { onlyItems, type Schedule } from './schedule.ts';
import type { SharedDatabase } from './shared-database.ts';
import { type Outcome, simulate } from './simulation.ts';

export async function shrink(
  schedule: Schedule,
  invariant: string,
  shared: SharedDatabase,
): Promise<Schedule> {
  let shortest = schedule;
  for (let shorter = true; shorter;) {
    shorter = false;
    // Faults and operations first: a process is seldom without need.
    for (const number of [...shortest.items.keys()].toReversed()) {
      const fewer = onlyItems(
        shortest,
        new Set([...shortest.items.keys()].filter((other) => other !== number)),
      );
      if (!hasProcess(fewer)) continue;
      const outcome: Outcome = await simulate(fewer, shared);
      if (outcome.violation?.invariant !== invariant) continue;
      shortest = fewer;
      shorter = true;
    }
  }
  return shortest;
}

function hasProcess({ items }: Schedule): boolean {
  return [...items.values()].some(({ kind, ...item }) => kind === 'process' && 'at' in item && item.at === 0);
}
