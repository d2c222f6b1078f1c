/** What is done in the transaction of a query builder or mapper is done if and only if that is committed. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import {
  defineTask,
  fromDrizzle,
  fromKnex,
  fromKysely,
  fromPrisma,
  fromTypeOrm,
  type OrmTransaction,
} from '../../src/index.ts';
import { type Backend, type BackendName, eachBackend } from '../backends.ts';
import { type Orm, ORMS } from '../support/orms.ts';
import { gate, openSystem, reaches, type System } from '../support/system.ts';

const noop = defineTask({ type: 'noop', run: async () => undefined });
const FAST = { lease: 1000, pollInterval: 50 };
const REFUSED = { code: 'INVALID_ARGUMENT' };

/** So that a wait for a lock is over soon. A file of SQLite is locked as a whole, and by the transaction's beginning. */
const SHORTEN: Readonly<Partial<Record<BackendName, string>>> = {
  postgres: `SET LOCAL lock_timeout = '50ms'`,
  mysql: 'SET innodb_lock_wait_timeout = 1',
};

/** A statement of the user's own. */
async function send(tx: OrmTransaction, dialect: BackendName, sql: string): Promise<void> {
  if (tx.send !== undefined) return void (await tx.send(dialect)(sql, []));
  const native = tx.native as {
    unsafe?(sql: string): Promise<unknown>;
    query(sql: string): Promise<unknown>;
  };
  if (native.unsafe !== undefined) await native.unsafe(sql);
  else await native.query(sql);
}

async function open(
  backend: Backend,
  t: TestContext,
  make: (url: string) => Promise<Orm>,
): Promise<{ readonly system: System; readonly orm: Orm }> {
  const system = await openSystem(backend, t);
  await system.instance().migrate();
  const orm = await make(system.backend.url);
  // Before the tables are dropped.
  t.after(() => orm.close());
  return { system, orm };
}

eachBackend((backend) => {
  for (const [name, make] of Object.entries(ORMS[backend.name])) {
    it(`in a transaction of ${name}, everything happens if and only if it is committed`, async (t) => {
      const { system, orm } = await open(backend, t, make);
      const baton = system.instance();
      const [run, pause, gone, moved] = [
        await baton.createTask(noop, undefined, { autoRun: false }),
        await baton.createTask(noop, undefined),
        await baton.createTask(noop, undefined, { autoRun: false }),
        await baton.createTask(noop, undefined),
      ];
      for (const committed of [false, true]) {
        const work = orm.transaction(async (tx) => {
          const id = await baton.createTask(noop, { a: 1 }, { user: 'new', tx, key: 'once' });
          assert.equal(await baton.createTask(noop, { a: 1 }, { tx, key: 'once' }), id);
          const ids = await baton.createTasks([{ task: noop, user: 'new' }, { task: noop, user: 'new', parent: id }], { tx }); // prettier-ignore
          assert.equal(new Set([id, ...ids]).size, 3);
          await baton.runTask(run, { tx });
          await baton.pauseTask(pause, { tx });
          await baton.deleteTask(gone, { tx });
          await baton.changeTaskGroup(moved, 'elsewhere', { tx });
          assert.equal((await baton.runTasks({ ids: [run, pause] }, { tx })).changed, 1);
          await baton.pauseTask(pause, { tx });
          await baton.setLimit('group', 'elsewhere', 3, { tx });
          if (!committed) throw new Error('rolled back');
        });
        if (committed) await work;
        else await assert.rejects(work, /rolled back/);
        assert.equal((await baton.getTasks({ user: 'new' })).tasks.length, committed ? 3 : 0);
        assert.equal((await baton.getTask(run)).state, committed ? 'pending' : 'init');
        assert.equal((await baton.getTask(pause)).state, committed ? 'paused' : 'pending');
        assert.equal((await baton.getTask(moved)).group, committed ? 'elsewhere' : '');
        const left = (await baton.getTasks()).tasks.map(({ id }) => id);
        assert.equal(left.includes(gone), !committed);
      }
      const group = (await baton.groups()).find((each) => each.name === 'elsewhere');
      assert.equal(group?.limit, 3);
      const replica = await system.replica({ ...FAST, tasks: [noop] });
      for (const { id } of (await replica.getTasks({ user: 'new' })).tasks)
        assert.ok((await reaches(replica, id, 'finished')).id > 0);
    });

    it(`${name} without a transaction, or with one in a database without this system, is refused`, async (t) => {
      const { system, orm } = await open(backend, t, make);
      const baton = system.instance();
      await assert.rejects(async () => baton.createTask(noop, undefined, { tx: orm.outside() }), REFUSED);
      const other = await openSystem(backend, t);
      await other.instance().migrate();
      const elsewhere = other.instance();
      if (backend.name === 'sqlite')
        await assert.rejects(
          orm.transaction(async (tx) => void (await elsewhere.createTask(noop, undefined, { tx }))),
          REFUSED,
        );
      assert.equal((await baton.getTasks()).tasks.length, 0);
      assert.equal((await elsewhere.getTasks()).tasks.length, 0);
    });

    it(`a transaction of ${name} that has ended is refused, committed or rolled back`, async (t) => {
      const { system, orm } = await open(backend, t, make);
      const baton = system.instance();
      for (const end of ['committed', 'rolled back']) {
        let ended: unknown;
        const work = orm.transaction(async (tx) => {
          ended = tx;
          await baton.createTask(noop, undefined, { tx });
          if (end !== 'committed') throw new Error(end);
        });
        await (end === 'committed' ? work : assert.rejects(work, /rolled back/));
        const late = baton.createTask(noop, undefined, { user: 'late', tx: ended });
        await assert.rejects(late, {
          code: 'INVALID_ARGUMENT',
          message: /it has ended already|begin one first/,
        });
      }
      const { tasks } = await baton.getTasks();
      assert.deepEqual(
        tasks.map(({ user }) => user),
        [''],
      );
    });

    const shorten = SHORTEN[backend.name];
    if (shorten === undefined) continue;
    it(`what ${name} says of a row that somebody else holds is understood`, async (t) => {
      const { system, orm } = await open(backend, t, make);
      const baton = system.instance();
      const id = await baton.createTask(noop, undefined);
      const holder = await make(system.backend.url);
      t.after(() => holder.close());
      const [held, over] = [gate(), gate()];
      const holding = holder.transaction(async (tx) => {
        await baton.pauseTask(id, { tx });
        held.open();
        await over.opened;
      });
      await held.opened;
      const waiting = orm.transaction(async (tx) => {
        await send(tx as OrmTransaction, backend.name, shorten);
        await baton.deleteTask(id, { tx });
      });
      await assert.rejects(waiting, { code: 'DATABASE_BUSY' });
      over.open();
      await holding;
      assert.equal((await baton.getTask(id)).state, 'paused');
    });
  }
});

it('what is no transaction of the library is refused by its adapter', () => {
  for (const adapter of [fromDrizzle, fromKnex, fromKysely, fromPrisma, fromTypeOrm])
    for (const wrong of [undefined, null, {}, 'tx', 5, () => undefined, { session: {} }, { query: 1 }])
      assert.throws(() => adapter(wrong), REFUSED, `${adapter.name} takes ${JSON.stringify(wrong)}`);
});
