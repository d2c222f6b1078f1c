/** Whoever looks sees what the reference says, each time in another way. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { isTaskbatonError, type PublicState, type ScopeCount } from '../../../src/index.ts';
import { until } from '../../support/system.ts';
import { all, always, answerOf, Command, GROUPS, hasTasks, nth, PAGE, USERS, which } from '../command.ts';
import type { Fleet } from '../fleet.ts';
import { PAUSED_KINDS, type Reference, type ReferenceTask, SLOTS } from '../reference.ts';

/** In milliseconds; it is over at once, unless something is missing. */
const FOLLOWED_FOR = 60_000;
const STATES = ['pending', 'running', 'paused', 'failed'] as const;

const isVisible = (task: ReferenceTask | undefined): task is ReferenceTask =>
  task !== undefined && task.state !== 'deleting';

export const looks: readonly fc.Arbitrary<Command>[] = [
  which.map(
    (index) =>
      new Command('get', `#${index}`, hasTasks, async (reference, fleet) => {
        const id = nth(reference, index);
        const expected = isVisible(reference.tasks.get(id)) ? 'done' : 'TASK_NOT_FOUND';
        assert.equal(await answerOf(fleet.controller.getTask(id)), expected);
      }),
  ),
  fc.tuple(fc.constantFrom(...GROUPS), fc.constantFrom(...USERS), fc.constantFrom(...STATES)).map(
    ([group, user, state]) =>
      new Command('list', `${group} ${user} ${state}`, always, async (reference, fleet) => {
        const { tasks } = await fleet.controller.getTasks({ group, user, states: [state], limit: PAGE });
        const expected = reference.of(['user/group', user, group]).filter((task) => task.state === state);
        assert.deepEqual(
          tasks.map(({ id }) => id),
          expected.map(({ id }) => id).toSorted((one, other) => other - one),
        );
      }),
  ),
  which.map(
    (index) =>
      new Command('await', `#${index}`, all(hasTasks, hasEnded(index)), async (reference, fleet) => {
        const { id, state } = nthTask(reference, index) ?? { id: 0, state: 'failed' };
        const outcome = await fleet.controller.taskDone(id).then(
          ({ state: seen }) => seen,
          (error: unknown) => (isTaskbatonError(error, 'TASK_FAILED') ? 'failed' : error),
        );
        assert.equal(outcome, state);
      }),
  ),
  which.map(
    (index) =>
      new Command('watch', `#${index}`, all(hasTasks, isThere(index)), async (reference, fleet) => {
        const task = nthTask(reference, index);
        for await (const { state } of fleet.controller.watchTask(task?.id ?? 0)) {
          assert.equal(state, task?.state);
          break;
        }
      }),
  ),
  which.map(
    (index) =>
      new Command('read history', `#${index}`, all(hasTasks, isThere(index)), async (reference, fleet) => {
        const task = nthTask(reference, index);
        const { entries } = await fleet.controller.history(task?.id ?? 0, { limit: PAGE });
        assert.equal(entries[0]?.event, 'create');
        assert.equal(entries.findLast(({ to }) => to !== undefined)?.to, task?.state);
      }),
  ),
  which.map(
    (index) =>
      new Command('follow', `#${index}`, all(hasTasks, isThere(index)), async (reference, { controller }) => {
        const id = nth(reference, index);
        const { entries } = await controller.history(id, { limit: PAGE });
        const [since, ...cursors] = entries.map(({ cursor }) => cursor);
        const followed: string[] = [];
        const signal = AbortSignal.timeout(FOLLOWED_FOR);
        for await (const { cursor, task } of cursors.length > 0 ? controller.events({ since, signal }) : []) {
          if (task === id) followed.push(cursor);
          if (cursor === cursors.at(-1)) break;
        }
        assert.deepEqual(followed, cursors);
      }),
  ),
  fc.constant(new Command('count', '', always, count)),
  fc.constant(new Command('glance', '', always, glance)),
  fc.constant(
    new Command('list versions', '', always, async (reference, { controller }) => {
      const left = reference.all.filter(({ state }) => state !== 'finished' && state !== 'failed');
      const replicas = reference.replicas.filter(({ drained }) => !drained).length;
      const expected = Array.from(
        Map.groupBy(left, ({ type }) => type),
        ([type, tasks]) => ({
          type,
          version: 1,
          tasks: tasks.length,
          replicas,
        }),
      );
      assert.deepEqual(
        await controller.versions(),
        expected.toSorted((one, other) => (one.type < other.type ? -1 : 1)),
      );
    }),
  ),
  fc.constant(
    new Command('list schedules', '', always, async (reference, fleet) => {
      const found = (await fleet.schedules.list()).map(({ name, type, user, group, paused }) => [
        name,
        { type, user, group, paused },
      ]);
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(reference.schedules));
    }),
  ),
  fc.constant(
    new Command('list replicas', '', always, async (reference, fleet) => {
      const found = await fleet.controller.replicas();
      const seen = new Map(found.map(({ id, draining }) => [id, draining]));
      const expected = reference.replicas.map(({ drained }, index) => [fleet.idOf(index), drained] as const);
      assert.deepEqual(seen, new Map(expected));
      const held = found.flatMap(({ running }) => running.map(({ id }) => id));
      assert.deepEqual(new Set(held), new Set(reference.held.map(({ id }) => id)));
    }),
  ),
];

