/** What users ask of many tasks at once: to each task it comes to the same as asking it alone, at a fixed number of statements. */
import assert from 'node:assert/strict';
import type { CheckedBulkFilter } from '../../core/bulk.ts';
import { type Status, STATUSES, transition, type UserEvent } from '../../core/status.ts';
import { Store } from '../../store/store.ts';
import type { Bench } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';

const ALL: CheckedBulkFilter = {
  ids: undefined,
  user: undefined,
  group: undefined,
  types: undefined,
  states: undefined,
};
const EVENTS: readonly UserEvent[] = ['run', 'pause', 'delete'];

export const changeMany: Operation = {
  name: 'change many',
  cases: {
    'a task in any status comes to be what it would be if it were asked alone': async (bench) => {
      for (const event of EVENTS) {
        await bench.clear();
        const placed = new Map<number, Status>();
        for (const status of STATUSES) placed.set(await bench.place(status, { turn: 1 }), status);
        const expected = Array.from(placed.values(), (status) => {
          const to = transition(status, event);
          return to !== undefined && to !== status;
        });
        const { changed } = await bench.store.changeMany(event, ALL);
        assert.equal(changed, expected.filter(Boolean).length, event);
        for (const [id, status] of placed) {
          const to = transition(status, event) ?? status;
          assert.equal((await bench.find(id))?.status ?? 'removed', to, `${event} of ${status}`);
        }
      }
    },

    'only tasks of the filter are changed': async (bench) => {
      const ids = [
        await bench.place('pending/run', { task_user: 'ada', task_group: 'a' }),
        await bench.place('pending/run', { task_user: 'ada', task_group: 'b' }),
        await bench.place('pending/run', { task_user: 'bob', task_group: 'a' }),
        await bench.place('init/none', { task_user: 'ada', task_group: 'a' }),
      ];
      const filter = { ...ALL, user: 'ada', group: 'a', states: ['pending'] } as const;
      assert.equal((await bench.store.changeMany('pause', filter)).changed, 1);
      assert.deepEqual(await statuses(bench, ids), [
        transition('pending/run', 'pause'),
        'pending/run',
        'pending/run',
        'init/none',
      ]);
    },

    'only the children of a task are changed': async (bench) => {
      const parent = await bench.place('running/run');
      const child = await bench.place('pending/run', { parent });
      const other = await bench.place('pending/run');
      assert.equal((await bench.store.changeMany('pause', { ...ALL, parent })).changed, 1);
      assert.deepEqual(await statuses(bench, [parent, child, other]), [
        'running/run',
        transition('pending/run', 'pause'),
        'pending/run',
      ]);
    },

    'those that have to stop first are named, with their claims': async (bench) => {
      await bench.place('pending/run');
      const { id, epoch } = await bench.hold('running/run');
      const { changed, stopping } = await bench.store.changeMany('pause', ALL);
      assert.equal(changed, 2);
      assert.deepEqual(stopping, [{ id, epoch }]);
    },

    'many tasks take as many statements as few': async (bench) => {
      for (const event of EVENTS) {
        const few = await statementsFor(bench, event, 2);
        const many = await statementsFor(bench, event, 50);
        assert.equal(many, few, event);
        assert.ok(many <= 5, `${event} took ${many} statements`);
      }
    },
  },
};

async function statuses(bench: Bench, ids: readonly number[]): Promise<readonly string[]> {
  const rows = [];
  for (const id of ids) rows.push((await bench.row(id)).status);
  return rows;
}

async function statementsFor(bench: Bench, event: UserEvent, tasks: number): Promise<number> {
  await bench.clear();
  const status = event === 'run' ? 'init/none' : 'pending/run';
  for (let index = 0; index < tasks; index++) await bench.place(status);
  const database = new RecordingDatabase(bench.database);
  const { prefix, schema, dialect } = bench.world;
  const store = new Store(database, prefix, schema, dialect);
  await store.control.refresh();
  const before = database.statements.length;
  assert.equal((await store.changeMany(event, ALL)).changed, tasks);
  return database.statements.length - before;
}
