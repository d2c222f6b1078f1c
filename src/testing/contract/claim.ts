/** Taking tasks: who is next, who may take, and that nobody else gets the same. */
import assert from 'node:assert/strict';
import type { QueueName } from '../../core/status.ts';
import type { Claim } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';
import { type Bench, refused, runnable, TYPE } from '../bench.ts';
import type { Operation } from '../operation.ts';
import type { Runnable } from '../../core/version.ts';

const TYPES: ReadonlyMap<string, Runnable> = runnable(TYPE);

export const claim: Operation = {
  name: 'claim',
  cases: {
    'a claim hands over what the handler needs, under a new epoch': async (bench) => {
      const given = { user: 'ada', group: 'day', input: '{"a":1}', context: '{"row":2}', autoRun: true };
      const id = await bench.create(given);
      const replica = await bench.register();
      const [taken] = await take(bench, replica);
      assert.deepEqual(taken, {
        id,
        type: TYPE,
        version: 1,
        user: 'ada',
        group: 'day',
        parent: undefined,
        hasChildren: false,
        epoch: 1,
        attempt: 1,
        retries: 0,
        worked: { attempt: 0, total: 0 },
        reports: 0,
        options: null,
        errors: null,
        input: '{"a":1}',
        context: '{"row":2}',
      });
      const row = await bench.row(id);
      assert.deepEqual([row.status, row.owner, row.epoch, row.queue], ['running/run', replica, 1, null]);
    },

    'a claim is dated by the database': async (bench) => {
      const id = await bench.create({ autoRun: true });
      const from = await bench.now();
      await take(bench, await bench.register());
      const { started_at: startedAt } = await bench.row(id);
      assert.ok(Number(startedAt) >= from && Number(startedAt) <= (await bench.now()));
    },

    'whoever has waited longest is next, and those created together go by their ids': async (bench) => {
      const replica = await bench.register();
      const turns = [3000, 1000, 2000, 1000, 2000];
      const ids: number[] = [];
      for (const turn of turns) ids.push(await bench.place('pending/run', { turn }));
      const order: number[] = [];
      for (let index = 0; index < turns.length; index++)
        order.push(...idsOf(await take(bench, replica, { limit: 1 })));
      assert.deepEqual(order, [ids[1], ids[3], ids[2], ids[4], ids[0]]);
    },

    'those that were handed over go before all that queued up': async (bench) => {
      const replica = await bench.register();
      for (const [queue, behind, ahead] of [
        ['run', 'pending/run', 'paused/run'],
        ['cleanup', 'pending/delete', 'paused/delete'],
      ] as const) {
        const patient = await bench.place(behind, { turn: 1 });
        const handedOver = await bench.place(ahead);
        assert.deepEqual(idsOf(await take(bench, replica, { queue, limit: 1 })), [handedOver]);
        assert.deepEqual(idsOf(await take(bench, replica, { queue, limit: 1 })), [patient]);
      }
    },

    'a claim may go on where the last one ended, and passes over nobody for good': async (bench) => {
      const replica = await bench.register();
      const place = (turn: number): Promise<number> => bench.place('pending/run', { turn });
      const [one, two, three, four] = [await place(10), await place(20), await place(20), await place(30)];
      const request = { replica, queue: 'run', types: TYPES, limit: 2 } as const;
      const { claims, last } = await bench.store.claim(request);
      assert.deepEqual(idsOf(claims), [one, two]);
      const early = await place(5);
      const goesOn = await bench.store.claim({ ...request, after: last });
      const goesBack = last === undefined;
      assert.deepEqual(idsOf(goesOn.claims), goesBack ? [early, three] : [three, four]);
      const first = await bench.store.claim(request);
      assert.deepEqual(idsOf(first.claims), goesBack ? [four] : [early]);
      if (last !== undefined) assert.deepEqual(last, { precedence: 0, turn: 20, id: two });
    },

    'a claim takes no more than it asked for': async (bench) => {
      const replica = await bench.register();
      for (let index = 0; index < 7; index++) await bench.create({ autoRun: true });
      assert.equal((await take(bench, replica, { limit: 4 })).length, 4);
      assert.equal((await take(bench, replica, { limit: 4 })).length, 3);
      assert.equal((await take(bench, replica, { limit: 4 })).length, 0);
      await bench.create({ autoRun: true });
      assert.equal((await take(bench, replica, { limit: 0 })).length, 0);
    },

    'a claim takes only the types it names, and none if it names none': async (bench) => {
      const replica = await bench.register();
      const other = await bench.create({ type: 'other', autoRun: true });
      const mine = await bench.create({ autoRun: true });
      assert.deepEqual(await take(bench, replica, { types: runnable() }), []);
      assert.deepEqual(idsOf(await take(bench, replica)), [mine]);
      assert.equal((await bench.row(other)).status, 'pending/run');
      const both = runnable(TYPE, 'other');
      assert.deepEqual(idsOf(await take(bench, replica, { types: both })), [other]);
    },

    'each queue has its own tasks': async (bench) => {
      const replica = await bench.register();
      const run = await bench.create({ autoRun: true });
      const cleanup = await bench.place('pending/delete');
      assert.deepEqual(idsOf(await take(bench, replica, { queue: 'cleanup' })), [cleanup]);
      assert.deepEqual(idsOf(await take(bench, replica, { queue: 'run' })), [run]);
      assert.equal((await bench.row(cleanup)).status, 'deleting/delete');
    },

    'the crash budget of the one who runs it is kept with the task': async (bench) => {
      const replica = await bench.register();
      const types = runnable(TYPE, ['brave', 3], ['braver', 7]);
      const ids: number[] = [];
      for (const type of types.keys()) ids.push(await bench.place('pending/run', { type, crash_budget: 1 }));
      await take(bench, replica, { types });
      const budgets = await Promise.all(ids.map(async (id) => (await bench.row(id)).crash_budget));
      assert.deepEqual(budgets, [0, 3, 7]);
    },

    'without a live lease nothing is taken': async (bench) => {
      const id = await bench.create({ autoRun: true });
      const row = await bench.row(id);
      const expired = await bench.register();
      await bench.expire(expired);
      for (const replica of [expired, await bench.dead(), 'nobody']) {
        assert.deepEqual(await take(bench, replica), []);
      }
      assert.deepEqual(await bench.row(id), row);
    },

    'a task that is taken again comes with the next epoch, and its former holder can write no more': async (
      bench,
    ) => {
      const [first, second] = [await bench.register(), await bench.register()];
      const id = await bench.create({ autoRun: true });
      await take(bench, first);
      const stale = { id, owner: first, epoch: 1 };
      await bench.store.release(stale);
      const [claimed] = await take(bench, second);
      assert.equal(claimed?.epoch, 2);
      const checkpoint = { context: '"stale"', progress: null, message: null };
      await refused(bench.store.checkpoint(stale, checkpoint), 'LEASE_LOST', { id, epoch: 1 });
      assert.equal((await bench.row(id)).context, null);
    },

    'a replica that takes the same task again cannot write under its former epoch': async (bench) => {
      const replica = await bench.register();
      const id = await bench.create({ autoRun: true });
      await take(bench, replica);
      await bench.store.release({ id, owner: replica, epoch: 1 });
      await take(bench, replica);
      const settlement = { event: 'finish', checkpoint: nothing, error: null, remove: false } as const;
      await refused(bench.store.settle({ id, owner: replica, epoch: 1 }, settlement), 'LEASE_LOST');
      assert.equal((await bench.row(id)).status, 'running/run');
    },

    'replicas that take at once never get the same task, and leave none': async (bench) => {
      const count = 400;
      await Promise.all(Array.from({ length: count }, () => bench.create({ autoRun: true })));
      const stores = [bench.store, ...(await Promise.all([1, 2, 3].map(() => bench.connect())))];
      const shares = await Promise.all(stores.map((store) => drain(bench, store, count)));
      const ids = shares.flat();
      assert.equal(ids.length, count);
      assert.equal(new Set(ids).size, count);
    },

    'one replica that claims many times at once gets each task once': async (bench) => {
      const replica = await bench.register();
      for (let index = 0; index < 40; index++) await bench.create({ autoRun: true });
      const claims = await Promise.all(Array.from({ length: 8 }, () => take(bench, replica, { limit: 5 })));
      const ids = claims.flat().map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      for (const { id, epoch } of claims.flat())
        assert.deepEqual([(await bench.row(id)).owner, epoch], [replica, 1]);
    },
  },
};

