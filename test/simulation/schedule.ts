/**
 * What is going to happen in a run, as data: a list of processes, operations and faults, each of which can be left out. A seed
 * makes one; a failing one is made shorter by leaving out what it doesn't need.
 */
import { type HintMode, STATEMENT_FAULTS, type StatementFault } from './network.ts';
import { Random } from './random.ts';
import { type Script, type ScriptedType, TYPES } from './script.ts';
import type { ClockError } from './simulated-process.ts';

export type Operation =
  | {
      readonly kind: 'create';
      readonly type: ScriptedType;
      readonly group: string;
      readonly priority: number;
      readonly key: string | undefined;
      readonly script: Script;
    }
  | { readonly kind: 'run' | 'pause' | 'delete'; readonly task: number }
  | { readonly kind: 'move'; readonly task: number; readonly group: string }
  | { readonly kind: 'run all' | 'pause all' | 'delete all'; readonly group: string }
  | { readonly kind: 'pause group'; readonly group: string; readonly running: boolean }
  | { readonly kind: 'resume group'; readonly group: string }
  | { readonly kind: 'limit group'; readonly group: string; readonly most: number | null };

/** What befalls a process as a whole; after `ms` milliseconds it is over, or the process is started anew. */
export type ProcessFault = 'crash' | 'freeze' | 'cut off' | 'stop';

export type Item =
  | {
      readonly kind: 'process';
      readonly at: number;
      readonly clock: ClockError;
      readonly concurrency: number;
    }
  | { readonly kind: 'operation'; readonly at: number; readonly by: number; readonly operation: Operation }
  | {
      readonly kind: 'statement fault';
      readonly process: number;
      readonly nth: number;
      readonly fault: StatementFault;
    }
  | {
      readonly kind: 'process fault';
      readonly at: number;
      readonly process: number;
      readonly fault: ProcessFault;
      readonly ms: number;
    };

export interface Settings {
  readonly latency: number;
  readonly hints: HintMode;
  readonly policy: 'fifo' | 'priority' | 'fair';
}

export interface Schedule {
  readonly seed: number;
  readonly settings: Settings;
  /** Items keep their numbers when others are left out. */
  readonly items: ReadonlyMap<number, Item>;
}

export const LEASE = 3000;
export const POLL = 750;
export const GRACE = 800;
/** When the last thing of a schedule happens. */
const END = 4000;
export const GROUPS: readonly string[] = ['a', 'b'];

export function makeSchedule(seed: number): Schedule {
  const random = new Random(seed, 3);
  const processes = makeProcesses(random);
  const tasks = makeTasks(random, processes.length);
  const operations = makeOperations(random, processes.length, tasks.length);
  const faults = Array.from({ length: random.below(5) }, () => makeFault(random, processes.length));
  const items = [...processes, ...tasks, ...operations, ...faults];
  return {
    seed,
    settings: {
      latency: random.pick([2, 5, 20]),
      hints: random.weighted({ none: 1, lossy: 3, committed: 1 }),
      policy: random.weighted({ fifo: 4, priority: 1, fair: 1 }),
    },
    items: new Map(items.map((item, index) => [index, item])),
  };
}

/** Only some of the items, by their numbers. */
export function onlyItems(schedule: Schedule, kept: ReadonlySet<number>): Schedule {
  return { ...schedule, items: new Map([...schedule.items].filter(([number]) => kept.has(number))) };
}

function makeProcesses(random: Random): readonly Item[] {
  const count = random.weighted({ 1: 1, 2: 6, 3: 2 });
  return Array.from({ length: Number(count) }, (_, index) => ({
    kind: 'process',
    // Most are there from the beginning.
    at: index === 0 || random.chance(0.7) ? 0 : random.below(END),
    clock: {
      offset: random.chance(0.5) ? 0 : random.between(-3_600_000, 3_600_000),
      drift: (random.next() - 0.5) / 500,
    },
    concurrency: random.between(1, 2),
  }));
}

function makeTasks(random: Random, processes: number): readonly Item[] {
  const limit = random.chance(0.2);
  return Array.from({ length: random.between(1, 3) }, (_, index): Item => {
    const script: Script = {
      name: index,
      autoRun: random.chance(0.9),
      steps: random.between(1, 3),
      work: random.pick([20, 150, 600]),
      style: random.weighted({ yield: 4, report: 2, transaction: 2 }),
      end: random.weighted({
        finish: 6,
        fail: 1,
        'fail once': 2,
        'snooze once': 1,
        remove: 1,
        'fail and remove': 1,
      }),
      stubborn: random.chance(0.1),
      failedCleanups: random.chance(0.8) ? 0 : 1,
    };
    return {
      kind: 'operation',
      at: random.below(limit ? 100 : 1500),
      by: random.below(processes),
      operation: {
        kind: 'create',
        type: random.pick(TYPES),
        group: random.pick(GROUPS),
        priority: random.below(3),
        key: random.chance(0.1) ? 'key' : undefined,
        script,
      },
    };
  });
}

function makeOperations(random: Random, processes: number, tasks: number): readonly Item[] {
  return Array.from({ length: random.below(5) }, (): Item => {
    const kind = random.weighted({
      run: 4,
      pause: 4,
      delete: 4,
      move: 1,
      'run all': 0.5,
      'pause all': 0.5,
      'delete all': 0.5,
      'pause group': 1,
      'resume group': 1,
      'limit group': 1.5,
    });
    return {
      kind: 'operation',
      at: random.below(END),
      by: random.below(processes),
      operation: makeOperation(random, kind, tasks),
    };
  });
}

function makeOperation(random: Random, kind: Exclude<Operation['kind'], 'create'>, tasks: number): Operation {
  const task = random.below(tasks);
  const group = random.pick(GROUPS);
  switch (kind) {
    case 'run':
    case 'pause':
    case 'delete':
      return { kind, task };
    case 'move':
      return { kind, task, group };
    case 'run all':
    case 'pause all':
    case 'delete all':
    case 'resume group':
      return { kind, group };
    case 'pause group':
      return { kind, group, running: random.chance(0.5) };
    case 'limit group':
      return { kind, group, most: random.chance(0.2) ? null : random.between(1, 2) };
  }
}

function makeFault(random: Random, processes: number): Item {
  const process = random.below(processes);
  if (random.chance(0.5)) {
    const fault = { kind: random.pick(STATEMENT_FAULTS), ms: random.between(1, random.pick([50, 1000, 4000])) };
    return { kind: 'statement fault', process, nth: random.between(1, 60), fault };
  }
  return {
    kind: 'process fault',
    at: random.below(END),
    process,
    fault: random.weighted({ crash: 3, freeze: 3, 'cut off': 3, stop: 2 }),
    ms: random.between(10, random.pick([500, 4500])),
  };
}

/** One line for each item, for people. */
export function describeItem(item: Item): string {
  switch (item.kind) {
    case 'process':
      return `a replica with ${item.concurrency} slots from ${item.at} ms, its clock off by ${item.clock.offset} ms`;
    case 'operation':
      return `at ${item.at} ms, through p${item.by}: ${JSON.stringify(item.operation)}`;
    case 'statement fault':
      return `statement ${item.nth} of p${item.process}: ${item.fault.kind}, ${item.fault.ms} ms`;
    case 'process fault':
      return `at ${item.at} ms, p${item.process}: ${item.fault}, ${item.ms} ms`;
  }
}
