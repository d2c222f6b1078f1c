/**
 * Hostile texts and values in every field, through the public API: each comes back as it went or is refused before
 * the database hears of it, and nothing else in the database or in this process is touched.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { Database } from '../../src/core/connection.ts';
import {
  defineTask,
  isTaskbatonError,
  type Task,
  type TaskDefinition,
  TaskFailed,
  Taskbaton,
} from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { allTables, tablesOf as tablesNamed } from '../../src/store/schema.ts';
import { RecordingDatabase } from '../../src/testing/recording.ts';
import { type Backend, eachBackend } from '../backends.ts';
import { HOSTILE_TEXTS, isPlainName, texts, values } from '../support/hostile.ts';
import { openSystem, reaches } from '../support/system.ts';

const RUNS = 300;
const LONGEST_MESSAGE = 1000;
const LONGEST_ERROR = 2000;

interface Setting {
  readonly baton: Taskbaton;
  readonly database: RecordingDatabase;
}

eachBackend((backend) => {
  describe('hostile texts', () => {
    it('names come back as they went, or are refused before the wire', async (context) => {
      const { baton, database } = await open(backend, context);
      for (const text of HOSTILE_TEXTS) {
        await roundTripNames({ baton, database }, text, text, text);
      }
    });

    it('names by chance come back as they went, or are refused before the wire', async (context) => {
      const setting = await open(backend, context);
      const names = fc.tuple(texts, texts, texts);
      await fc.assert(
        fc.asyncProperty(names, ([type, user, group]) => roundTripNames(setting, type, user, group)),
        { numRuns: RUNS, seed: 7 },
      );
    });

    it('tasks are found by the names they have, and by no others', async (context) => {
      const { baton } = await open(backend, context);
      const names = HOSTILE_TEXTS.filter(isPlainName).filter((name) => name !== '');
      const ids = new Map<string, number>();
      for (const name of names) {
        ids.set(
          name,
          await baton.createTask(typeOf(name), null, { user: name, group: name, autoRun: false }),
        );
      }
      for (const name of names) {
        for (const filter of [{ user: name }, { group: name }, { types: [name] }]) {
          const { tasks } = await baton.getTasks(filter);
          assert.deepEqual(
            tasks.map(({ id }) => id),
            [ids.get(name)],
          );
        }
      }
    });

    it('a move to a group keeps its name, or is refused before the wire', async (context) => {
      const { baton, database } = await open(backend, context);
      const id = await baton.createTask(typeOf('moving'), null, { group: 'before', autoRun: false });
      for (const group of HOSTILE_TEXTS) {
        const before = (await baton.getTask(id)).group;
        const sent = database.statements.length;
        const refusal = await refusalOf(baton.changeTaskGroup(id, group));
        if (isPlainName(group)) assert.equal(refusal, undefined);
        else {
          assert.ok(isTaskbatonError(refusal, 'INVALID_ARGUMENT'));
          assert.equal(database.statements.length, sent);
        }
        assert.equal((await baton.getTask(id)).group, isPlainName(group) ? group : before);
      }
    });

    it('inputs and contexts of any JSON come back as they went', async (context) => {
      const { baton } = await open(backend, context);
      const type = typeOf('json');
      await fc.assert(
        fc.asyncProperty(values, values, async (input, first) => {
          const task = await baton.getTask(
            await baton.createTask(type, input, { context: first, autoRun: false }),
          );
          same(task.input, input);
          same(task.context, first);
        }),
        { numRuns: RUNS, seed: 7 },
      );
    });

    it('what a handler reports and throws comes back as it went, to the length that is kept', async (context) => {
      const samples = fc.sample(fc.tuple(texts, values, texts), { numRuns: RUNS, seed: 42 });
      const all = [...HOSTILE_TEXTS.map((text) => [text, { [text]: text }, text] as const), ...samples];
      const { baton } = await open(backend, context, [reporter(all)], 20);
      await baton.start();
      const ids = await Promise.all(all.map((_, index) => baton.createTask(typeOf('reporter'), index)));
      for (const [index, id] of ids.entries()) {
        const [message, value, error] = all[index] ?? assert.fail();
        expectReported(await reaches(baton, id, 'failed'), message, value, error);
      }
    });

    it('the prototype of all objects and the tables of the database stay as they are', async (context) => {
      const { baton, database } = await open(backend, context);
      const before = { prototype: Reflect.ownKeys(Object.prototype), tables: await tablesOf(database) };
      const bad = JSON.parse(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      ) as object;
      const id = await baton.createTask(typeOf('__proto__'), bad, {
        user: '__proto__',
        context: bad,
        autoRun: false,
      });
      const { input, context: stored } = await baton.getTask(id);
      for (const copy of [input, stored] as object[]) {
        same(copy, bad);
        assert.ok(Object.hasOwn(copy, '__proto__'));
        assert.equal(Object.getPrototypeOf(copy), Object.prototype);
      }
      for (const text of HOSTILE_TEXTS.filter(isPlainName)) {
        if (!isPlainName(`t${text}`)) continue;
        await baton.createTask(typeOf(`t${text}`), text, { user: text, autoRun: false });
      }
      assert.deepEqual(Reflect.ownKeys(Object.prototype), before.prototype);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      assert.deepEqual(await tablesOf(database), before.tables);
      assert.equal(before.tables.length, OUR_TABLES);
    });
  });
});

const OUR_TABLES = allTables(tablesNamed('', undefined)).length;

/** An instance on a database that remembers what it was sent, with its tables there. */
async function open(
  backend: Backend,
  context: TestContext,
  tasks: readonly TaskDefinition[] = [],
  concurrency = 5,
): Promise<Setting> {
  const system = await openSystem(backend, context);
  const inner = await openDatabase(system.backend.url, { clock: systemClock });
  const database = new RecordingDatabase(inner);
  const baton = system.instance({ db: database, tasks, concurrency });
  context.after(() => inner.close());
  await baton.getTasks();
  return { baton, database };
}

