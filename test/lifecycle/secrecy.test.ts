/**
 * What users put into their tasks, and what their handlers throw, in every flow in which it could be said: it is in no log line at
 * any level, and it reaches the database as a parameter, never as a part of a statement.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inspect } from 'node:util';
import { z } from 'zod';
import {
  defineTask,
  finished,
  type HandlerArguments,
  type Logger,
  snooze,
  type TaskDefinition,
  TaskFailed,
} from '../../src/index.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { RecordingDatabase } from '../../src/testing/recording.ts';
import { eachBackend } from '../backends.ts';
import { openSystem, reaches, record, until, vanishes } from '../support/system.ts';

/** Nobody but the task's owner should ever read it. */
const SECRET = 'sEcReT-7f3a';
const INPUT = { password: `${SECRET} input` };
const REPORT = { context: { token: `${SECRET} context` }, message: `${SECRET} message`, progress: 0.5 };

type Run = (given: HandlerArguments<unknown, unknown>) => unknown;

/** How a handler can come to its end, each with what it knows and should keep to itself. */
const ENDINGS: Readonly<Record<string, { readonly run: Run; readonly state: 'finished' | 'failed' }>> = {
  returns: { run: () => finished({ context: REPORT.context }), state: 'finished' },
  'returns-nonsense': { run: () => `${SECRET} returned`, state: 'finished' },
  throws: {
    run: () => {
      throw new Error(`${SECRET} thrown`, { cause: new Error(`${SECRET} cause`) });
    },
    state: 'failed',
  },
  'throws-nonsense': {
    run: () => {
      throw `${SECRET} thrown text` as never as Error;
    },
    state: 'failed',
  },
  fails: {
    run: () => {
      throw new TaskFailed(`${SECRET} reason`, { context: REPORT.context });
    },
    state: 'failed',
  },
  'reports-nonsense': { run: ({ report }) => report(`${SECRET} report` as never), state: 'failed' },
  'reports-what-is-no-json': {
    run: ({ report }) => report({ context: { [`${SECRET} key`]: () => SECRET } }),
    state: 'failed',
  },
  'reports-too-much': { run: ({ report }) => report({ context: SECRET.repeat(200) }), state: 'failed' },
  'reports-after-its-end': {
    run: ({ report }) => void setImmediate(() => void report(REPORT).catch(() => undefined)),
    state: 'finished',
  },
  'snoozes-nonsense': { run: () => snooze(`${SECRET} later` as never), state: 'failed' },
  'writes-nonsense': {
    run: ({ transaction }) =>
      transaction((tx) => tx.query('SELECT * FROM nowhere WHERE x = ?', [SECRET]) as never),
    state: 'failed',
  },
};

function definitions(): readonly TaskDefinition[] {
  const ending = Object.entries(ENDINGS).map(([type, { run }]) =>
    defineTask({
      type,
      run: async (given) => {
        if (given.context === undefined) await given.report(REPORT);
        return (await run(given)) as never;
      },
      cleanup: () => {
        throw new Error(`${SECRET} cleanup`);
      },
    }),
  );
  const picky = defineTask({
    type: 'picky',
    context: z.object({ n: z.number({ error: `${SECRET} schema` }) }),
    run: () => undefined,
  });
  const retried = defineTask({
    type: 'retried',
    retry: {
      attempts: 2,
      backoff: () => {
        throw new Error(`${SECRET} delay`);
      },
    },
    run: () => {
      throw new Error(`${SECRET} retried`);
    },
  });
  return [...ending, picky, retried] as readonly TaskDefinition[];
}

eachBackend((backend) => {
  it('whatever a handler does with a secret, no log line has it, and no statement but as a parameter', async (t) => {
    const system = await openSystem(backend, t);
    const lines: string[] = [];
    const note = (message: string, fields?: object): void =>
      void lines.push(message, inspect(fields, { depth: 20, showHidden: true }), JSON.stringify(fields));
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const inner = await openDatabase(system.backend.url, { clock: systemClock });
    t.after(() => inner.close());
    const db = new RecordingDatabase(inner);
    const tasks = definitions();
    const baton = await system.replica({ db, tasks, logger, maxPayload: 1000, pollInterval: 50 });
    const events = record(baton);
    const options = { user: `${SECRET} user`, group: `${SECRET} group`, key: '' };
    for (const definition of tasks) {
      const expected = ENDINGS[definition.type]?.state ?? 'failed';
      const given = definition.type === 'picky' ? { ...options, context: { n: 1 } } : options;
      const id = await baton.createTask(definition, INPUT, {
        ...given,
        key: `${SECRET} ${definition.type}`,
        autoRun: false,
      });
      if (definition.type === 'picky') await spoil(db, system.backend.prefix, id);
      await baton.runTask(id);
      await reaches(baton, id, expected);
      await baton.deleteTask(id);
      if (definition.cleanup === undefined) await vanishes(baton, id);
      else
        await until(
          'its cleanup has failed',
          async () => (await baton.getTask(id, { includeDeleting: true })).error !== undefined,
        );
    }
    await assert.rejects(baton.createTask(tasks[0]!, SECRET.repeat(200)));
    await baton.setLimit('user', options.user, 3);
    await baton.pauseGroup(options.group, { running: true });
    await baton.resumeGroup(options.group);
    await baton.drainReplica(baton.replicaId!, { actor: `${SECRET} actor`, reason: `${SECRET} reason` });
    await events.next('replica.draining');
    await baton.stop();

    assert.ok(lines.length > 100, 'it does log');
    assert.deepEqual(
      lines.filter((line) => line.includes(SECRET)),
      [],
    );
    assert.ok(
      events.events.some((event) => JSON.stringify(event).includes(`${SECRET} thrown`)),
      'listeners are told',
    );
    assert.deepEqual(
      db.statements.filter(({ sql }) => sql.includes(SECRET)),
      [],
    );
    const values = JSON.stringify(db.statements.map((statement) => statement.values));
    for (const part of ['input', 'context', 'message', 'thrown', 'reason', 'user', 'group', 'actor'])
      assert.ok(values.includes(`${SECRET} ${part}`), part);
  });
});

/** A context that an older release might have left. */
async function spoil(db: RecordingDatabase, prefix: string, id: number): Promise<void> {
  await db.query(`UPDATE ${prefix}task SET context = ? WHERE id = ?`, [
    JSON.stringify({ n: `${SECRET} old` }),
    id,
  ]);
}