function nthTask(reference: Reference, index: number): ReferenceTask | undefined {
  return reference.tasks.get(nth(reference, index));
}

function isThere(index: number): (reference: Reference) => boolean {
  return (reference) => isVisible(nthTask(reference, index));
}

function hasEnded(index: number): (reference: Reference) => boolean {
  return (reference) => ['finished', 'failed'].includes(nthTask(reference, index)?.state ?? '');
}

/** Tasks by state, limits and pauses of each user, group and type that has tasks. */
async function count(reference: Reference, { controller }: Fleet): Promise<void> {
  const found = {
    group: await controller.groups(),
    user: await controller.users(),
    type: await controller.types(),
  };
  for (const kind of PAUSED_KINDS) {
    const expected = Array.from(
      Map.groupBy(reference.all, (task) => task[kind]),
      ([name, tasks]) => ({
        name,
        states: statesOf(tasks),
        limit: reference.limits.get(String([kind, name])),
        paused: reference.pauses.has(String([kind, name])),
      }),
    );
    const inOrder = expected.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    assert.deepEqual(withTasks(found[kind]), inOrder, kind);
  }
}

/** What many may ask for at once is shared among them, and may be a second old. */
async function glance(reference: Reference, { controller }: Fleet): Promise<void> {
  const expected = {
    states: statesOf(reference.all),
    slots: { total: reference.replicas.length * SLOTS, used: reference.held.length },
    cells: cellsOf(reference),
  };
  await until('what is seen at a glance is the same', async () => {
    const { states, slots } = await controller.overview();
    const { matrix } = await controller.queues();
    const cells = matrix.map(({ user, group, running, waiting, limit }) =>
      String([user, group, running, waiting, limit]),
    );
    return isDeepStrictEqual({ states, slots, cells: cells.toSorted() }, expected);
  });
}

/** For each user in each group: how many run, how many wait for a slot, and its limit. */
function cellsOf({ all: tasks, limits }: Reference): readonly string[] {
  const shown = tasks.filter(({ state }) => state === 'pending' || state === 'running');
  const cells = Map.groupBy(shown, ({ user, group }) => String(['user/group', user, group]));
  return Array.from(cells, ([scope, those]) => {
    const [, user, group] = scope.split(',');
    const running = those.filter(({ held }) => held).length;
    return String([user, group, running, those.length - running, limits.get(scope)]);
  }).toSorted();
}

type Counted = Pick<ScopeCount, 'name' | 'states' | 'limit' | 'paused'>;

function withTasks(scopes: readonly ScopeCount[]): readonly Counted[] {
  return scopes
    .filter(({ states }) => Object.keys(states).length > 0)
    .map(({ name, states, limit, paused }) => ({ name, states, limit, paused }));
}

function statesOf(tasks: readonly ReferenceTask[]): Partial<Record<PublicState, number>> {
  const counts: Partial<Record<PublicState, number>> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
