/**
 * What the compiler knows, from a definition to `getTask`: what must compile is written down, and what must not is
 * marked, so that `tsc` fails when it does. Nothing of it runs.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as v from 'valibot';
import { z } from 'zod';
import {
  declareTask,
  defineTask,
  finished,
  implement,
  isTaskbatonError,
  type StopReason,
  type Task,
  Taskbaton,
  TaskFailed,
  typed,
} from '../../src/index.ts';

/** Compiles only if both are the same type. */
type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;

function proof<_Fact extends true>(): void {}

const bySchema = defineTask({
  type: 'by schema',
  input: z.object({ file: z.string(), rows: z.string().transform(Number) }),
  async *run({ input, context, signal, task }) {
    proof<Same<typeof input, { file: string; rows: number }>>();
    proof<Same<typeof signal.reason.why, StopReason>>();
    proof<Same<typeof task.epoch, number>>();
    for (let row: number = context?.row ?? 0; row < input.rows; row += 100) {
      yield { context: { row: row + 100 }, progress: row / input.rows };
    }
  },
  async *cleanup({ input }) {
    proof<Same<typeof input.file, string>>();
    yield;
  },
});

const byType = defineTask({
  type: 'by type',
  input: typed<{ a: number }>(),
  context: typed<{ row: number }>(),
  async *run({ input, context }) {
    proof<Same<typeof context, { row: number } | undefined>>();
    if (input.a < 0) throw new TaskFailed('negative', { remove: true });
    yield { context: { row: input.a } };
    return finished({ context: { row: 1 } });
  },
});

const byFunction = defineTask({
  type: 'by function',
  context: typed<{ row: number }>(),
  async run({ report, context }) {
    await report({ context: { row: (context?.row ?? 0) + 1 } });
    // @ts-expect-error -- not such a context
    await report({ context: { row: 'one' } });
    // @ts-expect-error -- not a number
    await report({ progress: '50%' });
  },
});

const declared = declareTask({
  type: 'declared',
  input: v.object({ a: v.number() }),
  context: typed<{ row: number }>(),
});

const implemented = implement(declared, {
  async *run({ input, context }) {
    yield { progress: input.a + (context?.row ?? 0) };
  },
  onCrash: 'resume',
});

const untyped = defineTask({
  type: 'untyped',
  async *run({ input, context }) {
    yield { context: { file: input.file, row: context?.row } };
  },
});

export const wrongYield = defineTask({
  type: 'wrong yield',
  context: typed<{ row: number }>(),
  // @ts-expect-error -- not such a context
  async *run() {
    yield { context: { row: 'one' } };
  },
});

export const wrongReturn = defineTask({
  type: 'wrong return',
  context: typed<{ row: number }>(),
  // @ts-expect-error -- a result is returned by finished(…)
  async run() {
    return { row: 1 };
  },
});

export const wrongImplementation = implement(declared, {
  // @ts-expect-error -- the input has no such property
  run: ({ input }) => void input.b,
});

export async function proofs(): Promise<void> {
  const baton = new Taskbaton({
    db: 'sqlite::memory:',
    tasks: [bySchema, byType, byFunction, implemented, untyped],
  });

  const id = await baton.createTask(byType, { a: 1 }, { context: { row: 1 } });
  proof<Same<typeof id, number>>();
  await baton.createTask(bySchema, { file: 'a.csv', rows: '100' });
  await baton.createTask(declared, { a: 1 });
  await baton.createTask(untyped, 'anything', { context: 'anything' });
  // @ts-expect-error -- not such an input
  await baton.createTask(declared, { a: 'one' });
  // @ts-expect-error -- what the schema takes, not what it makes of it
  await baton.createTask(bySchema, { file: 'a.csv', rows: 100 });
  // @ts-expect-error -- no such property
  await baton.createTask(bySchema, { path: 'a.csv' });
  // @ts-expect-error -- not such a context
  await baton.createTask(byType, { a: 1 }, { context: { row: 'one' } });
  // @ts-expect-error -- no such option
  await baton.createTask(byType, { a: 1 }, { owner: 'ada' });

  const task = await baton.getTask(id, { as: declared });
  proof<Same<typeof task, Task<{ a: number }, { row: number }>>>();
  proof<Same<typeof task.context, { row: number } | undefined>>();
  // @ts-expect-error -- no such property
  void task.context?.column;
  // @ts-expect-error -- a task as it was read can't be changed
  task.state = 'paused';

  await baton.getTasks({ types: [declared, 'by type'], states: ['running', 'canceling'] });
  // @ts-expect-error -- no such state
  await baton.getTasks({ states: ['stopped'] });
  // @ts-expect-error -- there is no such policy
  defineTask({ type: 'wrong policy', run: () => undefined, onCrash: 'ignore' });
  // @ts-expect-error -- no such option
  void new Taskbaton({ db: 'sqlite::memory:', concurency: 5 });
  // @ts-expect-error -- not a duration
  void new Taskbaton({ db: 'sqlite::memory:', lease: '30 seconds' });

  baton.on('*', (event) => {
    if (event.name === 'task.ended')
      proof<Same<typeof event.event, 'yield' | 'finish' | 'fail' | 'retry' | 'snooze' | 'wait'>>();
    // @ts-expect-error -- not every event is about a task
    void event.id;
  });

  const error: unknown = undefined;
  if (isTaskbatonError(error)) proof<Same<(typeof error)['remedy'], string>>();
  // @ts-expect-error -- no such code
  isTaskbatonError(error, 'NO_SUCH_CODE');
}

it('what is typed is also there', () => {
  const types = [bySchema, byType, byFunction, implemented, untyped].map(({ type }) => type);
  assert.deepEqual(types, ['by schema', 'by type', 'by function', 'declared', 'untyped']);
  assert.equal(typeof proofs, 'function');
});
