/** Tasks that come: at once or later, one or several, only one with a key, below another one. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { answerOf, Command, always, GROUPS, hasTasks, nth, USERS, which } from '../command.ts';
import { type Fleet, LATER, TYPES } from '../fleet.ts';
import type { NewReferenceTask, Reference } from '../reference.ts';

const KEYS = ['red', 'green'];

const newTask: fc.Arbitrary<NewReferenceTask> = fc.record({
  type: fc.constantFrom(...TYPES),
  user: fc.constantFrom(...USERS),
  group: fc.constantFrom(...GROUPS),
  autoRun: fc.constantFrom(true, true, false),
  later: fc.constantFrom(false, false, false, true),
});

export const create: fc.Arbitrary<Command> = newTask.map(
  (made) =>
    new Command('create', describe(made), always, async (reference, fleet) =>
      reference.create(await createOne(fleet, made), made),
    ),
);

export const creations: readonly fc.Arbitrary<Command>[] = [
  fc.array(newTask, { minLength: 2, maxLength: 3 }).map(
    (several) =>
      new Command('create several', several.map(describe).join(' and '), always, async (reference, fleet) => {
        const items = several.map((made) => ({ task: fleet.taskOf(made.type), ...optionsOf(made) }));
        const ids = await fleet.controller.createTasks(items);
        for (const [index, made] of several.entries()) reference.create(ids[index] ?? 0, made);
      }),
  ),
  ...[false, true].map((replace) =>
    fc
      .tuple(newTask, fc.constantFrom(...KEYS))
      .map(
        ([made, key]) =>
          new Command(
            replace ? 'replace' : 'create once',
            `${key} ${describe(made)}`,
            always,
            (reference, fleet) => createKeyed(reference, fleet, { ...made, key }, replace),
          ),
      ),
  ),
  fc.tuple(which, newTask).map(
    ([index, made]) =>
      new Command('create child', `of #${index} ${describe(made)}`, hasTasks, async (reference, fleet) => {
        const parent = nth(reference, index);
        const above = reference.tasks.get(parent);
        const created = createOne(fleet, { ...made, parent });
        if (above !== undefined && above.state !== 'deleting')
          return reference.create(await created, { ...made, parent });
        assert.equal(await answerOf(created), 'TASK_NOT_FOUND');
      }),
  ),
];

async function createKeyed(
  reference: Reference,
  fleet: Fleet,
  made: NewReferenceTask & { readonly key: string },
  replace: boolean,
): Promise<void> {
  const there = reference.withKey(made.type, made.key);
  const id = await createOne(fleet, made, replace);
  if (there === undefined) return reference.create(id, made);
  assert.equal(id, there.id);
  if (replace && !there.started) reference.replace(there, made);
}

function createOne(fleet: Fleet, made: NewReferenceTask, replace = false): Promise<number> {
  const options = { ...optionsOf(made), ...(replace ? { replace } : {}) };
  return fleet.controller.createTask(fleet.taskOf(made.type), undefined, options);
}

function optionsOf({ user, group, autoRun, later, key, parent }: NewReferenceTask): {
  user: string;
  group: string;
  autoRun: boolean;
  delay: typeof LATER | undefined;
  key: string | undefined;
  parent: number | undefined;
} {
  return { user, group, autoRun, delay: autoRun && later ? LATER : undefined, key, parent };
}

function describe({ type, user, group, autoRun, later }: NewReferenceTask): string {
  return `${type} ${user} ${group}${autoRun ? '' : ' init'}${later ? ' later' : ''}`;
}
