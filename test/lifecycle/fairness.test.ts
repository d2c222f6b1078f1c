/** Fair shares in simulated time: what users get of the slots, whatever they bring and whenever they come. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type PlannedTask, simulate, type Stint } from '../support/simulation.ts';

/** Numbers from 0 to 1 that are the same each time (Mulberry32, Tommy Ettinger). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function many(count: number, task: PlannedTask): readonly PlannedTask[] {
  return Array.from({ length: count }, () => task);
}

/** Slot time that each user got between two moments. */
function usage(stints: readonly Stint[], from: number, to: number): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const { task, begin, end } of stints) {
    const time = Math.max(0, Math.min(end, to) - Math.max(begin, from));
    used.set(task.user, (used.get(task.user) ?? 0) + time);
  }
  return used;
}

function jain(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, share) => total + share ** 2, 0));
}

for (const seed of [1, 2, 3]) {
  it(`twenty users whose tasks have random lengths get even shares of slot time (seed ${seed})`, async () => {
    const random = seeded(seed);
    const tasks: PlannedTask[] = [];
    for (let user = 0; user < 20; user++) {
      const longest = 1000 * 2 ** Math.floor(random() * 5);
      for (let total = 0; total < 400_000;) {
        const length = Math.ceil(random() * longest);
        tasks.push({ at: 0, user: `user ${user}`, length });
        total += length;
      }
    }
    const end = 300_000;
    const stints = await simulate({ policy: 'fair', slots: 8, tasks, until: end });
    const shares = [...usage(stints, 0, end).values()];
    assert.equal(shares.length, 20);
    assert.ok(jain(shares) >= 0.98, `Jain's index is ${jain(shares)}`);
  });
}

it('one user’s many day-long tasks do not starve another’s ten', async () => {
  const day = 86_400_000;
  const tasks = [
    ...many(200, { at: 0, user: 'long', length: day }),
    ...many(10, { at: 1000, user: 'short', length: 60_000 }),
  ];
  const stints = await simulate({ policy: 'fair', slots: 4, tasks, until: 3 * day });
  const last = Math.max(...stints.filter(({ task }) => task.user === 'short').map(({ end }) => end));
  // All slots are taken for a day when they come; then they go before all that the other has left.
  assert.ok(last <= day + 4 * 60_000 + 1000, `the last of ten ended after ${last} ms`);
});

it('a newcomer starts at the next free slot, and gets no credit for the time before it came', async () => {
  const tasks = [
    ...many(400, { at: 0, user: 'old', length: 1000 }),
    ...many(400, { at: 50_000, user: 'new', length: 1000 }),
  ];
  const stints = await simulate({ policy: 'fair', slots: 2, tasks, until: 100_000 });
  const first = stints.find(({ task }) => task.user === 'new');
  assert.ok((first?.begin ?? Infinity) <= 51_000, `it began at ${first?.begin}`);
  const used = usage(stints, 51_000, 100_000);
  assert.ok(jain([...used.values()]) >= 0.99, `afterwards they got ${[...used.values()].join(' and ')}`);
});

it('weights share slot time in proportion', async () => {
  const tasks = ['heavy', 'light'].flatMap((user) => many(400, { at: 0, user, length: 700 }));
  const policy = { policy: 'fair', weights: { heavy: 3 } } as const;
  const used = usage(await simulate({ policy, slots: 4, tasks, until: 70_000 }), 0, 70_000);
  const ratio = (used.get('heavy') ?? 0) / (used.get('light') ?? 1);
  assert.ok(ratio > 2.8 && ratio < 3.2, `heavy got ${ratio} times as much`);
});
