/**
 * A claim that is under way, for its process stands still in the middle of it: its replica is not struck off before the claim is
 * over, nor can it be drained behind its back, but its lease is renewed all the while. On SQLite nothing else is written
 * while a claim is under way, so there is nothing to see.
 */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Connection, Database } from '../../src/core/connection.ts';
import { markDraining } from '../../src/store/drain.ts';
import { Store } from '../../src/store/store.ts';
import { type Bench, openBench, runnable, TYPE } from '../../src/testing/bench.ts';
import type { Backend } from '../backends.ts';
import { onBackend } from '../support/databases.ts';
import { openContractStore } from '../support/stores.ts';
import { gate } from '../support/system.ts';

/** The same database, whose transactions stand still before they are committed. */
function standingStill(
  database: Database,
  { arrived, goOn }: { arrived: () => void; goOn: Promise<void> },
): Database {
  return {
    dialect: database.dialect,
    query: (sql, values) => database.query(sql, values),
    transaction: (work) =>
      database.transaction(async (connection: Connection) => {
        const result = await work(connection);
        arrived();
        await goOn;
        return result;
      }),
    listen: (channel, listener) => database.listen(channel, listener),
    notify: (channel, topic) => database.notify(channel, topic),
    close: async () => undefined,
  };
}

async function claimUnderWay(backend: Backend, context: TestContext) {
  const bench = await openBench(() => openContractStore(backend));
  context.after(() => bench.close());
  // Where slots are limited, a claim is a transaction of several statements everywhere.
  const scope = { kind: 'type', name: TYPE, second: '' } as const;
  await bench.store.control.rule(scope, { most: 5 }, async () => undefined);
  const id = await bench.create({ autoRun: true });
  const replica = await bench.register();
  const [arrived, released] = [gate(), gate()];
  const still = standingStill(bench.database, { arrived: () => arrived.open(), goOn: released.opened });
  const store = new Store(still, bench.world.prefix, bench.world.schema);
  await store.control.refresh();
  const claim = store.claim({ replica, queue: 'run', types: runnable(TYPE), limit: 1 });
  await arrived.opened;
  return { bench, id, replica, claim, goOn: () => released.open() };
}

function leaseOf(bench: Bench, replica: string): Promise<number | undefined> {
  return bench.store.replicas().then((all) => all.find(({ id }) => id === replica)?.leaseUntil.getTime());
}

for (const name of ['postgres', 'mysql'] as const) {
  onBackend(name, (backend) => {
    it('a claim under way keeps nobody from renewing its lease', async (t) => {
      const { bench, id, replica, claim, goOn } = await claimUnderWay(backend, t);
      const before = await leaseOf(bench, replica);
      assert.ok(await bench.store.renew({ id: replica, lease: 120_000, types: runnable(TYPE) }));
      assert.ok(Number(await leaseOf(bench, replica)) >= Number(before) + 59_000);
      goOn();
      assert.deepEqual(
        (await claim).claims.map((claimed) => claimed.id),
        [id],
      );
    });

    it('a replica is not struck off while a claim of its own is under way', async (t) => {
      const { bench, id, replica, claim, goOn } = await claimUnderWay(backend, t);
      await bench.expire(replica);
      assert.equal(await bench.store.bury(), 0);
      assert.deepEqual(await bench.replicaIds(), [replica]);
      goOn();
      await claim;
      assert.equal((await bench.row(id)).owner, replica);
      assert.equal(await bench.store.bury(), 1);
      assert.equal(await bench.store.rescue('{"name":"Error","message":"crashed"}'), 1);
    });

    it('whoever drains a replica waits for its claim under way, and no other comes after', async (t) => {
      const { bench, id, replica, claim, goOn } = await claimUnderWay(backend, t);
      let drained = false;
      const draining = markDraining(bench.store.scopes, replica, { by: undefined, reason: undefined }).then(
        () => (drained = true),
      );
      await bench.store.look(replica);
      assert.equal(drained, false);
      goOn();
      assert.deepEqual(
        (await claim).claims.map((claimed) => claimed.id),
        [id],
      );
      await draining;
      await bench.create({ autoRun: true });
      const request = { replica, queue: 'run', types: runnable(TYPE), limit: 1 } as const;
      assert.deepEqual((await bench.store.claim(request)).claims, []);
    });
  });
}
