/** What the history says of a system at work: of all replicas, of whoever asked, and of nothing that was to be hidden. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, finished, type HistoryEntry, type Taskbaton } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { tablesOf } from '../../src/store/schema.ts';
import { eachBackend } from '../backends.ts';
import { FaultyDatabase } from '../support/faulty-database.ts';
import { gate, openSystem, reaches, record, type System, until, vanishes } from '../support/system.ts';

const FAST = { pollInterval: 50 } as const;
const ALL = { history: { level: 'all', contexts: true } } as const;
const BY = { actor: 'ada', reason: 'because' };
const CANARY = 'canary-7f3a';

const steps = defineTask({
  type: 'steps',
  async *run({ log }) {
    log.info('begins', { secret: CANARY });
    for (let step = 1; step <= 2; step++) yield { context: { step, secret: CANARY }, progress: step / 2 };
    log.warn(`ends with ${CANARY}`);
  },
});
const noop = defineTask({ type: 'noop', run: async () => undefined });
const hanging = defineTask({
  type: 'hanging',
  run: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
});

/** The events of a task, as far as is known by now. */
async function eventsOf(baton: Taskbaton, id: number): Promise<readonly string[]> {
  return (await baton.history(id)).entries.map(({ event }) => event);
}

eachBackend((backend) => {
  it('a task that ran is told from its creation to its end, its reports and its log in their order', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ ...FAST, ...ALL, tasks: [steps] });
    const heard = record(baton);
    const id = await baton.createTask(steps, undefined, { user: 'u', ...BY });
    await reaches(baton, id, 'finished');
    const { entries, next } = await baton.history(id);
    assert.equal(next, undefined);
    assert.deepEqual(
      entries.map(({ event, message }) => message ?? event),
      ['create', 'claim', 'begins', 'report', 'report', `ends with ${CANARY}`, 'finish'],
    );
    const [created, claimed, begins, report] = entries;
    assert.deepEqual([created?.actor, created?.reason, created?.user], ['ada', 'because', 'u']);
    assert.equal(claimed?.replica, baton.replicaId);
    assert.deepEqual([begins?.level, begins?.fields, begins?.epoch], ['info', { secret: CANARY }, 1]);
    assert.deepEqual([report?.progress, report?.context], [0.5, { step: 1, secret: CANARY }]);
    const times = entries.map(({ at }) => at.getTime());
    assert.deepEqual(
      times.toSorted((one, other) => one - other),
      times,
    );
    assert.equal((await heard.next('task.logged')).message, 'begins');
  });

  it('every call that changes something says who asked, and why', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ ...FAST, tasks: [hanging] });
    const web = system.instance();
    const id = await web.createTask(hanging, undefined, { autoRun: false, ...BY });
    const [other = 0] = await web.createTasks([{ task: hanging }], BY);
    await web.runTask(id, { ...BY, delay: '1h' });
    await web.runTask(id, BY);
    await reaches(web, id, 'running');
    await web.changeTaskGroup(id, 'night', BY);
    await web.pauseTask(id, { ...BY, children: true });
    await reaches(web, id, 'paused');
    const ids = [id, other];
    await (await web.runTasks({ ids }, BY)).settled();
    await reaches(web, id, 'running');
    await web.pauseGroup('night', { running: true, ...BY });
    await reaches(web, id, 'paused');
    await web.resumeGroup('night', BY);
    await reaches(web, id, 'running');
    await (await web.pauseTasks({ ids }, BY)).settled();
    await web.changeTasksGroup({ ids }, 'day', BY);
    await web.deleteTask(id, BY);
    await web.deleteTasks({ ids: [other] }, BY);
    await vanishes(web, id);
    const { entries } = await web.history(id);
    const byReplica = new Set(['claim', 'yield', 'finish']);
    const asked = entries.filter(({ event }) => !byReplica.has(event));
    assert.deepEqual(
      asked.map(({ event }) => event),
      ['create', 'run', 'delay', 'move', 'pause', 'run', 'pause', 'run', 'pause', 'move', 'delete'],
    );
    for (const { actor, reason } of asked) assert.deepEqual({ actor, reason }, BY);
    for (const { event, actor, replica } of entries) {
      if (byReplica.has(event)) assert.deepEqual([actor, replica], [undefined, baton.replicaId]);
    }
    assert.equal((await web.history(other)).entries[0]?.actor, 'ada');
  });

  it('an author that can not be stored is refused before anything is written', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance();
    const refused = { code: 'INVALID_ARGUMENT' };
    for (const by of [
      { actor: 5 },
      { actor: 'a\0' },
      { reason: 'x'.repeat(1001) },
      { reason: '\ud800' },
      { by: 1 },
    ]) {
      await assert.rejects(baton.createTask(noop, undefined, by as object), refused);
      await assert.rejects(baton.createTasks([{ task: noop }], by as object), refused);
      await assert.rejects(baton.pauseTask(1, by as object), refused);
      await assert.rejects(baton.deleteTasks({ all: true }, by as object), refused);
      await assert.rejects(baton.pauseGroup('g', by as object), refused);
      await assert.rejects(baton.setLimit('group', 'g', 1, by as object), refused);
    }
    assert.deepEqual((await baton.getTasks()).tasks, []);
    await assert.rejects(baton.history(1, { after: 'x' }), refused);
    await assert.rejects(baton.history(1, { limit: 0 }), refused);
    await assert.rejects(baton.history(0), refused);
  });

  it('a task that is gone is still told of', async (t) => {
    const system = await openSystem(backend, t);
    const remove = defineTask({ type: 'remove', run: async () => finished({ remove: true }) });
    const baton = await system.replica({ ...FAST, tasks: [remove] });
    const id = await baton.createTask(remove, undefined);
    await vanishes(baton, id);
    const { entries } = await baton.history(id);
    assert.deepEqual(
      entries.map(({ event, to }) => [event, to]),
      [
        ['create', 'pending'],
        ['claim', 'running'],
        ['finish', 'removed'],
      ],
    );
  });

  it('with a codec nothing of a payload is in the history in the clear, and only who may reads it', async (t) => {
    const system = await openSystem(backend, t);
    const codec = {
      encode: (text: string) => Buffer.from(text).toString('hex'),
      decode: (text: string) => Buffer.from(text, 'hex').toString(),
    };
    const failing = defineTask({ type: 'failing', run: () => Promise.reject(new Error(CANARY)) });
    const baton = await system.replica({ ...FAST, ...ALL, tasks: [steps, failing], codec });
    const id = await baton.createTask(steps, { secret: CANARY });
    await reaches(baton, id, 'finished');
    const failed = await baton.createTask(failing, undefined);
    await reaches(baton, failed, 'failed');
    assert.ok(!(await dump(system)).includes(CANARY), 'the history holds the canary');
    const whole = [...(await baton.history(id)).entries, ...(await baton.history(failed)).entries];
    assert.ok(JSON.stringify(whole.map(({ context }) => context)).includes(CANARY));
    assert.ok(JSON.stringify(whole.map(({ fields }) => fields)).includes(CANARY));
    assert.ok(whole.some(({ message }) => message?.includes(CANARY)));
    assert.ok(whole.some(({ error }) => error?.message === CANARY));
    const hidden = [
      ...(await baton.history(id, { redacted: true })).entries,
      ...(await baton.history(failed, { redacted: true })).entries,
    ];
    assert.equal(hidden.length, whole.length);
    assert.ok(!JSON.stringify(hidden).includes(CANARY), 'what is redacted shows the canary');
    assert.ok(
      hidden.some(({ level }) => level === 'warn'),
      'that something was logged is shown',
    );
  });

  it('lines that are logged when the database does not answer cost the task nothing', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const baton = await system.replica({ ...FAST, db, tasks: [steps] });
    const events = record(baton);
    db.inside = (sql, send) => {
      if (sql.includes('detail')) throw new Error('no room for a log');
      return send();
    };
    const id = await baton.createTask(steps, undefined);
    await reaches(baton, id, 'finished');
    assert.match((await events.next('task.misused')).problem, /1 lines of its log/);
    db.inside = (_sql, send) => send();
    assert.deepEqual(await eventsOf(baton, id), ['create', 'claim', 'finish']);
  });

  it('without a history nothing is kept, and who asks for events is told so', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ ...FAST, history: 'off', tasks: [steps] });
    const id = await baton.createTask(steps, undefined, BY);
    await reaches(baton, id, 'finished');
    assert.deepEqual(await baton.history(id), { entries: [], next: undefined });
    await assert.rejects(baton.events().next(), { code: 'HISTORY_OFF' });
  });

  it('entries that were kept long enough go while the system works', async (t) => {
    const system = await openSystem(backend, t);
    const web = system.instance();
    const id = await web.createTask(noop, undefined, { autoRun: false });
    const newest = await web.createTask(noop, undefined, { autoRun: false });
    const { history } = tablesOf(system.backend.prefix, undefined);
    const database = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => database.close());
    await database.query(`UPDATE ${history} SET at = at - 7200000`);
    const baton = await system.replica({ ...FAST, history: { keep: '1h' } });
    await until('the old entry is gone', async () => (await eventsOf(baton, id)).length === 0);
    assert.deepEqual(await eventsOf(baton, newest), ['create']);
  });

  it('what a handler logs is there while it runs', async (t) => {
    const system = await openSystem(backend, t);
    const open = gate();
    const talking = defineTask({
      type: 'talking',
      run: async ({ log }) => {
        log.info('hello');
        await open.opened;
      },
    });
    const baton = await system.replica({ ...FAST, tasks: [talking] });
    const id = await baton.createTask(talking, undefined);
    const entry = await until<HistoryEntry>('the line is there', async () =>
      (await baton.history(id)).entries.find(({ event }) => event === 'log'),
    );
    assert.equal(entry.message, 'hello');
    open.open();
    await reaches(baton, id, 'finished');
  });
});

/** All that is stored in the history. */
async function dump({ backend }: System): Promise<string> {
  const database = await openDatabase(backend.url, { clock: systemClock });
  const { history } = tablesOf(backend.prefix, undefined);
  const { rows } = await database.query(`SELECT * FROM ${history}`);
  await database.close();
  return JSON.stringify(rows.map((row) => Object.values(row).map(String)));
}
