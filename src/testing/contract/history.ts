/** The history: whatever is written to a task is noted with it, by the same commit, and nothing else is. */
import assert from 'node:assert/strict';
import type { CheckedHistory, HistoryEntry } from '../../core/history.ts';
import { storeIn } from '../../runtime/transaction.ts';
import { pruneHistory, readHistory, writeLog } from '../../store/history.ts';
import { limitScope, pauseScope, resumeScope } from '../../store/scope.ts';
import type { NewTask } from '../../store/record.ts';
import { Store } from '../../store/store.ts';
import { type Bench, NO_CHECKPOINT, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { RecordingDatabase } from '../recording.ts';

const ALL: CheckedHistory = { level: 'all', keep: 3_600_000, contexts: true };
const BY = { actor: 'ada', reason: 'because' };
const HOUR = 3_600_000;
/** More than are read at once where what is noted has to be read. */
const MANY = 1100;
const NO_FILTER = { ids: undefined, user: undefined, group: undefined, types: undefined, states: undefined };

export const history: Operation = {
  name: 'history',
  cases: {
    'a life is told in its order, with who asked for what, and where it ran': async (bench) => {
      const store = await keeping(bench);
      const replica = await bench.register();
      const id = await store.create({ ...NEW, user: 'u', group: 'g', by: BY });
      const [claim] = (await store.claim({ replica, queue: 'run', types: runnable(TYPE), limit: 1 })).claims;
      const fence = { id, owner: replica, epoch: claim?.epoch ?? 0 };
      await store.checkpoint(fence, { context: '{"row":1}', progress: 0.25, message: null });
      await store.changeGroup(id, 'night', { by: { reason: 'it is long' } });
      await store.change(id, 'pause', { by: { actor: 'bob' } });
      await store.settle(fence, { event: 'yield', checkpoint: NO_CHECKPOINT, error: null, remove: false });
      await store.change(id, 'delete');
      const entries = await told(store, id);
      assert.deepEqual(
        entries.map(({ event, from, to, mark, actor, reason, group, epoch }) =>
          [event, from, to, mark, actor, reason, group, epoch].map((part) => part ?? '-').join(' '),
        ),
        [
          'create - pending run ada because g 0',
          'claim pending running run - - g 1',
          'report - - - - - g 1',
          'move - - - - it is long g 1',
          'pause running canceling pause bob - night 1',
          'yield canceling paused pause - - night 1',
          'delete paused deleting delete - - night 1',
        ],
      );
      const [created, claimed, reported, moved, paused] = entries;
      assert.deepEqual([created?.replica, claimed?.replica, paused?.replica], [undefined, replica, replica]);
      assert.deepEqual([reported?.progress, reported?.bytes, reported?.context], [0.25, 9, { row: 1 }]);
      assert.deepEqual(moved?.fields, { group: 'night' });
      assert.ok(entries.every(({ at, type, user }) => at.getTime() > 0 && type === TYPE && user === 'u'));
      const now = await bench.now();
      assert.ok(
        entries.every(({ at }) => Math.abs(at.getTime() - now) < HOUR),
        'in the time of the database',
      );
    },

    'nothing is kept of contexts and reports where only changes are to be': async (bench) => {
      const store = await keeping(bench, { ...ALL, level: 'changes', contexts: false });
      const fence = await bench.hold('running/run');
      const checkpoint = { context: '"secret"', progress: 1, message: null };
      await store.checkpoint(fence, checkpoint);
      await store.settle(fence, { event: 'finish', checkpoint, error: null, remove: false });
      const entries = await told(store, fence.id);
      assert.deepEqual(
        entries.map(({ event, bytes, context }) => [event, bytes, context]),
        [['finish', 8, undefined]],
      );
    },

    'ends and reports of many are each noted as their own, and those of a lost lease are not': async (
      bench,
    ) => {
      const store = await keeping(bench);
      const fences = [];
      for (let index = 0; index < 5; index++) fences.push(await bench.hold('running/run'));
      const given = fences.map((fence, index) => (index === 2 ? { ...fence, owner: 'nobody' } : fence));
      const checkpoint = (index: number): typeof NO_CHECKPOINT => ({
        ...NO_CHECKPOINT,
        context: `"${index}"`,
      });
      const reports = given.map((fence, index) => ({ fence, checkpoint: checkpoint(index) }));
      const stored = await store.checkpointEach(reports);
      const ends = given.map((fence, index) => ({
        fence,
        settlement: {
          event: 'finish',
          checkpoint: checkpoint(index),
          error: null,
          remove: index === 4,
        } as const,
      }));
      const ended = await store.settleEach(ends);
      for (const [index, { id }] of fences.entries()) {
        const events = (await told(store, id)).map(({ event, to, context }) => [event, to, context]);
        const expected = [
          ...(stored[index] === undefined ? [] : [['report', undefined, String(index)]]),
          ...(ended[index] === undefined
            ? []
            : [['finish', index === 4 ? 'removed' : 'finished', String(index)]]),
        ];
        assert.deepEqual(events, expected);
        assert.ok(index !== 2 || expected.length === 0, 'whoever lost the lease has written nothing');
      }
    },

    'a key that is taken creates nothing, and nothing is noted': async (bench) => {
      const store = await keeping(bench);
      const task = { ...NEW, autoRun: false, key: 'once' };
      const id = await store.create(task);
      assert.equal(await store.create({ ...task, by: BY }), id);
      assert.equal(await store.create({ ...task, replace: true, group: 'other', by: BY }), id);
      assert.deepEqual(
        (await told(store, id)).map(({ event, group, actor }) => [event, group, actor]),
        [
          ['create', '', undefined],
          ['replace', 'other', 'ada'],
        ],
      );
    },

    'a task that waits for later and is given another time keeps its status, and that is noted': async (
      bench,
    ) => {
      const store = await keeping(bench);
      const id = await store.create({ ...NEW, due: { delay: HOUR } });
      await store.change(id, 'run', { when: { delay: 2 * HOUR }, by: BY });
      await store.change(id, 'run', { by: BY });
      assert.deepEqual(
        (await told(store, id)).map(({ event, from, to, actor }) => [event, from, to, actor]),
        [
          ['create', undefined, 'pending', undefined],
          ['delay', 'pending', 'pending', 'ada'],
          ['delay', 'pending', 'pending', 'ada'],
        ],
      );
    },

    'each of very many that are changed at once is noted once, and nobody else': async (bench) => {
      const store = await keeping(bench);
      const tasks = Array.from({ length: MANY }, () => ({ ...NEW, user: 'many' }));
      const ids = await store.createMany(tasks);
      const other = await store.create({ ...NEW, user: 'other' });
      const { changed } = await store.changeMany('pause', { ...NO_FILTER, user: 'many' }, BY);
      assert.equal(changed, MANY);
      assert.equal(await store.moveMany({ ...NO_FILTER, user: 'many' }, 'night', BY), MANY);
      const { rows } = await bench.database.query(
        `SELECT event, COUNT(*) AS entries, COUNT(DISTINCT task) AS tasks FROM ${bench.tables.history}
         WHERE task <> ? GROUP BY event ORDER BY event`,
        [other],
      );
      assert.deepEqual(
        rows.map((row) => [row['event'], Number(row['entries']), Number(row['tasks'])]),
        ['create', 'move', 'pause'].map((event) => [event, MANY, MANY]),
      );
      assert.equal((await told(store, other)).length, 1);
      assert.equal((await told(store, ids.at(-1) ?? 0)).length, 3);
    },

    'crashes, releases and what was kept long enough are noted too': async (bench) => {
      const store = await keeping(bench);
      const dead = await bench.dead();
      const crashed = await bench.place('running/run', { owner: dead });
      await store.rescue('{"name":"Error","message":"crashed"}');
      const fence = await bench.hold('running/pause');
      await store.release(fence);
      const kept = await bench.place('finished/run');
      await store.removeKept(TYPE, { finished: 0, failed: 0, cleanup: false });
      const [expired] = await told(store, crashed);
      assert.deepEqual([expired?.event, expired?.to, expired?.replica], ['expire', 'failed', dead]);
      assert.equal(expired?.error?.message, 'crashed');
      const of = async (id: number): Promise<unknown> =>
        (await told(store, id)).map(({ event, from, to }) => [event, from, to]);
      assert.deepEqual(await of(fence.id), [['recover', 'canceling', 'paused']]);
      assert.deepEqual(await of(kept), [['remove', 'finished', 'removed']]);
    },

    'pauses and limits of groups, users and types as a whole are noted with their author': async (bench) => {
      const store = await keeping(bench);
      const { id } = await bench.hold('running/run', { task_group: 'gpu' });
      await pauseScope(store.scopes, 'group', 'gpu', { running: true, by: BY });
      await resumeScope(store.scopes, 'group', 'gpu', BY);
      await limitScope(store.scopes, { kind: 'user/group', name: 'u', second: 'g' }, 3, BY);
      assert.deepEqual(
        (await told(store, id)).map(({ event, actor }) => [event, actor]),
        [
          ['pause', 'ada'],
          ['run', 'ada'],
        ],
      );
      const { rows } = await bench.database.query(
        `SELECT event, scope, task_user, task_group, reason, detail FROM ${bench.tables.history} WHERE task IS NULL ORDER BY id`,
      );
      assert.deepEqual(
        rows.map((row) => Object.values(row)),
        [
          ['hold', 'group', '', 'gpu', 'because', null],
          ['release', 'group', '', 'gpu', 'because', null],
          ['limit', 'user/group', 'u', 'g', 'because', '{"limit":3}'],
        ],
      );
      await limitScope(store.scopes, { kind: 'user/group', name: 'u', second: 'g' }, null);
    },

    'what is rolled back was never noted': async (bench) => {
      const store = await keeping(bench);
      const id = await bench.create();
      const work = store.database.transaction(async (tx) => {
        const inside = await storeIn(tx, store);
        await inside.change(id, 'run', { by: BY });
        assert.equal((await told(inside, id)).length, 1);
        throw new Error('rolled back');
      });
      await assert.rejects(work, /rolled back/);
      assert.deepEqual(await told(store, id), []);
    },

    'lines of a handler are of when they were logged, in their order': async (bench) => {
      const store = await keeping(bench);
      const replica = await bench.register();
      const id = await store.create(NEW);
      const [claim] = (await store.claim({ replica, queue: 'run', types: runnable(TYPE), limit: 1 })).claims;
      assert.ok(claim !== undefined);
      const before = await bench.now();
      await writeLog(store.scopes, claim, replica, [
        { level: 'info', text: '{"message":"one","fields":{"row":1}}', age: 60_000 },
        { level: 'error', text: '{"message":"two"}', age: 0 },
      ]);
      const [one, two] = (await told(store, id)).slice(-2);
      assert.deepEqual([one?.level, one?.message, one?.fields], ['info', 'one', { row: 1 }]);
      assert.deepEqual([two?.level, two?.message, two?.fields, two?.epoch], ['error', 'two', undefined, 1]);
      assert.ok((one?.at.getTime() ?? 0) < before && (two?.at.getTime() ?? 0) >= before);
    },

    'a page ends where it was asked to, and the next one goes on there': async (bench) => {
      const store = await keeping(bench);
      const id = await store.create({ ...NEW, autoRun: false });
      for (const event of ['run', 'pause', 'run', 'pause'] as const) await store.change(id, event);
      const events: string[] = [];
      for (let after = 0; ;) {
        const { entries, next } = await readHistory(store.scopes, id, { after, limit: 2, redacted: false });
        events.push(...entries.map(({ event }) => event));
        assert.ok(entries.length <= 2);
        if (next === undefined) break;
        after = Number(next);
      }
      assert.deepEqual(events, ['create', 'run', 'pause', 'run', 'pause']);
    },

    'the beginning goes when it has been kept long enough, a little at a time, and the newest stays': async (
      bench,
    ) => {
      const store = await keeping(bench);
      await store.createMany(Array.from({ length: MANY }, () => NEW));
      const { history: table } = bench.tables;
      const left = async (): Promise<number> =>
        Number((await bench.database.query(`SELECT COUNT(*) AS entries FROM ${table}`)).rows[0]?.['entries']);
      assert.equal(await pruneHistory(store.scopes, ALL), false);
      assert.equal(await left(), MANY);
      await bench.database.query(`UPDATE ${table} SET at = at - ${2 * HOUR}`);
      assert.equal(await pruneHistory(store.scopes, ALL), true);
      assert.equal(await left(), MANY - 1000);
      assert.equal(await pruneHistory(store.scopes, ALL), false);
      assert.equal(await left(), 1);
      assert.equal(await pruneHistory(store.scopes, { ...ALL, level: 'off' }), false);
    },

    'where no history is kept, nothing is sent that would not be sent without there being one': async (
      bench,
    ) => {
      const store = recording(bench, { ...ALL, level: 'off' });
      await live(bench, store);
      const { statements } = store.database as RecordingDatabase;
      assert.ok(statements.length > 5);
      assert.deepEqual(
        statements.filter(({ sql }) => sql.includes(bench.tables.history)),
        [],
      );
    },

    'where the database can, a change and its entry are one statement': async (bench) => {
      if (bench.dialect.notes !== 'within') return;
      const [off, all] = [recording(bench, { ...ALL, level: 'off' }), recording(bench, ALL)];
      for (const store of [off, all]) await live(bench, store);
      const [without, noted] = [off, all].map(
        ({ database }) => (database as RecordingDatabase).statements.length,
      );
      assert.equal(noted, without);
    },
  },
};

export const NEW: NewTask = { type: TYPE, user: '', group: '', input: null, context: null, autoRun: true };

/** A store that keeps a history. */
export async function keeping(bench: Bench, kept: CheckedHistory = ALL): Promise<Store> {
  const store = await bench.connect(undefined, kept);
  await store.control.refresh();
  // Who works in a transaction is asked for it, and may be able to ask nobody meanwhile.
  await store.identity();
  return store;
}

async function told(store: Store, id: number): Promise<readonly HistoryEntry[]> {
  return (await readHistory(store.scopes, id, { after: 0, limit: 1000, redacted: false })).entries;
}

function recording(bench: Bench, kept: CheckedHistory): Store {
  const { prefix, schema, dialect } = bench.world;
  return new Store(
    new RecordingDatabase(bench.database),
    prefix,
    schema,
    dialect,
    undefined,
    undefined,
    kept,
  );
}

/** A bit of everything. */
async function live(bench: Bench, store: Store): Promise<void> {
  await store.control.refresh();
  const replica = await bench.register();
  const id = await store.create(NEW);
  const [claim] = (await store.claim({ replica, queue: 'run', types: runnable(TYPE), limit: 1 })).claims;
  const fence = { id, owner: replica, epoch: claim?.epoch ?? 0 };
  await store.checkpoint(fence, { ...NO_CHECKPOINT, context: '1' });
  await store.settle(fence, { event: 'yield', checkpoint: NO_CHECKPOINT, error: null, remove: false });
  await store.change(id, 'pause');
  await store.changeMany('run', { ...NO_FILTER, ids: [id] });
  await store.changeGroup(id, 'other');
  await store.change(id, 'delete');
}
