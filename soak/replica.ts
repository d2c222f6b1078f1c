/** A replica of a soak: it works, creates the tasks that all work on, and tells what it holds of its process's memory and handles. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineTask, isTaskbatonError, Taskbaton, typed } from '../src/index.ts';

export interface Assignment {
  readonly url: string;
  readonly prefix: string;
  /** Tasks a second that it creates. */
  readonly rate: number;
}

/** What a process holds. */
export interface Holdings {
  readonly heap: number;
  readonly handles: number;
}

const { url, prefix, rate } = JSON.parse(process.argv[2] ?? '') as Assignment;
/** One context in twenty is large. */
const LARGE = 100_000;
const KEPT = '20s';

const soaked = defineTask({
  type: 'soaked',
  input: typed<{ readonly large: boolean }>(),
  keep: { finished: KEPT, failed: KEPT },
  onCrash: { resume: 1000 },
  async *run({ input, context }) {
    for (let step = Number((context as { step?: number } | undefined)?.step ?? 0) + 1; step <= 3; step++) {
      await pause(5);
      yield { context: { step, text: input.large ? 'x'.repeat(LARGE) : '' }, progress: step / 3 };
    }
  },
});

const baton = new Taskbaton({
  db: url,
  prefix,
  tasks: [soaked],
  concurrency: 20,
  // By default it is kept for so long that it would only grow.
  history: { keep: '1m' },
  lease: 5000,
  migrate: false,
  logger: null,
});
process.on('disconnect', () => process.exit());
process.on('message', () => {
  // What is garbage is none of a leak.
  globalThis.gc?.();
  const handles = process.getActiveResourcesInfo().length;
  process.send?.({ heap: process.memoryUsage().heapUsed, handles } satisfies Holdings);
});
await baton.start();
process.send?.('ready');
for (let count = 0; ; count++) {
  await pause(1000 / rate);
  await baton.createTask(soaked, { large: count % 20 === 0 }).catch((error: unknown) => {
    if (!isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY')) throw error;
  });
}
