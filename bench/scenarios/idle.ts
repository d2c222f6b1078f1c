/** What a worker without work asks of its database. All idle at the same time, each in its own database or server. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';

export const idle: Scenario = {
  name: 'idle',
  title: 'An idle worker',
  figures: { statements: { title: 'statements/s', unit: 'statements/s' } },
  takesPart: ({ name, server, bare }) =>
    server !== 'sqlite' && bare !== true && !name.startsWith('ours-') && !/-(everysec|always)$/.test(name),
  async *measureTogether(arenas, { repetitions, rest, window }) {
    const workers = await Promise.all(arenas.map((arena) => arena.role()));
    await Promise.all(workers.map((worker) => worker.call('work')));
    await sleep(rest);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const before = await Promise.all(arenas.map((arena) => arena.work()));
      await sleep(window);
      const after = await Promise.all(arenas.map((arena) => arena.work()));
      yield after.map(({ statements }, index) => ({
        statements: (statements - (before[index]?.statements ?? Number.NaN)) / (window / 1000),
      }));
    }
    await Promise.all(workers.map((worker) => worker.call('stop')));
  },
};
