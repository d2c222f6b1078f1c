/**
 * Something that may happen to the whole system, for the reference and for real replicas alike. After it everything comes
 * to rest, and both must agree about every task.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTaskbatonError, type Task } from '../../src/index.ts';
import { until } from '../support/system.ts';
import type { Fleet, Order } from './fleet.ts';
import type { Answer, Reference, ReferenceTask } from './reference.ts';

export const USERS = ['ada', 'bob'];
export const GROUPS = ['day', 'night'];
/** All that a test creates. */
export const PAGE = 500;

export type Condition = (reference: Reference) => boolean;
type Act = (reference: Reference, fleet: Fleet) => Promise<void>;

export class Command implements fc.AsyncCommand<Reference, Fleet, true> {
  readonly #sort: string;
  readonly #label: string;
  readonly #may: Condition;
  readonly #act: Act;

  constructor(sort: string, detail: string, may: Condition, act: Act) {
    this.#sort = sort;
    this.#label = `${sort} ${detail}`;
    this.#may = may;
    this.#act = act;
  }

  async check(reference: Readonly<Reference>): Promise<boolean> {
    return this.#may(reference as Reference);
  }

  async run(reference: Reference, fleet: Fleet): Promise<void> {
    const before = await fleet.now();
    await this.#act(reference, fleet);
    fleet.note(this.#sort);
    reference.rest();
    await agree(reference, fleet, this.#label);
    // What waits is ordered by the database's milliseconds.
    await until('the time of the database goes on', async () => (await fleet.now()) > before);
  }

  toString(): string {
    return this.#label;
  }
}

/** Which of the tasks that were ever created, the last ones first; or which of those that run, or of the replicas. */
export const which: fc.Arbitrary<number> = fc.nat(5);

export const always: Condition = () => true;
export const hasTasks: Condition = ({ created }) => created.length > 0;
export const isAnyHeld: Condition = ({ held }) => held.length > 0;
/**
 * Whether a task that waits for its children may be woken by what comes: then there must be room for it, or it would depend on
 * moments who gets the slot that its last child has left.
 */
export const mayWake: Condition = ({ waiting, isContested }) => waiting.length === 0 || !isContested;

/** Whether it doesn't depend on moments who follows a task that leaves its slot. */
export const mayLeave: Condition = ({ isDisputed }) => !isDisputed;

export function all(...conditions: readonly Condition[]): Condition {
  return (reference) => conditions.every((holds) => holds(reference));
}

export function nth({ created }: Reference, index: number): number {
  return created.at(-1 - (index % created.length)) ?? 0;
}

export function nthHeld({ held }: Reference, index: number): ReferenceTask {
  const task = held[index % held.length];
  assert.ok(task !== undefined);
  return task;
}

/** Its handler may only be about to ask. */
export async function give(fleet: Fleet, { id }: ReferenceTask, order: Order): Promise<void> {
  const { epoch } = await fleet.controller.getTask(id);
  await (
    await until(`the handler of task ${id} asks what to do`, () => {
      const carriedOut = fleet.desk.give(id, epoch, order);
      return carriedOut === undefined ? undefined : { carriedOut };
    })
  ).carriedOut;
}

export async function answerOf(call: Promise<unknown>): Promise<Answer> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (isTaskbatonError(error, 'TASK_NOT_FOUND', 'STATE_CONFLICT', 'SCHEDULE_NOT_FOUND'))
      return error.code as Answer;
    throw error;
  }
}

/** Waits until what is there is what the reference says. */
async function agree(reference: Reference, fleet: Fleet, after: string): Promise<void> {
  const expected = reference.all.map(describeExpected).toSorted().join('\n');
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

function describeExpected(task: ReferenceTask): string {
  return describe(task, task.held, task.later);
}

function describeFound({ replica, dueAt, ...task }: Task): string {
  return describe(task, replica !== undefined, dueAt !== undefined);
}

function describe(
  task: Pick<Task, 'id' | 'type' | 'user' | 'group' | 'key' | 'parent' | 'state' | 'context'>,
  held: boolean,
  later: boolean,
): string {
  const { id, type, user, group, key, parent, state, context } = task;
  const how = [state, ...(held ? ['held'] : []), ...(later ? ['due later'] : [])].join(', ');
  return `${id} ${how}, of ${type}, ${user} and ${group}, ${key}, below ${parent}, with ${String(context)}`;
}
