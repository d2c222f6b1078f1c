/** A system with something of everything that the page shows: tasks in every state, two replicas, limits, pauses, a schedule. */
import type { TestContext } from 'node:test';
import { Schedules } from '../../src/cron/index.ts';
import { declareTask, defineTask, implement, type Taskbaton, typed } from '../../src/index.ts';
import { backends } from '../backends.ts';
import { gate, reaches, System, until } from '../support/system.ts';

export interface Scenery {
  /** An instance that runs nothing. */
  readonly control: Taskbaton;
  /** The replica that last began to run a task. */
  readonly holder: (id: number) => Taskbaton;
  /** Lets the stubborn one stop. */
  readonly release: () => void;
  readonly ids: Readonly<Record<Cast, number>>;
}

type Cast =
  | 'running'
  | 'stopping'
  | 'pending'
  | 'paused'
  | 'failed'
  | 'finished'
  | 'init'
  | 'parent'
  | 'child';

const STEPS = 10;

/** Works off half of its rows, and then waits to be stopped; each time it goes on, it does two more. */
export const importCsv = defineTask({
  type: 'import-csv',
  input: typed<{ file: string }>(),
  context: typed<{ row: number; last: string }>(),
  async *run({ context, signal }) {
    const begin = context?.row ?? 0;
    const end = begin === 0 ? STEPS / 2 : Math.min(STEPS, begin + 2);
    for (let row = begin + 1; row <= end; row += 1) {
      yield {
        context: { row, last: `part-${row}.csv` },
        progress: row / STEPS,
        message: `Row ${row} of ${STEPS}`,
      };
    }
    if (end < STEPS) await stopped(signal);
  },
});

/** Done at once. */
export const sendInvoice = defineTask({
  type: 'send-invoice',
  input: typed<{ number: number }>(),
  async *run({ input }) {
    yield { context: { sent: input.number }, progress: 0.5 };
  },
});

export const transcode = defineTask({
  type: 'transcode-video',
  input: typed<{ file: string }>(),
  async *run() {
    yield { context: { frame: 1 }, progress: 0.1 };
    throw new Error('ffmpeg ended with code 187');
  },
});

/** Doesn't listen when it is told to stop. */
const rebuildIndex = declareTask({ type: 'rebuild-index', input: typed<{ shards?: number }>() });

/** Only what nobody runs can be seen to wait. */
const trainModel = defineTask({ type: 'train-model', input: typed<{ epochs: number }>(), async *run() {} });

export async function openScenery(context: TestContext): Promise<Scenery> {
  // Hooks run in their order: whoever stops the replicas next waits for nobody.
  const release = gate();
  context.after(() => release.open());
  const backend = backends.find(({ name }) => name === 'sqlite');
  if (backend === undefined) throw new Error('The page is tested on SQLite; BACKENDS leaves it out.');
  const system = new System(await backend.open(), context);
  const rebuild = implement(rebuildIndex, {
    async *run() {
      yield { context: { shard: 1 }, progress: 0.3 };
      await release.opened;
    },
  });
  const history = { level: 'all' as const, contexts: true };
  const tasks = [importCsv, sendInvoice, transcode, rebuild];
  const control = system.instance({ history, redact: (payload) => payload });
  const holders = new Map<number, Taskbaton>();
  for (let replica = 0; replica < 2; replica += 1) {
    const baton = await system.replica({ tasks, history, stopGrace: 30_000 });
    baton.on('task.started', ({ id }) => void holders.set(id, baton));
  }
  const ids = await createCast(control);
  await control.setLimit('group', 'imports', 4);
  await control.pauseGroup('nightly');
  const schedules = new Schedules(control);
  await schedules.set('monthly-invoices', {
    cron: '0 8 1 * *',
    task: sendInvoice,
    input: { number: 1 },
    group: 'billing',
  });
  const holder = (id: number): Taskbaton => {
    const baton = holders.get(id);
    if (baton === undefined) throw new Error(`No replica has begun task ${id}.`);
    return baton;
  };
  return { control, holder, release: () => release.open(), ids };
}

async function createCast(control: Taskbaton): Promise<Record<Cast, number>> {
  const ada = { user: 'ada', group: 'imports' };
  const file = { file: 'birds.csv' };
  const running = await control.createTask(importCsv, file, ada);
  const stopping = await control.createTask(rebuildIndex, {}, { user: 'grace', group: 'search' });
  const pending = await control.createTask(trainModel, { epochs: 90 }, { user: 'grace', group: 'nightly' });
  const paused = await control.createTask(importCsv, { file: 'ships.csv' }, ada);
  const failed = await control.createTask(transcode, { file: 'talk.mov' }, { user: 'linus' });
  const finished = await control.createTask(sendInvoice, { number: 17 }, { user: 'grace', group: 'billing' });
  const init = await control.createTask(importCsv, file, { ...ada, autoRun: false });
  const parent = await control.createTask(
    trainModel,
    { epochs: 3 },
    { user: 'grace', group: 'nightly', key: 'model-7' },
  );
  const child = await control.createTask(sendInvoice, { number: 18 }, { user: 'grace', parent });
  await until('the first has come half way', async () => (await control.getTask(running)).progress === 0.5);
  await until(
    'the one to pause has come half way',
    async () => (await control.getTask(paused)).progress === 0.5,
  );
  await control.pauseTask(paused, { actor: 'ada', reason: 'the disk is full' });
  await until('the stubborn one runs', async () => (await control.getTask(stopping)).progress === 0.3);
  await control.pauseTask(stopping);
  await Promise.all([
    reaches(control, paused, 'paused'),
    reaches(control, failed, 'failed'),
    reaches(control, finished, 'finished'),
    reaches(control, child, 'finished'),
    reaches(control, stopping, 'canceling'),
  ]);
  return { running, stopping, pending, paused, failed, finished, init, parent, child };
}

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    if (signal.aborted) reject(signal.reason as Error);
  });
}
