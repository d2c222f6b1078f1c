/**
 * The types of task that the processes under test run. Each puts down what it does in a ledger outside the database,
 * so that what happened can be compared with what the database says.
 */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  defineTask,
  finished,
  type HandlerArguments,
  isTaskbatonError,
  type RunningTask,
  type TaskDefinition,
  typed,
} from '../../src/index.ts';
import type { Entry } from './protocol.ts';

/** So many steps, each of which takes so long. */
export interface Steps {
  readonly steps: number;
  readonly ms: number;
}

export interface Step {
  readonly step: number;
}

export interface Block {
  /** For how long the event loop stands still, in the first epoch only. */
  readonly ms: number;
}

export interface Stalls {
  readonly times: number;
  /** For how long the event loop stands still each time, in the first epoch only. */
  readonly ms: number;
  /** A file that ends it once it is there. */
  readonly until?: string;
}

type Ledger = (entry: Entry) => void;
type Note = (what: Entry['what'], more?: Partial<Entry>) => void;

const input = typed<Steps>();
const context = typed<Step>();

/** The contracts, for the test's side. `steps` fails at a crash, `resumed` goes on elsewhere. */
export const STEPS = { type: 'steps', input, context };
export const RESUMED = { type: 'resumed', input, context };
export const CARELESS = { type: 'careless', input, context };
export const STUBBORN = { type: 'stubborn' };
export const NOOP = { type: 'noop' };
/** Numbers from 1 into a table without a key, each together with its checkpoint. */
export const COUNTED = { type: 'counted', input: typed<{ readonly table: string }>(), context };
/** Has so many leaves add up their numbers, each step by step. */
export const TREE = {
  type: 'tree',
  input: typed<{ readonly leaves: number }>(),
  context: typed<{ sum?: number }>(),
};
export const LEAF = { type: 'leaf', input: typed<number>(), context };
export const POISON = { type: 'poison' };
export const BLOCK = { type: 'block', input: typed<Block>() };
/** Lets the event loop stand still, and reports, again and again; without using the processor, so that many can do so at once. */
export const STALL = { type: 'stall', input: typed<Stalls>(), context };

export function testTasks(ledger: Ledger): readonly TaskDefinition[] {
  const steps = stepper(ledger);
  return [
    defineTask({ ...STEPS, run: steps, cleanup: cleaner(ledger) }),
    defineTask({ ...RESUMED, run: steps, cleanup: cleaner(ledger), onCrash: 'resume' }),
    defineTask({ ...CARELESS, run: careless(ledger), onCrash: 'resume' }),
    defineTask({ ...STUBBORN, run: stubborn(ledger), cleanup: cleaner(ledger) }),
    defineTask({ ...NOOP, run: noop(ledger), onCrash: 'resume' }),
    defineTask({ ...COUNTED, run: counted(ledger), onCrash: { resume: 1_000_000 } }),
    defineTask({ ...TREE, run: tree, cleanup: cleaner(ledger), onCrash: { resume: 1_000_000 } }),
    defineTask({ ...LEAF, run: leaf(ledger), cleanup: cleaner(ledger), onCrash: { resume: 1_000_000 } }),
    defineTask({ ...POISON, run: () => void process.kill(process.pid, 'SIGKILL'), onCrash: 'resume' }),
    defineTask({ ...BLOCK, run: block(ledger), onCrash: 'resume' }),
    defineTask({ ...STALL, run: stall(ledger), onCrash: 'resume' }),
  ];
}

/** Stops at a yield like any well-behaved handler, and needs no signal for it. */
function stepper(ledger: Ledger) {
  return async function* run(given: HandlerArguments<Steps, Step>): AsyncGenerator<{ context: Step }, void> {
    const { steps, ms } = given.input;
    const note = begin(ledger, given);
    for (let step = (given.context?.step ?? 0) + 1; step <= steps; step++) {
      await pause(ms);
      note('did', { step });
      yield { context: { step } };
      note('acked', { step });
    }
  };
}

const LAST_TRIES = 5;
/** Milliseconds between two looks for a file. */
const GLANCE = 20;

