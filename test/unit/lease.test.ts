/** A replica's right to hold tasks, on a clock that the test moves and with a store that says what the test wants. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Heartbeat, NO_HEARTBEAT } from '../../src/runtime/heartbeat.ts';
import { Lease } from '../../src/runtime/lease.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../support/clock.ts';
import { runnable } from '../../src/testing/bench.ts';

const LENGTH = 30_000;
/** A sixth earlier than the database would let go. */
const OURS = 25_000;

class FakeStore {
  readonly calls: string[] = [];
  /** What the next calls do before they answer. */
  delay: () => Promise<void> = () => Promise.resolve();
  renews = true;

  async register({ id }: { readonly id: string }): Promise<void> {
    this.calls.push(`register ${id}`);
    await this.delay();
  }

  async renew({ id }: { readonly id: string }): Promise<boolean> {
    this.calls.push(`renew ${id}`);
    await this.delay();
    return this.renews;
  }

  async unregister(id: string): Promise<void> {
    this.calls.push(`unregister ${id}`);
  }
}

/** A heartbeat that has renewed when the test says so. */
class FakeHeartbeat implements Heartbeat {
  working = true;
  renewedAt = 0;
  readonly renewed: (string | undefined)[] = [];

  renew(replica: string | undefined): void {
    this.renewed.push(replica);
    this.renewedAt = 0;
  }

  async close(): Promise<void> {}
}

interface Setting {
  readonly lease: Lease;
  readonly clock: ManualClock;
  readonly store: FakeStore;
  readonly lost: string[];
}

