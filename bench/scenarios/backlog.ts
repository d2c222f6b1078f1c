/**
 * Whether a large backlog slows the work down: tasks a second out of a million that wait, and out of twenty thousand,
 * measured in the same way: from the first handler until that of as many tasks as the small backlog has.
 */
import { counted } from '../actor.ts';
import type { Arena } from '../arena.ts';
import { now } from '../clock.ts';
import { type Scale, type Scenario, share } from '../scenario.ts';

/** What DBOS and OpenWorkflow need to load a million is longer than all the rest takes. */
const LEFT_OUT = ['dbos', 'openworkflow', 'ours-remove', 'ours-default', 'bare-loop'];

export const backlog: Scenario = {
  name: 'backlog',
  title: 'Working off a large backlog',
  figures: {
    large: { title: 'tasks/s of a large backlog', unit: 'tasks/s' },
    small: { title: 'tasks/s of a small one', unit: 'tasks/s' },
    ratio: { title: 'large ÷ small', unit: '' },
  },
  takesPart: ({ name, server }) => !LEFT_OUT.includes(name) && !server.startsWith('redis'),
  async measure(arena, scale) {
    const tasks = share(arena.entry, scale.smallBacklog);
    const small = await rateOf(arena, tasks, tasks, scale);
    const large = await rateOf(arena, tasks, scale.backlog, scale);
    return { large, small, ratio: large / small };
  },
};

/** The worker is killed at the end, and what it held stays behind; so the small backlog must come first. */
async function rateOf(arena: Arena, tasks: number, waiting: number, { timeout }: Scale): Promise<number> {
  await arena.fill(waiting);
  const worker = await arena.role();
  await worker.call('work');
  await counted([worker], tasks, timeout);
  const end = now();
  const rate = (tasks / (end - (worker.first ?? end))) * 1000;
  if (waiting > tasks) worker.kill();
  else await worker.call('stop');
  await worker.end();
  return rate;
}
