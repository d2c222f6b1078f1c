/** Recurring tasks: set, paused, resumed, removed, triggered, and due. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { answerOf, always, Command, GROUPS, USERS } from '../command.ts';
import { LATER, TYPES } from '../fleet.ts';
import type { Answer, Reference, ReferenceSchedule } from '../reference.ts';

const NAMES = ['often', 'nightly'];

const name = fc.constantFrom(...NAMES);

const known = (schedule: ReferenceSchedule | undefined): Answer =>
  schedule === undefined ? 'SCHEDULE_NOT_FOUND' : 'done';

export const schedules: readonly fc.Arbitrary<Command>[] = [
  fc.tuple(name, fc.constantFrom(...TYPES), fc.constantFrom(...USERS), fc.constantFrom(...GROUPS)).map(
    ([which, type, user, group]) =>
      new Command('set schedule', `${which} ${type} ${user} ${group}`, always, async (reference, fleet) => {
        const task = fleet.taskOf(type);
        await fleet.schedules.set(which, { task, input: undefined, every: LATER, user, group });
        const paused = reference.schedules.get(which)?.paused ?? false;
        reference.schedules.set(which, { type, user, group, paused });
      }),
  ),
  ...(['pause', 'resume'] as const).map((ask) =>
    name.map(
      (which) =>
        new Command(`${ask} schedule`, which, always, async (reference, fleet) => {
          const schedule = reference.schedules.get(which);
          assert.equal(await answerOf(fleet.schedules[ask](which)), known(schedule));
          if (schedule !== undefined) schedule.paused = ask === 'pause';
        }),
    ),
  ),
  name.map(
    (which) =>
      new Command('remove schedule', which, always, async (reference, fleet) => {
        assert.equal(await answerOf(fleet.schedules.remove(which)), known(reference.schedules.get(which)));
        reference.schedules.delete(which);
      }),
  ),
  name.map(
    (which) =>
      new Command('trigger schedule', which, always, async (reference, fleet) => {
        const triggered = fleet.schedules.trigger(which);
        const schedule = reference.schedules.get(which);
        assert.equal(await answerOf(triggered), known(schedule));
        if (schedule !== undefined) createBy(reference, schedule, await triggered);
      }),
  ),
  name.map(
    (which) =>
      new Command(
        'fire schedule',
        which,
        (reference) => reference.schedules.get(which)?.paused === false,
        async (reference, fleet) => {
          const schedule = reference.schedules.get(which);
          const id = await fleet.fire(which);
          if (schedule !== undefined) createBy(reference, schedule, id);
        },
      ),
  ),
];

function createBy(reference: Reference, { type, user, group }: ReferenceSchedule, id: number): void {
  reference.create(id, { type, user, group, autoRun: true, later: false });
}