describe('a lease', () => {
  it('is nobody’s until it is taken', () => {
    const { lease, store } = setting();
    assert.equal(lease.replica, undefined);
    assert.deepEqual(store.calls, []);
  });

  it('is taken under a new id, and renewed after a third of its time, not before', async () => {
    const { lease, clock, store } = setting();
    assert.equal(await lease.keep(), 'uuid-1');
    await clock.advance(9999);
    assert.equal(await lease.keep(), 'uuid-1');
    assert.deepEqual(store.calls, ['register uuid-1']);
    await clock.advance(1);
    assert.equal(await lease.keep(), 'uuid-1');
    assert.deepEqual(store.calls, ['register uuid-1', 'renew uuid-1']);
  });

  it('that is renewed in time lasts', async () => {
    const { lease, clock, lost } = setting();
    for (let round = 0; round < 50; round++) {
      assert.equal(await lease.keep(), 'uuid-1');
      await clock.advance(LENGTH / 3);
    }
    assert.deepEqual(lost, []);
  });

  // Simulation, seed 76: only differences of a clock mean something, also below nought.
  it('ends without a heartbeat whatever the clock shows', async () => {
    const { lease, clock, lost } = setting(NO_HEARTBEAT, undefined, new ManualClock(-1_000_000));
    await lease.keep();
    await clock.advance(OURS);
    assert.equal(lost.length, 1);
  });

  it('ends by our own clock before the database lets it go, with no database needed', async () => {
    const { lease, clock, lost } = setting();
    await lease.keep();
    await clock.advance(OURS - 1);
    assert.deepEqual([lease.replica, lost], ['uuid-1', []]);
    await clock.advance(1);
    assert.deepEqual([lease.replica, lost], [undefined, ['uuid-1']]);
  });

  it('counts from before the renewal was sent, however long the answer takes', async () => {
    const { lease, clock, store, lost } = setting();
    await lease.keep();
    await clock.advance(10_000);
    store.delay = () => clock.advance(5000);
    await lease.keep();
    // Sent at 10 s, answered at 15 s: it ends at 35 s.
    await clock.advance(19_999);
    assert.deepEqual(lost, []);
    await clock.advance(1);
    assert.deepEqual(lost, ['uuid-1']);
  });

  it('whose registration took longer than it lasts is lost at once', async () => {
    const { lease, clock, store, lost } = setting();
    store.delay = () => clock.advance(LENGTH);
    await lease.keep();
    await clock.advance(0);
    assert.deepEqual([lease.replica, lost], [undefined, ['uuid-1']]);
  });

  it('that the database has ended is lost, and the next one has another id', async () => {
    const { lease, clock, store, lost } = setting();
    await lease.keep();
    await clock.advance(10_000);
    store.renews = false;
    assert.equal(await lease.keep(), undefined);
    assert.deepEqual(lost, ['uuid-1']);
    assert.equal(await lease.keep(), 'uuid-2');
    assert.deepEqual(store.calls, ['register uuid-1', 'renew uuid-1', 'register uuid-2']);
  });

  it('that ended while its renewal was under way stays ended, though the database renewed it', async () => {
    const { lease, clock, store, lost } = setting();
    await lease.keep();
    await clock.advance(10_000);
    store.delay = () => clock.advance(20_000);
    assert.equal(await lease.keep(), undefined);
    assert.deepEqual(lost, ['uuid-1']);
    await clock.advance(LENGTH);
    assert.deepEqual(lost, ['uuid-1'], 'and is lost once');
  });

  it('keeps its end when a renewal fails', async () => {
    const { lease, clock, store, lost } = setting();
    await lease.keep();
    await clock.advance(10_000);
    store.delay = () => Promise.reject(new Error('down'));
    await assert.rejects(lease.keep(), /down/);
    assert.equal(lease.replica, 'uuid-1');
    await clock.advance(OURS - 10_000);
    assert.deepEqual(lost, ['uuid-1']);
  });

  it('that could not be taken is tried under another id', async () => {
    const { lease, store } = setting();
    store.delay = () => Promise.reject(new Error('down'));
    await assert.rejects(lease.keep(), /down/);
    assert.equal(lease.replica, undefined);
    store.delay = () => Promise.resolve();
    assert.equal(await lease.keep(), 'uuid-2');
  });

  it('is lost once, and only by its own name', async () => {
    const { lease, clock, lost } = setting();
    await lease.keep();
    lease.lose('another');
    assert.deepEqual([lease.replica, lost], ['uuid-1', []]);
    lease.lose('uuid-1');
    lease.lose('uuid-1');
    await clock.advance(LENGTH);
    assert.deepEqual(lost, ['uuid-1']);
  });

  it('that is given up is struck off, which is no loss, and leaves no timer', async () => {
    const { lease, clock, store, lost } = setting();
    await lease.keep();
    await lease.end();
    await lease.end();
    await clock.advance(LENGTH);
    assert.deepEqual(store.calls, ['register uuid-1', 'unregister uuid-1']);
    assert.deepEqual([lease.replica, lost, clock.waiting], [undefined, [], 0]);
  });

  describe('with a heartbeat beside it', () => {
    it('is the heartbeat’s to renew: the tick does so only once that is late', async () => {
      const heartbeat = new FakeHeartbeat();
      const { lease, clock, store, lost } = setting(heartbeat);
      await lease.keep();
      for (let round = 0; round < 50; round++) {
        await clock.advance(LENGTH / 3);
        heartbeat.renewedAt = clock.monotonic();
        await lease.keep();
      }
      assert.deepEqual([store.calls, lost], [['register uuid-1'], []]);
      await clock.advance(LENGTH / 2 - 1);
      await lease.keep();
      assert.equal(store.calls.length, 1);
      await clock.advance(1);
      await lease.keep();
      assert.deepEqual(store.calls, ['register uuid-1', 'renew uuid-1']);
    });

    it('is the tick’s again when the heartbeat has failed', async () => {
      const heartbeat = new FakeHeartbeat();
      const { lease, clock, store } = setting(heartbeat);
      await lease.keep();
      heartbeat.working = false;
      await clock.advance(10_000);
      await lease.keep();
      assert.deepEqual(store.calls, ['register uuid-1', 'renew uuid-1']);
    });

    it('survives a loop that stood still, if it was renewed meanwhile, and ends as long after that', async () => {
      const heartbeat = new FakeHeartbeat();
      const { lease, clock, lost } = setting(heartbeat);
      await lease.keep();
      clock.stand(40_000);
      heartbeat.renewedAt = 18_000;
      await clock.advance(0);
      assert.deepEqual([lease.replica, lost], ['uuid-1', []]);
      await clock.advance(2999);
      assert.deepEqual(lost, []);
      await clock.advance(1);
      assert.deepEqual([lease.replica, lost], [undefined, ['uuid-1']]);
    });

    it('is lost by a loop that stood still for longer than it was renewed', async () => {
      const heartbeat = new FakeHeartbeat();
      const { lease, clock, lost } = setting(heartbeat);
      await lease.keep();
      clock.stand(60_000);
      heartbeat.renewedAt = 18_000;
      await clock.advance(0);
      assert.deepEqual([lease.replica, lost], [undefined, ['uuid-1']]);
    });

    it('tells it each lease that is taken, and that one is gone', async () => {
      const heartbeat = new FakeHeartbeat();
      const { lease, clock } = setting(heartbeat);
      await lease.keep();
      await clock.advance(OURS);
      await lease.keep();
      await lease.end();
      assert.deepEqual(heartbeat.renewed, ['uuid-1', undefined, 'uuid-2', undefined]);
    });

    it('tells the database itself of a type that was registered since', async () => {
      const heartbeat = new FakeHeartbeat();
      let types = runnable('import');
      const { lease, store } = setting(heartbeat, () => types);
      await lease.keep();
      types = runnable('import', 'export');
      await lease.keep();
      await lease.keep();
      assert.deepEqual(store.calls, ['register uuid-1', 'renew uuid-1']);
    });
  });
});

function setting(
  heartbeat: Heartbeat = NO_HEARTBEAT,
  types = (): ReturnType<typeof runnable> => runnable('import'),
  clock = new ManualClock(),
): Setting {
  const store = new FakeStore();
  const lost: string[] = [];
  const lease = new Lease({
    store: store as unknown as Store,
    clock,
    length: LENGTH,
    name: 'test',
    types,
    concurrency: 5,
    draining: () => undefined,
    heartbeat: () => heartbeat,
    blocked: () => ({ ms: 0, task: 0 }),
    onTaken: () => undefined,
    onLost: (replica) => void lost.push(replica),
  });
  return { lease, clock, store, lost };
}
