/**
 * What the databases do with the statements that the store really sends, at 100,000 tasks: the claim, the tick and the
 * rescue go by their indexes, and no page of a list costs a look at the whole table.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Database } from '../../src/core/connection.ts';
import { QUEUES } from '../../src/core/status.ts';
import { type CheckedHistory, NO_HISTORY } from '../../src/core/history.ts';
import { checkFilter, type TaskFilter } from '../../src/core/task.ts';
import { FOREMOST } from '../../src/queue/precedence.ts';
import {
  hasEntry,
  newestEntry,
  oldestEntry,
  pruneHistory,
  readEntries,
  readHistory,
} from '../../src/store/history.ts';
import type { Tables } from '../../src/store/schema.ts';
import { Store } from '../../src/store/store.ts';
import { type Bench, openBench, runnable } from '../../src/testing/bench.ts';
import { type Backend, eachBackend } from '../backends.ts';
import { explain, type Step } from '../support/plans.ts';
import { openContractStore } from '../support/stores.ts';

const ROWS = 100_000;
const KEPT: CheckedHistory = { level: 'all', keep: 3_600_000, contexts: true };
const REPLICAS = 20;

const LISTS: readonly (readonly [string, TaskFilter])[] = [
  ['all tasks', {}],
  ['a user', { user: 'user-7' }],
  ['a group', { group: 'group-7' }],
  ['a type', { types: ['type-7'] }],
  ['three types', { types: ['type-7', 'type-8', 'type-9'] }],
  ['a state of many', { states: ['finished'] }],
  ['a state of few', { states: ['canceling'] }],
  ['a state of two statuses', { states: ['running'] }],
  ['several states', { states: ['pending', 'running', 'failed'] }],
  ['a user and a state', { user: 'user-7', states: ['failed'] }],
  ['a group, a type and a state', { group: 'group-7', types: ['type-7'], states: ['finished'] }],
  ['all tasks, even those being deleted', { includeDeleting: true }],
];

// Of 1,000 tasks, 100 wait for a run, 5 for a cleanup, 4 are held, and the others are done.
const STATUS_OF_N = `CASE WHEN n % 1000 < 90 THEN 'pending/run' WHEN n % 1000 < 100 THEN 'paused/run'
  WHEN n % 1000 < 105 THEN 'pending/delete' WHEN n % 1000 < 107 THEN 'running/run' WHEN n % 1000 = 107 THEN 'running/pause'
  WHEN n % 1000 = 108 THEN 'deleting/delete' WHEN n % 1000 < 150 THEN 'failed/run' WHEN n % 1000 = 150 THEN 'failed/delete'
  WHEN n % 1000 < 170 THEN 'paused/pause' WHEN n % 1000 < 180 THEN 'init/none' ELSE 'finished/run' END`;
const QUEUE_OF_N = `CASE WHEN n % 1000 < 100 THEN 'run' WHEN n % 1000 < 105 THEN 'cleanup' END`;
const TURN_OF_N = `CASE WHEN n % 1000 < 90 THEN n WHEN n % 1000 < 100 THEN 0 WHEN n % 1000 < 105 THEN n WHEN n % 1000 = 150 THEN n END`;
const OWNER_OF_N = `CASE WHEN n % 1000 IN (105, 106, 107, 108) THEN CONCAT('replica-', n % ${REPLICAS}) END`;

eachBackend((backend) => {
  describe(`plans at ${ROWS} tasks`, () => suite(backend, true));
  // Nobody runs ANALYZE on a SQLite file by hand.
  if (backend.name === 'sqlite')
    describe(`plans at ${ROWS} tasks without statistics`, () => {
      suite(backend, false);
      pagesOfSeveralConditions(backend);
    });
});

function suite(backend: Backend, statistics: boolean): void {
  let bench: Bench | undefined;
  before(async () => {
    bench = await openBench(() => openContractStore(backend));
    await fill(bench.database, bench.tables);
    const { database, tables } = bench;
    const analyze = database.dialect === 'mysql' ? 'ANALYZE TABLE' : 'ANALYZE';
    if (statistics)
      for (const table of [tables.task, tables.replica, tables.history])
        await database.query(`${analyze} ${table}`);
  });
  after(() => bench?.close());

  const explains = (
    what: string,
    act: (store: Store) => Promise<unknown>,
    check: (steps: readonly Step[]) => void,
    history?: CheckedHistory,
  ): void => {
    it(what, async () => {
      assert.ok(bench !== undefined);
      for (const steps of await explain(bench, ROWS, act, history)) check(steps);
    });
  };

  const types = runnable('type-1', 'type-2', 'type-3', 'type-4', 'type-5');
  for (const queue of QUEUES) {
    explains(
      `the claim of the queue ${queue} goes by its index, in its order`,
      async (store) => {
        await store.control.refresh();
        await store.claim({ replica: 'replica-1', queue, types, limit: 5 });
      },
      (steps) => {
        // MySQL updates by their ids what it has selected by the index.
        if (!steps.every(({ on }) => on === 'PRIMARY')) uses(steps, 'task_claim');
        assert.deepEqual(sorts(steps), []);
      },
    );
  }

  explains(
    'the tick goes by the owner',
    (store) => store.look('replica-1'),
    (steps) => uses(steps, 'task_owner'),
  );

  explains(
    'the rescue goes by the owner',
    (store) => store.rescue('{}'),
    (steps) => uses(steps, 'task_owner'),
  );

  explains(
    'the replicas are shown by the owner',
    (store) => store.replicas(),
    (steps) => noScan(steps),
  );

  explains(
    'failed cleanups are found by their status',
    (store) => store.retryCleanups(),
    (steps) => noScan(steps),
  );

  explains(
    'tasks that are due are found by the index of those that wait',
    (store) => store.admitDue(),
    (steps) => noScan(steps),
  );

  explains(
    'tasks that were kept long enough are found by when they were done',
    async (store) =>
      void (await store.removeKept('type-7', { finished: 1000, failed: 1000, cleanup: false })),
    (steps) => uses(steps, 'task_done'),
  );

  for (const history of [NO_HISTORY, KEPT]) {
    const noted = history === KEPT ? ', to be noted too' : '';
    explains(`one task is found by its id${noted}`, changeOne, noScanOrSort, history);
    explains(
      `reports and ends that come together are found by their ids, however few are running${noted}`,
      writeTogether,
      onlyById,
      history,
    );
  }

  explains(
    'many tasks of a user are found by their index, to be noted too',
    async (store) => {
      const filter = { ids: undefined, group: undefined, types: undefined, states: undefined };
      await store.changeMany('pause', { ...filter, user: 'user-7' });
    },
    (steps) => noScan(steps),
    KEPT,
  );

  explains(
    'what is told of a task is found by its index, and what comes next, or is to go, by its number',
    async (store) => {
      await readHistory(store.scopes, 500, { after: 0, limit: 10, redacted: false });
      await readEntries(store.scopes, { last: 500, gaps: [] }, 10);
      await hasEntry(store.scopes, 500);
      await newestEntry(store.scopes);
      await oldestEntry(store.scopes);
    },
    noScanOrSort,
  );

  explains(
    'what is to go of the history is its beginning, and the rest is not sorted for it',
    (store) => pruneHistory(store.scopes, { ...KEPT, keep: 1e15 }),
    (steps) => assert.deepEqual(sorts(steps), []),
  );

  explains(
    'what came late is looked for by its number alone',
    (store) =>
      readEntries(
        store.scopes,
        {
          last: 500,
          gaps: [
            [3, 3],
            [7, 9],
          ],
        },
        10,
      ),
    (steps) => noScan(steps),
  );

  for (const [what, filter] of LISTS) {
    for (const position of [undefined, ROWS / 2]) {
      explains(
        `a page of ${what} ${position === undefined ? 'at the start' : 'in the middle'} does not sort the whole table`,
        (store) => store.list(checkFilter({ ...filter, after: position })),
        (steps) => {
          // Newest first without a condition is the table itself, which SQLite calls a scan, until the page is full.
          if (Object.keys(filter).every((part) => part === 'includeDeleting'))
            assert.deepEqual(sorts(steps), []);
          else noScan(steps);
          for (const { rows, text } of sorts(steps))
            assert.ok(rows < ROWS / 20, `${text} sorts ${rows} rows`);
        },
      );
    }
  }
}

/** The index of those that fit the fewest, as a rule, is the one to read along. */
function pagesOfSeveralConditions(backend: Backend): void {
  const one = { types: ['type-7'], states: ['pending'] } as const;
  const cases = [
    ['task_parent', { ...one, parent: 7, user: 'user-7', group: 'group-7' }],
    ['task_user', { ...one, user: 'user-7', group: 'group-7' }],
    ['task_user', { ...one, user: 'user-7' }],
    ['task_group', { ...one, group: 'group-7' }],
  ] as const;
  for (const [index, filter] of cases)
    for (const [where, position] of [
      ['at the start', undefined],
      ['in the middle', ROWS / 2],
    ] as const)
      it(`a page of ${Object.keys(filter).join(', ')} ${where} goes by ${index}`, async (t) => {
        const bench = await openBench(() => openContractStore(backend));
        t.after(() => bench.close());
        const page = checkFilter({ ...filter, after: position });
        for (const steps of await explain(bench, ROWS, (store) => store.list(page))) uses(steps, index);
      });
}

