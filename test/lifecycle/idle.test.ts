/** The pace of a replica, with much to do and with nothing, and what that costs its database: on a clock that is moved. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask, Taskbaton } from '../../src/index.ts';
import { ManualClock } from '../support/clock.ts';
import { FaultyDatabase } from '../support/faulty-database.ts';

const MINUTE = 60_000;
const RUNNING = 100;
const WAITING = 5;
const HALF_A_POLL = 500;
const A_WHILE = 20;

const endless = defineTask({
  type: 'endless',
  run: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
});

it('an idle replica asks less than once in two seconds, and takes up its old pace as soon as it has work', async () => {
  const { baton, clock, count } = await replica();
  assert.ok((await count(MINUTE)) <= 30);
  await baton.createTask(endless, undefined);
  await clock.advance(1000);
  assert.equal((await baton.getTasks({ states: ['running'] })).tasks.length, 1);
  await stop(baton, clock);
});

it('a hundred running tasks cost no more than two statements a second', async () => {
  const { baton, clock, count } = await replica();
  await baton.createTasks(Array.from({ length: RUNNING }, () => ({ task: endless, input: undefined })));
  await clock.advance(1000);
  assert.equal((await baton.getTasks({ states: ['running'], limit: RUNNING })).tasks.length, RUNNING);
  assert.ok((await count(MINUTE)) <= 120);
  await stop(baton, clock);
});

it('tasks that wait for a slot start as soon as it is free, long before anybody polls', async () => {
  const clock = new ManualClock();
  const run = (): Promise<void> => new Promise((resolve) => clock.after(A_WHILE, resolve));
  const quick = defineTask({ type: 'quick', run });
  const options = { db: 'sqlite::memory:', tasks: [quick], concurrency: 1, logger: null };
  const baton = new Taskbaton(options, { clock });
  await baton.start();
  await clock.advance(1000);
  await baton.createTasks(Array.from({ length: WAITING }, () => ({ task: quick, input: undefined })));
  await clock.advance(HALF_A_POLL);
  assert.equal((await baton.getTasks({ states: ['finished'] })).tasks.length, WAITING);
  await stop(baton, clock);
});

/** A started replica with the default settings, and a count of what it asks in so many milliseconds. */
async function replica(): Promise<{
  readonly baton: Taskbaton;
  readonly clock: ManualClock;
  readonly count: (ms: number) => Promise<number>;
}> {
  const clock = new ManualClock();
  const db = new FaultyDatabase('sqlite::memory:');
  db.hintsInTransactions = true;
  const options = { db, tasks: [endless], concurrency: RUNNING, logger: null };
  const baton = new Taskbaton(options, { clock });
  await baton.start();
  await clock.advance(5000);
  let statements = 0;
  db.fault = (_sql, send) => {
    statements += 1;
    return send();
  };
  const count = async (ms: number): Promise<number> => {
    statements = 0;
    await clock.advance(ms);
    return statements;
  };
  return { baton, clock, count };
}

async function stop(baton: Taskbaton, clock: ManualClock): Promise<void> {
  const stopped = baton.stop();
  await clock.advance(5000);
  await stopped;
}
