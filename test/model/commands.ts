/**
 * What may happen to the whole system, as commands for the reference and for real replicas alike. After each, everything
 * comes to rest, and both must agree about every task.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTaskbatonError, type Task } from '../../src/index.ts';
import { until } from '../support/system.ts';
import { type Fleet, type Order, SLOTS } from './fleet.ts';
import type { Answer, Reference, ReferenceTask } from './reference.ts';

const USERS = ['ada', 'bob'];
const GROUPS = ['day', 'night'];
const MOST_REPLICAS = 3;
const PAGE = 200;

type Act = (reference: Reference, fleet: Fleet) => Promise<void>;

class Command implements fc.AsyncCommand<Reference, Fleet, true> {
  readonly #label: string;
  readonly #may: (reference: Reference) => boolean;
  readonly #act: Act;

  constructor(label: string, may: (reference: Reference) => boolean, act: Act) {
    this.#label = label;
    this.#may = may;
    this.#act = act;
  }

  async check(reference: Readonly<Reference>): Promise<boolean> {
    return this.#may(reference as Reference);
  }

  async run(reference: Reference, fleet: Fleet): Promise<void> {
    const before = await fleet.now();
    await this.#act(reference, fleet);
    fleet.note(this.#label);
    reference.rest();
    await agree(reference, fleet, this.#label);
    // What waits is ordered by the database's milliseconds.
    await until('the time of the database goes on', async () => (await fleet.now()) > before);
  }

  toString(): string {
    return this.#label;
  }
}

/** Of so many commands at most. */
export function commands(most: number): fc.Arbitrary<Iterable<fc.AsyncCommand<Reference, Fleet, true>>> {
  return fc.commands([...ARBITRARIES], { maxCommands: most, size: 'max' });
}

const always = (): boolean => true;
const group = fc.constantFrom(...GROUPS);
/** Which of the tasks that were ever created, the last ones first. */
const which = fc.nat(5);

const create = fc
  .tuple(fc.constantFrom(...USERS), group, fc.boolean())
  .map(
    ([user, name, autoRun]) =>
      new Command(`create ${user} ${name} ${autoRun}`, always, (reference, fleet) =>
        createIn(reference, fleet, { user, group: name, autoRun }),
      ),
  );

async function createIn(
  reference: Reference,
  fleet: Fleet,
  options: { user: string; group: string; autoRun: boolean; parent?: number },
): Promise<void> {
  const id = await fleet.controller.createTask(fleet.task, undefined, options);
  reference.create(id, { parent: undefined, ...options });
}

/**
 * Whether a task that waits for its children may be woken by what comes: then there must be room for it, or it would depend on
 * moments who gets the slot that its last child has left.
 */
const mayWake = (reference: Reference): boolean => reference.waiting.length === 0 || !reference.isContested;