async function changeOne(store: Store): Promise<void> {
  const fence = { id: 500, owner: 'nobody', epoch: 1 };
  const checkpoint = { context: '1', progress: null, message: null };
  await store.get(500, true);
  await store.change(500, 'delete');
  await store.changeGroup(500, 'night');
  await store.checkpoint(fence, checkpoint).catch(() => undefined);
  await store.release(fence);
  await store
    .settle(fence, { event: 'finish', checkpoint, error: null, remove: true })
    .catch(() => undefined);
}

async function writeTogether(store: Store): Promise<void> {
  const fences = [500, 501, 502].map((id) => ({ id, owner: 'nobody', epoch: 1 }));
  const checkpoint = { context: '1', progress: null, message: null };
  await store.checkpointEach(fences.map((fence) => ({ fence, checkpoint })));
  for (const remove of [false, true]) {
    const settlement = { event: 'finish', checkpoint, error: null, remove } as const;
    await store.settleEach(fences.map((fence) => ({ fence, settlement })));
  }
}

function noScanOrSort(steps: readonly Step[]): void {
  noScan(steps);
  assert.deepEqual(sorts(steps), []);
}

function onlyById(steps: readonly Step[]): void {
  noScan(steps);
  const others = steps.filter(({ how, on }) => how === 'index' && !/task_pkey$|^PRIMARY$/.test(on));
  assert.deepEqual(others, [], textOf(steps));
}

