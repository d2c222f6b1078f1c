/**
 * The types of task of a nemesis. Each handler puts down in the ledger what it does and what it was told, and stores with
 * each checkpoint who wrote it, so that a stale write that got through shows in the database itself.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  defineTask,
  type HandlerArguments,
  isTaskbatonError,
  type TaskDefinition,
  typed,
} from '../src/index.ts';
import type { HandlerEntry, LedgerFile } from './ledger.ts';
import type { WrittenContext } from './witness.ts';

/** So many steps, each of which takes so many milliseconds. */
export interface Work {
  readonly steps: number;
  readonly ms: number;
}

export const input = typed<Work>();
export const context = typed<WrittenContext>();

/** `steady` stops when it is told; `careless` goes on writing; `exact` writes in transactions; `flaky` fails at first. */
export const TYPES = ['steady', 'careless', 'exact', 'flaky', 'limited', 'poison'] as const;
export type TypeName = (typeof TYPES)[number];

/** Who ignores signals, and may be at work beside its heir. */
export const UNRULY: readonly string[] = ['careless'];

/** How long a handler may go on after its signal before its slot is another's. */
export const STOP_GRACE = 2000;
export const LIMITED_GROUP = 'limited';
export const GROUP_LIMIT = 3;
/** How often the poison may kill its process. */
const POISON_BUDGET = 2;
/** So many reports more does a careless one try. */
const LAST_TRIES = 5;

type Given = HandlerArguments<Work, WrittenContext>;
type Note = (what: HandlerEntry['what'], more?: Pick<HandlerEntry, 'step' | 'why'>) => void;

/** What those of one process do; its numbers go into `table`. */
export function tasksOf(ledger: LedgerFile, process_: string, table: string): readonly TaskDefinition[] {
  const noteOf = ({ task }: Pick<Given, 'task'>): Note => {
    const { id, epoch, type } = task;
    return (what, more) =>
      ledger.write({ kind: 'handler', what, process: process_, task: id, type, epoch, ...more });
  };
  const cleanup = async ({ task, context: from }: Given): Promise<void> => {
    const note = noteOf({ task });
    note('cleaning', { step: from?.step ?? 0 });
    await pause(20);
    note('cleaned');
  };
  const define = (type: TypeName, run: Run, more: object = {}): TaskDefinition =>
    defineTask<Work, Work, WrittenContext>({
      type,
      input,
      context,
      cleanup,
      onCrash: { resume: 1000 },
      ...more,
      async run(given) {
        const note = noteOf(given);
        note('begin', { step: given.context?.step ?? 0 });
        given.signal.addEventListener('abort', () => note('signal', { why: given.signal.reason.why }));
        try {
          await run(given, note, (step) => ({ step, epoch: given.task.epoch, process: process_ }));
        } finally {
          note('end');
        }
      },
    });
  return [
    define('steady', steady),
    define('limited', steady),
    define('careless', careless),
    define('exact', exactIn(table)),
    define('flaky', flaky, { retry: { attempts: 3, delay: 200 } }),
    define('poison', async () => process.kill(process.pid, 'SIGKILL') && pause(10_000), {
      onCrash: { resume: POISON_BUDGET },
    }),
  ];
}

type Run = (given: Given, note: Note, written: (step: number) => WrittenContext) => Promise<unknown>;

async function eachStep(
  { input: work, context: from }: Given,
  take: (step: number) => Promise<void>,
): Promise<void> {
  for (let step = (from?.step ?? 0) + 1; step <= work.steps; step++) {
    await pause(work.ms);
    await take(step);
  }
}

const steady: Run = (given, note, written) =>
  eachStep(given, async (step) => {
    given.signal.throwIfAborted();
    note('did', { step });
    await given.report({ context: written(step) });
    note('acked', { step });
  });

/** Takes no notice of its signal until it has tried to write some more. */
const careless: Run = async (given, note, written) => {
  let late = 0;
  await eachStep(given, async (step) => {
    if (given.signal.aborted && ++late > LAST_TRIES) given.signal.throwIfAborted();
    note('did', { step });
    await given.report({ context: written(step) }).then(
      () => note('acked', { step }),
      // Any other error says that it was stored, and that the task is to stop.
      (error: unknown) =>
        isTaskbatonError(error) ? note('refused', { step, why: error.code }) : note('acked', { step }),
    );
  });
};

function exactIn(table: string): Run {
  return (given, note, written) =>
    eachStep(given, async (step) => {
      note('did', { step });
      await given.transaction(async (tx) => {
        await tx.query(`INSERT INTO ${table} (task, step) VALUES (?, ?)`, [given.task.id, step]);
        return { context: written(step) };
      });
      note('acked', { step });
    });
}

const flaky: Run = async (given, note, written) => {
  await steady({ ...given, input: { ...given.input, steps: given.task.attempt } }, note, written);
  if (given.task.attempt < 3) throw new Error('not this time');
};
