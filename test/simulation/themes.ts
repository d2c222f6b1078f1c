/**
 * From a seed to a schedule. Each run has a theme, which says what is likely to happen in it: what goes wrong seldom by chance
 * has one that is about it.
 */
import { STATEMENT_FAULTS, STATEMENTS, type StatementClass, type StatementFault } from './network.ts';
import { Random } from './random.ts';
import { GROUPS, type Item, LEASE, type Operation, type ProcessFault, type Schedule } from './schedule.ts';
import { type Script, TYPES } from './script.ts';

type Asked = Exclude<Operation['kind'], 'create'>;

interface Theme {
  /** How many replicas there are, by weight. */
  readonly processes: Readonly<Record<1 | 2 | 3, number>>;
  readonly tasks: readonly [least: number, most: number];
  /** When they are created, at the latest. */
  readonly created: number;
  readonly steps: readonly [least: number, most: number];
  /** Milliseconds that a piece of work may take. */
  readonly work: readonly number[];
  /** How many of them don't listen to their signal. */
  readonly stubborn: number;
  readonly operations: readonly [least: number, most: number];
  readonly asked: Readonly<Partial<Record<Asked, number>>>;
  /** When the last one is asked for. */
  readonly until: number;
  readonly faults: readonly [least: number, most: number];
  readonly befalling: Readonly<Partial<Record<ProcessFault | 'statement', number>>>;
  /** How long a fault of a process lasts, at most. */
  readonly away: number;
}

