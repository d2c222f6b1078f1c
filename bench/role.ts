/** The program of a contestant's roles: producer, worker, or the one that sets its database up. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Handle,
  type OpenContestant,
  concurrently,
  payload,
  type Producer,
  type Worker,
} from './contestant.ts';
import { now } from './clock.ts';
import { serve, tell } from './serve.ts';

const [module = '', setting = '', database = ''] = process.argv.slice(2);
const { open } = (await import(new URL(module, import.meta.url).href)) as { open: OpenContestant };
const contestant = open(database, setting);

/** How often the parent is told how far a worker is. */
const TELL_EVERY = 4;

let producer: Producer | undefined;
let worker: Worker | undefined;
let count = 0;
let first = 0;
/** When each task began, of those whose times are wanted. */
const begun: [id: number, at: number][] = [];

serve({
  setUp: () => contestant.setUp(),
  produce: async () => {
    producer = await contestant.produce();
  },
  createOneByOne: ({ tasks, from }: { tasks: number; from: number }) =>
    timed(async (make) => {
      for (let index = 0; index < tasks; index++) await make.create(payload(from + index));
    }),
  createFromCallers: ({ tasks, callers, from }: { tasks: number; callers: number; from: number }) =>
    timed((make) => concurrently(tasks, callers, (index) => make.create(payload(from + index)))),
  createMany: ({ tasks, from }: { tasks: number; from: number }) =>
    timed((make) => make.createMany(Array.from({ length: tasks }, (_, index) => payload(from + index)))),
  createSpaced,
  work: async ({ steps = 0, times = false }: { steps?: number; times?: boolean }) => {
    worker = await contestant.work(handlerOf(steps, times));
    let told = 0;
    setInterval(() => {
      if (count !== told) tell({ kind: 'count', count: (told = count), first });
    }, TELL_EVERY);
  },
  times: async () => begun,
  stop: async () => {
    await worker?.stop();
    await producer?.close();
  },
  /** Milliseconds of processor time. */
  processor: async () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
});

function handlerOf(steps: number, times: boolean): Handle {
  if (steps > 0)
    return async ({ id }, checkpoint) => {
      first ||= now();
      for (let step = 0; step < steps; step++)
        await checkpoint(step, { step, cursor: `row-${id}-${step}`, done: step * 12.5 });
      count++;
    };
  return async ({ id }) => {
    first ||= now();
    if (times) begun.push([id, now()]);
    count++;
  };
}

async function timed(work: (make: Producer) => Promise<unknown>): Promise<number> {
  if (producer === undefined) throw new Error('this actor is no producer');
  const from = now();
  await work(producer);
  return now() - from;
}

/** Tasks that are created one by one with pauses between; when each call was made. */
async function createSpaced(spaced: { tasks: number; every: number; from: number }): Promise<number[]> {
  const called: number[] = [];
  let next = now();
  await timed(async (make) => {
    for (let index = 0; index < spaced.tasks; index++) {
      called.push(now());
      await make.create(payload(spaced.from + index));
      next = Math.max(next + spaced.every, now());
      await sleep(Math.max(0, next - now()));
    }
  });
  return called;
}
