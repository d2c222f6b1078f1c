/**
 * Who gets how much of a busy system with fair shares, run for real: one replica with few slots, handlers that take
 * their time, and users of whom one has a thousand times the tasks of another, or all have tasks of other lengths.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, Taskbaton } from '../../src/index.ts';
import { type Place, withPrefix } from './place.ts';
import type { Result, Scale } from './result.ts';

const SLOTS = 4;
/** Milliseconds that one task runs. */
const LENGTH = 100;
const FEW = 10;
const MANY = 10_000;

/** How long the user with ten tasks waits for the last of them, against what half of the slots would take. */
export async function* measureNewcomer(place: Place, { runs }: Scale): AsyncGenerator<Result> {
  const measured: number[] = [];
  for (let run = 0; run < runs; run++) {
    measured.push(await withPrefix(place, (prefix) => lastOfFew(place, prefix)));
  }
  const ideal = (FEW / (SLOTS / 2)) * LENGTH;
  yield {
    name: `fair: ${FEW} tasks beside ${MANY.toLocaleString('en')}, ${SLOTS} slots: last one done ÷ ideal`,
    unit: '×',
    runs: measured.map((ms) => ms / ideal),
    target: 1.3,
    below: true,
    note: `ideal ${ideal} ms`,
  };
}

async function lastOfFew(place: Place, prefix: string): Promise<number> {
  let left = FEW;
  const done = Promise.withResolvers<void>();
  const task = defineTask({
    type: 'even',
    async run({ task: { user }, signal }) {
      await sleep(LENGTH, undefined, { signal });
      if (user === 'few' && --left === 0) done.resolve();
    },
  });
  const baton = new Taskbaton({
    db: place.url,
    prefix,
    tasks: [task],
    concurrency: SLOTS,
    queues: { run: 'fair' },
    stopGrace: 1000,
    logger: null,
  });
  for (let created = 0; created < MANY; created += 500)
    await Promise.all(Array.from({ length: 500 }, () => baton.createTask(task, undefined, { user: 'many' })));
  for (let created = 0; created < FEW; created++) await baton.createTask(task, undefined, { user: 'few' });
  const begun = performance.now();
  await baton.start();
  await done.promise;
  const taken = performance.now() - begun;
  await baton.stop();
  return taken;
}

const USERS = 50;
const WINDOW = 15_000;
const BUSY_SLOTS = 20;

/** Jain's index of the slot time that users got whose tasks are of very different lengths; 1 is even. */
export async function* measureEvenness(place: Place, { runs }: Scale): AsyncGenerator<Result> {
  const measured: number[] = [];
  for (let run = 0; run < runs; run++)
    measured.push(await withPrefix(place, (prefix) => evenness(place, prefix)));
  yield {
    name: `fair: Jain index of slot time over ${USERS} users with tasks of 100 to 590 ms`,
    unit: '',
    runs: measured,
    target: 0.98,
  };
}

async function evenness(place: Place, prefix: string): Promise<number> {
  const used = new Map<string, number>();
  const task = defineTask<number, undefined>({
    type: 'uneven',
    async run({ input, task: { user }, signal }) {
      const begun = performance.now();
      await sleep(input, undefined, { signal }).catch(() => undefined);
      used.set(user, (used.get(user) ?? 0) + performance.now() - begun);
    },
  });
  const baton = new Taskbaton({
    db: place.url,
    prefix,
    tasks: [task],
    concurrency: BUSY_SLOTS,
    queues: { run: 'fair' },
    stopGrace: 1000,
    logger: null,
  });
  for (let user = 0; user < USERS; user++) {
    const length = 100 + 10 * user;
    // Twice what the user's share of the window holds, so that nobody runs out of tasks.
    const enough = Math.ceil((2 * WINDOW * BUSY_SLOTS) / USERS / length);
    await Promise.all(
      Array.from({ length: enough }, () => baton.createTask(task, length, { user: `user ${user}` })),
    );
  }
  await baton.start();
  await sleep(WINDOW);
  const shares = Array.from({ length: USERS }, (_, user) => used.get(`user ${user}`) ?? 0);
  await baton.stop();
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (USERS * shares.reduce((total, share) => total + share ** 2, 0));
}
