/**
 * What the handlers of a simulated system do: whatever the input of their task says, and nothing of their own. What they have
 * done is written into the ledger, which no crash and no database can touch.
 */
import { defineTask, finished, snooze, type TaskDefinition, TaskFailed } from '../../src/index.ts';
import type { Finished, HandlerArguments, Snoozed, TaskSignal } from '../../src/core/handler.ts';
import type { Ledger, Stint } from './ledger.ts';
import { EFFECT } from './shared-database.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export const TYPES = ['resumed', 'failing', 'retried'] as const;
export type ScriptedType = (typeof TYPES)[number];

/** The input of a task. */
export interface Script {
  /** Tells it from all others of its run. */
  readonly name: number;
  readonly autoRun: boolean;
  /** How many reports it makes; after the last one it works once more. */
  readonly steps: number;
  /** Milliseconds that each piece of work takes. */
  readonly work: number;
  /** How it reports: by yielding, by calling `report`, or in transactions with a row of its own. */
  readonly style: 'yield' | 'report' | 'transaction';
  readonly end: 'finish' | 'fail' | 'fail once' | 'snooze once' | 'remove' | 'fail and remove';
  /** It doesn't listen to its signal. */
  readonly stubborn: boolean;
  /** So often its cleanup fails first. */
  readonly failedCleanups: number;
}

/** What its handlers report. */
export interface Progress {
  readonly step: number;
  readonly epoch: number;
  readonly replica: string;
}

type Given = HandlerArguments<Script, Progress>;
type End = Finished<Progress> | Snoozed<Progress>;

/** How often a task of a type survives a crash. */
export const CRASH_BUDGETS: Readonly<Record<ScriptedType, number>> = { resumed: 3, failing: 0, retried: 3 };

/** The definitions as `process` registers them. */
export function scriptedTasks(process: SimulatedProcess, ledger: Ledger): readonly TaskDefinition[] {
  const handlers = {
    run: (given: Given) =>
      given.input.style === 'yield' ? yielding(process, ledger, given) : reporting(process, ledger, given),
    cleanup: (given: Given) => cleaning(process, ledger, given),
  };
  return [
    defineTask({ type: 'resumed', onCrash: 'resume', ...handlers }),
    defineTask({ type: 'failing', ...handlers }),
    defineTask({
      type: 'retried',
      onCrash: 'resume',
      retry: { attempts: 3, delay: 200, backoff: 'fixed' },
      ...handlers,
    }),
  ];
}

async function* yielding(
  process: SimulatedProcess,
  ledger: Ledger,
  given: Given,
): AsyncGenerator<{ context: Progress; progress: number }, End, void> {
  const { input, task } = given;
  const stint = ledger.begin(process, 'run', given);
  try {
    for (let step = stint.from + 1; step <= input.steps; step++) {
      await doStep(process, stint, given);
      const context = { step, epoch: task.epoch, replica: task.replica };
      yield { context, progress: step / input.steps };
      stint.acknowledged(step);
    }
    await doStep(process, stint, given);
    return end(stint, given);
  } finally {
    stint.end();
  }
}

async function reporting(process: SimulatedProcess, ledger: Ledger, given: Given): Promise<End> {
  const { input, task, report, transaction } = given;
  const stint = ledger.begin(process, 'run', given);
  try {
    for (let step = stint.from + 1; step <= input.steps; step++) {
      await doStep(process, stint, given);
      const context = { step, epoch: task.epoch, replica: task.replica };
      if (input.style === 'report') await report({ context });
      else
        await transaction(async (tx) => {
          await tx.query(`INSERT INTO ${EFFECT} (task, step, epoch) VALUES (?, ?, ?)`, [
            task.id,
            step,
            task.epoch,
          ]);
          return { context };
        });
      stint.acknowledged(step);
    }
    await doStep(process, stint, given);
    return end(stint, given);
  } finally {
    stint.end();
  }
}

function end(stint: Stint, { input, task }: Given): End {
  const context = { step: input.steps + 1, epoch: task.epoch, replica: task.replica };
  const again = stint.from > input.steps || stint.earlier > 0;
  const fails =
    input.end === 'fail' || input.end === 'fail and remove' || (input.end === 'fail once' && !again);
  stint.finish(fails ? 'failed' : 'finished');
  switch (input.end) {
    case 'finish':
      return finished({ context });
    case 'remove':
      return finished({ context, remove: true });
    case 'fail and remove':
      throw new TaskFailed('as the script says', { context, remove: true });
    case 'snooze once':
      return again ? finished({ context }) : snooze(300, { context });
    case 'fail':
      throw new TaskFailed('as the script says');
    case 'fail once':
      if (again) return finished({ context });
      throw new TaskFailed('as the script says', { context });
  }
}

async function* cleaning(
  process: SimulatedProcess,
  ledger: Ledger,
  given: Given,
): AsyncGenerator<object, void, void> {
  const { input } = given;
  const stint = ledger.begin(process, 'cleanup', given);
  try {
    await doStep(process, stint, given);
    yield { message: 'half way' };
    await doStep(process, stint, given);
    const fails = stint.earlier < input.failedCleanups;
    stint.finish(fails ? 'failed' : 'finished');
    if (fails) throw new Error('as the script says');
  } finally {
    stint.end();
  }
}

/** Some work; rejects with the reason of the signal when that fires, unless the script is stubborn. */
async function doStep(process: SimulatedProcess, stint: Stint, { input, signal }: Given): Promise<void> {
  stint.act();
  await wait(process, input.work, input.stubborn ? undefined : signal);
  stint.act();
}

function wait(process: SimulatedProcess, ms: number, signal: TaskSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel();
      if (signal !== undefined) reject(signal.reason);
    };
    const timer = process.clock.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
}
