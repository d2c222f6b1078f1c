/**
 * Tables of which the database knows nothing, or nothing that still holds: they have grown within the last minute, or were all but
 * empty when they were last vacuumed, as those of a queue often are. Nobody's claims, reports and ends may cost a look at what is
 * given, at the table, or at an index for each of the tasks. (On PostgreSQL they did: groups of ends took a minute.)
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type CheckedHistory, NO_HISTORY } from '../../src/core/history.ts';
import { limitScope } from '../../src/store/scope.ts';
import type { Store } from '../../src/store/store.ts';
import { type Bench, openBench, runnable } from '../../src/testing/bench.ts';
import { eachBackend } from '../backends.ts';
import { explain, type Step } from '../support/plans.ts';
import { openContractStore } from '../support/stores.ts';

const SIZES = [10, 1000, 3000, 10_000, 30_000];
const KEPT: CheckedHistory = { level: 'all', keep: 3_600_000, contexts: true };
const OWNER = 'replica-1';

eachBackend((backend) => {
  it('groups of reports and ends look once through what is given, however large a young table is', async (t) => {
    const bench = await openBench(() => openContractStore(backend));
    t.after(() => bench.close());
    let size = 0;
    for (const wanted of SIZES) {
      await addRunning(bench, wanted - size);
      size = wanted;
      for (const history of [NO_HISTORY, KEPT])
        for (const steps of await explain(bench, size, writeTogether, history)) onceOnly(steps, size);
    }
  });

  it('a round opens what was closed for a scope by its name, however much was closed since the lanes were last looked over', async (t) => {
    const bench = await openBench(() => openContractStore(backend));
    t.after(() => bench.close());
    assert.equal(await bench.register(['resize']), OWNER);
    await limitScope(bench.store.scopes, { kind: 'group', name: 'any', second: '' }, 1);
    const steps = await explain(bench, 3000, async (store) => {
      await store.control.refresh();
      const request = { replica: OWNER, queue: 'run', types: runnable('resize'), limit: 0 } as const;
      // The first round looks through all slots and all that is closed.
      await store.claim(request);
      await store.claim({ ...request, ended: await closeAndEnd(bench, 3000, 50) });
    });
    const opening = steps.findLast((plan) => plan.some(({ on }) => on.endsWith('lane_closed'))) ?? [];
    const read = opening.filter(({ on }) => on.endsWith('lane_closed'));
    assert.equal(read.length, 1);
    assert.deepEqual(
      read.filter(({ whole, sifted }) => whole === true || sifted === true),
      [],
      opening.map(({ text }) => text).join('\n'),
    );
  });

  it('claims, reports and ends go by ids after a vacuum that found nothing', async (t) => {
    const bench = await openBench(() => openContractStore(backend));
    t.after(() => bench.close());
    assert.equal(await bench.register(['resize']), OWNER);
    await addRunning(bench, 3000);
    await emptyAndVacuum(bench);
    await addRunning(bench, 30_000);
    const [{ first }] = (await bench.database.query(`SELECT MIN(id) AS first FROM ${bench.tables.task}`))
      .rows as [{ first: number }];
    for (const history of [NO_HISTORY, KEPT]) {
      const written = await explain(bench, 30_000, (store) => writeTogether(store, Number(first)), history);
      for (const steps of written) onlyBy(/task_pkey$|^PRIMARY$/, steps);
      const claimed = await explain(bench, 30_000, claim, history);
      for (const steps of claimed) onlyBy(/task_pkey$|^PRIMARY$|task_claim$/, steps);
    }
  });
});

async function addRunning({ database, tables: { task } }: Bench, count: number): Promise<void> {
  const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ');
  const places = ['a', 'b', 'c', 'd', 'e'].map((place) => `(${digits}) ${place}`);
  await database.query(
    `INSERT INTO ${task} (type, task_user, task_group, status, owner, lane, priority, epoch, attempt, crashes, crash_budget, retries, worked, worked_before, created_at, input)
     SELECT 'resize', '', '', 'running/run', '${OWNER}', 0, 0, 1, 1, 0, 3, 0, 0, 0, 0, '{"file":"some.csv"}'
     FROM ${places.join(' CROSS JOIN ')} LIMIT ${count}`,
  );
}

/** So many lanes were open when they were looked over, and are closed for a group each; the slots in the first few of these are free. */
async function closeAndEnd(
  { database, tables }: Bench,
  lanes: number,
  ended: number,
): Promise<readonly number[]> {
  const { lane, slot } = tables;
  const numbers = Array.from({ length: lanes }, (_, index) => index + 1);
  for (const group of numbers)
    await database.query(
      `INSERT INTO ${lane} (queue, kind, type, version, task_user, task_group, parent, ready, used, virtual_time, precedence, turn)
       VALUES ('run', 'lane', 'resize', 1, '', ?, 1, 1, 0, 0, 0, 0)`,
      [String(group)],
    );
  const lookOver = { sqlite: 'ANALYZE', postgres: 'ANALYZE', mysql: 'ANALYZE TABLE' }[database.dialect];
  await database.query(`${lookOver} ${lane}`);
  await database.query(
    `UPDATE ${lane} SET ready = 0, closed = 'group', closed_name = task_group WHERE kind = 'lane'`,
  );
  const tasks = numbers.slice(0, ended);
  for (const task of tasks)
    await database.query(
      `INSERT INTO ${slot} (task_id, epoch, queue, type, task_user, task_group, sharer, started_at, charged)
       VALUES (?, 1, 'run', 'resize', '', ?, 0, 0, 0)`,
      [task, String(task)],
    );
  return tasks;
}

