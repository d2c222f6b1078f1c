/** Limits and pauses: never more running than allowed, whoever asks, crashes or moves, and no slot lost. */
import assert from 'node:assert/strict';
import type { ScopeKind } from '../../core/limit.ts';
import { limitScope, pauseScope, resumeScope } from '../../store/scope.ts';
import { type Bench, NO_CHECKPOINT, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';
import type { Runnable } from '../../core/version.ts';

const CRASHED = '{"name":"Error","message":"crashed"}';
const TYPES: ReadonlyMap<string, Runnable> = runnable(TYPE);

export const limits: Operation = {
  name: 'limits',
  cases: {
    'at most so many of a group run at once, and the next one starts when one has ended': async (bench) => {
      const ids = await createMany(bench, 5, { group: 'gpu' });
      const other = await bench.create({ group: 'cpu', autoRun: true });
      await limit(bench, 'group', 'gpu', 2);
      const replica = await bench.register();
      assert.deepEqual(await take(bench, replica), [ids[0], ids[1], other]);
      assert.deepEqual(await take(bench, replica), []);
      await finish(bench, ids[1]);
      assert.deepEqual(await take(bench, replica, [ids[1] ?? 0]), [ids[2]]);
      assert.deepEqual(await take(bench, replica), []);
    },

    'users, types, and users within groups are limited each by themselves': async (bench) => {
      const replica = await bench.register();
      await createMany(bench, 3, { user: 'ada', group: 'a' });
      await createMany(bench, 3, { user: 'ada', group: 'b' });
      await createMany(bench, 3, { user: 'bob', group: 'a' });
      await limit(bench, 'user/group', 'ada', 1, 'a');
      await limit(bench, 'user', 'bob', 2);
      await limit(bench, 'type', TYPE, 5);
      assert.equal((await take(bench, replica)).length, 5);
      assert.deepEqual(await running(bench), { 'ada/a': 1, 'ada/b': 3, 'bob/a': 1 });
      await limit(bench, 'type', TYPE, null);
      assert.equal((await take(bench, replica)).length, 1);
      assert.deepEqual(await running(bench), { 'ada/a': 1, 'ada/b': 3, 'bob/a': 2 });
    },

    'what ran before the limit counts, and is left alone': async (bench) => {
      const replica = await bench.register();
      const ids = await createMany(bench, 4, { group: 'gpu' });
      assert.equal((await take(bench, replica, [], 3)).length, 3);
      await limit(bench, 'group', 'gpu', 2);
      assert.deepEqual(await take(bench, replica), []);
      await finish(bench, ids[0]);
      assert.deepEqual(await take(bench, replica, [ids[0] ?? 0]), []);
      await finish(bench, ids[1]);
      assert.deepEqual(await take(bench, replica, [ids[1] ?? 0]), [ids[3]]);
    },

    'a limit of nought lets nothing start, and raising it is heard at once': async (bench) => {
      const replica = await bench.register();
      const ids = await createMany(bench, 3, { user: 'ada' });
      await limit(bench, 'user', 'ada', 0);
      assert.deepEqual(await take(bench, replica), []);
      await limit(bench, 'user', 'ada', 2);
      assert.deepEqual(await take(bench, replica), ids.slice(0, 2));
      await limit(bench, 'user', 'ada', null);
      assert.deepEqual(await take(bench, replica), ids.slice(2));
    },

    // Simulation, seed 6295: who had still to be heard of in a round was forgotten for ever.
    'whoever has not heard yet that the last limit is gone leaves nobody behind': async (bench) => {
      const ids = await createMany(bench, 3, { group: 'gpu' });
      await limit(bench, 'group', 'gpu', 1);
      const late = await bench.connect();
      await late.control.refresh();
      const replica = await bench.register();
      await limit(bench, 'group', 'gpu', null);
      const request = { replica, queue: 'run', types: TYPES, limit: 1 } as const;
      const claimed: number[] = [];
      for (let asked = 0; asked <= ids.length; asked++)
        claimed.push(...(await late.claim(request)).claims.map(({ id }) => id));
      assert.deepEqual(claimed, ids);
    },

    'a slot of a dead replica is free once its task was rescued, not before': async (bench) => {
      const ids = await createMany(bench, 2, { group: 'gpu' });
      await limit(bench, 'group', 'gpu', 1);
      const dying = await bench.register();
      assert.deepEqual(await take(bench, dying), [ids[0]]);
      await bench.expire(dying);
      const replica = await bench.register();
      assert.deepEqual(await take(bench, replica), []);
      await bench.store.bury();
      assert.equal(await bench.store.rescue(CRASHED), 1);
      assert.deepEqual(await take(bench, replica, [ids[0] ?? 0]), [ids[1]]);
    },

    'a running task that is moved counts where it came to, even over the limit': async (bench) => {
      const replica = await bench.register();
      const here = await createMany(bench, 2, { group: 'here' });
      const there = await createMany(bench, 2, { group: 'there' });
      await limit(bench, 'group', 'here', 1);
      await limit(bench, 'group', 'there', 1);
      assert.deepEqual(await take(bench, replica), [here[0], there[0]]);
      await bench.store.changeGroup(here[0] ?? 0, 'there');
      assert.deepEqual(await take(bench, replica), [here[1]]);
      await finish(bench, there[0]);
      assert.deepEqual(await take(bench, replica, [there[0] ?? 0]), []);
      await finish(bench, here[0]);
      assert.deepEqual(await take(bench, replica, [here[0] ?? 0]), [there[1]]);
    },

    'a waiting task that is moved waits where it came to, in its old turn': async (bench) => {
      const replica = await bench.register();
      const [first = 0, second = 0] = await createMany(bench, 2, { group: 'here' });
      const later = await bench.create({ group: 'there', autoRun: true });
      await limit(bench, 'group', 'here', 0);
      assert.deepEqual(await take(bench, replica, [], 1), [later]);
      await finish(bench, later);
      await bench.store.changeGroup(second, 'there');
      assert.deepEqual(await take(bench, replica, [later]), [second]);
      assert.equal((await bench.row(first)).status, 'pending/run');
    },

    'many askers at once never exceed a limit, and between them use all of it': async (bench) => {
      const stores = await Promise.all([bench.connect(), bench.connect(), bench.connect()]);
      await createMany(bench, 40, { group: 'a' });
      await createMany(bench, 40, { group: 'b' });
      await limit(bench, 'group', 'a', 3);
      await limit(bench, 'group', 'b', 7);
      await Promise.all(
        stores.map(async (store) => {
          const replica = await bench.register();
          await store.look(replica);
          for (let round = 0; round < 5; round++)
            await store.claim({ replica, queue: 'run', types: TYPES, limit: 4 });
        }),
      );
      assert.deepEqual(await running(bench), { '/a': 3, '/b': 7 });
    },

    'what has no room is not looked at again until there is some': async (bench) => {
      const replica = await bench.register();
      await limit(bench, 'group', 'gpu', 1);
      const [first = 0, second] = await createMany(bench, 3, { group: 'gpu' });
      assert.deepEqual(await take(bench, replica), [first]);
      assert.equal(await countReady(bench), 0);
      await finish(bench, first);
      assert.deepEqual(await take(bench, replica, [first]), [second]);
    },

    'of many full groups each goes on in its turn once it has room': async (bench) => {
      const replica = await bench.register();
      const groups = Array.from({ length: 20 }, (_, index) => `group-${index}`);
      for (const group of groups) await limit(bench, 'group', group, 1);
      const firsts: number[] = [];
      for (const group of groups) firsts.push(await bench.create({ group, autoRun: true }));
      const seconds: number[] = [];
      for (const group of groups) seconds.push(await bench.create({ group, autoRun: true }));
      for (let begun = 0; begun < groups.length; begun += 4)
        assert.deepEqual(await take(bench, replica, [], 4), firsts.slice(begun, begun + 4));
      assert.deepEqual(await take(bench, replica), []);
      const [, ended = 0, , , , early = 0] = firsts;
      await finish(bench, early);
      assert.deepEqual(await take(bench, replica, [early]), [seconds[5]]);
      await finish(bench, ended);
      assert.deepEqual(await take(bench, replica, [ended], 1), [seconds[1]]);
      assert.deepEqual(await take(bench, replica), []);
    },

    'a full scope at the head hides nobody behind it': async (bench) => {
      const replica = await bench.register();
      await createMany(bench, 60, { group: 'full' });
      for (let index = 0; index < 60; index++)
        await bench.create({ group: `full-${index}`, user: 'big', autoRun: true });
      const last = await bench.create({ group: 'last', autoRun: true });
      await limit(bench, 'group', 'full', 0);
      await limit(bench, 'user', 'big', 1);
      assert.equal((await take(bench, replica)).length, 2);
      assert.equal((await bench.row(last)).status, 'running/run');
    },

    'a paused group starts nothing; resumed, it goes on': async (bench) => {
      const replica = await bench.register();
      const ids = await createMany(bench, 2, { group: 'gpu' });
      await pauseScope(bench.store.scopes, 'group', 'gpu', { running: false });
      assert.deepEqual(await take(bench, replica), []);
      await resumeScope(bench.store.scopes, 'group', 'gpu');
      assert.deepEqual(await take(bench, replica), ids);
    },

    'a pause that stops what runs brings back just that': async (bench) => {
      const replica = await bench.register();
      const [mine = 0, theirs = 0] = await createMany(bench, 2, { group: 'gpu' });
      assert.equal((await take(bench, replica)).length, 2);
      await bench.store.change(mine, 'pause');
      assert.equal(await pauseScope(bench.store.scopes, 'group', 'gpu', { running: true }), 1);
      for (const id of [mine, theirs]) await settle(bench, id, 'yield');
      assert.equal(await resumeScope(bench.store.scopes, 'group', 'gpu'), 1);
      assert.equal((await bench.row(mine)).status, 'paused/pause');
      assert.equal((await bench.row(theirs)).status, 'pending/run');
    },

    'a task that is paused by hand while its group is stays so': async (bench) => {
      const replica = await bench.register();
      const [id = 0] = await createMany(bench, 1, { group: 'gpu' });
      await take(bench, replica);
      await pauseScope(bench.store.scopes, 'group', 'gpu', { running: true });
      assert.equal(await bench.store.change(id, 'pause'), false);
      assert.equal(await resumeScope(bench.store.scopes, 'group', 'gpu'), 0);
      assert.equal((await bench.row(id)).status, 'running/pause');
    },
  },
};

async function createMany(
  bench: Bench,
  count: number,
  task: { readonly user?: string; readonly group?: string },
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (let index = 0; index < count; index++) ids.push(await bench.create({ ...task, autoRun: true }));
  return ids;
}

async function limit(
  bench: Bench,
  kind: ScopeKind,
  name: string,
  most: number | null,
  second = '',
): Promise<void> {
  await limitScope(bench.store.scopes, { kind, name, second }, most);
}

async function take(
  bench: Bench,
  replica: string,
  ended: readonly number[] = [],
  most = 20,
): Promise<readonly number[]> {
  const { claims } = await bench.store.claim({ replica, queue: 'run', types: TYPES, limit: most, ended });
  return claims.map(({ id }) => id);
}

function finish(bench: Bench, id = 0): Promise<void> {
  return settle(bench, id, 'finish');
}

async function settle(bench: Bench, id: number, event: 'finish' | 'yield'): Promise<void> {
  const { owner, epoch } = await bench.row(id);
  const settlement = { event, checkpoint: NO_CHECKPOINT, error: null, remove: false };
  await bench.store.settle({ id, owner: owner ?? '', epoch }, settlement);
}

/** How many run, by user and group. */
async function running(bench: Bench): Promise<Readonly<Record<string, number>>> {
  const { rows } = await bench.database.query(
    `SELECT task_user, task_group, COUNT(*) AS tasks FROM ${bench.tables.task} WHERE owner IS NOT NULL GROUP BY task_user, task_group ORDER BY task_user, task_group`,
  );
  return Object.fromEntries(
    rows.map((row) => [`${String(row['task_user'])}/${String(row['task_group'])}`, Number(row['tasks'])]),
  );
}

/** How many lanes rounds still look at. */
async function countReady({ database, tables }: Bench): Promise<number> {
  const sql = `SELECT COUNT(*) AS found FROM ${tables.lane} WHERE kind = 'lane' AND ready = 1`;
  return Number((await database.query(sql)).rows[0]?.['found']);
}
