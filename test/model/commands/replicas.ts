/** Replicas that come, are drained, and go in good order or not. */
import fc from 'fast-check';
import { until } from '../../support/system.ts';
import { all, Command, type Condition, mayWake, PAGE } from '../command.ts';
import type { Fleet } from '../fleet.ts';
import { type Reference, SLOTS } from '../reference.ts';

const MOST_REPLICAS = 3;

const which = fc.nat(MOST_REPLICAS - 1);

/** Whether some replica takes tasks when the one at `index` no longer does: with nobody left, nobody could rescue. */
const othersTake =
  (index: number): Condition =>
  ({ replicas, slots }) =>
    replicas.length > 0 && slots - (at(replicas, index)?.drained === true ? 0 : SLOTS) > 0;

const areAllTaking: Condition = ({ replicas }) => replicas.every(({ drained }) => !drained);

export const replicas: readonly fc.Arbitrary<Command>[] = [
  fc.constant(
    new Command(
      'start replica',
      '',
      all((reference) => reference.replicas.length < MOST_REPLICAS, mayWake),
      async (reference, fleet) => {
        await fleet.start();
        reference.replicas.push({ drained: false });
      },
    ),
  ),
  which.map(
    (index) =>
      new Command(
        'stop replica',
        `${index}`,
        // The last one may go too, but not as long as drained ones look after what needs no slot.
        (reference) =>
          reference.replicas.length > 0 && (areAllTaking(reference) || othersTake(index)(reference)),
        async (reference, fleet) => {
          const lost = index % fleet.members.length;
          await giveBack(reference, fleet, lost, { crashed: false, by: () => fleet.stop(lost) });
          reference.replicas.splice(lost, 1);
        },
      ),
  ),
  which.map(
    (index) =>
      new Command('crash replica', `${index}`, all(othersTake(index), mayWake), async (reference, fleet) => {
        const lost = index % fleet.members.length;
        await giveBack(reference, fleet, lost, { crashed: true, by: () => fleet.crash(lost) });
        reference.replicas.splice(lost, 1);
      }),
  ),
  which.map(
    (index) =>
      new Command('drain replica', `${index}`, othersTake(index), async (reference, fleet) => {
        const drained = index % fleet.members.length;
        const by = (): Promise<void> => fleet.controller.drainReplica(fleet.idOf(drained));
        await giveBack(reference, fleet, drained, { crashed: false, by });
        Object.assign(at(reference.replicas, index) ?? {}, { drained: true });
      }),
  ),
  which.map(
    (index) =>
      new Command(
        'undrain replica',
        `${index}`,
        all(({ replicas: alive }) => at(alive, index)?.drained === true, mayWake),
        async (reference, fleet) => {
          await fleet.controller.undrainReplica(fleet.idOf(index % fleet.members.length));
          Object.assign(at(reference.replicas, index) ?? {}, { drained: false });
        },
      ),
  ),
];

async function giveBack(
  reference: Reference,
  fleet: Fleet,
  index: number,
  { crashed, by }: { readonly crashed: boolean; readonly by: () => Promise<unknown> },
): Promise<void> {
  const { tasks } = await fleet.controller.getTasks({ limit: PAGE });
  const replica = fleet.idOf(index);
  await by();
  // Until it is rescued, what a crashed one held looks as it did.
  await until('nothing is held by the replica any more', async () => {
    const { tasks: now } = await fleet.controller.getTasks({ limit: PAGE });
    return now.every((task) => task.replica !== replica);
  });
  const ids = tasks.filter((task) => task.replica === replica).map(({ id }) => id);
  reference.giveBack(ids, crashed);
}

function at<Item>(list: readonly Item[], index: number): Item | undefined {
  return list[index % list.length];
}