const nothing = { context: null, progress: null, message: null };

interface Taking {
  readonly queue?: QueueName;
  readonly types?: ReadonlyMap<string, Runnable>;
  readonly limit?: number;
}

async function take(bench: Bench, replica: string, taking: Taking = {}): Promise<readonly Claim[]> {
  return (await bench.store.claim({ replica, queue: 'run', types: TYPES, limit: 10, ...taking })).claims;
}

function idsOf(claims: readonly Claim[]): readonly number[] {
  return claims.map(({ id }) => id);
}

/** Takes until nothing is left to take; says which tasks it got. */
async function drain(bench: Bench, store: Store, most: number): Promise<readonly number[]> {
  const replica = await bench.register();
  const got: number[] = [];
  for (let rounds = 0; rounds < most; rounds++) {
    // Two at a time in each process, as a replica with two kinds of slots would.
    const answers = await Promise.all(
      [3, 4].map((limit) => store.claim({ replica, queue: 'run', types: TYPES, limit })),
    );
    const claims = answers.flatMap((answer) => answer.claims);
    got.push(...claims.map(({ id }) => id));
    if (claims.length === 0 && (await waiting(store)) === 0) return got;
  }
  return got;
}

async function waiting(store: Store): Promise<number> {
  const { rows } = await store.database.query(
    `SELECT COUNT(*) AS waiting FROM ${store.tables.task} WHERE queue IS NOT NULL`,
  );
  return Number(rows[0]?.['waiting']);
}
