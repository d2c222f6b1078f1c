/**
 * Whether a task of yours can really be stopped anywhere: it is run once in peace, and then again and again, each time
 * interrupted at another moment in another way. Result and effects must be the same each time.
 */
import { AssertionError, deepStrictEqual } from 'node:assert';
import type { Untyped } from '../core/declaration.ts';
import type { TaskDefinition } from '../core/definition.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { Task } from '../core/task.ts';
import type { Taskbaton } from '../taskbaton.ts';
import { Awaits } from './awaits.ts';
import { TestSystem } from './test-system.ts';

/** A pause and a later resume, a replica that stops, one that is killed, and one that stands still past its lease. */
export type Interruption = 'pause' | 'stop' | 'crash' | 'freeze';

export interface ResumeOptions {
  /** Called before each run, to make a fresh world for the task. */
  readonly setup?: (() => unknown) | undefined;
  /** Called after each run: what the task has done to the world, comparable with `assert.deepStrictEqual`. */
  readonly effects?: (() => unknown) | undefined;
  /** All by default. */
  readonly interruptions?: readonly Interruption[] | undefined;
  /** At how many of the moments at which the handler goes on after an `await` to interrupt it, evenly spread; 20. */
  readonly awaits?: number | undefined;
  /** Definitions of its children, if it has any. */
  readonly tasks?: readonly TaskDefinition[] | undefined;
}

export interface ResumeReport {
  /** How many writes the task makes in peace: its reports and its end. */
  readonly writes: number;
  /** How often its handler goes on in peace after it has waited for something. */
  readonly awaits: number;
  /** How many interrupted runs came to the same. */
  readonly runs: number;
}

const INTERRUPTIONS: readonly Interruption[] = ['pause', 'stop', 'crash', 'freeze'];
const LEASE = 30_000;

/**
 * Interrupts a task right before each of its writes, where its effects are there and the checkpoint behind them isn't,
 * right after, and wherever its handler goes on after an `await`. Throws an AssertionError that names the first
 * interruption after which anything is different.
 */
export async function resumeEverywhere<Given, Input, Context>(
  definition: TaskDefinition<Given, Input, Context>,
  input: Given,
  options: ResumeOptions = {},
): Promise<ResumeReport> {
  const { interruptions = INTERRUPTIONS } = options;
  const peaceful = await run(definition, input, options);
  expectFinished(peaceful);
  const moments = [...aroundWrites(peaceful), ...atAwaits(peaceful, options)];
  for (const moment of moments) {
    for (const interruption of interruptions) {
      const interrupted = await run(definition, input, options, { interruption, moment });
      const of =
        moment.at === 'at'
          ? `await ${moment.nth} of ${peaceful.awaits}`
          : `write ${moment.nth} of ${peaceful.writes}`;
      expectSame(peaceful, interrupted, `${interruption} ${moment.at} ${of}`);
    }
  }
  const { writes, awaits } = peaceful;
  return { writes, awaits, runs: moments.length * interruptions.length };
}

const AWAITS = 20;

/** Before or after the nth write, or at the nth await. */
interface Moment {
  readonly at: 'before' | 'after' | 'at';
  readonly nth: number;
}

interface Plan {
  readonly interruption: Interruption;
  readonly moment: Moment;
}

interface Run {
  readonly task: Pick<Task<unknown, unknown>, 'state' | 'context' | 'error'>;
  readonly effects: unknown;
  readonly writes: number;
  readonly awaits: number;
}

function aroundWrites({ writes }: Run): readonly Moment[] {
  const each = Array.from({ length: writes }, (_, index) => index + 1);
  return each.flatMap((nth): readonly Moment[] =>
    // After its last write there is nothing to interrupt.
    nth === writes
      ? [{ at: 'before', nth }]
      : [
          { at: 'before', nth },
          { at: 'after', nth },
        ],
  );
}

function atAwaits({ awaits }: Run, { awaits: most = AWAITS }: ResumeOptions): readonly Moment[] {
  const count = Math.min(awaits, most);
  return Array.from({ length: count }, (_, index) => ({
    at: 'at',
    nth: Math.ceil(((index + 1) * awaits) / count),
  }));
}