/** Somebody's snapshot keeps what is deleted from being removed: then the table is as large as it was, and has no rows. */
async function emptyAndVacuum(bench: Bench): Promise<void> {
  const {
    database,
    tables: { task },
  } = bench;
  if (database.dialect !== 'postgres') {
    await database.query(`DELETE FROM ${task}`);
    return;
  }
  const { database: other } = await bench.connect();
  await other.transaction(async (connection) => {
    await connection.query('SELECT pg_current_xact_id()');
    await database.query(`DELETE FROM ${task}`);
    await database.query(`VACUUM ANALYZE ${task}`);
  });
}

async function claim(store: Store): Promise<void> {
  await store.control.refresh();
  const request = { replica: OWNER, queue: 'run', types: runnable('resize'), limit: 500 } as const;
  await store.claim(request);
  await store.claim({ ...request, after: { precedence: 0, turn: 1000, id: 1 } });
}

async function writeTogether(store: Store, first = 1): Promise<void> {
  const fences = [0, 1, 2].map((more) => first + more).map((id) => ({ id, owner: OWNER, epoch: 2 }));
  const checkpoint = { context: '1', progress: null, message: null };
  await store.checkpointEach(fences.map((fence) => ({ fence, checkpoint })));
  for (const remove of [false, true]) {
    const settlement = { event: 'finish', checkpoint, error: null, remove } as const;
    await store.settleEach(fences.map((fence) => ({ fence, settlement })));
  }
}

/** A page that holds all tasks is read as fast as an index. */
const PAGE = 30;

function onceOnly(steps: readonly Step[], size: number): void {
  const repeated = steps.filter(
    ({ again, how, text }) =>
      again === true && ((how === 'scan' && size > PAGE) || /^(Function|CTE) Scan/.test(text)),
  );
  assert.deepEqual(repeated, [], `of ${size} tasks:\n${steps.map(({ text }) => text).join('\n')}`);
}

function onlyBy(names: RegExp, steps: readonly Step[]): void {
  const ofTasks = steps.filter(({ how, on }) => how !== 'sort' && /task/.test(on));
  const others = ofTasks.filter(
    ({ how, on, whole }) => how === 'scan' || whole === true || (how === 'index' && !names.test(on)),
  );
  assert.deepEqual(others, [], steps.map(({ text }) => text).join('\n'));
}
