/** Finding tasks by an id, or by the beginning of a key, a user, a group or a type. */
import assert from 'node:assert/strict';
import { checkFilter } from '../../core/task.ts';
import type { Bench } from '../bench.ts';
import type { Operation } from '../operation.ts';

export const search: Operation = {
  name: 'search',
  cases: {
    'a task is found by its id, and by the beginning of its key, user, group and type': async (bench) => {
      const id = await bench.create({ user: 'ada', group: 'night', type: 'import', key: 'order-7' });
      await bench.create({ user: 'bob', group: 'day', type: 'export', key: 'bill-7' });
      for (const text of [String(id), 'ada', 'a', 'ni', 'night', 'imp', 'order-', 'order-7'])
        assert.deepEqual(await found(bench, text), [id], text);
      for (const text of ['dax', 'ight', 'order-77', 'adam', '9999999999999999', '0', 'A'])
        assert.deepEqual(await found(bench, text), [], text);
    },

    'a task that runs is found by the beginning of its type, though it be the only one of that type': async (
      bench,
    ) => {
      await bench.create({ type: 'import' });
      const running = await bench.place('running/run', { type: 'imprint' });
      assert.deepEqual(await found(bench, 'impr'), [running]);
      assert.deepEqual(await found(bench, 'impr', { states: ['running'] }), [running]);
      assert.deepEqual(await found(bench, 'impr', { states: ['pending'] }), []);
      assert.equal((await found(bench, 'imp')).length, 2);
    },

    'what is found in several ways is there once, and the newest comes first': async (bench) => {
      const first = await bench.create({ user: 'night', group: 'night', type: 'nightly', key: 'night' });
      const second = await bench.create({ group: 'nights' });
      assert.deepEqual(await found(bench, 'night'), [second, first]);
    },

    'pages follow each other, and the rest of the filter holds': async (bench) => {
      const ids: number[] = [];
      for (let index = 0; index < 7; index++)
        ids.push(await bench.create({ user: `ada-${index % 3}`, group: index < 4 ? 'day' : 'night' }));
      const first = await bench.store.list(checkFilter({ search: 'ada', limit: 4 }));
      const second = await bench.store.list(checkFilter({ search: 'ada', limit: 4, after: first.next }));
      assert.deepEqual(
        [...first.tasks, ...second.tasks].map(({ id }) => id),
        ids.toReversed(),
      );
      assert.equal(second.next, undefined);
      assert.deepEqual(await found(bench, 'ada', { group: 'night' }), ids.slice(4).toReversed());
      assert.deepEqual(await found(bench, 'ada', { states: ['running'] }), []);
      assert.deepEqual(await found(bench, 'ada', { states: [] }), []);
    },

    'on behalf of a user nothing else is found, whatever others are called': async (bench) => {
      for (let index = 0; index < 12; index++)
        await bench.create({ user: 'bob', group: `n-${index}`, type: `n-${index}`, key: `n-${index}` });
      const own = await bench.create({ user: 'nina', group: 'night', type: 'nightly', key: 'no' });
      assert.deepEqual(await found(bench, 'n', { owner: 'nina' }), [own]);
      assert.deepEqual(await found(bench, 'bob', { owner: 'nina' }), []);
      assert.deepEqual(await found(bench, String(own), { owner: 'bob' }), []);
    },

    'names are compared by their bytes, whatever the database would make of them': async (bench) => {
      const names = ['ä', 'a', 'A', 'z', '%', '_', '\u{10ffff}', '\ud7ff', '\ue000', 'ﬁ', 'ß', 'ss', '日本'];
      const ids = new Map<string, number>();
      for (const name of names) ids.set(name, await bench.create({ user: name }));
      for (const [name, id] of ids) assert.deepEqual(await found(bench, name), [id], name);
    },
  },
};

async function found(bench: Bench, text: string, filter: object = {}): Promise<readonly number[]> {
  const { tasks } = await bench.store.list(checkFilter({ ...filter, search: text }));
  return tasks.map(({ id }) => id);
}