const ARBITRARIES: readonly fc.Arbitrary<Command>[] = [
  create,
  create,
  create,
  create,
  ...(['run', 'pause', 'delete'] as const).map((ask) =>
    which.map(
      (index) =>
        new Command(`${ask} #${index}`, all(hasTasks, mayWake), async (reference, fleet) => {
          const id = nth(reference, index);
          const call = { run: 'runTask', pause: 'pauseTask', delete: 'deleteTask' } as const;
          assert.equal(await answerOf(fleet.controller[call[ask]](id)), reference[ask](id));
        }),
    ),
  ),
  fc.tuple(which, group).map(
    ([index, name]) =>
      new Command(`move #${index} ${name}`, hasTasks, async (reference, fleet) => {
        const id = nth(reference, index);
        assert.equal(await answerOf(fleet.controller.changeTaskGroup(id, name)), reference.move(id, name));
      }),
  ),
  ...(['run', 'pause', 'delete'] as const).map((ask) =>
    group.map(
      (name) =>
        new Command(`${ask} all of ${name}`, mayWake, async (reference, fleet) => {
          const call = { run: 'runTasks', pause: 'pauseTasks', delete: 'deleteTasks' } as const;
          const change = await fleet.controller[call[ask]]({ group: name });
          assert.equal(change.changed, reference.many(ask, name));
          await change.settled();
        }),
    ),
  ),
  group.map(
    (name) =>
      new Command(`move all to ${name}`, always, async (reference, fleet) => {
        const elsewhere = [...reference.tasks.values()].filter((task) => task.group !== name);
        const { changed } = await fleet.controller.changeTasksGroup({ all: true }, name);
        assert.equal(changed, elsewhere.length);
        for (const task of elsewhere) task.group = name;
      }),
  ),
  fc.tuple(group, fc.option(fc.integer({ min: 1, max: 3 }))).map(
    ([name, limit]) =>
      new Command(`limit ${name} ${limit}`, always, async (reference, fleet) => {
        await fleet.controller.setLimit('group', name, limit);
        if (limit === null) reference.limits.delete(name);
        else reference.limits.set(name, limit);
      }),
  ),
  fc.tuple(group, fc.boolean()).map(
    ([name, running]) =>
      new Command(`pause group ${name} ${running}`, always, async (reference, fleet) => {
        await fleet.controller.pauseGroup(name, { running });
        reference.pauseGroup(name, running);
      }),
  ),
  group.map(
    (name) =>
      new Command(`resume group ${name}`, always, async (reference, fleet) => {
        await fleet.controller.resumeGroup(name);
        reference.resumeGroup(name);
      }),
  ),
  which.map(
    (index) =>
      new Command(`get #${index}`, hasTasks, async (reference, fleet) => {
        const id = nth(reference, index);
        const visible = reference.tasks.get(id)?.state !== 'deleting' && reference.tasks.has(id);
        assert.equal(await answerOf(fleet.controller.getTask(id)), visible ? 'done' : 'TASK_NOT_FOUND');
      }),
  ),
  fc.tuple(group, fc.constantFrom('pending', 'running', 'paused', 'failed')).map(
    ([name, state]) =>
      new Command(`list ${name} ${state}`, always, async (reference, fleet) => {
        const { tasks } = await fleet.controller.getTasks({ group: name, states: [state], limit: PAGE });
        const expected = reference.of(name).filter((task) => task.state === state);
        assert.deepEqual(
          tasks.map(({ id }) => id),
          expected.map(({ id }) => id).toSorted((one, other) => other - one),
        );
      }),
  ),
  fc.tuple(which, fc.nat(1000)).map(
    ([index, report]) =>
      new Command(`report #${index} ${report}`, isAnyHeld, async (reference, fleet) => {
        const task = nthHeld(reference, index);
        await give(fleet, task, { report });
        task.context = report;
      }),
  ),
  ...(['finish', 'fail'] as const).map((order) =>
    which.map(
      (index) =>
        new Command(`${order} #${index}`, all(isAnyHeld, mayWake), async (reference, fleet) => {
          const task = nthHeld(reference, index);
          await give(fleet, task, order);
          reference.end(task.id, order === 'finish' ? 'finished' : 'failed');
        }),
    ),
  ),
  fc.tuple(which, group, fc.boolean()).map(
    ([index, name, autoRun]) =>
      new Command(`child of #${index} ${name} ${autoRun}`, hasTasks, async (reference, fleet) => {
        const parent = nth(reference, index);
        const above = reference.tasks.get(parent);
        const options = { user: 'ada', group: name, autoRun, parent };
        if (above !== undefined && above.state !== 'deleting') return createIn(reference, fleet, options);
        const refused = fleet.controller.createTask(fleet.task, undefined, options);
        assert.equal(await answerOf(refused), 'TASK_NOT_FOUND');
      }),
  ),
  // With two that wait, it would depend on moments which is woken first.
  which.map(
    (index) =>
      new Command(
        `wait #${index}`,
        all(isAnyHeld, ({ waiting }) => waiting.length === 0),
        async (reference, fleet) => {
          const task = nthHeld(reference, index);
          await give(fleet, task, 'wait');
          reference.wait(task.id);
        },
      ),
  ),
  fc.constant(
    new Command(
      'start a replica',
      all(({ slots }) => slots < MOST_REPLICAS * SLOTS, mayWake),
      async (reference, fleet) => {
        await fleet.start();
        reference.slots += SLOTS;
      },
    ),
  ),
  fc.nat(2).map(
    (index) =>
      new Command(
        `stop replica ${index}`,
        ({ slots }) => slots > 0,
        (reference, fleet) => lose(reference, fleet, 'stop', index),
      ),
  ),
  // With nobody left, nobody could rescue what it held.
  fc.nat(2).map(
    (index) =>
      new Command(
        `crash replica ${index}`,
        all(({ slots }) => slots > SLOTS, mayWake),
        (reference, fleet) => lose(reference, fleet, 'crash', index),
      ),
  ),
];