function typeOf(type: string): TaskDefinition {
  return { type, run: () => undefined };
}

async function roundTripNames(
  { baton, database }: Setting,
  type: string,
  user: string,
  group: string,
): Promise<void> {
  const sent = database.statements.length;
  const options = { user, group, autoRun: false };
  const created = baton.createTask(typeOf(type), null, options);
  if (type === '' || ![type, user, group].every(isPlainName)) {
    assert.ok(isTaskbatonError(await refusalOf(created), 'INVALID_ARGUMENT'));
    assert.equal(database.statements.length, sent, 'nothing was sent');
    return;
  }
  const task = await baton.getTask(await created);
  assert.deepEqual([task.type, task.user, task.group], [type, user, group]);
}

/** A task whose input says which sample its handler reports and then fails with. */
function reporter(
  samples: readonly (readonly [message: string, context: unknown, error: string])[],
): TaskDefinition {
  return defineTask({
    type: 'reporter',
    async *run({ input }) {
      const [message, context, error] = samples[input as number] ?? ['', null, ''];
      yield { message, context };
      throw Number(input) % 2 === 0 ? new TaskFailed(error) : new Error(error);
    },
  });
}

function expectReported(task: Task, message: string, context: unknown, error: string): void {
  same(task.context, context);
  assert.equal(task.message, clipped(message, LONGEST_MESSAGE));
  assert.equal(task.error?.message, clipped(error, LONGEST_ERROR));
}

function clipped(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** By their texts, for comparing objects walks up prototypes. */
function same(actual: unknown, expected: unknown): void {
  assert.equal(JSON.stringify(actual), JSON.stringify(expected));
}

async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function tablesOf(database: RecordingDatabase): Promise<readonly string[]> {
  const prefix =
    /\btb_\w+?_(?=migration)/.exec(database.statements.map(({ sql }) => sql).join(' '))?.[0] ?? '';
  const listing =
    (database satisfies Database).dialect === 'sqlite'
      ? `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
      : `SELECT table_name AS name FROM information_schema.tables WHERE table_name LIKE '${prefix}%' ORDER BY table_name`;
  return (await database.query(listing)).rows.map((row) => String(row['name']));
}
