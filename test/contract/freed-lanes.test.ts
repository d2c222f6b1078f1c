/** Where the last limit or pause goes, those who waited in lanes go before those who came later, whoever claims when. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Connection, Database } from '../../src/core/connection.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { pauseScope, resumeScope } from '../../src/store/scope.ts';
import { Store } from '../../src/store/store.ts';
import { runnable } from '../../src/testing/bench.ts';
import { eachBackend } from '../backends.ts';

const TYPES = runnable('freed');
const REPLICA = 'claimer';

eachBackend((backend) => {
  // Model-based test on MariaDB, seed 1516840714: who came during the pause was claimed before who had waited since before it.
  it('whoever waited during a pause is not overtaken by a claim right after it', async (t) => {
    const place = await backend.open();
    const database = await openDatabase(place.url, { clock: systemClock });
    t.after(async () => {
      await database.close();
      await place.close();
    });
    const store = new Store(database, place.prefix);
    await store.prepare(true);
    await store.register({ id: REPLICA, name: REPLICA, lease: 60_000, types: TYPES, concurrency: 1 });
    const claimOne = async (): Promise<readonly number[]> => {
      const { claims } = await store.claim({ replica: REPLICA, queue: 'run', types: TYPES, limit: 1 });
      return claims.map(({ id }) => id);
    };
    const create = (): Promise<number> =>
      store.create({
        type: 'freed',
        user: '',
        group: 'night',
        priority: 0,
        input: null,
        context: null,
        autoRun: true,
      });
    await pauseScope(store.scopes, 'group', 'night', { running: false });
    const first = await create();
    assert.deepEqual(await claimOne(), []);
    await create();
    const taken: number[] = [];
    const eager = await store.on(
      claimingAfter(database, async () => {
        await store.control.refresh();
        taken.push(...(await claimOne()));
      }),
    );

    await resumeScope(eager.scopes, 'group', 'night');

    assert.deepEqual(taken[0], first);
  });
});

/** Somebody claims as soon as a transaction is committed. */
function claimingAfter(database: Database, claim: () => Promise<void>): Database {
  return {
    dialect: database.dialect,
    query: (sql, values) => database.query(sql, values),
    transaction: async <Answer>(work: (connection: Connection) => Promise<Answer>): Promise<Answer> => {
      const answer = await database.transaction(work);
      await claim();
      return answer;
    },
    listen: (channel, listener) => database.listen(channel, listener),
    notify: (channel, topic) => database.notify(channel, topic),
    close: () => database.close(),
  };
}