async function run(
  definition: TaskDefinition<Untyped, Untyped, Untyped>,
  input: unknown,
  { setup, effects, tasks = [] }: ResumeOptions,
  plan?: Plan,
): Promise<Run> {
  await setup?.();
  const survives = (one: TaskDefinition): TaskDefinition => ({ ...one, onCrash: { resume: 1000 } });
  const [survivor, ...others] = [definition, ...tasks].map(survives) as [TaskDefinition, ...TaskDefinition[]];
  const system = await TestSystem.open({ tasks: [survivor, ...others], lease: LEASE });
  let [writes, awaits] = [0, 0];
  let interrupted: Promise<unknown> = Promise.resolve();
  const reach = (at: Moment['at'], nth: number): void => {
    if (plan?.moment.at !== at || plan.moment.nth !== nth) return;
    interrupted = interrupt(plan.interruption, system, { first, control, id });
  };
  const watched = new Awaits(() => reach('at', ++awaits));
  const control = system.instance({ tasks: [] });
  const first = await system.replica({ tasks: [watched.watch(survivor), ...others] });
  let id = 0;
  try {
    system.onWrite(first, (moment) => reach(moment, moment === 'before' ? ++writes : writes));
    id = await control.createTask(definition, input);
    await runToEnd(system, id);
    await system.through(interrupted);
    await runToEnd(system, id);
    const { state, context, error }: Task<unknown, unknown> = await control.getTask(id);
    return { task: { state, context, error }, effects: await effects?.(), writes, awaits };
  } finally {
    watched.close();
    await system.close();
  }
}

/** Through its sleeps and its further attempts. Whoever never ends is told by its state. */
async function runToEnd(system: TestSystem, id: number): Promise<void> {
  await system.runUntilDone(id).catch((error: unknown) => {
    if (!isTaskbatonError(error, 'NOT_DONE')) throw error;
  });
  await system.runUntilIdle();
}

/** It begins at once, and resolves when the task may go on. */
async function interrupt(
  interruption: Interruption,
  system: TestSystem,
  { first, control, id }: { readonly first: Taskbaton; readonly control: Taskbaton; readonly id: number },
): Promise<void> {
  if (interruption === 'crash') system.crash(first);
  const thaw = interruption === 'freeze' ? system.freeze(first) : undefined;
  if (interruption === 'pause') {
    await control.pauseTask(id).catch(() => undefined);
    while ((await control.getTask(id)).state === 'canceling') await system.wait(100);
    if ((await control.getTask(id)).state === 'paused') await control.runTask(id);
    return;
  }
  const heir = system.replica();
  if (interruption === 'stop') await first.stop();
  await heir;
  if (thaw === undefined) return;
  await system.wait(2 * LEASE);
  thaw();
}

/** What comes to nothing comes to the same wherever it is interrupted. */
function expectFinished(peaceful: Run): void {
  const { state } = peaceful.task;
  if (state === 'finished') return;
  const message = `in peace the task does not finish: it is ${state}${reasonOf(peaceful)}`;
  throw new AssertionError({ message, actual: state, expected: 'finished', operator: 'resumeEverywhere' });
}

function reasonOf({ task }: Run): string {
  return task.error === undefined ? '' : ` (${task.error.message})`;
}

function expectSame(peaceful: Run, interrupted: Run, schedule: string): void {
  try {
    deepStrictEqual(
      { state: interrupted.task.state, context: interrupted.task.context, effects: interrupted.effects },
      { state: peaceful.task.state, context: peaceful.task.context, effects: peaceful.effects },
    );
  } catch (error) {
    const difference = error instanceof AssertionError ? error.message : String(error);
    const message = `after a ${schedule} the task does not come to the same${reasonOf(interrupted)}: ${difference}`;
    throw new AssertionError({
      message,
      actual: interrupted,
      expected: peaceful,
      operator: 'resumeEverywhere',
    });
  }
}
