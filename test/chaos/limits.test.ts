/**
 * Limits while replicas are killed at random: what ran when is taken from a ledger outside the database, and at no moment
 * did more tasks of a group run than its limit says.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eachDatabase, Fleet, type ReplicaProcess } from '../support/process.ts';
import { until } from '../support/system.ts';
import { RESUMED } from './tasks.ts';

const LIMITS: Readonly<Record<string, number>> = { one: 1, two: 2, three: 3 };
/** Before each kill. */
const TASKS_EACH = 4;
const REPLICAS = 3;
/** Of 15 ms each. */
const STEPS_EACH = 20;
const KILLS = 6;
const LEASE = 1000;

interface Stint {
  readonly group: string;
  readonly begin: number;
  readonly end: number;
}

describe('limits', () => {
  eachDatabase((open) => {
    it('are never exceeded, whichever replicas are killed when, and all tasks end', async (t) => {
      const fleet = new Fleet(await open(), t);
      const baton = fleet.controller();
      for (const [group, most] of Object.entries(LIMITS)) await baton.setLimit('group', group, most);
      const groups = new Map<number, string>();
      const add = async (count: number): Promise<void> => {
        for (const group of Object.keys(LIMITS).flatMap((name) => Array.from({ length: count }, () => name)))
          groups.set(await baton.createTask(RESUMED, { steps: STEPS_EACH, ms: 15 }, { group }), group);
      };
      const spawn = (): Promise<ReplicaProcess> => fleet.spawn({ lease: LEASE, concurrency: 10 });
      const all = await Promise.all(Array.from({ length: REPLICAS }, spawn));
      let living = [...all];
      for (let kill = 0; kill < KILLS; kill++) {
        // However long an heir takes to come up, there is something left to do.
        await add(TASKS_EACH);
        const victim = await until('somebody is in the middle of a task', () => living.find(isAtWork));
        victim.signal('SIGKILL');
        await victim.exited;
        const heir = await spawn();
        all.push(heir);
        living = [...living.filter((member) => member !== victim), heir];
      }
      await until('no task is left', () => done(baton), 90_000);
      const stints = all.flatMap((member) => stintsOf(member, groups));
      assert.ok(stints.length > groups.size, 'no kill hit a task');
      for (const [group, most] of Object.entries(LIMITS)) {
        const peak = peakOf(stints.filter((stint) => stint.group === group));
        assert.ok(peak <= most, `${peak} ran at once in ${group}`);
        assert.equal(peak, most, `the limit of ${group} was never used up`);
      }
      const { tasks } = await baton.getTasks({ states: ['failed'] });
      for (const task of tasks) assert.equal(task.error?.code, 'CRASHED');
    });
  });
});

/** Its last word is of a task that has most of its steps before it. */
function isAtWork(replica: ReplicaProcess): boolean {
  const last = replica.ledger().at(-1);
  return last?.what === 'did' && (last.step ?? STEPS_EACH) < STEPS_EACH / 2;
}

async function done(baton: ReturnType<Fleet['controller']>): Promise<boolean> {
  return (await baton.getTasks({ states: ['pending', 'running'], limit: 1 })).tasks.length === 0;
}

/** From the first to the last thing that each claim of each task did in this process. */
function stintsOf(replica: ReplicaProcess, groups: ReadonlyMap<number, string>): readonly Stint[] {
  const claims = Map.groupBy(replica.ledger(), ({ task, epoch }) => `${task}/${epoch}`);
  return Array.from(claims.values(), (entries) => ({
    group: groups.get(entries[0]?.task ?? 0) ?? '',
    begin: entries[0]?.at ?? 0,
    end: entries.at(-1)?.at ?? 0,
  }));
}

function peakOf(stints: readonly Stint[]): number {
  const peaks = stints.map(
    ({ begin }) => stints.filter((other) => other.begin <= begin && begin < other.end).length,
  );
  return Math.max(0, ...peaks);
}
