/**
 * Working off tasks that do nothing: how many a second, from the first handler until the last task is durably done.
 * Whatever a library does late (completions that it gathers) counts.
 */
import { counted, eventually } from '../actor.ts';
import type { Arena } from '../arena.ts';
import { now } from '../clock.ts';
import { type Figures, type Scale, type Scenario, share } from '../scenario.ts';

export const drain: Scenario = {
  name: 'drain',
  title: 'Working off no-op tasks, one process',
  figures: {
    rate: { title: 'tasks/s', unit: 'tasks/s', chart: true },
    processor: { title: "worker's processor, ms per 1,000 tasks", unit: 'ms' },
  },
  takesPart: () => true,
  measure: (arena, scale) => drainFilled(arena, scale, 1),
};

export const drainByTwo: Scenario = {
  name: 'drain-two',
  title: 'Working off no-op tasks, two processes',
  figures: { rate: { title: 'tasks/s', unit: 'tasks/s' } },
  takesPart: ({ name }) => name !== 'ours-default',
  measure: async (arena, scale) => {
    const { rate = Number.NaN } = await drainFilled(arena, scale, 2);
    return { rate };
  },
};

/** Each task stores eight contexts, one after the other. */
const STEPS = 8;

export const checkpoints: Scenario = {
  name: 'checkpoints',
  title: `Tasks with ${STEPS} checkpoints each`,
  figures: {
    updates: { title: 'checkpoints/s', unit: 'updates/s', chart: true },
    rate: { title: 'tasks/s', unit: 'tasks/s' },
  },
  takesPart: ({ name, checkpoints: some }) => some !== false && !name.startsWith('ours-'),
  async measure(arena, scale) {
    const tasks = share(arena.entry, scale.checkpointed);
    await arena.fill(tasks);
    const { rate = Number.NaN } = await drainArena(arena, { tasks, scale, workers: 1, steps: STEPS });
    return { rate, updates: rate * STEPS };
  },
};

async function drainFilled(arena: Arena, scale: Scale, workers: number): Promise<Figures> {
  const tasks = share(arena.entry, scale.drained);
  await arena.fill(tasks);
  return drainArena(arena, { tasks, scale, workers });
}

interface Drain {
  readonly tasks: number;
  readonly scale: Scale;
  readonly workers: number;
  readonly steps?: number;
}

export async function drainArena(
  arena: Arena,
  { tasks, scale, workers, steps = 0 }: Drain,
): Promise<Figures> {
  const roles = await Promise.all(Array.from({ length: workers }, () => arena.role()));
  // Connected, so that looking doesn't begin with connecting.
  await arena.unfinished();
  await Promise.all(roles.map((role) => role.call('work', { steps })));
  await counted(roles, tasks, scale.timeout);
  await eventually(
    async () => !(await arena.unfinished()),
    scale.timeout,
    () => 'all handlers have ended, but not all tasks are done',
  );
  const end = now();
  const begin = Math.min(...roles.map((role) => role.first ?? end));
  const processor = await Promise.all(roles.map((role) => role.call<number>('processor')));
  await Promise.all(roles.map((role) => role.call('stop')));
  return {
    rate: (tasks / (end - begin)) * 1000,
    processor: (processor.reduce((sum, each) => sum + each, 0) / tasks) * 1000,
  };
}
