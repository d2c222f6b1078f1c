/** The proof that users run on their own tasks: it passes for one that can be stopped anywhere, and fails for one that can't. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { defineTask, finished, snooze } from '../../src/index.ts';
import { resumeEverywhere } from '../../src/testing/index.ts';

it('a task that keeps all it needs in its context passes, whatever happens to it when', async () => {
  const summing = defineTask<number[], number[], { at: number; sum: number }>({
    type: 'summing',
    async *run({ input, context = { at: 0, sum: 0 } }) {
      let { at, sum } = context;
      while (at < input.length) {
        sum += input[at++] ?? 0;
        yield { context: { at, sum } };
      }
    },
  });
  const { writes, awaits, runs } = await resumeEverywhere(summing, [1, 2, 3], { awaits: 2 });
  assert.equal(writes, 4);
  assert.ok(awaits >= 3, 'it goes on after each yield');
  assert.equal(runs, 4 * (2 * 4 - 1 + 2));
});

it('a task whose effects may come twice is found out, with the moment at which they do', async () => {
  let sent: number[] = [];
  const sending = defineTask<number, number, number>({
    type: 'sending',
    async *run({ input, context = 0 }) {
      for (let index = context; index < input; index++) {
        sent.push(index);
        yield { context: index + 1 };
      }
    },
  });
  const proof = resumeEverywhere(sending, 3, { setup: () => (sent = []), effects: () => [...sent] });
  await assert.rejects(proof, { name: 'AssertionError', message: /^after a crash before write 1 of 4 / });
});

it('a task that forgets what it had in memory is found out', async () => {
  const forgetful = defineTask<undefined, undefined, { at: number }>({
    type: 'forgetful',
    async *run({ context }) {
      let sum = 0;
      for (let at = context?.at ?? 0; at < 3; at++) {
        sum += at;
        yield { context: { at: at + 1 } };
      }
      return finished({ context: { at: sum } });
    },
  });
  await assert.rejects(resumeEverywhere(forgetful, undefined), {
    message: /^after a \w+ (before|after) write \d of 4 /,
  });
});

it('a task that writes in one transaction with its checkpoint passes', async () => {
  const steps: string[] = [];
  const careful = defineTask<undefined, undefined, number>({
    type: 'careful',
    async run({ context = 0, transaction }) {
      for (let at = context; at < 3; at++) {
        await transaction(async (tx) => {
          await tx.query('CREATE TABLE IF NOT EXISTS ledger (at INTEGER NOT NULL)');
          await tx.query('INSERT INTO ledger VALUES (?)', [at]);
          return { context: at + 1 };
        });
      }
      await transaction(async (tx) => {
        const { rows } = await tx.query('SELECT at FROM ledger ORDER BY at');
        steps.splice(0, Infinity, ...rows.map((row) => String(row['at'])));
      });
    },
  });
  await resumeEverywhere(careful, undefined, { effects: () => [...steps] });
  assert.deepEqual(steps, ['0', '1', '2']);
});

it('a task that leaves things half done when it is told to stop is found out at the await where it does', async () => {
  let locked = false;
  const locking = defineTask<undefined, undefined, number>({
    type: 'locking',
    async *run({ context = 0, signal }) {
      for (let at = context; at < 1; at++) {
        if (locked) throw new Error('somebody has left the lock');
        locked = true;
        await turn();
        await turn();
        signal.throwIfAborted();
        locked = false;
        yield { context: at + 1 };
      }
    },
  });
  const setup = (): void => {
    locked = false;
  };
  const atWrites = await resumeEverywhere(locking, undefined, { setup, awaits: 0 });
  assert.equal(atWrites.runs, 4 * 3);
  await assert.rejects(resumeEverywhere(locking, undefined, { setup }), {
    message: /^after a (pause|stop) at await \d+ of \d+ .*somebody has left the lock/,
  });
});

it('a task with children passes, and each child is there once', async () => {
  const child = defineTask<number, number, number>({
    type: 'child',
    async *run({ input }) {
      yield { context: input * 2 };
    },
  });
  const parent = defineTask<undefined, undefined, readonly number[]>({
    type: 'parent',
    async run({ context, children, report }) {
      if (context === undefined)
        await children.create(
          [1, 2].map((input) => ({ task: child, input })),
          { context: [] },
        );
      const done = await children.done({ as: child });
      await report({ context: done.map(({ context: doubled }) => doubled ?? 0) });
    },
  });
  const { writes } = await resumeEverywhere(parent, undefined, { tasks: [child], awaits: 10 });
  assert.ok(writes >= 4);
});

it('a task that sleeps, or is tried again, is run to its end each time', async () => {
  let sent: string[] = [];
  const world = { setup: () => (sent = []), effects: () => new Set(sent) };
  const snoozing = defineTask<undefined, undefined, string>({
    type: 'snoozing',
    async run({ context }) {
      if (context === undefined) return snooze('10m', { context: 'slept' });
      sent.push(context);
      return finished({ context: 'done' });
    },
  });
  const { writes } = await resumeEverywhere(snoozing, undefined, world);
  assert.equal(writes, 2);
  assert.ok(sent.includes('slept'));
  const failing = defineTask<undefined, undefined, string>({
    type: 'failing',
    retry: { attempts: 3, delay: '10m' },
    async run({ task, report }) {
      if (task.attempt < 3) throw new Error('not yet');
      sent.push('tried');
      await report({ context: 'done' });
    },
  });
  assert.equal((await resumeEverywhere(failing, undefined, world)).writes, 4);
  assert.ok(sent.includes('tried'));
});

it('what goes wrong after a sleep is found out', async () => {
  let sent: string[] = [];
  const twice = defineTask<undefined, undefined, string>({
    type: 'twice',
    async run({ context }) {
      if (context === undefined) return snooze('10m', { context: 'slept' });
      sent.push(context);
      return finished({ context: 'done' });
    },
  });
  await assert.rejects(
    resumeEverywhere(twice, undefined, { setup: () => (sent = []), effects: () => [...sent] }),
    { message: /^after a crash before write 2 of 2 / },
  );
});

it('a task that does not finish in peace proves nothing, and is refused', async () => {
  const hopeless = defineTask<undefined, undefined, string>({
    type: 'hopeless',
    async run({ context }) {
      if (context === undefined) return snooze('10m', { context: 'slept' });
      throw new Error('broken after its sleep');
    },
  });
  await assert.rejects(resumeEverywhere(hopeless, undefined), {
    name: 'AssertionError',
    message: /^in peace the task does not finish: it is failed \(broken after its sleep\)/,
  });
  const endless = defineTask<undefined, undefined, string>({
    type: 'endless',
    run: async () => snooze('20d'),
  });
  await assert.rejects(resumeEverywhere(endless, undefined), {
    name: 'AssertionError',
    message: /^in peace the task does not finish: it is pending/,
  });
});
