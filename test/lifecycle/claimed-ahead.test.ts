/** Tasks that are claimed before there is a slot for them, where handlers are over sooner than a claim is answered. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { defineTask, type EngineEvent, type Taskbaton } from '../../src/index.ts';
import { type Backend, eachBackend } from '../backends.ts';
import { gate, openSystem, type System, until } from '../support/system.ts';

const SLOTS = 4;
const BRIEF = 400;
const LONG = 40;

interface Mix {
  readonly system: System;
  /** Holds the long ones, and has claimed more at once than it has slots for. */
  readonly first: Taskbaton;
  readonly events: readonly EngineEvent[];
  /** The most handlers that ran at once in one replica. */
  readonly most: () => number;
  readonly replica: () => Promise<Taskbaton>;
  /** Lets the long ones end. */
  readonly finish: () => void;
}

/** Many tasks that are over at once, and then some that take as long as the test wants. */
async function mix(backend: Backend, context: TestContext): Promise<Mix> {
  const system = await openSystem(backend, context);
  const end = gate();
  const now = new Map<string, number>();
  let most = 0;
  const count = (replica: string, by: number): void => {
    now.set(replica, (now.get(replica) ?? 0) + by);
    most = Math.max(most, now.get(replica) ?? 0);
  };
  const task = defineTask<boolean, boolean>({
    type: 'mixed',
    async run({ input: long, task: { replica }, signal }) {
      count(replica, 1);
      const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      if (long) await Promise.race([end.opened, stopped]);
      count(replica, -1);
      signal.throwIfAborted();
    },
  });
  const replica = (): Promise<Taskbaton> => system.replica({ tasks: [task], concurrency: SLOTS });
  const web = system.instance({ tasks: [task] });
  await web.createTasks(Array.from({ length: BRIEF + LONG }, (_, nth) => ({ task, input: nth >= BRIEF })));
  const first = system.instance({ tasks: [task], concurrency: SLOTS });
  const events: EngineEvent[] = [];
  first.on('*', (event) => void events.push(event));
  await first.start();
  return { system, first, events, most: () => most, replica, finish: () => end.open() };
}

async function states(baton: Taskbaton): Promise<Readonly<Record<string, number>>> {
  return (await baton.overview()).states;
}

eachBackend((backend) => {
  it('are begun as slots become free, never more at once than there are slots', async (t) => {
    const { first, events, most, finish } = await mix(backend, t);
    finish();
    await until('all are done', async () => (await states(first))['finished'] === BRIEF + LONG);
    assert.equal(most(), SLOTS);
    const claims = events.filter((event) => event.name === 'tasks.claimed');
    assert.ok(
      claims.some(({ count }) => count > SLOTS),
      'some were claimed ahead',
    );
  });

  it('are given back when no slot becomes free, and another replica takes them', async (t) => {
    const { first, events, most, replica, finish } = await mix(backend, t);
    await until('only those with a slot are held', async () => {
      const { running, pending } = await states(first);
      return running === SLOTS && pending === LONG - SLOTS;
    });
    await replica();
    await until('another has taken some', async () => (await states(first))['running'] === 2 * SLOTS);
    assert.equal(most(), SLOTS);
    const begun = new Set<string>();
    for (const event of events) {
      if (event.name === 'task.started') begun.add(`${event.id}/${event.epoch}`);
      if (event.name !== 'task.released') continue;
      assert.equal(begun.has(`${event.id}/${event.epoch}`), false, `task ${event.id} had begun`);
    }
    finish();
    await until('all are done', async () => (await states(first))['finished'] === BRIEF + LONG);
  });

  it('are paused and deleted like all others, and given back by a replica that stops', async (t) => {
    const { first, system, replica, finish } = await mix(backend, t);
    await until('the brief ones are done', async () => (await states(first))['finished'] === BRIEF);
    await first.stop();
    const web = system.instance();
    await until('all are given back', async () => (await states(web))['pending'] === LONG - SLOTS);
    const { tasks } = await web.getTasks({ states: ['pending'], limit: LONG });
    const ids = tasks.map(({ id }) => id);
    assert.ok(
      tasks.every(({ startedAt, replica: holder }) => startedAt === undefined && holder === undefined),
      'what has not begun shows no sign of it',
    );
    await web.pauseTasks({ ids: ids.slice(0, 10) });
    await web.deleteTasks({ ids: ids.slice(10, 20) });
    finish();
    await replica();
    await until('the rest is done', async () => {
      const { finished, paused, deleting = 0 } = await states(web);
      return finished === BRIEF + LONG - 20 && paused === 10 && deleting === 0;
    });
  });
});
