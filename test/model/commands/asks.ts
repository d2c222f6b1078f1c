/** What users ask for: of one task, with its children, of many. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  all,
  always,
  answerOf,
  Command,
  GROUPS,
  hasTasks,
  mayLeave,
  mayWake,
  nth,
  USERS,
  which,
} from '../command.ts';
import { LATER, TYPES } from '../fleet.ts';
import type { ReferenceScope } from '../reference.ts';

const ONE = { run: 'runTask', pause: 'pauseTask', delete: 'deleteTask' } as const;
const MANY = { run: 'runTasks', pause: 'pauseTasks', delete: 'deleteTasks' } as const;
const ASKS = ['run', 'pause', 'delete'] as const;

const group = fc.constantFrom(...GROUPS);

/** Which tasks, and the filter that means them. */
const chosen = fc.oneof(
  group.map((name) => ({ scope: ['group', name] as ReferenceScope, filter: { group: name } })),
  fc
    .constantFrom(...USERS)
    .map((name) => ({ scope: ['user', name] as ReferenceScope, filter: { user: name } })),
  fc
    .constantFrom(...TYPES)
    .map((name) => ({ scope: ['type', name] as ReferenceScope, filter: { types: [name] } })),
);

export const asks: readonly fc.Arbitrary<Command>[] = [
  ...ASKS.map((ask) =>
    which.map(
      (index) =>
        new Command(ask, `#${index}`, all(hasTasks, mayWake, mayLeave), async (reference, fleet) => {
          const id = nth(reference, index);
          assert.equal(await answerOf(fleet.controller[ONE[ask]](id)), reference[ask](id));
        }),
    ),
  ),
  which.map(
    (index) =>
      new Command('run later', `#${index}`, all(hasTasks, mayWake), async (reference, fleet) => {
        const id = nth(reference, index);
        const answer = await answerOf(fleet.controller.runTask(id, { delay: LATER }));
        assert.equal(answer, reference.run(id, true));
      }),
  ),
  // Whoever is further below is asked after the others, in the same millisecond or not.
  ...(['run', 'pause'] as const).map((ask) =>
    which.map(
      (index) =>
        new Command(
          `${ask} family`,
          `of #${index}`,
          all(hasTasks, mayWake, mayLeave, (reference) => !reference.hasGrandchildren(nth(reference, index))),
          async (reference, fleet) => {
            const id = nth(reference, index);
            const answer = await answerOf(fleet.controller[ONE[ask]](id, { children: true }));
            assert.equal(answer, reference.family(ask, id));
          },
        ),
    ),
  ),
  fc.tuple(which, group).map(
    ([index, name]) =>
      new Command('move', `#${index} to ${name}`, hasTasks, async (reference, fleet) => {
        const id = nth(reference, index);
        assert.equal(await answerOf(fleet.controller.changeTaskGroup(id, name)), reference.move(id, name));
      }),
  ),
  ...ASKS.map((ask) =>
    chosen.map(
      ({ scope, filter }) =>
        new Command(
          `${ask} many`,
          `of ${scope.join(' ')}`,
          all(mayWake, mayLeave),
          async (reference, fleet) => {
            const change = await fleet.controller[MANY[ask]](filter);
            assert.equal(change.changed, reference.many(ask, reference.of(scope)));
            await change.settled();
          },
        ),
    ),
  ),
  group.map(
    (name) =>
      new Command('move many', `to ${name}`, always, async (reference, fleet) => {
        const elsewhere = reference.all.filter((task) => task.group !== name);
        const { changed } = await fleet.controller.changeTasksGroup({ all: true }, name);
        assert.equal(changed, elsewhere.length);
        for (const task of elsewhere) task.group = name;
      }),
  ),
  fc.constant(
    new Command(
      'become due',
      '',
      all(({ slots }) => slots > 0, mayWake),
      async (reference, fleet) => {
        await fleet.becomeDue();
        reference.becomeDue();
      },
    ),
  ),
];
