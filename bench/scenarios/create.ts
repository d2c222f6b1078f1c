/** Creating tasks: one after another, from fifty callers at once, many by one call. */
import { type Scenario, share } from '../scenario.ts';

const CALLERS = 50;
/** Tasks that only warm the producer up. */
const WARMING = 200;

export const create: Scenario = {
  name: 'create',
  title: 'Creating tasks',
  figures: {
    one: { title: 'one at a time', unit: 'tasks/s' },
    callers: { title: `${CALLERS} callers`, unit: 'tasks/s', chart: true },
    bulk: { title: 'in bulk', unit: 'tasks/s' },
  },
  // The variants differ in their workers.
  takesPart: ({ name, bare }) => !/^ours-|-batch$/.test(name) && bare !== true,
  async measure(arena, scale) {
    const producer = await arena.role();
    await producer.call('produce');
    await producer.call('createFromCallers', { tasks: WARMING, callers: 10, from: 9e6 });
    const one = share(arena.entry, scale.createdOneByOne);
    const callers = share(arena.entry, scale.createdFromCallers);
    const bulk = share(arena.entry, scale.createdInBulk);
    const rate = async (command: string, tasks: number, more: object): Promise<number> =>
      (tasks / (await producer.call<number>(command, { tasks, ...more }))) * 1000;
    const figures = {
      one: await rate('createOneByOne', one, { from: 0 }),
      callers: await rate('createFromCallers', callers, { callers: CALLERS, from: 1e6 }),
      bulk: await rate('createMany', bulk, { from: 2e6 }),
    };
    await producer.call('stop');
    return figures;
  },
};
