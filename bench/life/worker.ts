/** The program of a process that works off tasks for long, and knows how long its claims took since it was last asked. */
import { defineTask, finished, Taskbaton } from 'taskbaton';
import { serve } from '../serve.ts';
import { quantile } from '../statistics.ts';
import type { Claims } from './result.ts';

const CONCURRENCY = 1000;

const [db] = process.argv.slice(2);
let took: number[] = [];
let ended = 0;

const noop = defineTask({ type: 'noop', run: async () => finished({ remove: true }) });
const baton = new Taskbaton({ db, tasks: [noop], concurrency: CONCURRENCY, logger: null, history: 'off' });
baton.on('tasks.claimed', (claim) => {
  if (claim.count > 0) took.push(claim.took);
});
baton.on('task.ended', () => {
  ended++;
});

serve({ start: () => baton.start(), claims: async () => claims(), stop: () => baton.stop() });

function claims(): Claims {
  const of = { claims: took.length, half: quantile(took, 0.5), late: quantile(took, 0.99), ended };
  took = [];
  ended = 0;
  return of;
}
