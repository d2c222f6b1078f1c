/** The program of a process that creates tasks at an even pace and works them off, and knows how long each claim took. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, Taskbaton } from 'taskbaton';
import { now } from './clock.ts';
import { serve } from './serve.ts';

const BETWEEN = 10;
const STEPS = 3;
const STEP = 10;

const [db] = process.argv.slice(2);
const claims: number[] = [];
let ended = 0;

const steady = defineTask({
  type: 'steady',
  async *run() {
    for (let step = 1; step <= STEPS; step++) {
      await sleep(STEP);
      yield { progress: step / STEPS };
    }
  },
});
const noop = defineTask({ type: 'noop', run: async () => undefined });

const baton = new Taskbaton({ db, tasks: [steady, noop], concurrency: 50, logger: null });
baton.on('tasks.claimed', ({ took, count }) => {
  if (count > 0) claims.push(took);
});
baton.on('task.ended', () => {
  ended++;
});

serve({ start: () => baton.start(), load, drain, stop: () => baton.stop() });

/** How many milliseconds each claim took that got anything. */
async function load({ tasks }: { tasks: number }): Promise<readonly number[]> {
  claims.length = ended = 0;
  const begun = now();
  for (let index = 0; index < tasks; index++) {
    await sleep(Math.max(0, begun + index * BETWEEN - now()));
    await baton.createTask(steady, undefined, { user: `user-${index % 20}`, group: `group-${index % 5}` });
  }
  while (ended < tasks) await sleep(STEP);
  return claims;
}

/** Tasks a second, from the first claim to the last end. */
async function drain({ tasks }: { tasks: number }): Promise<number> {
  await baton.pauseType(noop.type);
  await baton.createTasks(Array.from({ length: tasks }, () => ({ task: noop })));
  ended = 0;
  const begun = now();
  await baton.resumeType(noop.type);
  while (ended < tasks) await sleep(1);
  return tasks / ((now() - begun) / 1000);
}