/** Anything at all. */
const ANYTHING: Theme = {
  processes: { 1: 1, 2: 6, 3: 2 },
  tasks: [1, 3],
  created: 1500,
  steps: [1, 3],
  work: [20, 150, 600],
  stubborn: 0.1,
  operations: [0, 4],
  asked: {
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
  until: 4000,
  faults: [0, 4],
  befalling: { statement: 6, crash: 1.2, freeze: 1.2, 'cut off': 1.2, slow: 0.6, stop: 0.8 },
  away: 2500,
};

/** Statements that get lost or come late, and tasks that come back to the same replica meanwhile. */
const CHURN: Theme = {
  ...ANYTHING,
  processes: { 1: 4, 2: 3, 3: 1 },
  created: 200,
  steps: [1, 5],
  operations: [1, 6],
  asked: { run: 6, pause: 6, delete: 3 },
  until: 2000,
  faults: [1, 5],
  befalling: { statement: 10, crash: 0.3, freeze: 0.5, 'cut off': 0.5, slow: 0.3 },
};

/** More tasks than the limit of their group. */
const LIMITS: Theme = {
  ...ANYTHING,
  processes: { 1: 1, 2: 4, 3: 2 },
  tasks: [2, 4],
  created: 100,
  stubborn: 0.5,
  operations: [2, 6],
  asked: { run: 2, pause: 6, move: 1, 'pause group': 1, 'resume group': 1, 'limit group': 1 },
  until: 2000,
  faults: [0, 2],
};

/** Replicas that are away for longer than their lease, or hardly there. */
const ABSENCE: Theme = {
  ...ANYTHING,
  processes: { 1: 1, 2: 4, 3: 6 },
  created: 200,
  steps: [3, 6],
  operations: [0, 2],
  asked: { run: 2, pause: 1, delete: 1 },
  faults: [1, 4],
  befalling: { statement: 1, crash: 3, freeze: 2, 'cut off': 2, slow: 4 },
  away: 2 * LEASE,
};

/** Many tasks that are over at once, so that some are claimed ahead of their slots, and then wait for one that takes long. */
const RUSH: Theme = {
  ...ANYTHING,
  processes: { 1: 3, 2: 3, 3: 1 },
  tasks: [8, 20],
  created: 100,
  steps: [0, 0],
  work: [1, 1, 1, 1, 600],
  operations: [0, 6],
  until: 1000,
};

/** When the last thing that goes wrong begins to do so. */
const LAST_FAULT = 4000;
/** About so many statements of each class come from a place. */
const MOST_OF: Readonly<Record<StatementClass, number>> = { any: 60, handler: 6, claim: 10, commit: 6 };

/** How often which theme. */
const OFTEN = {
  anything: 25,
  churn: 13,
  limits: 15,
  absence: 9,
  rush: 6,
  echo: 14,
  death: 20,
  zombie: 7,
} as const;

const makers: Readonly<Record<keyof typeof OFTEN, (random: Random) => readonly Item[]>> = {
  anything: (random) => makeItems(random, ANYTHING),
  churn: (random) => makeItems(random, CHURN),
  limits: (random) => makeItems(random, LIMITS),
  absence: (random) => makeItems(random, ABSENCE),
  rush: (random) => makeItems(random, RUSH),
  echo: makeEcho,
  death: makeDeath,
  zombie: makeZombie,
};

export function makeSchedule(seed: number): Schedule {
  const random = new Random(seed, 3);
  const settings = {
    latency: random.pick([2, 5, 20]),
    hints: random.weighted({ none: 1, lossy: 3, committed: 1 }),
    policy: random.weighted({ fifo: 4, priority: 1, fair: 1 }),
    history: random.weighted({ off: 4, changes: 1, all: 1 }),
  };
  const items = makers[random.weighted(OFTEN)](random);
  return { seed, settings, items: new Map(items.map((item, index) => [index, item])) };
}

function makeItems(random: Random, theme: Theme): readonly Item[] {
  const processes = several([1, Number(random.weighted(theme.processes))], random, (index) =>
    makeProcess(random, index),
  );
  const count = processes.length;
  const tasks = several(theme.tasks, random, (index): Item => ({
    kind: 'operation',
    at: random.below(theme.created),
    by: random.below(count),
    operation: makeTask(random, theme, index),
  }));
  const limit: Item = {
    kind: 'operation',
    at: random.below(200),
    by: 0,
    operation: { kind: 'limit group', group: 'a', most: 1 },
  };
  const operations = several(theme.operations, random, (): Item => ({
    kind: 'operation',
    at: random.below(theme.until),
    by: random.below(count),
    operation: makeOperation(random, random.weighted<Asked>(theme.asked), tasks.length),
  }));
  const faults = several(theme.faults, random, () => makeFault(random, theme, count));
  return [...processes, ...tasks, ...(theme === LIMITS ? [limit] : []), ...operations, ...faults];
}

function several<Made>(
  [least, most]: readonly [number, number],
  random: Random,
  make: (index: number) => Made,
): readonly Made[] {
  return Array.from({ length: random.between(least, most) }, (_, index) => make(index));
}

/**
 * One task and one replica: it is asked to stop and to go on while it works, and what was written for its first claim is
 * carried out once more when the second one is at work.
 */
function makeEcho(random: Random): readonly Item[] {
  const work = random.pick([150, 400]);
  const task = makeTask(random, { ...CHURN, steps: [1, 3], stubborn: 0.5 }, 0);
  const { steps } = task.script;
  const stop = random.between(20, (steps + 1) * work);
  const asked = random.weighted({ delete: 1, pause: 1 });
  return [
    makeProcess(random, 0),
    operation(1, { ...task, script: { ...task.script, work, autoRun: true } }),
    operation(stop, { kind: asked, task: 0 }),
    ...(asked === 'pause' ? [operation(stop + random.between(20, 250), { kind: 'run', task: 0 })] : []),
    {
      kind: 'statement fault',
      process: 0,
      fault: { ...makeLateWrite(random), nth: random.between(1, steps + 1) },
    },
  ];
}

/** The replica that works dies, and two others find that out, of which one is slow. */
function makeDeath(random: Random): readonly Item[] {
  const task = makeTask(random, { ...ABSENCE, stubborn: 0 }, 0);
  const death = random.between(900, 1500);
  return [
    makeProcess(random, 0),
    ...several([2, 2], random, (index): Item => ({
      ...makeProcess(random, index + 1),
      at: random.below(600),
    })),
    operation(1, { ...task, type: 'resumed', script: { ...task.script, work: 600, autoRun: true } }),
    {
      kind: 'process fault',
      at: death,
      process: 0,
      fault: random.weighted({ crash: 2, 'cut off': 1, freeze: 1 }),
      ms: random.between(LEASE, 2 * LEASE),
    },
    {
      kind: 'process fault',
      at: death + LEASE - random.between(0, 1000),
      process: random.between(1, 2),
      fault: 'slow',
      ms: random.between(2000, 5000),
    },
  ];
}

/** A replica stands still while it works, and goes on when somebody else does its work. */
function makeZombie(random: Random): readonly Item[] {
  const task = makeTask(random, { ...ABSENCE, steps: [1, 2] }, 0);
  return [
    makeProcess(random, 0),
    makeProcess(random, 1),
    operation(1, { ...task, type: 'resumed', script: { ...task.script, work: 1500, autoRun: true } }),
    {
      kind: 'process fault',
      at: random.between(100, 4500),
      process: 0,
      fault: random.weighted({ freeze: 3, 'cut off': 1 }),
      ms: random.between(LEASE - 500, 2 * LEASE),
    },
  ];
}

function operation(at: number, asked: Operation): Item {
  return { kind: 'operation', at, by: 0, operation: asked };
}

function makeProcess(random: Random, index: number): Extract<Item, { kind: 'process' }> {
  return {
    kind: 'process',
    // Most are there from the beginning.
    at: index === 0 || random.chance(0.7) ? 0 : random.below(LAST_FAULT),
    clock: {
      offset: random.chance(0.5) ? 0 : random.between(-3_600_000, 3_600_000),
      drift: (random.next() - 0.5) / 500,
    },
    concurrency: random.between(1, 2),
  };
}

function makeTask(random: Random, theme: Theme, name: number): Extract<Operation, { kind: 'create' }> {
  const script: Script = {
    name,
    autoRun: random.chance(0.9),
    steps: random.between(...theme.steps),
    work: random.pick(theme.work),
    style: random.weighted({ yield: 4, report: 2, transaction: 2 }),
    end: random.weighted({
      finish: 6,
      fail: 1,
      'fail once': 2,
      'snooze once': theme === CHURN ? 4 : 1,
      remove: 1,
      'fail and remove': 1,
    }),
    stubborn: random.chance(theme.stubborn),
    failedCleanups: random.chance(0.8) ? 0 : 1,
  };
  return {
    kind: 'create',
    type: random.pick(TYPES),
    group: theme === LIMITS ? 'a' : random.pick(GROUPS),
    priority: random.below(3),
    key: random.chance(0.1) ? 'key' : undefined,
    script,
  };
}

function makeOperation(random: Random, kind: Asked, tasks: number): Operation {
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

function makeFault(random: Random, theme: Theme, processes: number): Item {
  const process = random.below(processes);
  const kind = random.weighted<ProcessFault | 'statement'>(theme.befalling);
  if (kind === 'statement') {
    const late = theme === CHURN && random.chance(0.7);
    return {
      kind: 'statement fault',
      process,
      fault: late ? makeLateWrite(random) : makeStatementFault(random),
    };
  }
  return {
    kind: 'process fault',
    at: random.below(LAST_FAULT),
    process,
    fault: kind,
    ms: random.between(10, random.pick([theme.away / 8, theme.away])),
  };
}

function makeLateWrite(random: Random): StatementFault {
  return {
    of: 'handler',
    nth: random.between(1, 6),
    kind: random.weighted({ late: 4, 'slow request': 1, 'reply lost': 1 }),
    ms: random.between(1, random.pick([20, 300])),
  };
}

function makeStatementFault(random: Random): StatementFault {
  const of = random.pick(STATEMENTS);
  return {
    of,
    nth: random.between(1, MOST_OF[of]),
    kind: random.pick(STATEMENT_FAULTS),
    ms: random.between(1, random.pick([50, 1000, 4000])),
  };
}