async function lose(reference: Reference, fleet: Fleet, how: 'stop' | 'crash', index: number): Promise<void> {
  const lost = index % fleet.members.length;
  const { tasks } = await fleet.controller.getTasks({ limit: PAGE });
  const replica = fleet.members[lost]?.baton.replicaId;
  await fleet[how](lost);
  // Until it is rescued, what a crashed one held looks as it did.
  await until('nothing is held by the replica that is gone', async () => {
    const { tasks: now } = await fleet.controller.getTasks({ limit: PAGE });
    return now.every((task) => task.replica !== replica);
  });
  reference.slots -= SLOTS;
  const ids = tasks.filter((task) => task.replica === replica).map(({ id }) => id);
  reference.release(ids, how === 'crash');
}

function all(
  ...conditions: readonly ((reference: Reference) => boolean)[]
): (reference: Reference) => boolean {
  return (reference) => conditions.every((holds) => holds(reference));
}

function hasTasks(reference: Reference): boolean {
  return reference.created.length > 0;
}

function isAnyHeld(reference: Reference): boolean {
  return [...reference.tasks.values()].some(({ held }) => held);
}

function nth({ created }: Reference, index: number): number {
  return created.at(-1 - (index % created.length)) ?? 0;
}

function nthHeld(reference: Reference, index: number): ReferenceTask {
  const held = [...reference.tasks.values()].filter((task) => task.held);
  const task = held[index % held.length];
  assert.ok(task !== undefined);
  return task;
}

/** Its handler may only be about to ask. */
async function give(fleet: Fleet, { id }: ReferenceTask, order: Order): Promise<void> {
  const { epoch } = await fleet.controller.getTask(id);
  await (
    await until(`the handler of task ${id} asks what to do`, () => {
      const carriedOut = fleet.desk.give(id, epoch, order);
      return carriedOut === undefined ? undefined : { carriedOut };
    })
  ).carriedOut;
}

async function answerOf(call: Promise<unknown>): Promise<Answer> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (isTaskbatonError(error, 'TASK_NOT_FOUND', 'STATE_CONFLICT')) return error.code as Answer;
    throw error;
  }
}

/** Waits until what is there is what the reference says. */
async function agree(reference: Reference, fleet: Fleet, after: string): Promise<void> {
  const expected = [...reference.tasks.values()].map(describeExpected).toSorted().join('\n');
  let found = '';
  const agrees = async (): Promise<boolean> => {
    const { tasks } = await fleet.controller.getTasks({ includeDeleting: true, limit: PAGE });
    found = tasks.map(describeFound).toSorted().join('\n');
    return found === expected;
  };
  await until(`agreement after: ${after}`, agrees).catch(() =>
    assert.equal(found, expected, `after: ${after}`),
  );
  assert.deepEqual(new Set(fleet.cleanups.keys()), reference.cleaned);
  for (const [id, times] of fleet.cleanups) assert.equal(times, 1, `cleanups of task ${id}`);
}

function describeExpected({ id, state, group: name, held, context }: ReferenceTask): string {
  return `${id} ${state}${held ? ', held' : ''} in ${name} with ${context}`;
}

function describeFound({ id, state, group: name, replica, context }: Task): string {
  return `${id} ${state}${replica === undefined ? '' : ', held'} in ${name} with ${String(context)}`;
}