/** Ignores its signal and every refusal, reports some more and even claims to have finished: what a zombie does. */
function careless(ledger: Ledger) {
  return async (given: HandlerArguments<Steps, Step>) => {
    const { steps, ms } = given.input;
    const note = begin(ledger, given);
    let late = 0;
    for (let step = (given.context?.step ?? 0) + 1; step <= steps && late < LAST_TRIES; step++) {
      await pause(ms);
      if (given.signal.aborted) late += 1;
      note('did', { step });
      await given.report({ context: { step } }).then(
        () => note('acked', { step }),
        (error: unknown) => note('refused', { step, why: nameOf(error) }),
      );
    }
    return finished({ context: { step: late > 0 ? -1 : steps } });
  };
}

/** Takes no notice of its signal, and never ends. */
function stubborn(ledger: Ledger) {
  return async (given: HandlerArguments<unknown, unknown>) => {
    begin(ledger, given);
    await new Promise(() => undefined);
  };
}

function noop(ledger: Ledger) {
  return ({ task }: { readonly task: RunningTask }) => notes(ledger, task)('did');
}

function counted(ledger: Ledger) {
  return async (given: HandlerArguments<{ readonly table: string }, Step>) => {
    const note = begin(ledger, given);
    const first = (given.context?.step ?? 0) + 1;
    for (let step = first; ; step++) {
      await given.transaction(async (tx) => {
        await tx.query(`INSERT INTO ${given.input.table} VALUES (?)`, [step]);
        return { context: { step } };
      });
      if (step === first) note('acked', { step });
    }
  };
}

async function tree(given: HandlerArguments<{ readonly leaves: number }, { sum?: number }>): Promise<void> {
  const { input: size, context: known, children, report } = given;
  if (known === undefined) {
    const leaves = Array.from({ length: size.leaves }, (_, index) => ({ task: LEAF, input: index + 1 }));
    await children.create(leaves, { context: {} });
  }
  const done = await children.done({ as: LEAF });
  await report({ context: { sum: done.reduce((sum, child) => sum + (child.context?.step ?? 0), 0) } });
}

function leaf(ledger: Ledger) {
  return async function* run(given: HandlerArguments<number, Step>): AsyncGenerator<{ context: Step }, void> {
    begin(ledger, given);
    for (let step = (given.context?.step ?? 0) + 1; step <= given.input; step++) {
      await pause(10);
      yield { context: { step } };
    }
  };
}

function block(ledger: Ledger) {
  return async (given: HandlerArguments<Block, Step>) => {
    const note = begin(ledger, given);
    await given.report({ context: { step: 1 } });
    // The second owner is still at it when the first one comes to itself.
    if (given.task.epoch > 1) {
      await pause(given.input.ms);
      return finished({ context: { step: given.task.epoch } });
    }
    const end = performance.now() + given.input.ms;
    while (performance.now() < end);
    note('unblocked');
    await given.report({ context: { step: -1 } }).catch((error: unknown) => {
      note('refused', { why: nameOf(error) });
    });
    return finished({ context: { step: -1 } });
  };
}

function stall(ledger: Ledger) {
  return async function* run(given: HandlerArguments<Stalls, Step>): AsyncGenerator<{ context: Step }, void> {
    const note = begin(ledger, given);
    for (let step = (given.context?.step ?? 0) + 1; step <= given.input.times; step++) {
      note('did', { step });
      if (given.task.epoch === 1) standStill(given.input);
      note('unblocked', { step });
      yield { context: { step } };
      note('acked', { step });
    }
  };
}

function standStill({ ms, until }: Stalls): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  if (until === undefined) return void Atomics.wait(cell, 0, 0, ms);
  for (let waited = 0; waited < ms && !existsSync(until); waited += GLANCE) Atomics.wait(cell, 0, 0, GLANCE);
}

function cleaner(ledger: Ledger) {
  return ({ task }: { readonly task: RunningTask }) => notes(ledger, task)('cleaned');
}

type Beginning = Pick<HandlerArguments<unknown, unknown>, 'task' | 'context' | 'signal'>;

function begin(ledger: Ledger, { task, context: from, signal }: Beginning): Note {
  const note = notes(ledger, task);
  note('begin', { step: (from as Step | undefined)?.step ?? 0 });
  signal.addEventListener('abort', () => note('signal', { why: signal.reason.why }));
  return note;
}

function notes(ledger: Ledger, { id, epoch }: RunningTask): Note {
  return (what, more = {}) => ledger({ what, task: id, epoch, ...more });
}

function nameOf(error: unknown): string {
  return isTaskbatonError(error) ? error.code : String(error);
}
