/** Listing tasks: filters, pages, and what is shown on request only. */
import assert from 'node:assert/strict';
import { PUBLIC_STATES, showing, STATUSES } from '../../core/status.ts';
import { checkFilter, type TaskFilter } from '../../core/task.ts';
import { type Bench, refused } from '../bench.ts';
import type { Operation } from '../operation.ts';

export const list: Operation = {
  name: 'list',
  cases: {
    'the newest comes first': async (bench) => {
      const ids = [await bench.create(), await bench.create(), await bench.create()];
      assert.deepEqual(await listed(bench), ids.toReversed());
    },

    'an empty system has one empty page': async (bench) => {
      assert.deepEqual(await bench.store.list(checkFilter({})), { tasks: [], next: undefined });
    },

    'each public state shows exactly the tasks whose status is behind it': async (bench) => {
      const ids = new Map<string, number>();
      for (const status of STATUSES) ids.set(status, await bench.place(status));
      for (const state of PUBLIC_STATES) {
        const expected = showing(state).map((status) => Number(ids.get(status)));
        assert.deepEqual(
          await listed(bench, { states: [state], includeDeleting: true }),
          expected.toSorted((one, other) => other - one),
          state,
        );
      }
    },

    'a task that is asked to go is shown to those who name its state or ask for such tasks': async (
      bench,
    ) => {
      const [kept, going] = [await bench.create(), await bench.place('pending/delete')];
      assert.deepEqual(await listed(bench), [kept]);
      assert.deepEqual(await listed(bench, { states: ['deleting'] }), [going]);
      assert.deepEqual(await listed(bench, { states: ['deleting'], includeDeleting: false }), []);
      assert.deepEqual(await listed(bench, { includeDeleting: true }), [going, kept]);
    },

    'all parts of a filter must fit': async (bench) => {
      const wanted = await bench.create({ user: 'ada', group: 'day', type: 'import', autoRun: true });
      await bench.create({ user: 'bob', group: 'day', type: 'import', autoRun: true });
      await bench.create({ user: 'ada', group: 'night', type: 'import', autoRun: true });
      await bench.create({ user: 'ada', group: 'day', type: 'export', autoRun: true });
      await bench.create({ user: 'ada', group: 'day', type: 'import', autoRun: false });
      const filter: TaskFilter = { user: 'ada', group: 'day', types: ['import'], states: ['pending'] };
      assert.deepEqual(await listed(bench, filter), [wanted]);
      assert.equal((await listed(bench, { user: 'ada' })).length, 4);
      assert.equal((await listed(bench, { types: ['import', 'export'] })).length, 5);
    },

    'the user and the group that nobody named are empty, not any': async (bench) => {
      const nameless = await bench.create();
      await bench.create({ user: 'ada', group: 'day' });
      assert.deepEqual(await listed(bench, { user: '' }), [nameless]);
      assert.deepEqual(await listed(bench, { group: '' }), [nameless]);
    },

    'names are compared exactly: by case, by accent and to the last blank': async (bench) => {
      const names = ['ada', 'Ada', 'adá', 'ada ', ' ada', 'ad%', 'ad_'];
      const ids = new Map<string, number>();
      for (const user of names) ids.set(user, await bench.create({ user }));
      for (const user of names) assert.deepEqual(await listed(bench, { user }), [ids.get(user)], `"${user}"`);
    },

    'types and states combine, however many are named, and naming one twice changes nothing': async (
      bench,
    ) => {
      const types = Array.from({ length: 20 }, (_, index) => `type-${index}`);
      const ids = new Map<string, number>();
      for (const type of types) {
        for (const status of ['pending/run', 'paused/pause', 'finished/run'] as const) {
          ids.set(`${type} ${status}`, await bench.place(status, { type }));
        }
      }
      for (const some of [types, types.slice(0, 3), ['type-7'], ['type-7', 'type-7', 'type-8']]) {
        const states = ['finished', 'pending', 'finished'] as const;
        const wanted = [...new Set(some)].flatMap((type) =>
          ['pending/run', 'finished/run'].map((status) => Number(ids.get(`${type} ${status}`))),
        );
        assert.deepEqual(
          await listed(bench, { types: some, states, limit: 1000 }),
          wanted.toSorted((one, other) => other - one),
        );
        const page = await bench.store.list(checkFilter({ types: some, states, limit: 1 }));
        assert.deepEqual(
          [page.tasks.map(({ id }) => id), page.next],
          [[Math.max(...wanted)], Math.max(...wanted)],
        );
      }
      assert.equal(
        (await listed(bench, { states: ['finished', 'paused', 'failed'], limit: 1000 })).length,
        40,
      );
    },

    'tasks that run stand where they were created among those of their type and state, page by page': async (
      bench,
    ) => {
      const statuses = ['running/run', 'finished/run', 'running/pause', 'paused/run', 'running/run'] as const;
      const ids: number[] = [];
      for (const status of [...statuses, ...statuses])
        ids.push(await bench.place(status, { type: ids.length % 2 === 0 ? 'import' : 'export' }));
      const of = (wanted: (index: number) => boolean): readonly number[] =>
        ids.filter((_id, index) => wanted(index)).toReversed();
      const running = (index: number): boolean => [0, 3, 4].includes(index % statuses.length);
      const cases: readonly (readonly [TaskFilter, readonly number[]])[] = [
        [{ types: ['import'] }, of((index) => index % 2 === 0)],
        [{ types: ['import', 'export'] }, of(() => true)],
        [{ states: ['running'] }, of(running)],
        [{ states: ['running'], types: ['export'] }, of((index) => running(index) && index % 2 === 1)],
        [{ states: ['canceling'], types: ['import'] }, of((index) => index === 2)],
        [{ states: ['finished'], types: ['export'] }, of((index) => index === 1)],
      ];
      for (const [filter, wanted] of cases) {
        assert.deepEqual(await listed(bench, filter), wanted);
        assert.deepEqual(await paged(bench, { ...filter, limit: 2 }), wanted);
      }
    },

    'no type and no state fit nothing': async (bench) => {
      await bench.create();
      assert.deepEqual(await listed(bench, { types: [] }), []);
      assert.deepEqual(await listed(bench, { states: [] }), []);
    },

    'pages follow each other to the end, which says that it is the end': async (bench) => {
      const ids: number[] = [];
      for (let index = 0; index < 6; index++) ids.push(await bench.create());
      const first = await bench.store.list(checkFilter({ limit: 3 }));
      const second = await bench.store.list(checkFilter({ limit: 3, after: first.next }));
      assert.deepEqual(
        [...first.tasks, ...second.tasks].map(({ id }) => id),
        ids.toReversed(),
      );
      assert.deepEqual([first.next, second.next], [ids[3], undefined]);
    },

    'tasks created and removed between pages neither repeat nor hide the others': async (bench) => {
      const ids: number[] = [];
      for (let index = 0; index < 30; index++) ids.push(await bench.create({ group: 'pages' }));
      const seen: number[] = [];
      const born: number[] = [];
      for (let after: number | undefined, pages = 0; pages < 20; pages++) {
        const page = await bench.store.list(checkFilter({ group: 'pages', limit: 7, after }));
        seen.push(...page.tasks.map(({ id }) => id));
        born.push(...(await Promise.all([1, 2].map(() => bench.create({ group: 'pages' })))));
        await bench.store.change(Number(seen.at(-1)), 'delete');
        after = page.next;
        if (after === undefined) break;
      }
      assert.deepEqual(seen, ids.toReversed());
      assert.ok(born.every((id) => !seen.includes(id)));
    },

    'a cursor is a place in the order, whether or not its task is still there or fits': async (bench) => {
      const [old, gone, newer] = [await bench.create(), await bench.create(), await bench.create()];
      await bench.store.change(gone, 'delete');
      assert.deepEqual(await listed(bench, { after: gone }), [old]);
      assert.deepEqual(await listed(bench, { after: old }), []);
      assert.deepEqual(await listed(bench, { after: newer + 1000 }), [newer, old]);
    },

    'a page is never longer than asked for, 50 if nobody asks': async (bench) => {
      await Promise.all(Array.from({ length: 52 }, () => bench.create()));
      assert.equal((await listed(bench, { limit: 1 })).length, 1);
      const page = await bench.store.list(checkFilter({}));
      assert.equal(page.tasks.length, 50);
      assert.equal(page.next, page.tasks.at(-1)?.id);
    },

    'a filter that makes no sense is refused before the database hears of it': async () => {
      const wrong: readonly [string, object][] = [
        ['user', { user: 1 }],
        ['group', { group: 'a\0b' }],
        ['types', { types: 'import' }],
        ['type', { types: [7] }],
        ['states', { states: ['gone'] }],
        ['limit', { limit: 0 }],
        ['limit', { limit: 1001 }],
        ['after', { after: -1 }],
      ];
      for (const [argument, filter] of wrong) {
        await refused((async () => checkFilter(filter))(), 'INVALID_ARGUMENT', { argument });
      }
    },
  },
};

async function listed(bench: Bench, filter: TaskFilter = {}): Promise<readonly number[]> {
  const { tasks } = await bench.store.list(checkFilter(filter));
  return tasks.map(({ id }) => id);
}

/** The same, page after page. */
async function paged(bench: Bench, filter: TaskFilter): Promise<readonly number[]> {
  const found: number[] = [];
  for (let after: number | undefined, more = true; more; more = after !== undefined) {
    const { tasks, next } = await bench.store.list(checkFilter({ ...filter, after }));
    found.push(...tasks.map(({ id }) => id));
    after = next;
  }
  return found;
}
