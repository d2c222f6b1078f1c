/** Parents whose last child ended where nobody could look after them are found a bounded number at a time. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { LOOKED_AT_ONCE, wakeParents } from '../../src/store/children.ts';
import { Store } from '../../src/store/store.ts';
import { eachBackend } from '../backends.ts';

const nothing = { type: 't', user: '', group: '', input: null, context: null, autoRun: true };

eachBackend((backend) => {
  it('a look at those that wait goes on where the last one ended, and begins anew after all', async (t) => {
    const place = await backend.open();
    const database = await openDatabase(place.url, { clock: systemClock });
    t.after(async () => {
      await database.close();
      await place.close();
    });
    const store = new Store(database, place.prefix);
    await store.prepare(true);
    const count = LOOKED_AT_ONCE + 10;
    const parents = await store.createMany(Array.from({ length: count }, () => nothing));
    await store.createMany(parents.map((parent) => ({ ...nothing, parent })));
    const { task } = store.tables;
    await database.query(`UPDATE ${task} SET status = 'waiting/run', queue = NULL WHERE has_children = 1`);
    const done = async (parent: number | undefined): Promise<void> => {
      await database.query(
        `UPDATE ${task} SET status = 'finished/run', queue = NULL, done_at = 1 WHERE parent = ?`,
        [parent ?? 0],
      );
    };
    const looks = new Map();
    const wake = (): Promise<number> => wakeParents(store.scopes, looks);
    await done(parents[0]);
    await done(parents[count - 1]);
    assert.deepEqual([await wake(), await wake(), await wake()], [1, 1, 0]);
    await done(parents[1]);
    assert.equal((await wake()) + (await wake()) + (await wake()), 1);
    assert.equal((await store.get(parents[count - 1] ?? 0, false)).state, 'running');
  });
});
