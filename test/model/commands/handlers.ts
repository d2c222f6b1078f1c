/** What handlers do with the tasks that they have. */
import fc from 'fast-check';
import { until } from '../../support/system.ts';
import { all, Command, give, isAnyHeld, mayLeave, mayWake, nthHeld, which } from '../command.ts';
import type { Fleet } from '../fleet.ts';

export const handlers: readonly fc.Arbitrary<Command>[] = [
  fc.tuple(which, fc.nat(1000)).map(
    ([index, report]) =>
      new Command('report', `#${index} ${report}`, isAnyHeld, async (reference, fleet) => {
        const task = nthHeld(reference, index);
        await give(fleet, task, { report });
        task.context = report;
      }),
  ),
  ...(['finish', 'fail'] as const).map((order) =>
    which.map(
      (index) =>
        new Command(order, `#${index}`, all(isAnyHeld, mayWake, mayLeave), async (reference, fleet) => {
          const task = nthHeld(reference, index);
          await give(fleet, task, order);
          reference.end(task.id, order === 'finish' ? 'finished' : 'failed');
        }),
    ),
  ),
  which.map(
    (index) =>
      new Command('snooze', `#${index}`, all(isAnyHeld, mayLeave), async (reference, fleet) => {
        const task = nthHeld(reference, index);
        await give(fleet, task, 'snooze');
        reference.snooze(task.id);
      }),
  ),
  // With two that wait, it would depend on moments which is woken first.
  which.map(
    (index) =>
      new Command(
        'wait',
        `#${index}`,
        all(isAnyHeld, mayLeave, ({ waiting }) => waiting.length === 0),
        async (reference, fleet) => {
          const task = nthHeld(reference, index);
          await give(fleet, task, 'wait');
          reference.wait(task.id);
          // With nobody to wait for it goes on at once, but children that come before it has looked would keep it.
          if (task.held) await goesOn(fleet, task.id);
        },
      ),
  ),
];

async function goesOn(fleet: Fleet, id: number): Promise<void> {
  const { epoch } = await fleet.controller.getTask(id);
  await until(`the handler of task ${id} goes on`, () => fleet.desk.isAsked(id, epoch));
}
