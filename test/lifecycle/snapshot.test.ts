/**
 * In a transaction of the user's that has looked at the database before others changed it: what we do in it goes by what
 * is there now, or is refused; never by what was there when it looked, and never again and again.
 */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { defineTask, type Taskbaton } from '../../src/index.ts';
import { type Backend, type BackendName, eachBackend } from '../backends.ts';
import { pathOf } from '../support/databases.ts';
import { openSystem, reaches, record, type System, until, work } from '../support/system.ts';

const noop = defineTask({ type: 'noop', run: async () => undefined });
const FAST = { lease: 1000, pollInterval: 50, tasks: [noop] };
/** SQLite refuses to write into what has been looked at before it changed. */
const REFUSED = { code: 'DATABASE_BUSY' };

interface Client {
  readonly tx: unknown;
  send(sql: string): Promise<unknown>;
  close(): Promise<unknown> | void;
}

const CONNECT: Readonly<Record<BackendName, (url: string) => Promise<Client>>> = {
  sqlite: async (url) => {
    const db = new DatabaseSync(pathOf(url));
    const send = async (sql: string): Promise<unknown> =>
      sql.startsWith('SELECT') ? db.prepare(sql).all() : db.exec(sql);
    return { tx: db, send, close: () => db.close() };
  },
  postgres: async (url) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return { tx: client, send: (sql) => client.query(sql), close: () => client.end() };
  },
  mysql: async (url) => {
    const connection = await createConnection(url);
    return { tx: connection, send: (sql) => connection.query(sql), close: () => connection.end() };
  },
};

eachBackend((backend) => {
  const outdated = backend.name === 'sqlite' ? REFUSED : undefined;

  it('what a task has become since then decides what can be asked of it', async (t) => {
    const { system, baton, tx } = await open(backend, t);
    const [ends, goes, pauses] = [
      await baton.createTask(noop, undefined),
      await baton.createTask(noop, undefined),
      await baton.createTask(noop, undefined, { user: 'ada' }),
    ];
    const replica = system.instance(FAST);
    const inside = await tx();
    await baton.pauseTask(pauses);
    await baton.deleteTask(goes);
    await replica.start();
    await reaches(baton, ends, 'finished');
    await replica.stop();
    await assert.rejects(baton.pauseTask(ends, { tx: inside }), outdated ?? { code: 'STATE_CONFLICT' });
    if (outdated !== undefined) return;
    await assert.rejects(baton.pauseTask(goes, { tx: inside }), { code: 'TASK_NOT_FOUND' });
    await assert.rejects(baton.changeTaskGroup(goes, 'away', { tx: inside }), { code: 'TASK_NOT_FOUND' });
    await baton.pauseTask(pauses, { tx: inside });
  });

  it('a task with a key that has come since then is the one that is replaced', async (t) => {
    const { baton, tx } = await open(backend, t);
    const inside = await tx();
    const id = await baton.createTask(noop, 'theirs', { key: 'once', delay: '1h' });
    const replacing = baton.createTask(noop, 'mine', { key: 'once', replace: true, delay: '1h', tx: inside });
    if (outdated !== undefined) return assert.rejects(replacing, outdated);
    assert.equal(await replacing, id);
  });

  it('a limit that was set since then outlasts a pause', async (t) => {
    const { baton, tx, send } = await open(backend, t);
    const inside = await tx();
    await baton.setLimit('group', 'imports', 3);
    const pausing = baton.pauseGroup('imports', { tx: inside });
    if (outdated !== undefined) return assert.rejects(pausing, outdated);
    await pausing;
    await send('COMMIT');
    const [group] = await baton.groups();
    assert.deepEqual([group?.limit, group?.paused], [3, true]);
  });
});

eachBackend((backend) => {
  // SQLite knows one writer: there nobody else writes until the transaction ends.
  if (backend.name === 'sqlite') return;

  it('an open transaction that changes a limit or a pause costs nobody the lease, and holds when it ends', async (t) => {
    const { system, baton, tx, send } = await open(backend, t);
    const steps: string[] = [];
    const endless = defineTask({
      type: 'endless',
      async *run({ signal }) {
        for (let step = 0; !signal.aborted; step++) {
          steps.push(String(step));
          yield { context: step };
          await work(20, signal);
        }
      },
    });
    const replica = await system.replica({ ...FAST, tasks: [endless, noop] });
    const events = record(replica);
    const before = replica.replicaId;
    const id = await baton.createTask(endless, undefined);
    await reaches(baton, id, 'running');
    const inside = await tx();
    await baton.setLimit('group', 'imports', 0, { tx: inside });
    await baton.pauseGroup('nights', { tx: inside });
    // A claim waits meanwhile, and its replica goes on all the same.
    const held = await baton.createTask(noop, undefined, { group: 'imports' });
    const [{ leaseUntil } = assert.fail('there is no replica')] = await baton.replicas();
    await until('the lease was renewed twice', async () => {
      const [now] = await baton.replicas();
      return now !== undefined && now.leaseUntil.getTime() > leaseUntil.getTime() + FAST.lease;
    });
    const reported = steps.length;
    await until('it reports', () => steps.length > reported + 1);
    await send('COMMIT');
    const free = await baton.createTask(noop, undefined);
    await reaches(baton, free, 'finished');
    assert.equal((await baton.getTask(held)).state, 'pending');
    assert.equal(replica.replicaId, before);
    assert.deepEqual(
      events.events.filter(({ name }) => name === 'replica.lost' || name === 'loop.failing'),
      [],
    );
  });
});

/** `tx` begins the transaction and looks at the tasks in it. */
async function open(
  backend: Backend,
  t: TestContext,
): Promise<{ system: System; baton: Taskbaton; tx: () => Promise<unknown>; send: Client['send'] }> {
  // Before the tables are dropped, or that would wait for its locks.
  const clients: Client[] = [];
  t.after(() => clients[0]?.close());
  const system = await openSystem(backend, t);
  const baton = system.instance();
  await baton.migrate();
  const client = await CONNECT[backend.name](system.backend.url);
  clients.push(client);
  const tx = async (): Promise<unknown> => {
    await client.send('BEGIN');
    await client.send(`SELECT COUNT(*) FROM ${system.backend.prefix}task`);
    return client.tx;
  };
  return { system, baton, tx, send: (sql) => client.send(sql) };
}
