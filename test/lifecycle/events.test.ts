/** Following what happens in all replicas: in its order, from any point on, by as many as want to, at the cost of one. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, type EventsOptions, type HistoryEntry, Taskbaton } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { tablesOf } from '../../src/store/schema.ts';
import { eachBackend } from '../backends.ts';
import { ManualClock } from '../support/clock.ts';
import { FaultyDatabase } from '../support/faulty-database.ts';
import { openSystem, reaches, until } from '../support/system.ts';

const FAST = { pollInterval: 50 } as const;

const noop = defineTask({ type: 'noop', run: async () => undefined });

interface Following {
  readonly entries: HistoryEntry[];
  /** What ended it. */
  readonly ended: Promise<unknown>;
  /** Waits for so many of an event. */
  seen(event: string, count?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Reads all that comes, from when it has begun to. */
async function follow(baton: Taskbaton, options: EventsOptions = {}): Promise<Following> {
  const end = new AbortController();
  const entries: HistoryEntry[] = [];
  const events = baton.events({ signal: end.signal, ...options });
  const first = events.next();
  const ended = (async () => {
    for (let step = await first; step.done !== true; step = await events.next()) entries.push(step.value);
  })().catch((error: unknown) => error);
  await baton.getTasks();
  return {
    entries,
    ended,
    seen: async (event, count = 1) =>
      void (await until(
        `${count} times ${event}`,
        () => entries.filter((entry) => entry.event === event).length >= count,
      )),
    stop: async () => {
      end.abort();
      await ended;
    },
  };
}

function idsOf(entries: readonly HistoryEntry[], event: string): readonly (number | undefined)[] {
  return entries.filter((entry) => entry.event === event).map(({ task }) => task);
}

eachBackend((backend) => {
  it('whoever follows hears of all replicas, of each thing once and in its order', async (t) => {
    const system = await openSystem(backend, t);
    const web = system.instance(FAST);
    const following = await follow(web, { since: 'start' });
    const [one, two] = [
      await system.replica({ ...FAST, tasks: [noop] }),
      await system.replica({ ...FAST, tasks: [noop] }),
    ];
    const ids = [];
    for (let index = 0; index < 20; index++)
      ids.push(await [one, two][index % 2]!.createTask(noop, undefined));
    await following.seen('finish', ids.length);
    await following.stop();
    const { entries } = following;
    assert.equal(new Set(entries.map(({ cursor }) => cursor)).size, entries.length);
    for (const id of ids) {
      const own = entries.filter(({ task }) => task === id);
      assert.deepEqual(
        own.map(({ event }) => event),
        ['create', 'claim', 'finish'],
      );
    }
  });

  it('whoever comes back with a cursor goes on right behind it', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance(FAST);
    const first = await follow(baton, { since: 'start' });
    const ids = await baton.createTasks(Array.from({ length: 5 }, () => ({ task: noop })));
    await first.seen('create', 5);
    await first.stop();
    const [, , third] = first.entries;
    ids.concat(await baton.createTasks([{ task: noop }, { task: noop }]));
    const second = await follow(system.instance(FAST), { since: third?.cursor });
    await second.seen('create', 4);
    assert.deepEqual(
      second.entries.map(({ task }) => task),
      [4, 5, 6, 7].map((nth) => Number(ids[0]) + nth - 1),
    );
    await baton.pauseTask(ids[0] ?? 0);
    await second.seen('pause');
    await second.stop();
  });

  it('without a cursor only what comes from then on is heard, and only of whom it is asked for', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance(FAST);
    const before = await baton.createTask(noop, undefined, { user: 'ada' });
    const all = await follow(baton);
    const [adas, its] = [await follow(baton, { user: 'ada' }), await follow(baton, { task: before })];
    // A change that all hear of tells that they have begun.
    await until('they follow', async () => {
      await baton.changeTaskGroup(before, String(systemClock.monotonic()));
      return [all, adas, its].every(({ entries }) => entries.length > 0);
    });
    await baton.createTask(noop, undefined, { user: 'bob' });
    await baton.pauseUser('ada');
    const last = await baton.createTask(noop, undefined, { user: 'ada' });
    await all.seen('create', 2);
    await adas.seen('create');
    await Promise.all([all, adas, its].map((one) => one.stop()));
    assert.ok(!idsOf(all.entries, 'create').includes(before));
    assert.deepEqual(idsOf(adas.entries, 'create'), [last]);
    assert.ok(all.entries.some(({ event, scope }) => event === 'hold' && scope?.name === 'ada'));
    assert.ok(adas.entries.every(({ user, task }) => user === 'ada' && task !== undefined));
    assert.ok(its.entries.every(({ task }) => task === before));
  });

  it('a transaction that is held open while others commit is heard of when it is committed', async (t) => {
    // SQLite lets nobody write meanwhile.
    if (backend.name === 'sqlite') return;
    const system = await openSystem(backend, t);
    const baton = system.instance(FAST);
    const following = await follow(baton, { since: 'start' });
    const database = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => database.close());
    let [early, late, cursor] = [0, 0, ''];
    await database.transaction(async (tx) => {
      late = await baton.createTask(noop, undefined, { tx });
      early = await baton.createTask(noop, undefined);
      await following.seen('create');
      assert.deepEqual(idsOf(following.entries, 'create'), [early]);
      cursor = following.entries[0]?.cursor ?? '';
    });
    await following.seen('create', 2);
    assert.deepEqual(idsOf(following.entries, 'create'), [early, late]);
    await following.stop();
    const resumed = await follow(system.instance(FAST), { since: cursor });
    await resumed.seen('create');
    await resumed.stop();
    assert.deepEqual(idsOf(resumed.entries, 'create'), [late]);
  });

  it('however much was rolled back, whoever comes later hears all that was not', async (t) => {
    // SQLite gives the same number again.
    if (backend.name === 'sqlite') return;
    const system = await openSystem(backend, t);
    const baton = system.instance(FAST);
    const database = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => database.close());
    await baton.migrate();
    const live = await follow(baton);
    for (let index = 0; index < 250; index++) {
      await baton.createTask(noop, undefined);
      const vain = database.transaction(async (tx) => {
        await baton.createTask(noop, undefined, { tx });
        throw new Error('never mind');
      });
      await assert.rejects(vain);
    }
    await baton.createTasks(Array.from({ length: 1500 }, () => ({ task: noop })));
    const following = await follow(baton, { since: 'start' });
    await following.seen('create', 1750);
    await following.stop();
    await live.stop();
    assert.equal(new Set(idsOf(following.entries, 'create')).size, 1750);
  });

  it('whoever is slow misses nothing, and holds nobody up', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance(FAST);
    const slow = baton.events({ since: 'start' });
    t.after(() => slow.return());
    const fast = await follow(baton, { since: 'start' });
    const tasks = Array.from({ length: 1000 }, () => ({ task: noop, autoRun: false }));
    await baton.createTasks(tasks.slice(0, 1));
    await slow.next();
    // More than waits for anybody.
    for (let round = 0; round < 6; round++) await baton.createTasks(tasks);
    await fast.seen('create', 6001);
    await fast.stop();
    const heard: (number | undefined)[] = [];
    while (heard.length < 6000) {
      const step = await slow.next();
      assert.ok(step.done !== true);
      heard.push(step.value.task);
    }
    assert.deepEqual(heard, idsOf(fast.entries, 'create').slice(1));
  });

  it('a cursor whose entry is gone is refused, and so is what is none', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance(FAST);
    await baton.createTasks([{ task: noop }, { task: noop }]);
    const following = await follow(baton, { since: 'start' });
    await following.seen('create', 2);
    await following.stop();
    const database = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => database.close());
    const { history } = tablesOf(system.backend.prefix, undefined);
    await database.query(
      `DELETE FROM ${history} WHERE id = (SELECT first FROM (SELECT MIN(id) AS first FROM ${history}) f)`,
    );
    const [gone, there] = following.entries.map(({ cursor }) => cursor);
    await assert.rejects(baton.events({ since: gone }).next(), { code: 'CURSOR_EXPIRED' });
    await baton.createTask(noop, undefined);
    const { value } = await baton.events({ since: there }).next();
    assert.equal(value?.event, 'create');
    for (const since of ['x', '', 5 as never])
      await assert.rejects(baton.events({ since }).next(), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(baton.events({ from: 1 } as object).next(), { code: 'INVALID_ARGUMENT' });
  });

  it('following ends with its signal, with the instance, and with whoever has heard enough', async (t) => {
    const system = await openSystem(backend, t);
    const baton = system.instance(FAST);
    const [aborted, stopped] = [await follow(baton), await follow(baton)];
    await aborted.stop();
    assert.equal((await aborted.ended) instanceof DOMException, true);
    await baton.createTask(noop, undefined);
    for await (const { event } of baton.events({ since: 'start' })) {
      assert.equal(event, 'create');
      break;
    }
    await baton.stop();
    assert.equal(((await stopped.ended) as { code?: string }).code, 'NOT_RUNNING');
  });

  it('an outage is survived: what was committed meanwhile comes when the database answers again', async (t) => {
    const system = await openSystem(backend, t);
    const db = new FaultyDatabase(system.backend.url);
    const [baton, other] = [system.instance({ ...FAST, db }), system.instance(FAST)];
    const following = await follow(baton, { since: 'start' });
    const first = await other.createTask(noop, undefined);
    await following.seen('create');
    const failing = new Promise<void>((resolve) => void baton.on('loop.failing', () => resolve()));
    db.fault = () => Promise.reject(new Error('no answer'));
    await failing;
    const second = await other.createTask(noop, undefined);
    db.fault = (_sql, send) => send();
    await following.seen('create', 2);
    await following.stop();
    assert.deepEqual(idsOf(following.entries, 'create'), [first, second]);
  });

  it('a replica that runs tasks is followed like any other', async (t) => {
    const system = await openSystem(backend, t);
    const baton = await system.replica({ ...FAST, tasks: [noop] });
    const following = await follow(baton, { since: 'start' });
    const id = await baton.createTask(noop, undefined);
    await reaches(baton, id, 'finished');
    await following.seen('finish');
    await following.stop();
    assert.deepEqual(idsOf(following.entries, 'claim'), [id]);
  });
});

it('fifty who follow cost one look at each poll, and nobody none', async (t) => {
  const clock = new ManualClock();
  const db = new FaultyDatabase('sqlite::memory:');
  const baton = new Taskbaton({ db, logger: null, pollInterval: 1000, lease: '30s' }, { clock });
  await baton.migrate();
  let looks = 0;
  db.fault = (sql, send) => {
    looks += Number(sql.includes('taskbaton_history'));
    return send();
  };
  const stop = new AbortController();
  const all = Array.from({ length: 50 }, async () => {
    for await (const { event } of baton.events({ signal: stop.signal })) assert.equal(event, 'create');
  });
  t.after(() => baton.stop());
  await clock.advance(5000);
  looks = 0;
  await clock.advance(60_000);
  assert.ok(looks >= 50 && looks <= 70, `${looks} looks in a minute`);
  stop.abort();
  await Promise.allSettled(all);
  looks = 0;
  await clock.advance(60_000);
  assert.equal(looks, 0);
});
