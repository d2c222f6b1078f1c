/**
 * The only clock that counts is the database's. Here it stands still, decades from the one of this machine: whatever time is
 * stored, or compared with, that isn't its own shows.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Database } from '../../src/core/connection.ts';
import { Store } from '../../src/store/store.ts';
import { type Bench, NO_CHECKPOINT, openBench, runnable, TYPE } from '../../src/testing/bench.ts';
import { eachBackend } from '../backends.ts';
import { openContractStore } from '../support/stores.ts';

const NOW = Date.parse('2100-01-01T00:00:00Z');
const LEASE = 60_000;
const NEW = { type: TYPE, user: '', group: '', input: null, context: null, autoRun: true };
const SETTLEMENT = { event: 'finish', checkpoint: NO_CHECKPOINT, error: null, remove: false } as const;

eachBackend((backend) => {
  it('every time that is stored is the time of the database', async (t) => {
    const bench = await openBench(() => openContractStore(backend));
    t.after(() => bench.close());
    const store = new Store(at(bench.database, NOW), bench.world.prefix);
    await store.lead();
    const replica = { id: 'r', name: 'r', lease: LEASE, types: runnable(TYPE), concurrency: 5 };
    await store.register(replica);
    assert.equal(await store.renew(replica), true);
    const id = await store.create(NEW);
    const { claims } = await store.claim({ replica: 'r', queue: 'run', types: runnable(TYPE), limit: 5 });
    assert.equal(claims.length, 1);
    await store.settle({ id, owner: 'r', epoch: 1 }, SETTLEMENT);
    const { created_at: created, started_at: started, done_at: done } = await bench.row(id);
    assert.deepEqual([created, started, done], [NOW, NOW, NOW]);
    assert.deepEqual(await leaseOf(bench), [NOW, NOW, NOW + LEASE]);
    assert.equal((await store.look('r'))?.leaseEndsIn, LEASE);
  });

  it('a lease is over when the database says so', async (t) => {
    const bench = await openBench(() => openContractStore(backend));
    t.after(() => bench.close());
    const before = new Store(at(bench.database, NOW), bench.world.prefix);
    const after = new Store(at(bench.database, NOW + LEASE), bench.world.prefix);
    const replica = { id: 'r', name: 'r', lease: LEASE, types: runnable(TYPE), concurrency: 5 };
    await before.register(replica);
    assert.equal(await before.bury(), 0);
    assert.equal(await after.renew(replica), false);
    assert.equal(await after.look('r'), undefined);
    assert.equal(await after.bury(), 1);
  });
});

/** The database at another time, which goes on no more. */
function at(database: Database, now: number): Database {
  return {
    dialect: database.dialect,
    now: String(now),
    query: (sql, values) => database.query(sql, values),
    transaction: (work) => database.transaction(work),
    listen: () => Promise.reject(new Error('nobody listens')),
    notify: async () => undefined,
    close: async () => undefined,
  };
}

async function leaseOf({ database, tables }: Bench): Promise<readonly number[]> {
  const { rows } = await database.query(
    `SELECT started_at, renewed_at, lease_until FROM ${tables.replica} WHERE id = 'r'`,
  );
  return ['started_at', 'renewed_at', 'lease_until'].map((column) => Number(rows[0]?.[column]));
}
