/** What a task costs the server over its whole life: created by one of fifty callers, worked off, done. */
import { type Scenario, share } from '../scenario.ts';
import { drainArena } from './drain.ts';

export const cost: Scenario = {
  name: 'cost',
  title: 'What a task costs the server over its life',
  figures: {
    statements: { title: 'statements per task', unit: '' },
    logged: { title: 'bytes of log per task', unit: '' },
  },
  takesPart: ({ name, server, bare }) =>
    server !== 'sqlite' && bare !== true && name !== 'ours-default' && !/-(everysec|always)$/.test(name),
  async measure(arena, scale) {
    const tasks = share(arena.entry, scale.observed);
    const producer = await arena.role();
    await producer.call('produce');
    const before = await arena.work();
    await producer.call('createFromCallers', { tasks, callers: 50, from: 0 });
    await producer.call('stop');
    await drainArena(arena, { tasks, scale, workers: 1 });
    const after = await arena.work();
    return {
      statements: (after.statements - before.statements) / tasks,
      logged: ((after.logged ?? Number.NaN) - (before.logged ?? Number.NaN)) / tasks,
    };
  },
};
