/**
 * Following what happens: from any entry on each one comes once, and none is left out, whatever order they are committed in and
 * however long somebody holds a transaction open.
 */
import assert from 'node:assert/strict';
import type { Connection } from '../../core/connection.ts';
import { isRead } from '../../core/cursor.ts';
import { EntryReader, positionOfNow, positionOfStart } from '../../runtime/entry-reader.ts';
import { systemClock } from '../../runtime/clock.ts';
import { storeIn } from '../../runtime/transaction.ts';
import type { Bench } from '../bench.ts';
import type { Operation } from '../operation.ts';
import { keeping, NEW } from './history.ts';

export const follow: Operation = {
  name: 'follow',
  cases: {
    'who follows from an entry on reads each that comes, once': async (bench) => {
      const store = await keeping(bench);
      await store.create(NEW);
      const reader = new EntryReader(store, systemClock, await positionOfNow(store));
      assert.deepEqual(await read(reader), []);
      const ids = [await store.create(NEW), await store.create(NEW)];
      assert.deepEqual(await read(reader), ids);
      assert.deepEqual(await read(reader), []);
      const fromStart = new EntryReader(store, systemClock, await positionOfStart(store));
      assert.equal((await read(fromStart)).length, 3);
    },

    'what is committed late, under a smaller number, is read when it comes, and its author is not waited for':
      async (bench) => {
        const store = await keeping(bench);
        const reader = new EntryReader(store, systemClock, await positionOfNow(store));
        let late = 0;
        await whileHeld(bench, async (tx) => {
          late = await (await storeIn(tx, store)).create({ ...NEW, user: 'late' });
          return async () => {
            const early = await store.create({ ...NEW, user: 'early' });
            assert.deepEqual(await read(reader), [early]);
            assert.deepEqual(await read(reader), []);
            assert.ok(reader.position.gaps.length > 0, 'it knows that something may come');
          };
        });
        assert.deepEqual(await read(reader), [late]);
        assert.deepEqual(await read(reader), []);
      },

    'however many come late, none is taken for one that never comes': async (bench) => {
      const store = await keeping(bench);
      const reader = new EntryReader(store, systemClock, await positionOfNow(store));
      let late: readonly number[] = [];
      await whileHeld(bench, async (tx) => {
        const inside = await storeIn(tx, store);
        late = await inside.createMany(Array.from({ length: 25 }, () => NEW));
        return async () => {
          await store.create(NEW);
          await read(reader);
        };
      });
      const heard: number[] = [];
      for (let more = true; more;) {
        const looked = await reader.next(10);
        heard.push(...looked.rows.map((row) => Number(row['task'])));
        more = looked.more;
      }
      assert.deepEqual(heard, late);
    },

    'what was passed over is read by whoever goes on from a cursor, or begins while it is under way': async (
      bench,
    ) => {
      const store = await keeping(bench);
      const first = new EntryReader(store, systemClock, await positionOfNow(store));
      let late = 0;
      const readers: EntryReader[] = [];
      await whileHeld(bench, async (tx) => {
        late = await (await storeIn(tx, store)).create({ ...NEW, user: 'late' });
        return async () => {
          await store.create({ ...NEW, user: 'early' });
          await read(first);
          readers.push(new EntryReader(store, systemClock, first.position));
          readers.push(new EntryReader(store, systemClock, await positionOfNow(store)));
          readers.push(new EntryReader(store, systemClock, await positionOfNow(store)));
        };
      });
      for (const reader of readers) {
        assert.ok(!isRead(reader.position, await numberOf(bench, late)) || bench.dialect.gaps === 'never');
        if (bench.dialect.gaps !== 'never') assert.deepEqual(await read(reader), [late]);
      }
    },

    'what was rolled back is not waited for in the end, and what is still under way is': async (bench) => {
      const store = await keeping(bench);
      const time = { ...systemClock, monotonic: () => clock };
      let clock = 0;
      const reader = new EntryReader(store, time, await positionOfNow(store));
      const rolledBack = store.database.transaction(async (tx) => {
        await (await storeIn(tx, store)).create(NEW);
        throw new Error('rolled back');
      });
      await assert.rejects(rolledBack, /rolled back/);
      let late = 0;
      await whileHeld(bench, async (tx) => {
        late = await (await storeIn(tx, store)).create({ ...NEW, user: 'late' });
        return async () => {
          await store.create({ ...NEW, user: 'early' });
          for (let look = 0; look < 4; look++) {
            await read(reader);
            clock += 10_000;
          }
          assert.ok(reader.position.gaps.length > 0);
        };
      });
      assert.deepEqual(await read(reader), [late]);
      // Whoever else has begun something in the same server may be waited for.
      for (let look = 0; look < 5000 && reader.position.gaps.length > 0; look++) {
        assert.deepEqual(await read(reader), []);
        clock += 10_000;
        if (look > 5)
          await new Promise((resolve) => systemClock.after(10, () => resolve(undefined), { hold: true }));
      }
      assert.deepEqual(reader.position.gaps, []);
    },
  },
};

/** The tasks whose entries are new to a reader, in the order in which it reads them. */
async function read(reader: EntryReader): Promise<readonly number[]> {
  const { rows } = await reader.next(1000);
  return rows.filter((row) => row['task'] !== null).map((row) => Number(row['task']));
}

async function numberOf(bench: Bench, task: number): Promise<number> {
  const sql = `SELECT MIN(id) AS number FROM ${bench.tables.history} WHERE task = ?`;
  return Number((await bench.database.query(sql, [task])).rows[0]?.['number']);
}

/**
 * What `meanwhile` does while a transaction is held open in which something was written. Where writers take turns there is
 * no meanwhile.
 */
async function whileHeld(
  bench: Bench,
  begin: (tx: Connection) => Promise<() => Promise<void>>,
): Promise<void> {
  await (bench.dialect.gaps === 'never'
    ? bench.database.transaction(begin)
    : bench.database.transaction(async (tx) => (await begin(tx))()));
}
