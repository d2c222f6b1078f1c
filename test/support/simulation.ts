/**
 * Whose turn it is, in time that only the simulation moves on: the real store on a SQLite in memory whose clock is a row.
 * Slots take tasks as they come free, tasks take as long as they say, and the same plan always gives the same stints.
 */
import { DatabaseSync } from 'node:sqlite';
import { type CheckedLimits, checkLimits } from '../../src/core/limit.ts';
import { checkPolicy, type Policy, type PolicyName } from '../../src/core/policy.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { DIALECTS } from '../../src/store/dialect.ts';
import { Store } from '../../src/store/store.ts';
import { runnable } from '../../src/testing/bench.ts';

export interface PlannedTask {
  /** When it is created, in milliseconds from the beginning. */
  readonly at: number;
  readonly user: string;
  readonly group?: string;
  readonly priority?: number;
  /** How long it runs, in milliseconds. */
  readonly length: number;
}

export interface Plan {
  readonly policy: PolicyName | Policy;
  readonly limits?: unknown;
  readonly slots: number;
  readonly tasks: readonly PlannedTask[];
  /** When to stop looking; by default when all tasks are done. */
  readonly until?: number;
}

/** One task in one slot. */
export interface Stint {
  readonly task: PlannedTask;
  readonly slot: number;
  readonly begin: number;
  readonly end: number;
}

const TYPE = 'simulated';
const REPLICA = 'simulation';
const START = 1_000_000;

export async function simulate(plan: Plan): Promise<readonly Stint[]> {
  const handle = new DatabaseSync(':memory:');
  handle.exec('CREATE TABLE clock (at INTEGER NOT NULL)');
  handle.exec(`INSERT INTO clock (at) VALUES (${START})`);
  const database = await openDatabase(handle, { clock: systemClock });
  try {
    return await play(plan, handle, storeFor(plan, database));
  } finally {
    await database.close();
    handle.close();
  }
}

function storeFor({ policy, limits }: Plan, database: ConstructorParameters<typeof Store>[0]): Store {
  const refuse = (option: string): never => {
    throw new Error(`the plan's ${option} is wrong`);
  };
  const checked = checkPolicy('queue', policy, refuse);
  const checkedLimits: CheckedLimits = checkLimits(limits, refuse);
  return new Store(
    database,
    '',
    undefined,
    { ...DIALECTS.sqlite, now: '(SELECT at FROM clock)' },
    { policies: { run: checked, cleanup: checked }, limits: checkedLimits },
  );
}

async function play(plan: Plan, clock: DatabaseSync, store: Store): Promise<readonly Stint[]> {
  await store.prepare(true);
  await store.lead();
  const registration = { id: REPLICA, name: REPLICA, types: runnable(TYPE), concurrency: plan.slots };
  await store.register({ ...registration, lease: 1e12 });
  const coming = plan.tasks.toSorted((one, other) => one.at - other.at);
  const planned = new Map<number, PlannedTask>();
  const running = new Map<number, { stint: Stint; epoch: number }>();
  const free = Array.from({ length: plan.slots }, (_, slot) => slot);
  const stints: Stint[] = [];
  let ended: number[] = [];
  let now = 0;
  while (now < (plan.until ?? Infinity)) {
    clock.exec(`UPDATE clock SET at = ${START + now}`);
    for (const [id, { stint, epoch }] of running) {
      if (stint.end > now) continue;
      running.delete(id);
      free.push(stint.slot);
      ended.push(id);
      const checkpoint = { context: null, progress: null, message: null };
      const settlement = { event: 'finish', checkpoint, error: null, remove: false } as const;
      await store.settle({ id, owner: REPLICA, epoch }, settlement);
    }
    while (coming[0] !== undefined && coming[0].at <= now) {
      const task = coming.shift()!;
      const { user, group = '', priority = 0 } = task;
      const id = await store.create({
        type: TYPE,
        user,
        group,
        priority,
        input: null,
        context: null,
        autoRun: true,
      });
      planned.set(id, task);
    }
    for (let more = true; more && free.length > 0;) {
      const request = {
        replica: REPLICA,
        queue: 'run',
        types: runnable(TYPE),
        limit: free.length,
        ended,
      } as const;
      const answer = await store.claim(request);
      ended = [];
      more = answer.more;
      for (const { id, epoch } of answer.claims) {
        const task = planned.get(id)!;
        const slot = free.toSorted((one, other) => one - other)[0]!;
        free.splice(free.indexOf(slot), 1);
        const stint = { task, slot, begin: now, end: now + task.length };
        stints.push(stint);
        running.set(id, { stint, epoch });
      }
    }
    const next = Math.min(
      coming[0]?.at ?? Infinity,
      ...Array.from(running.values(), ({ stint }) => stint.end),
    );
    if (next === Infinity) break;
    now = next;
  }
  return stints;
}
