/**
 * What only taskbaton does: how soon a running task hears of a pause, how soon others go on with the tasks of a replica
 * that stops or dies, and what controlling many tasks and many replicas costs the server.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, counted } from '../actor.ts';
import type { Arena } from '../arena.ts';
import { now } from '../clock.ts';
import type { Times } from '../replica.ts';
import { isOurs, type Scale, type Scenario } from '../scenario.ts';
import { quantile } from '../statistics.ts';

const PAUSED = 100;

export const pause: Scenario = {
  name: 'pause',
  title: 'Pausing a running task from another process',
  figures: {
    heard: { title: 'until its handler hears, p50', unit: 'ms' },
    heardLate: { title: 'until its handler hears, p99', unit: 'ms' },
    stored: { title: 'until it is paused, p50', unit: 'ms' },
    storedLate: { title: 'until it is paused, p99', unit: 'ms' },
  },
  takesPart: isOurs,
  async measure(arena, { timeout }) {
    const [worker, user] = [await arena.replica(), await arena.replica()];
    const ids = await occupy(worker, PAUSED, timeout);
    await user.call('start', { replicas: 1, concurrency: 0 });
    const called = await user.call<number[]>('pause', { ids });
    await counted([worker], 2 * PAUSED, timeout);
    const { heard, ended } = await worker.call<Times>('times');
    const since = (times: Times['heard']): number[] =>
      times.map(([id, at]) => at - (called[ids.indexOf(id)] ?? Number.NaN));
    await Promise.all([worker.call('stop'), user.call('stop')]);
    return {
      heard: quantile(since(heard), 0.5),
      heardLate: quantile(since(heard), 0.99),
      stored: quantile(since(ended), 0.5),
      storedLate: quantile(since(ended), 0.99),
    };
  },
};

const HANDED_OVER = 20;

export const handOver: Scenario = {
  name: 'hand-over',
  title: `A replica stops, and another goes on with its ${HANDED_OVER} tasks`,
  figures: {
    half: { title: 'half of them', unit: 'ms' },
    last: { title: 'all of them', unit: 'ms' },
  },
  takesPart: isOurs,
  async measure(arena, { timeout }) {
    const { leaving, staying } = await pair(arena, 30_000, timeout);
    const from = now();
    await leaving.call('stop');
    return goneOn(staying, from, timeout);
  },
};

const LEASE = 2000;

export const rescue: Scenario = {
  name: 'rescue',
  title: `A replica is killed, and another goes on with its ${HANDED_OVER} tasks (a lease of ${LEASE / 1000} s)`,
  figures: {
    half: { title: 'half of them', unit: 'ms' },
    last: { title: 'all of them', unit: 'ms' },
  },
  takesPart: isOurs,
  async measure(arena, { timeout }) {
    const { leaving, staying } = await pair(arena, LEASE, timeout);
    const from = now();
    leaving.kill();
    return goneOn(staying, from, timeout);
  },
};

export const control: Scenario = {
  name: 'control',
  title: 'Statements to control running tasks that do nothing but run',
  figures: {
    tasks10: { title: '10 tasks', unit: 'statements/s' },
    tasks100: { title: '100 tasks', unit: 'statements/s' },
    tasks1000: { title: '1,000 tasks', unit: 'statements/s' },
    replicas1: { title: '100 tasks on 1 replica', unit: 'statements/s' },
    replicas10: { title: '100 tasks on 10 replicas', unit: 'statements/s' },
    replicas50: { title: '100 tasks on 50 replicas', unit: 'statements/s' },
  },
  takesPart: (entry) => isOurs(entry) && entry.server !== 'sqlite',
  async measure(arena, scale) {
    const figures: Record<string, number> = {};
    for (const tasks of scale.controlled.tasks)
      figures[`tasks${tasks}`] = await statements(arena, scale, 1, tasks);
    for (const replicas of scale.controlled.replicas)
      figures[`replicas${replicas}`] = await statements(arena, scale, replicas, 100);
    return figures;
  },
};

/** A second in all, over all replicas. */
async function statements(arena: Arena, scale: Scale, replicas: number, tasks: number): Promise<number> {
  const worker = await arena.replica();
  await occupy(worker, tasks, scale.timeout, { replicas });
  await sleep(scale.window / 2);
  const before = await arena.work();
  await sleep(scale.window);
  const after = await arena.work();
  await worker.call('clear');
  await worker.call('stop');
  return (after.statements - before.statements) / (scale.window / 1000);
}

interface Pair {
  readonly leaving: Actor;
  readonly staying: Actor;
}

async function pair(arena: Arena, lease: number, timeout: number): Promise<Pair> {
  const [leaving, staying] = [await arena.replica(), await arena.replica()];
  await occupy(leaving, HANDED_OVER, timeout, { lease });
  await staying.call('start', { replicas: 1, concurrency: HANDED_OVER, lease });
  await sleep(500);
  return { leaving, staying };
}

async function goneOn(
  staying: Actor,
  from: number,
  timeout: number,
): Promise<{ readonly half: number; readonly last: number }> {
  await counted([staying], HANDED_OVER, timeout);
  const { begun } = await staying.call<Times>('times');
  await staying.call('clear');
  await staying.call('stop');
  const after = begun.map(([, at]) => at - from);
  return { half: quantile(after, 0.5), last: Math.max(...after) };
}

/** Has the worker run so many tasks that end only when they are stopped; their ids. */
async function occupy(
  worker: Actor,
  tasks: number,
  timeout: number,
  { replicas = 1, lease = 30_000 } = {},
): Promise<readonly number[]> {
  const concurrency = Math.ceil(tasks / replicas);
  await worker.call('start', { replicas, concurrency, lease });
  const ids = await worker.call<number[]>('create', { tasks });
  await counted([worker], tasks, timeout);
  return ids;
}
