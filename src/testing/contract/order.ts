/** Whose turn it is: by priority, with or without ageing, and fairly between users, groups, and groups of users. */
import assert from 'node:assert/strict';
import { checkPolicy, type CheckedPolicy, FIFO, type Policy } from '../../core/policy.ts';
import { Store } from '../../store/store.ts';
import { NO_LIMITS } from '../../core/limit.ts';
import { type Bench, NO_CHECKPOINT, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';
import type { Runnable } from '../../core/version.ts';

const TYPES: ReadonlyMap<string, Runnable> = runnable(TYPE);

export const order: Operation = {
  name: 'order',
  cases: {
    'higher priorities go first, and first come first served among equals': async (bench) => {
      const store = await lead(bench, { policy: 'priority' });
      const ids: number[] = [];
      for (const priority of [0, -5, 7, 0, 7]) ids.push(await create(store, { priority }));
      assert.deepEqual(
        await turns(bench, store, 5),
        [2, 4, 0, 3, 1].map((index) => ids[index]),
      );
    },

    'with ageing, waiting long enough makes up for priority': async (bench) => {
      const store = await lead(bench, { policy: 'priority', ageing: '1h' });
      const old = await create(store, {});
      await bench.update(old, { turn: 1, precedence: (await bench.now()) - 3 * 3_600_000 });
      const [urgent, more] = [await create(store, { priority: 2 }), await create(store, { priority: 4 })];
      assert.deepEqual(await turns(bench, store, 3), [more, old, urgent]);
    },

    'a change of policy reaches those that wait already': async (bench) => {
      const store = await lead(bench, 'fifo');
      const [low, high] = [await create(store, { priority: 1 }), await create(store, { priority: 2 })];
      const after = await lead(bench, { policy: 'priority' });
      while (await after.control.reorder());
      assert.deepEqual(await turns(bench, after, 2), [high, low]);
    },

    'a claim of many names them in the order in which they are to begin': async (bench) => {
      const store = await lead(bench, { policy: 'priority' });
      const ids: number[] = [];
      for (const priority of [0, 9, 0, 5, 9]) ids.push(await create(store, { priority }));
      const replica = await bench.register();
      await store.look(replica);
      const { claims } = await store.claim({ replica, queue: 'run', types: TYPES, limit: 5 });
      assert.deepEqual(
        claims.map(({ id }) => id),
        [1, 4, 3, 0, 2].map((index) => ids[index]),
      );
    },

    'whoever is given back waits on where it did, in every order': async (bench) => {
      for (const policy of ['fifo', { policy: 'priority' }, { policy: 'priority', ageing: '1h' }] as const) {
        const store = await lead(bench, policy);
        const ids: number[] = [];
        for (const priority of [1, 1, 2]) ids.push(await create(store, { priority }));
        const before = await placesOf(bench, ids);
        const first = await turns(bench, store, 3);
        for (const id of first.toReversed()) {
          const { owner, epoch } = await bench.row(id);
          await store.settle({ id, owner: owner ?? '', epoch }, { ...FINISH, event: 'unclaim' });
        }
        assert.deepEqual(await placesOf(bench, ids), before);
        assert.deepEqual(await turns(bench, store, 3), first);
      }
    },

    'users take turns however many tasks each has': async (bench) => {
      const store = await lead(bench, { policy: 'fair', by: 'user' });
      for (let index = 0; index < 10; index++) await create(store, { user: 'big' });
      for (let index = 0; index < 3; index++) await create(store, { user: 'small' });
      assert.equal(
        (await usersOf(bench, await turns(bench, store, 6))).filter((user) => user === 'small').length,
        3,
      );
    },

    'whoever weighs more gets more': async (bench) => {
      const store = await lead(bench, { policy: 'fair', by: 'user', weights: { gold: 3 } });
      for (const user of ['gold', 'iron'])
        for (let index = 0; index < 12; index++) await create(store, { user });
      const users = await usersOf(bench, await turns(bench, store, 8));
      assert.equal(users.filter((user) => user === 'gold').length, 6);
    },

    'a newcomer is next, and gets no credit for the time it had nothing to do': async (bench) => {
      const store = await lead(bench, { policy: 'fair', by: 'group' });
      for (let index = 0; index < 12; index++) await create(store, { group: 'old' });
      await turns(bench, store, 6);
      for (let index = 0; index < 6; index++) await create(store, { group: 'new' });
      const next = await turns(bench, store, 4);
      const groups = await Promise.all(next.map(async (id) => (await bench.row(id)).task_group));
      assert.equal(groups[0], 'new');
      assert.equal(groups.filter((group) => group === 'new').length, 2 + (groups[3] === 'new' ? 1 : 0));
    },

    'what is charged is the time in slots, not the number of starts': async (bench) => {
      const store = await lead(bench, { policy: 'fair', by: 'user' });
      for (let index = 0; index < 8; index++) await create(store, { user: 'long' });
      for (let index = 0; index < 8; index++) await create(store, { user: 'short' });
      const first = await turns(bench, store, 2);
      for (const id of first) {
        const { task_user: user, owner, epoch, started_at: startedAt } = await bench.row(id);
        await store.settle({ id, owner: owner ?? '', epoch }, FINISH);
        // As if they had run for an hour, and for a second.
        const ms = user === 'long' ? 3_600_000 : 1000;
        await bench.database.query(`UPDATE ${bench.tables.slot} SET started_at = ? WHERE task_id = ?`, [
          (startedAt ?? 0) - ms,
          id,
        ]);
      }
      const users = await usersOf(bench, await turns(bench, store, 6, first));
      assert.deepEqual(
        users,
        Array.from({ length: 6 }, () => 'short'),
      );
    },

    'a task that still runs is charged for what it has used so far': async (bench) => {
      const store = await lead(bench, { policy: 'fair', by: 'user' });
      for (let index = 0; index < 4; index++) await create(store, { user: 'long' });
      for (let index = 0; index < 4; index++) await create(store, { user: 'short' });
      const first = await turns(bench, store, 2);
      const users = await usersOf(bench, first);
      const long = first[users.indexOf('long')] ?? 0;
      await bench.database.query(
        `UPDATE ${bench.tables.slot} SET started_at = started_at - 3600000 WHERE task_id = ?`,
        [long],
      );
      await bench.database.query(`UPDATE ${bench.tables.control} SET swept_at = 0`);
      assert.deepEqual(await usersOf(bench, await turns(bench, store, 3)), ['short', 'short', 'short']);
    },

    'groups share what their user gets': async (bench) => {
      const store = await lead(bench, { policy: 'fair', by: 'user/group' });
      for (const group of ['a', 'b', 'c'])
        for (let index = 0; index < 8; index++) await create(store, { user: 'ada', group });
      for (let index = 0; index < 8; index++) await create(store, { user: 'bob', group: 'a' });
      const rows = await Promise.all((await turns(bench, store, 12)).map((id) => bench.row(id)));
      const names = rows.map((row) => `${row.task_user}/${row.task_group}`);
      const count = (name: string): number => names.filter((one) => one === name).length;
      assert.deepEqual([count('bob/a'), count('ada/a'), count('ada/b'), count('ada/c')], [6, 2, 2, 2]);
    },

    'within a fair share, priorities count': async (bench) => {
      const store = await lead(bench, { policy: 'fair', within: 'priority' });
      const [low, high] = [await create(store, { priority: 1 }), await create(store, { priority: 2 })];
      assert.deepEqual(await turns(bench, store, 2), [high, low]);
    },

    'tasks of types that nobody asks for hold nobody up': async (bench) => {
      const store = await lead(bench, { policy: 'fair' });
      for (let index = 0; index < 40; index++)
        await create(store, { type: 'foreign', user: `user-${index}` });
      const mine = await create(store, { user: 'last' });
      assert.deepEqual(await turns(bench, store, 1), [mine]);
    },
  },
};

const FINISH = { event: 'finish', checkpoint: NO_CHECKPOINT, error: null, remove: false } as const;

interface Given {
  readonly type?: string;
  readonly user?: string;
  readonly group?: string;
  readonly priority?: number;
}

/** A store whose policy for runs is the system's. */
async function lead(bench: Bench, policy: Policy | 'fifo'): Promise<Store> {
  const run: CheckedPolicy = checkPolicy('queues.run', policy, (option) => assert.fail(option));
  const { database, world } = bench;
  const store = new Store(database, world.prefix, world.schema, world.dialect, {
    policies: { run, cleanup: FIFO },
    limits: NO_LIMITS,
  });
  await store.lead();
  while (await store.control.reorder());
  return store;
}

function create(store: Store, given: Given): Promise<number> {
  return store.create({
    type: TYPE,
    user: '',
    group: '',
    input: null,
    context: null,
    autoRun: true,
    ...given,
  });
}

/** Who starts next, one at a time. */
async function turns(
  bench: Bench,
  store: Store,
  count: number,
  ended: readonly number[] = [],
): Promise<readonly number[]> {
  const replica = await bench.register();
  await store.look(replica);
  const started: number[] = [];
  for (let index = 0; index < count; index++) {
    const { claims } = await store.claim({
      replica,
      queue: 'run',
      types: TYPES,
      limit: 1,
      ended: index === 0 ? ended : [],
    });
    started.push(...claims.map(({ id }) => id));
  }
  return started;
}

async function placesOf(bench: Bench, ids: readonly number[]): Promise<readonly unknown[]> {
  const rows = await Promise.all(ids.map((id) => bench.row(id)));
  return rows.map(({ precedence, turn }) => ({ precedence, turn }));
}

async function usersOf(bench: Bench, ids: readonly number[]): Promise<readonly string[]> {
  return Promise.all(ids.map(async (id) => (await bench.row(id)).task_user));
}