function uses(steps: readonly Step[], index: string): void {
  noScan(steps);
  assert.ok(
    steps.some(({ how, on }) => how === 'index' && on.endsWith(index)),
    `${index} is not used:\n${textOf(steps)}`,
  );
}

function noScan(steps: readonly Step[]): void {
  const scans = steps.filter(({ how, on }) => how === 'scan' && /(task|history)$/.test(on));
  assert.deepEqual(scans, [], `the whole table is read:\n${textOf(steps)}`);
}

function sorts(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ how }) => how === 'sort');
}

function textOf(steps: readonly Step[]): string {
  return steps.map(({ text }) => text).join('\n');
}

/** 100,000 tasks, most of them done, as in a system that has run for a while. */
async function fill(database: Database, tables: Tables): Promise<void> {
  const { task, replica, claimant, ruleVersion, control, history } = tables;
  const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ');
  const places = ['a', 'b', 'c', 'd', 'e'];
  const numbers = `SELECT 1 + ${places.map((place, index) => `${place}.d * ${10 ** index}`).join(' + ')} AS n
    FROM ${places.map((place) => `(${digits}) ${place}`).join(' CROSS JOIN ')}`;
  await database.query(
    `INSERT INTO ${task} (type, task_user, task_group, status, queue, turn, owner, lane, precedence, priority, epoch, attempt, crashes, crash_budget, retries, worked, worked_before, created_at, input)
     SELECT CONCAT('type-', n % 20), CONCAT('user-', n % 1000), CONCAT('group-', n % 100), status, queue, turn, owner, 0, CASE WHEN queue IS NOT NULL THEN CASE WHEN turn = 0 THEN ${FOREMOST} ELSE 0 END END, 0, 1, 1, 0, 3, 0, 0, 0, n, '{"file":"some.csv"}'
     FROM (SELECT n, ${STATUS_OF_N} AS status, ${QUEUE_OF_N} AS queue, ${TURN_OF_N} AS turn, ${OWNER_OF_N} AS owner FROM (${numbers}) AS numbers) AS mixed ORDER BY n`,
  );
  await database.query(
    `INSERT INTO ${history} (task, at, event, type, task_user, task_group) SELECT id, id, 'create', type, task_user, task_group FROM ${task} ORDER BY id`,
  );
  for (let index = 0; index < REPLICAS; index++) {
    await database.query(
      `INSERT INTO ${replica} (id, name, started_at, renewed_at, lease_until, types, concurrency) VALUES (?, 'x', 0, 0, 9000000000000000, '[]', 5)`,
      [`replica-${index}`],
    );
    await database.query(`INSERT INTO ${claimant} (replica) VALUES (?)`, [`replica-${index}`]);
    await database.query(`INSERT INTO ${ruleVersion} (replica, version) SELECT ?, version FROM ${control}`, [
      `replica-${index}`,
    ]);
  }
}
