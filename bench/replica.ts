/** The program of a process that holds replicas of taskbaton whose tasks run until they are told to stop. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, Taskbaton } from 'taskbaton';
import { now } from './clock.ts';
import { serve, tell } from './serve.ts';

type Moments = [id: number, at: number][];

/** When the handler of each task began, heard that it should stop, and was done with stopping. */
export interface Times {
  readonly begun: Moments;
  readonly heard: Moments;
  readonly ended: Moments;
}

const TELL_EVERY = 4;
/** Between two pauses; a prime number of milliseconds, so that none rides on a poll. */
const PAUSED_EVERY = 23;

const [db] = process.argv.slice(2);
const times: Times = { begun: [], heard: [], ended: [] };
const replicas: Taskbaton[] = [];

const endless = defineTask({
  type: 'endless',
  onCrash: 'resume',
  async run({ task, signal }) {
    times.begun.push([task.id, now()]);
    await once(signal, 'abort');
    times.heard.push([task.id, now()]);
  },
});

serve({ start, create, pause, clear, stop, times: async () => times });

let told = 0;
setInterval(() => {
  const count = times.begun.length + times.ended.length;
  if (count !== told) tell({ kind: 'count', count: (told = count), first: times.begun[0]?.[1] ?? 0 });
}, TELL_EVERY);

/** With a concurrency of 0 they run nothing. */
async function start(wanted: { replicas: number; concurrency: number; lease?: number }): Promise<void> {
  for (let index = 0; index < wanted.replicas; index++) {
    const baton = new Taskbaton({ db, ...optionsOf(wanted.concurrency, wanted.lease), logger: null });
    baton.on('*', (event) => {
      if (event.name === 'task.ended') times.ended.push([event.id, now()]);
    });
    if (wanted.concurrency > 0) await baton.start();
    else await baton.getTasks({ limit: 1 });
    replicas.push(baton);
  }
}

function optionsOf(concurrency: number, lease = 30_000): object {
  return concurrency > 0 ? { lease, concurrency, tasks: [endless] } : {};
}

async function create({ tasks }: { tasks: number }): Promise<readonly number[]> {
  return first().createTasks(Array.from({ length: tasks }, () => ({ task: endless })));
}

/** Pauses one after the other; when each call was made. */
async function pause({ ids }: { ids: readonly number[] }): Promise<readonly number[]> {
  const called: number[] = [];
  for (const id of ids) {
    called.push(now());
    await first().pauseTask(id);
    await sleep(PAUSED_EVERY);
  }
  return called;
}

/** Leaves no task. */
async function clear(): Promise<void> {
  const deletion = await first().deleteTasks({ types: [endless.type] });
  await deletion.settled();
}

async function stop(): Promise<void> {
  await Promise.all(replicas.map((baton) => baton.stop()));
}

function first(): Taskbaton {
  const [baton] = replicas;
  if (baton === undefined) throw new Error('no replica was started here');
  return baton;
}
