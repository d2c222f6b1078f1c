/**
 * What is going to happen in a run, as data: a list of processes, operations and faults, each of which can be left out. A seed
 * makes one; a failing one is made shorter by leaving out what it doesn't need.
 */
import { type HintMode, STATEMENT_FAULTS, STATEMENTS, type StatementClass, type StatementFault } from './network.ts';
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
/** About so many statements of each class come from a place. */
const MOST_OF: Readonly<Record<StatementClass, number>> = { any: 60, handler: 6, claim: 10, commit: 6 };
export const GROUPS: readonly string[] = ['a', 'b'];

/**
 * What a run is about: anything at all; claims of the same tasks by the same replicas again and again, while what was written
 * for them arrives late; limits; replicas that are away for longer than their lease.
 */
type Theme = 'anything' | 'churn' | 'limits' | 'absence';

export function makeSchedule(seed: number): Schedule {
  const random = new Random(seed, 3);
  const theme = random.weighted<Theme>({ anything: 4, churn: 3, limits: 1.5, absence: 1.5 });
  const processes = makeProcesses(random, theme);
  const tasks = makeTasks(random, theme, processes.length);
  const operations = makeOperations(random, theme, processes.length, tasks.length);
  const faults = Array.from({ length: random.between(theme === 'anything' ? 0 : 1, 4) }, () =>
    makeFault(random, theme, processes.length),
  );
  const items = [...processes, ...tasks, ...operations, ...faults];
  return {
    seed,
    settings: {
      latency: random.pick([2, 5, 20]),
      hints: random.weighted({ none: 1, lossy: 3, committed: 1 }),
      policy: random.weighted({ fifo: 4, priority: 1, fair: theme === 'churn' ? 0 : 1 }),
    },
    items: new Map(items.map((item, index) => [index, item])),
  };
}

/** Only some of the items, by their numbers. */
export function onlyItems(schedule: Schedule, kept: ReadonlySet<number>): Schedule {
  return { ...schedule, items: new Map([...schedule.items].filter(([number]) => kept.has(number))) };
}

function makeProcesses(random: Random, theme: Theme): readonly Item[] {
  const count = random.weighted({ 1: theme === 'churn' ? 8 : 1, 2: 6, 3: 2 });
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

function makeTasks(random: Random, theme: Theme, processes: number): readonly Item[] {
  return Array.from({ length: random.between(theme === 'limits' ? 2 : 1, 3) }, (_, index) => ({
    kind: 'operation',
    at: random.below(theme === 'anything' ? 1500 : 200),
    by: random.below(processes),
    operation: {
      kind: 'create',
      type: random.pick(TYPES),
      group: theme === 'limits' ? 'a' : random.pick(GROUPS),
      priority: random.below(3),
      key: random.chance(0.1) ? 'key' : undefined,
      script: makeScript(random, theme, index),
    },
  }));
}

function makeScript(random: Random, theme: Theme, name: number): Script {
  return {
    name,
    autoRun: random.chance(0.9),
    steps: random.between(1, theme === 'absence' ? 6 : 3),
    work: random.pick([20, 150, 600]),
    style: random.weighted({ yield: 4, report: 2, transaction: 2 }),
    end: random.weighted({
      finish: 6,
      fail: 1,
      'fail once': 2,
      'snooze once': theme === 'churn' ? 4 : 1,
      remove: 1,
      'fail and remove': 1,
    }),
    stubborn: random.chance(0.1),
    failedCleanups: random.chance(0.8) ? 0 : 1,
  };
}

const NONE_ASKED = {
  run: 0,
  pause: 0,
  delete: 0,
  move: 0,
  'run all': 0,
  'pause all': 0,
  'delete all': 0,
  'pause group': 0,
  'resume group': 0,
  'limit group': 0,
} as const;

/** How often what is asked for. */
const ASKED: Readonly<Record<Theme, Readonly<Record<Exclude<Operation['kind'], 'create'>, number>>>> = {
  anything: {
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
  },
  churn: { ...NONE_ASKED, run: 6, pause: 6, delete: 3 },
  limits: { ...NONE_ASKED, run: 2, pause: 4, move: 1, 'pause group': 1, 'resume group': 1, 'limit group': 2 },
  absence: { ...NONE_ASKED, run: 2, pause: 1, delete: 1 },
};

function makeOperations(random: Random, theme: Theme, processes: number, tasks: number): readonly Item[] {
  const limit: Item = {
    kind: 'operation',
    at: random.below(400),
    by: random.below(processes),
    operation: { kind: 'limit group', group: 'a', most: 1 },
  };
  const others = Array.from({ length: random.below(theme === 'churn' ? 7 : 5) }, (): Item => {
    const operation = makeOperation(random, random.weighted(ASKED[theme]), tasks);
    const latest = theme === 'churn' || theme === 'limits' ? END / 2 : END;
    return { kind: 'operation', at: random.below(latest), by: random.below(processes), operation };
  });
  return theme === 'limits' ? [limit, ...others] : others;
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

/** What kinds of faults a theme is about. */
const BEFALLING: Readonly<Record<Theme, Readonly<Record<ProcessFault | 'statement', number>>>> = {
  anything: { statement: 6, crash: 1.2, freeze: 1.2, 'cut off': 1.2, stop: 0.8 },
  churn: { statement: 10, crash: 0.3, freeze: 0.7, 'cut off': 0.7, stop: 0 },
  limits: { statement: 3, crash: 1, freeze: 1, 'cut off': 1, stop: 1 },
  absence: { statement: 1, crash: 1, freeze: 3, 'cut off': 3, stop: 0.5 },
};

function makeFault(random: Random, theme: Theme, processes: number): Item {
  const process = random.below(processes);
  const kind = random.weighted(BEFALLING[theme]);
  if (kind === 'statement') return { kind: 'statement fault', process, fault: makeStatementFault(random, theme) };
  const longest = theme === 'absence' ? 2 * LEASE : random.pick([500, 4500]);
  const ms = random.between(10, longest);
  return { kind: 'process fault', at: random.below(theme === 'absence' ? END / 2 : END), process, fault: kind, ms };
}

function makeStatementFault(random: Random, theme: Theme): StatementFault {
  if (theme === 'churn' && random.chance(0.8))
    return {
      of: 'handler',
      nth: random.between(1, 4),
      kind: random.pick(['late', 'late', 'slow request', 'reply lost']),
      ms: random.between(1, 300),
    };
  const of = random.pick(STATEMENTS);
  return {
    of,
    nth: random.between(1, MOST_OF[of]),
    kind: random.pick(STATEMENT_FAULTS),
    ms: random.between(1, random.pick([50, 1000, 4000])),
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
      return `statement ${item.fault.nth} (${item.fault.of}) of p${item.process}: ${item.fault.kind}, ${item.fault.ms} ms`;
    case 'process fault':
      return `at ${item.at} ms, p${item.process}: ${item.fault}, ${item.ms} ms`;
  }
}
