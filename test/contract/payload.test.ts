/** Inputs and contexts at the limit and one byte over it, at creation and in reports, on every database. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTask, isTaskbatonError, type TaskDefinition, Taskbaton } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { openSystem, reaches } from '../support/system.ts';

const MEBIBYTE = 2 ** 20;
const LIMITS = [
  ['1 MiB, the default', undefined, MEBIBYTE],
  ['16 MiB, the most', 16 * MEBIBYTE, 16 * MEBIBYTE],
] as const;
/** What fits into the 16 MiB that MariaDB takes in one statement unless it is told otherwise. */
const MYSQL_LIMITS = [LIMITS[0], ['3 MiB', 3 * MEBIBYTE, 3 * MEBIBYTE]] as const;

eachBackend((backend) => {
  for (const [what, maxPayload, limit] of backend.name === 'mysql' ? MYSQL_LIMITS : LIMITS) {
    describe(`payloads up to ${what},`, () => {
      it('are stored and read back to the last byte', async (context) => {
        const baton = (await openSystem(backend, context)).instance({ maxPayload });
        for (const value of [jsonOf(limit, 'x'), jsonOf(limit, '漢')]) {
          const id = await baton.createTask(reporter(''), value, { context: value, autoRun: false });
          const task = await baton.getTask(id);
          assert.ok(task.input === value && task.context === value);
        }
      });

      it('are refused at creation when they are one byte longer, and nothing is written', async (context) => {
        const baton = (await openSystem(backend, context)).instance({ maxPayload });
        const value = jsonOf(limit + 1, 'x');
        await refuses(baton.createTask(reporter(''), value), limit);
        await refuses(baton.createTask(reporter(''), null, { context: value }), limit);
        assert.deepEqual((await baton.getTasks()).tasks, []);
      });

      it('are stored when a handler reports them', async (context) => {
        const value = jsonOf(limit, 'x');
        const baton = await (
          await openSystem(backend, context)
        ).replica({ maxPayload, tasks: [reporter(value)] });
        const id = await baton.createTask(reporter(value), null);
        const task = await reaches(baton, id, 'finished');
        assert.ok(task.context === value);
      });

      it('fail the task that reports one byte more, keep its last context and tell why', async (context) => {
        const value = jsonOf(limit + 1, 'x');
        const baton = await (
          await openSystem(backend, context)
        ).replica({ maxPayload, tasks: [reporter(value)] });
        const id = await baton.createTask(reporter(value), null, { context: 'before' });
        const task = await reaches(baton, id, 'failed');
        assert.deepEqual([task.error?.code, task.context], ['PAYLOAD_TOO_LARGE', 'before']);
      });
    });
  }

  it('a handler may go on after a report that was too large', async (context) => {
    const task = defineTask({
      type: 'careful',
      async *run() {
        try {
          yield { context: jsonOf(MEBIBYTE + 1, 'x') };
        } catch (error) {
          yield { context: isTaskbatonError(error) ? error.code : 'another error' };
        }
      },
    });
    const baton = await (await openSystem(backend, context)).replica({ tasks: [task] });
    const id = await baton.createTask(task, null);
    assert.equal((await reaches(baton, id, 'finished')).context, 'PAYLOAD_TOO_LARGE');
  });
});

/** A task that reports `value` once. */
function reporter(value: string): TaskDefinition {
  return defineTask({
    type: 'reporter',
    async *run() {
      yield { context: value };
    },
  });
}

/** A text whose JSON takes `size` bytes, made of `character` as far as that goes. */
function jsonOf(size: number, character: string): string {
  const width = Buffer.byteLength(character);
  const room = size - 2;
  return character.repeat(Math.floor(room / width)) + 'x'.repeat(room % width);
}

async function refuses(promise: ReturnType<Taskbaton['createTask']>, limit: number): Promise<void> {
  await assert.rejects(
    promise,
    (error) =>
      isTaskbatonError(error, 'PAYLOAD_TOO_LARGE') &&
      error.details['size'] === limit + 1 &&
      error.details['limit'] === limit,
  );
}
