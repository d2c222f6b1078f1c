/**
 * Making the tables, on every database; the cases are in `src/testing`. Here is what needs more than handles: ten
 * processes that start together, and the schemas of PostgreSQL.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import pg from 'pg';
import { defineTask, isTaskbatonError, Taskbaton } from '../../src/index.ts';
import { SCHEMA_VERSION } from '../../src/store/schema.ts';
import { openBareBench } from '../../src/testing/bench.ts';
import { migrate } from '../../src/testing/contract/migrate.ts';
import { backends, eachBackend } from '../backends.ts';
import { eachStore, openContractStore } from '../support/stores.ts';

const PROCESSES = 10;
const MIGRATOR = join(import.meta.dirname, '..', 'support', 'migrator.ts');
const REPORT = defineTask({ type: 'report', run: () => undefined });

eachStore(migrate);

eachBackend((backend) => {
  it('ten processes that start together on a fresh database all find it ready', async (context) => {
    const world = await backend.open();
    const bench = await openBareBench(() =>
      openContractStore({ name: backend.name, open: async () => world }),
    );
    context.after(() => bench.close());
    const children = Array.from({ length: PROCESSES }, () => fork(MIGRATOR, [world.url, world.prefix]));
    context.after(() => void children.map((child) => child.kill('SIGKILL')));
    await Promise.all(children.map((child) => once(child, 'message')));
    const ids = await Promise.all(children.map(startedId));
    assert.equal(new Set(ids).size, PROCESSES);
    assert.equal((await bench.versions()).length, SCHEMA_VERSION);
    await Promise.all(children.map(async (child) => child.exitCode ?? once(child, 'exit')));
  });
});

/** Lets a process start; the id of the task that it created. */
async function startedId(child: ChildProcess): Promise<number> {
  const answered = once(child, 'message');
  child.send('start');
  const [answer] = (await answered) as [{ id?: number; error?: string }];
  assert.equal(answer.error, undefined);
  return Number(answer.id);
}

for (const backend of backends.filter(({ name }) => name === 'postgres')) {
  describe('postgres: schemas', () => {
    it('two systems with one prefix live in two schemas', async (context) => {
      const world = await backend.open();
      const { url, prefix } = world;
      context.after(() => world.close());
      const schemas = [`${prefix}one`, `${prefix}two`];
      const [one, two] = await Promise.all(schemas.map((schema) => inSchema(context, url, prefix, schema)));
      assert.ok(one !== undefined && two !== undefined);
      const id = await one.createTask(REPORT, { of: 'one' });
      assert.deepEqual((await one.getTask(id)).input, { of: 'one' });
      assert.deepEqual((await two.getTasks()).tasks, []);
    });

    it('a replica in a schema runs the tasks there', async (context) => {
      const world = await backend.open();
      const { url, prefix } = world;
      context.after(() => world.close());
      const ran = Promise.withResolvers<number>();
      const task = defineTask({ type: 'ran', run: ({ task: running }) => ran.resolve(running.id) });
      const baton = await inSchema(context, url, prefix, `${prefix}here`, [task]);
      await baton.start();
      assert.equal(await baton.createTask(task, null), await ran.promise);
    });

    it('a schema that does not exist is an error that names the driver’s reason', async (context) => {
      const world = await backend.open();
      const { url, prefix } = world;
      const baton = new Taskbaton({ db: url, prefix, schema: `${prefix}nowhere`, logger: null });
      context.after(async () => {
        await baton.stop();
        await world.close();
      });
      await assert.rejects(baton.getTasks(), (error) => isTaskbatonError(error, 'DATABASE_FAILED'));
    });
  });
}

/** An instance in a schema of its own, which goes with the test. */
async function inSchema(
  context: TestContext,
  url: string,
  prefix: string,
  schema: string,
  tasks: NonNullable<ConstructorParameters<typeof Taskbaton>[0]['tasks']> = [],
): Promise<Taskbaton> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`CREATE SCHEMA ${schema}`);
  const baton = new Taskbaton({ db: url, prefix, schema, tasks, logger: null });
  context.after(async () => {
    await baton.stop();
    await admin.query(`DROP SCHEMA ${schema} CASCADE`);
    await admin.end();
  });
  return baton;
}
