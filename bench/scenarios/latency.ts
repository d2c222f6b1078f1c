/** How long an idle system takes from the call that creates a task to its handler in another process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { counted } from '../actor.ts';
import type { Scenario } from '../scenario.ts';
import { quantile } from '../statistics.ts';

/** A prime number of milliseconds, so that no task rides on a poll. */
const EVERY = 23;
const WARMING = 20;

export const latency: Scenario = {
  name: 'latency',
  title: 'From creating a task to its handler, idle, other process',
  figures: {
    p50: { title: 'p50', unit: 'ms', chart: true },
    p95: { title: 'p95', unit: 'ms' },
    p99: { title: 'p99', unit: 'ms' },
  },
  takesPart: ({ name, bare }) =>
    !name.startsWith('ours-') && bare !== true && !/-(everysec|always)$/.test(name),
  async measure(arena, { latencies, timeout }) {
    const [worker, producer] = [await arena.role(), await arena.role()];
    await producer.call('produce');
    await worker.call('work', { times: true });
    await sleep(1000);
    await producer.call('createSpaced', { tasks: WARMING, every: EVERY, from: latencies });
    await counted([worker], WARMING, timeout);
    const called = await producer.call<number[]>('createSpaced', { tasks: latencies, every: EVERY, from: 0 });
    await counted([worker], WARMING + latencies, timeout);
    const begun = await worker.call<[id: number, at: number][]>('times');
    const measured = begun.flatMap(([id, at]) => {
      const from = called[id];
      return from === undefined ? [] : [at - from];
    });
    await Promise.all([worker.call('stop'), producer.call('stop')]);
    return { p50: quantile(measured, 0.5), p95: quantile(measured, 0.95), p99: quantile(measured, 0.99) };
  },
};
