/** From a schedule that fails to a short one that fails as well: whatever it doesn't need is left out. */
import { onlyItems, type Schedule } from './schedule.ts';

export async function shrink(
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  let shortest = schedule;
  for (let shorter = true; shorter;) {
    shorter = false;
    // Faults and operations first: a process is seldom without need.
    for (const number of [...shortest.items.keys()].toReversed()) {
      const kept = new Set([...shortest.items.keys()].filter((other) => other !== number));
      const fewer = onlyItems(shortest, kept);
      if (!beginsWithProcess(fewer) || !(await fails(fewer))) continue;
      shortest = fewer;
      shorter = true;
    }
  }
  return shortest;
}

function beginsWithProcess({ items }: Schedule): boolean {
  return [...items.values()].some((item) => item.kind === 'process' && item.at === 0);
}
