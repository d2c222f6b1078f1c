/** With a codec, the database and the logs hold nothing that users put into their tasks; a redaction says what is shown. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { aesGcm } from '../../examples/codec/aes-gcm.ts';
import { Schedules } from '../../src/cron/index.ts';
import { openDatabase } from '../../src/database/open.ts';
import {
  defineTask,
  isTaskbatonError,
  type PayloadCodec,
  type PayloadOwner,
  type Redact,
  type TaskbatonOptions,
  typed,
} from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { tablesOf } from '../../src/store/schema.ts';
import { eachBackend } from '../backends.ts';
import { FaultyDatabase } from '../support/faulty-database.ts';
import { openSystem, reaches, record, until, type System, vanishes } from '../support/system.ts';

const CANARY = 'canary-7f3a';
const FAST = { lease: 1000, pollInterval: 50 };
const KEY = randomBytes(32);
const aes = (): PayloadCodec => aesGcm({ current: 'k.1', keys: { 'k.1': KEY } });

const failing = defineTask({
  type: 'failing',
  retry: { attempts: 2, delay: 1 },
  async *run({ input, context }) {
    yield { context: [CANARY, context], message: `${CANARY} half way`, progress: 0.5 };
    throw new Error(`no ${JSON.stringify(input)}`);
  },
});
const echo = defineTask({
  type: 'echo',
  async *run({ input }) {
    yield { context: { echoed: input as unknown } };
  },
});

/** All that is stored in the system's tables, as one text. */
async function dump({ backend }: System): Promise<string> {
  const database = await openDatabase(backend.url, { clock: systemClock });
  try {
    const found: unknown[] = [];
    const { prefix: _prefix, schema: _schema, ...tables } = tablesOf(backend.prefix, undefined);
    for (const table of Object.values(tables))
      found.push((await database.query(`SELECT * FROM ${table}`)).rows);
    return JSON.stringify(found, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  } finally {
    await database.close();
  }
}

eachBackend((backend) => {
  it('a canary in input, context, message and errors is neither in the database nor in the logs', async (t) => {
    const system = await openSystem(backend, t);
    const logs: unknown[] = [];
    const log = (...line: unknown[]): void => void logs.push(line);
    const logger = { debug: log, info: log, warn: log, error: log };
    const baton = await system.replica({ ...FAST, tasks: [failing, echo], codec: aes(), logger });
    const failed = await baton.createTask(failing, { secret: CANARY }, { context: [CANARY] });
    const many = await baton.createTasks([
      { task: echo, input: CANARY, key: CANARY.slice(0, 3) },
      { task: echo, input: [CANARY], autoRun: false },
      { task: echo, input: { [CANARY]: true } },
    ]);
    const schedules = new Schedules(baton);
    await schedules.set('nightly', { task: echo, input: CANARY, every: '1d' });
    const triggered = await schedules.trigger('nightly');
    const task = await reaches(baton, failed, 'failed');
    assert.deepEqual(task.input, { secret: CANARY });
    assert.deepEqual(task.context, [CANARY, [CANARY, [CANARY]]]);
    assert.equal(task.message, `${CANARY} half way`);
    assert.equal(task.error?.message, `no {"secret":"${CANARY}"}`);
    assert.deepEqual(
      task.errors.map(({ message }) => message),
      [task.error.message, task.error.message],
    );
    for (const [id, echoed] of [
      [many[0], CANARY],
      [many[2], { [CANARY]: true }],
      [triggered, CANARY],
    ] as const)
      assert.deepEqual((await reaches(baton, id ?? 0, 'finished')).context, { echoed });
    assert.deepEqual((await baton.getTask(many[1] ?? 0)).input, [CANARY]);
    const stored = await dump(system);
    assert.ok(stored.includes('k.1.') && stored.includes('failing'), 'the tables were read');
    assert.ok(!stored.includes(CANARY), 'the database holds the canary');
    assert.ok(logs.length > 0);
    assert.ok(!JSON.stringify(logs).includes(CANARY), 'the logs hold the canary');
  });

  it('the codec is told whose payload it has, may be asynchronous, and reads what was stored before it came', async (t) => {
    const system = await openSystem(backend, t);
    const before = system.instance();
    const old = await before.createTask(echo, 'plain');
    const owners: PayloadOwner[] = [];
    const reversed = async (text: string, owner: PayloadOwner): Promise<string> => {
      owners.push({ id: owner.id, type: owner.type });
      await Promise.resolve();
      return Array.from(text).toReversed().join('');
    };
    const baton = await system.replica({
      ...FAST,
      tasks: [echo],
      codec: { encode: reversed, decode: reversed },
    });
    const ids = await baton.createTasks(Array.from({ length: 5 }, (_, input) => ({ task: echo, input })));
    for (const [input, id] of ids.entries())
      assert.deepEqual((await reaches(baton, id, 'finished')).context, { echoed: input });
    assert.deepEqual((await reaches(baton, old, 'finished')).context, { echoed: 'plain' });
    for (const id of ids) assert.ok(owners.some((owner) => owner.id === id && owner.type === 'echo'));
    assert.ok(owners.every(({ id, type }) => type === 'echo' && (id === old || ids.includes(id))));
  });

  it('a task with a key keeps its payload, and one that is replaced gets the new one', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance({ codec: aes() });
    const id = await baton.createTask(echo, undefined, { key: 'once', delay: '1h' });
    assert.equal(await baton.createTask(echo, 'second', { key: 'once' }), id);
    assert.equal((await baton.getTask(id)).input, undefined);
    assert.equal(await baton.createTask(echo, 'third', { key: 'once', replace: true, context: 1 }), id);
    const task = await baton.getTask(id);
    assert.deepEqual([task.input, task.context], ['third', 1]);
  });

  it('a task with a key that comes while another is to replace it is replaced by what is encoded', async (t) => {
    // SQLite lets nobody in between.
    if (backend.name === 'sqlite') return;
    const system = await openSystem(backend, t);
    const other = system.instance({ codec: aes() });
    await other.migrate();
    const db = new FaultyDatabase(system.backend.url);
    let id: number | undefined;
    db.inside = async (sql, send) => {
      const answer = await send();
      if (sql.includes('task_key = ?')) id ??= await other.createTask(echo, 'theirs', { key: 'once' });
      return answer;
    };
    const baton = system.instance({ db, codec: aes() });
    assert.equal(await baton.createTask(echo, CANARY, { key: 'once', replace: true }), id);
    assert.ok(!(await dump(system)).includes(CANARY), 'the database holds the canary');
    const { input } = await baton.getTask(id ?? 0);
    assert.ok(input === CANARY || backend.name === 'mysql', 'MySQL takes it as having come later');
  });

  it('what is encoded is for this task alone: put into another, it is refused', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance({ codec: aes() });
    const [one, other] = [await baton.createTask(echo, 'one'), await baton.createTask(echo, 'other')];
    const { url, prefix } = system.backend;
    const database = await openDatabase(url, { clock: systemClock });
    const { task } = tablesOf(prefix, undefined);
    const [row] = (await database.query(`SELECT input FROM ${task} WHERE id = ?`, [one])).rows;
    await database.query(`UPDATE ${task} SET input = ? WHERE id = ?`, [String(row?.['input']), other]);
    await database.close();
    assert.equal((await baton.getTask(one)).input, 'one');
    await assert.rejects(baton.getTask(other), { code: 'CODEC_FAILED' });
    const replica = system.instance({ ...FAST, tasks: [echo], codec: aes() });
    const events = record(replica);
    await replica.start();
    const { error } = await events.next('task.ended', ({ id }) => id === other);
    assert.equal(error?.code, 'CODEC_FAILED');
    await reaches(replica, one, 'finished');
  });

  it('a task that can not be decoded fails for whoever asks for it, and nobody else waits in vain', async (t) => {
    const system = await openSystem(backend, t);
    const stranger = system.instance({ codec: aesGcm({ current: 'x', keys: { x: randomBytes(32) } }) });
    const nonsense: PayloadCodec = { encode: (text) => text, decode: () => '{' };
    for (const codec of [aes(), nonsense]) {
      const bad = await stranger.createTask(echo, 'bad', { autoRun: false });
      const baton = await system.replica({ ...FAST, tasks: [echo], codec, redact: (payload) => payload });
      const failed = { code: 'CODEC_FAILED', message: new RegExp(`task ${bad} `) };
      const watching = async (): Promise<void> => {
        for await (const seen of baton.watchTask(bad)) assert.fail(`task ${seen.id} was shown`);
      };
      const asked = [baton.taskDone(bad), watching(), baton.getTask(bad), baton.getTasks()];
      await Promise.all(asked.map((promise) => assert.rejects(promise, failed)));
      const waiting = baton.taskDone(bad).catch(() => undefined);
      if (codec !== nonsense) await baton.taskDone(await baton.createTask(echo, 'good'));
      await waiting;
      const { tasks } = await baton.getTasks({ redacted: true });
      const shown = tasks.find(({ id }) => id === bad);
      assert.deepEqual([shown?.state, shown?.input], ['init', undefined]);
      await baton.stop();
      await stranger.deleteTask(bad);
    }
  });

  it('a codec that throws, or returns nonsense, creates nothing and says nothing of what it threw', async (t) => {
    const system = await openSystem(backend, t);
    const throwing = (): never => {
      throw new Error(CANARY);
    };
    for (const encode of [throwing, async () => throwing(), () => 5 as never, () => 'a\0b', () => '\ud800']) {
      const baton = system.instance({ codec: { encode, decode: (text) => text } });
      await assert.rejects(
        baton.createTask(echo, 1),
        (error) => isTaskbatonError(error, 'CODEC_FAILED') && !error.message.includes(CANARY),
      );
      assert.equal((await baton.getTasks({ redacted: true })).tasks.length, 0);
    }
    const good = system.instance({ codec: aes() });
    const id = await good.createTask(failing, 1);
    let broken = false;
    const breaking: PayloadCodec = {
      encode: (text, owner) => (broken ? throwing() : aes().encode(text, owner)),
      decode: (text, owner) => {
        broken = true;
        return aes().decode(text, owner);
      },
    };
    const replica = await system.replica({ ...FAST, tasks: [failing], codec: breaking });
    const failed = await until('it failed', async () => {
      const shown = await replica.getTask(id, { redacted: true });
      return shown.state === 'failed' && shown;
    });
    assert.equal(failed.error?.code, 'CODEC_FAILED');
    assert.ok(!(await dump(system)).includes(CANARY));
  });

  it('what nobody can decode any more can be deleted: after a while its cleanup is given nothing', async (t) => {
    const system = await openSystem(backend, t);
    const given: unknown[] = [];
    const kept = defineTask({
      type: 'kept',
      run: async () => undefined,
      async cleanup({ input, context }) {
        given.push([input, context]);
      },
    });
    const id = await system.instance({ codec: aes() }).createTask(kept, 'x', { context: 1, delay: '1h' });
    const other = aesGcm({ current: 'k.2', keys: { 'k.2': randomBytes(32) } });
    const baton = await system.replica({ ...FAST, codec: other, tasks: [kept] });
    await baton.deleteTask(id);
    await until('its cleanup has failed', async () => {
      const task = await baton.getTask(id, { includeDeleting: true, redacted: true });
      return task.retries > 0;
    });
    assert.deepEqual(given, []);
    const database = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => database.close());
    await database.query(`UPDATE ${system.backend.prefix}task SET retries = 10 WHERE id = ?`, [id]);
    await vanishes(baton, id);
    assert.deepEqual(given, [[undefined, undefined]]);
  });

  it('what is shown is what the redaction lets through, and nothing where there is none or it throws', async (t) => {
    const system = await openSystem(backend, t);
    const open: Redact = ({ input, ...payload }) => ({ ...payload, input: [input], context: undefined });
    const replica = await system.replica({ ...FAST, tasks: [failing], codec: aes(), redact: open });
    const id = await replica.createTask(failing, CANARY);
    const whole = await reaches(replica, id, 'failed');
    assert.equal(whole.input, CANARY);
    const shown = await replica.getTask(id, { redacted: true });
    assert.deepEqual([shown.input, shown.context, shown.message], [[CANARY], undefined, whole.message]);
    assert.deepEqual(shown.errors, whole.errors);
    const hides: Partial<TaskbatonOptions>[] = [
      {},
      { codec: aes() },
      { codec: aes(), redact: () => Reflect.get(Object(undefined), 'x').y as never },
    ];
    for (const options of hides) {
      const [hidden] = (await system.instance(options).getTasks({ redacted: true })).tasks;
      assert.deepEqual([hidden?.input, hidden?.context, hidden?.message], [undefined, undefined, undefined]);
      assert.equal(hidden?.error?.message, '(hidden)');
      assert.deepEqual(
        [hidden.errors.length, hidden.errors[0]?.message, hidden.errors[0]?.attempt],
        [2, '(hidden)', 1],
      );
      assert.ok(!JSON.stringify(hidden).includes(CANARY));
    }
    await assert.rejects(system.instance().getTask(id), { code: 'CODEC_FAILED' });
  });

  it('children, results and transactions go through the codec as well', async (t) => {
    const system = await openSystem(backend, t);
    const parent = defineTask({
      type: 'parent',
      context: typed<unknown>(),
      async run({ context, children, transaction }) {
        if (context === undefined)
          await children.create([{ task: echo, input: CANARY }], { context: CANARY });
        const done = await children.done();
        await transaction(async () => ({ context: done.map((child) => child.context as unknown) }));
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [parent, echo], codec: aes() });
    const id = await baton.createTask(parent, undefined);
    assert.deepEqual((await baton.taskDone(id)).context, [{ echoed: CANARY }]);
    assert.ok(!(await dump(system)).includes(CANARY));
  });
});

it('an option that is no codec or no redaction is refused', async () => {
  const { Taskbaton } = await import('../../src/index.ts');
  for (const wrong of [{ codec: {} }, { codec: 'aes' }, { codec: null }, { redact: {} }, { redact: null }])
    assert.throws(() => new Taskbaton({ db: 'sqlite::memory:', ...wrong } as never), {
      code: 'INVALID_OPTION',
    });
});
