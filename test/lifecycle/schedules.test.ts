/** Recurring tasks: each occurrence once, however many processes fire, whatever was missed. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import type { Database } from '../../src/core/connection.ts';
import { Schedules } from '../../src/cron/index.ts';
import { openDatabase } from '../../src/database/open.ts';
import { defineTask, Taskbaton } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { tablesOf } from '../../src/store/schema.ts';
import { type Backend, eachBackend } from '../backends.ts';
import { openSystem, reaches, record, type System, until } from '../support/system.ts';

const report = defineTask<{ day: string }>({ type: 'report', run: async () => undefined });

eachBackend((backend) => {
  it('each occurrence is created once, however many processes fire', async (t) => {
    const { system, baton } = await open(backend, t);
    const firing = [baton, system.instance(), system.instance(), system.instance()].map(
      (one) => new Schedules(one),
    );
    await firing[0]!.set('often', { task: report, input: { day: 'today' }, every: '1s', user: 'ada' });
    await Promise.all(firing.map((schedules) => schedules.start()));
    t.after(() => Promise.all(firing.map((schedules) => schedules.stop())));
    await until('a few have come', async () => (await baton.getTasks({ user: 'ada' })).tasks.length >= 4);
    await firing[0]!.pause('often');
    const { tasks } = await baton.getTasks({ user: 'ada' });
    const { lastAt, lastTask } = await firing[1]!.get('often');
    assert.equal(lastTask, tasks[0]?.id);
    const times = tasks.map(({ createdAt }) => createdAt.getTime()).toSorted((one, other) => one - other);
    const span = Math.round((lastAt!.getTime() - times[0]!) / 1000);
    assert.ok(Math.abs(span + 1 - tasks.length) <= 1, `${tasks.length} tasks in ${span} s`);
    for (const [index, time] of times.entries())
      if (index > 0) assert.ok(time - times[index - 1]! > 500, `${time - times[index - 1]!} ms apart`);
    assert.deepEqual(tasks[0]?.input, { day: 'today' });
  });

  it('what is done to a schedule is in the history, with who did it and why; setting it as it is tells nothing', async (t) => {
    const { baton } = await open(backend, t);
    const schedules = new Schedules(baton);
    const by = { actor: 'ada', reason: 'because' };
    const nightly = { task: report, input: { day: 'today' }, cron: '0 3 * * *' };
    await schedules.set('nightly', { ...nightly, ...by });
    await schedules.set('nightly', nightly);
    await schedules.set('nightly', { ...nightly, input: { day: 'tomorrow' } });
    await schedules.pause('nightly', by);
    await schedules.resume('nightly', { actor: 'bob' });
    const task = await schedules.trigger('nightly', by);
    await schedules.remove('nightly', by);
    await assert.rejects(schedules.pause('nightly', by));
    const told: unknown[] = [];
    for await (const { event, scope, actor, reason, fields, task: about } of baton.events({
      since: 'start',
    })) {
      if (scope?.kind === 'schedule') told.push([event, scope.name, actor, reason, fields?.['task'], about]);
      if (event === 'remove') break;
    }
    assert.deepEqual(told, [
      ['set', 'nightly', 'ada', 'because', undefined, undefined],
      ['set', 'nightly', undefined, undefined, undefined, undefined],
      ['hold', 'nightly', 'ada', 'because', undefined, undefined],
      ['release', 'nightly', 'bob', undefined, undefined, undefined],
      ['trigger', 'nightly', 'ada', 'because', task, undefined],
      ['remove', 'nightly', 'ada', 'because', undefined, undefined],
    ]);
  });

  it('what was missed is left out, comes once, or comes each, as the schedule says', async (t) => {
    const { baton, database, system } = await open(backend, t);
    const schedules = new Schedules(baton);
    const rule = { task: report, input: { day: 'x' }, every: '1h' } as const;
    await schedules.set('skip', { ...rule, user: 'skip' });
    await schedules.set('one', { ...rule, user: 'one', catchUp: 'one' });
    await schedules.set('all', { ...rule, user: 'all', catchUp: 'all', catchUpLimit: 3 });
    await schedules.set('paused', { ...rule, user: 'paused', catchUp: 'all' });
    await schedules.pause('paused');
    // As if nobody had been there for five hours and a half.
    await database.query(
      `UPDATE ${system.backend.prefix}schedule SET anchor = anchor - 19800000, next_at = next_at - 19800000`,
    );
    await schedules.start();
    t.after(() => schedules.stop());
    const counts = async (): Promise<readonly number[]> =>
      Promise.all(
        ['skip', 'one', 'all', 'paused'].map(async (user) => (await baton.getTasks({ user })).tasks.length),
      );
    await until('all were looked at', async () =>
      (await schedules.list()).every(({ name, nextAt }) => name === 'paused' || nextAt! > new Date()),
    );
    assert.deepEqual(await counts(), [0, 1, 3, 0]);
    await schedules.resume('paused');
    await until('it has come back', async () => (await counts())[3] === 5);
  });

  it('none is created while the last one has not ended, if that is wanted', async (t) => {
    const { baton, database, system } = await open(backend, t);
    const schedules = new Schedules(baton);
    await schedules.set('slow', { task: report, input: { day: 'x' }, every: '1h', overlap: 'skip' });
    const rewind = async (): Promise<void> => {
      await database.query(
        `UPDATE ${system.backend.prefix}schedule SET next_at = COALESCE(last_at + 1, anchor)`,
      );
    };
    await schedules.start();
    t.after(() => schedules.stop());
    await rewind();
    const first = await until('the first', async () => (await schedules.get('slow')).lastTask);
    await rewind();
    await until('it was looked at', async () => (await schedules.get('slow')).nextAt! > new Date());
    assert.equal((await baton.getTasks()).tasks.length, 1);
    const worker = await system.replica({ tasks: [report] });
    await reaches(worker, first, 'finished');
    await rewind();
    await until('the next', async () => (await schedules.get('slow')).lastTask !== first);
  });

  it('set again as it was, a schedule goes on as if it had not been, and loses nothing that was missed', async (t) => {
    const { baton, database, system } = await open(backend, t);
    const schedules = new Schedules(baton);
    const hourly = { task: report, every: '1h', catchUp: 'all' } as const;
    await schedules.set('hourly', { ...hourly, input: { day: 'old' } });
    await database.query(
      `UPDATE ${system.backend.prefix}schedule SET anchor = anchor - 19800000, next_at = next_at - 19800000`,
    );
    const { nextAt } = await schedules.get('hourly');
    await schedules.set('hourly', { ...hourly, input: { day: 'new' } });
    assert.deepEqual((await schedules.get('hourly')).nextAt, nextAt);
    await schedules.start();
    t.after(() => schedules.stop());
    await until('all were looked at', async () => (await schedules.get('hourly')).nextAt! > new Date());
    const { tasks } = await baton.getTasks();
    assert.deepEqual(
      tasks.map(({ input }) => input),
      Array.from({ length: 5 }, () => ({ day: 'new' })),
    );
  });

  it('set to come at other times, it comes next after what it has created', async (t) => {
    const { baton, database, system } = await open(backend, t);
    const schedules = new Schedules(baton);
    await schedules.set('changing', { task: report, input: { day: 'x' }, every: '1h' });
    const day = 86_400_000;
    await database.query(`UPDATE ${system.backend.prefix}schedule SET last_at = anchor + ${day}`);
    const { lastAt } = await schedules.get('changing');
    for (const rule of [{ every: '2h' }, { cron: '0 * * * *' }] as const) {
      await schedules.set('changing', { task: report, input: { day: 'x' }, ...rule });
      assert.ok((await schedules.get('changing')).nextAt! > lastAt!);
    }
  });

  it('an occurrence that has been created is not created again, whatever comes next according to its row', async (t) => {
    const { baton, database, system } = await open(backend, t);
    const schedules = new Schedules(baton);
    await schedules.set('once', { task: report, input: { day: 'x' }, every: '1h' });
    const rewind = async (to: string): Promise<void> => {
      await database.query(`UPDATE ${system.backend.prefix}schedule SET next_at = ${to}`);
      await until('it was looked at', async () => (await schedules.get('once')).nextAt! > new Date());
    };
    await schedules.start();
    t.after(() => schedules.stop());
    await rewind('anchor');
    await rewind('last_at');
    await rewind('last_at - 1000');
    assert.equal((await baton.getTasks()).tasks.length, 1);
  });

  it('a schedule that can not be fired keeps no other one from it, and is told of once', async (t) => {
    const { baton, database, system } = await open(backend, t);
    const schedules = new Schedules(baton);
    const events = record(baton);
    for (const name of ['bad rule', 'bad task', 'good'])
      await schedules.set(name, { task: report, input: { day: 'x' }, every: '1s' });
    const { schedule } = tablesOf(system.backend.prefix, undefined);
    await database.query(`UPDATE ${schedule} SET rule_json = 'none', next_at = 1 WHERE name = 'bad rule'`);
    await database.query(`UPDATE ${schedule} SET template = 'none', next_at = 2 WHERE name = 'bad task'`);
    await schedules.start();
    t.after(() => schedules.stop());
    await until('the good one came twice', async () => (await baton.getTasks()).tasks.length >= 2);
    const failing = events.events.filter((event) => event.name === 'schedule.failing');
    assert.deepEqual(
      failing.map((event) => event.schedule),
      ['bad rule', 'bad task'],
    );
    const broken = events.events.filter(({ name }) => name === 'loop.failing');
    assert.deepEqual(broken, []);
  });

  it('firing ends with the instance', async (t) => {
    const { system } = await open(backend, t);
    const timers = new Set<object>();
    const after: Clock['after'] = (ms, callback, options) => {
      const timer = systemClock.after(ms, () => (timers.delete(timer), callback()), options);
      timers.add(timer);
      return { cancel: () => (timers.delete(timer), timer.cancel()) };
    };
    const { url, prefix } = system.backend;
    const baton = new Taskbaton({ db: url, prefix, logger: null }, { clock: { ...systemClock, after } });
    const events = record(baton);
    await new Schedules(baton).start();
    await until('it waits for the next poll', () => timers.size > 0);
    await baton.stop();
    assert.deepEqual(events.events, []);
    assert.equal(timers.size, 0);
  });

  it('a schedule can be changed, triggered, listed and removed', async (t) => {
    const { baton } = await open(backend, t);
    const schedules = new Schedules(baton);
    await schedules.set('b', { task: report, input: { day: '1' }, cron: '0 3 * * *', zone: 'Europe/Berlin' });
    await schedules.set('a', { task: report, input: { day: '2' }, every: '1h' });
    await schedules.pause('b');
    await schedules.set('b', { task: report, input: { day: '3' }, cron: '0 4 * * *', priority: 7 });
    const { nextAt, ...b } = await schedules.get('b');
    assert.deepEqual(b, {
      name: 'b',
      type: 'report',
      user: '',
      group: '',
      cron: '0 4 * * *',
      zone: 'UTC',
      every: undefined,
      catchUp: 'skip',
      overlap: 'allow',
      paused: true,
      lastAt: undefined,
      lastTask: undefined,
    });
    assert.equal(nextAt?.getUTCHours(), 4);
    const { input, priority } = await baton.getTask(await schedules.trigger('b'));
    assert.deepEqual([input, priority], [{ day: '3' }, 7]);
    assert.deepEqual(
      (await schedules.list()).map(({ name }) => name),
      ['a', 'b'],
    );
    await schedules.remove('b');
    for (const call of ['get', 'pause', 'resume', 'remove', 'trigger'] as const)
      await assert.rejects(schedules[call]('b'), { code: 'SCHEDULE_NOT_FOUND' });
  });

  it('what makes no sense is refused, and nothing is changed', async (t) => {
    const { baton } = await open(backend, t);
    const schedules = new Schedules(baton);
    const good = { task: report, input: { day: 'x' } };
    for (const [name, options] of [
      ['', { ...good, every: '1m' }],
      ['x'.repeat(256), { ...good, every: '1m' }],
      ['a', { ...good, cron: 'no' }],
      ['a', { ...good, every: '1m', key: 'k' }],
      ['a', { ...good, every: '1m', user: 7 }],
      ['a', { ...good, every: '1m', input: { day: 1n } }],
    ] as const)
      await assert.rejects(schedules.set(name, options as never), { name: 'TaskbatonError' });
    assert.deepEqual(await schedules.list(), []);
    assert.throws(() => new Schedules({} as Taskbaton), { code: 'INVALID_ARGUMENT' });
  });
});

async function open(
  backend: Backend,
  t: TestContext,
): Promise<{ system: System; baton: Taskbaton; database: Database }> {
  const system = await openSystem(backend, t);
  const baton = system.instance({ pollInterval: 50 });
  await baton.migrate();
  const database = await openDatabase(system.backend.url, { clock: systemClock });
  t.after(() => database.close());
  return { system, baton, database };
}
