/**
 * Whether a task of yours can really be stopped anywhere: it is run once in peace, and then again and again, each time
 * interrupted at another moment in another way. Result and effects must be the same each time.
 */
import { AssertionError, deepStrictEqual } from 'node:assert';
import type { TaskDefinition, Untyped } from '../core/definition.ts';
import type { Task } from '../core/task.ts';
import type { Taskbaton } from '../taskbaton.ts';
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
}

export interface ResumeReport {
  /** How many writes the task makes in peace: its reports and its end. */
  readonly writes: number;
  /** How many interrupted runs came to the same. */
  readonly runs: number;
}

const INTERRUPTIONS: readonly Interruption[] = ['pause', 'stop', 'crash', 'freeze'];
const LEASE = 30_000;

/**
 * Interrupts a task right before each of its writes, where its effects are there and the checkpoint behind them isn't, and
 * right after. Throws an AssertionError that names the first interruption after which anything is different.
 */
export async function resumeEverywhere<Given, Input, Context>(
  definition: TaskDefinition<Given, Input, Context>,
  input: Given,
  options: ResumeOptions = {},
): Promise<ResumeReport> {
  const { interruptions = INTERRUPTIONS } = options;
  const peaceful = await run(definition, input, options);
  let runs = 0;
  for (let write = 1; write <= peaceful.writes; write++) {
    for (const interruption of interruptions) {
      for (const moment of ['before', 'after'] as const) {
        // Between its last write and the next task there is nothing to interrupt.
        if (moment === 'after' && write === peaceful.writes) continue;
        const interrupted = await run(definition, input, options, { interruption, moment, write });
        expectSame(peaceful, interrupted, `${interruption} ${moment} write ${write} of ${peaceful.writes}`);
        runs += 1;
      }
    }
  }
  return { writes: peaceful.writes, runs };
}

interface Plan {
  readonly interruption: Interruption;
  readonly moment: 'before' | 'after';
  readonly write: number;
}

interface Run {
  readonly task: Pick<Task<unknown, unknown>, 'state' | 'context' | 'error'>;
  readonly effects: unknown;
  readonly writes: number;
}

async function run(
  definition: TaskDefinition<Untyped, Untyped, Untyped>,
  input: unknown,
  { setup, effects }: ResumeOptions,
  plan?: Plan,
): Promise<Run> {
  await setup?.();
  const survivor = { ...definition, onCrash: { resume: 1000 } };
  const system = await TestSystem.open({ tasks: [survivor], lease: LEASE });
  try {
    const control = system.instance({ tasks: [] });
    const first = await system.replica();
    let writes = 0;
    let interrupted: Promise<unknown> = Promise.resolve();
    system.onWrite(first, (moment) => {
      if (moment === 'before') writes += 1;
      if (plan === undefined || plan.moment !== moment || plan.write !== writes) return;
      interrupted = interrupt(plan.interruption, system, { first, control, id });
    });
    const id = await control.createTask(definition, input);
    await system.runUntilIdle();
    await system.through(interrupted);
    await system.runUntilIdle();
    const { state, context, error }: Task<unknown, unknown> = await control.getTask(id);
    return { task: { state, context, error }, effects: await effects?.(), writes };
  } finally {
    await system.close();
  }
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

function expectSame(peaceful: Run, interrupted: Run, schedule: string): void {
  try {
    deepStrictEqual(
      { state: interrupted.task.state, context: interrupted.task.context, effects: interrupted.effects },
      { state: peaceful.task.state, context: peaceful.task.context, effects: peaceful.effects },
    );
  } catch (error) {
    const difference = error instanceof AssertionError ? error.message : String(error);
    const reason = interrupted.task.error === undefined ? '' : ` (${interrupted.task.error.message})`;
    const message = `after a ${schedule} the task does not come to the same${reason}: ${difference}`;
    throw new AssertionError({
      message,
      actual: interrupted,
      expected: peaceful,
      operator: 'resumeEverywhere',
    });
  }
}
