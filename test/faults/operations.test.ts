/**
 * The connection is lost at each statement of each thing that users can ask for, before the statement arrives or with its
 * answer. What was asked for is there as a whole or not at all; who was told that it is there can rely on it; and asking again
 * puts everything right, once.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Schedules } from '../../src/cron/index.ts';
import { declareTask, isTaskbatonError, Taskbaton } from '../../src/index.ts';
import { tablesOf } from '../../src/store/schema.ts';
import type { Database } from '../../src/core/connection.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { TestBackend } from '../backends.ts';
import { eachDatabase } from '../support/process.ts';
import type { Fault } from '../support/tcp-proxy.ts';
import { canConflict, type Line, type Route, ROUTES } from './line.ts';

const WORK = declareTask({ type: 'work' });

/** What an operation is tried on; each try has its own. */
interface Subject {
  readonly group: string;
  readonly ids: readonly number[];
}

interface Cast {
  readonly baton: Taskbaton;
  readonly schedules: Schedules;
}

interface Operation {
  readonly name: string;
  /** Sets the stage, over a connection that holds. */
  readonly prepare?: (direct: Cast, group: string) => Promise<readonly number[]>;
  readonly act: (cast: Cast, subject: Subject) => Promise<unknown>;
  /** What is there of it. */
  readonly look: (stage: Stage, subject: Subject) => Promise<unknown>;
  /** What is to be there if it is asked for again; what one success leaves, if not given. */
  readonly again?: (found: unknown) => unknown;
}

const plusOne = (found: unknown): unknown => Number(found) + 1;
const one = async ({ baton }: Cast, group: string, autoRun = true): Promise<readonly number[]> => [
  await baton.createTask(WORK, undefined, { group, autoRun }),
];
const three = async ({ baton }: Cast, group: string): Promise<readonly number[]> =>
  baton.createTasks(Array.from({ length: 3 }, () => ({ task: WORK, input: undefined, group })));
const paused = async (cast: Cast, group: string): Promise<readonly number[]> => {
  const ids = await one(cast, group);
  await cast.baton.pauseTask(ids[0]!);
  return ids;
};
const scheduled = async ({ schedules }: Cast, group: string): Promise<readonly number[]> => {
  await schedules.set(group, { task: WORK, input: undefined, every: '1h', group });
  return [];
};

const OPERATIONS: readonly Operation[] = [
  {
    name: 'createTask',
    act: ({ baton }, { group }) => baton.createTask(WORK, undefined, { group }),
    look: (stage, { group }) => stage.count('task', 'task_group', group),
    again: plusOne,
  },
  {
    name: 'createTask with a key',
    act: ({ baton }, { group }) => baton.createTask(WORK, undefined, { group, key: group }),
    look: (stage, { group }) => stage.count('task', 'task_group', group),
  },
  {
    name: 'createTasks',
    act: (cast, { group }) => three(cast, group),
    look: (stage, { group }) => stage.count('task', 'task_group', group),
    again: (found) => Number(found) + 3,
  },
  {
    name: 'runTask',
    prepare: paused,
    act: ({ baton }, { ids }) => baton.runTask(ids[0]!),
    look: (stage, subject) => stage.statuses(subject),
  },
  {
    name: 'runTask at a time',
    prepare: paused,
    act: ({ baton }, { ids }) => baton.runTask(ids[0]!, { delay: '1h' }),
    look: (stage, subject) => stage.statuses(subject, 'queue'),
  },
  {
    name: 'pauseTask',
    prepare: one,
    act: ({ baton }, { ids }) => baton.pauseTask(ids[0]!),
    look: (stage, subject) => stage.statuses(subject),
  },
  {
    name: 'deleteTask',
    prepare: one,
    act: ({ baton }, { ids }) => baton.deleteTask(ids[0]!),
    look: (stage, subject) => stage.statuses(subject),
  },
  {
    name: 'changeTaskGroup',
    prepare: one,
    act: ({ baton }, { ids, group }) => baton.changeTaskGroup(ids[0]!, `${group} moved`),
    look: (stage, subject) => stage.statuses(subject, 'task_group'),
  },
  {
    name: 'pauseTasks',
    prepare: three,
    act: ({ baton }, { group }) => baton.pauseTasks({ group }),
    look: (stage, subject) => stage.statuses(subject),
  },
  {
    name: 'deleteTasks',
    prepare: three,
    act: ({ baton }, { group }) => baton.deleteTasks({ group }),
    look: (stage, subject) => stage.statuses(subject),
  },
  {
    name: 'changeTasksGroup',
    prepare: three,
    act: ({ baton }, { group }) => baton.changeTasksGroup({ group }, `${group} moved`),
    look: (stage, subject) => stage.statuses(subject, 'task_group'),
  },
  {
    name: 'setLimit',
    act: ({ baton }, { group }) => baton.setLimit('group', group, 7),
    look: (stage, { group }) => stage.count('rule', 'name', group),
  },
  {
    name: 'pauseGroup',
    prepare: one,
    act: ({ baton }, { group }) => baton.pauseGroup(group, { running: true }),
    look: (stage, { group }) => stage.count('rule', 'name', group, 'paused = 1'),
  },
  {
    name: 'resumeGroup',
    prepare: async (cast, group) => {
      await cast.baton.pauseGroup(group);
      return one(cast, group);
    },
    act: ({ baton }, { group }) => baton.resumeGroup(group),
    look: (stage, { group }) => stage.count('rule', 'name', group, 'paused = 1'),
  },
  {
    name: 'Schedules.set',
    act: (cast, { group }) => scheduled(cast, group),
    look: (stage, { group }) => stage.count('schedule', 'name', group),
  },
  {
    name: 'Schedules.pause',
    prepare: scheduled,
    act: ({ schedules }, { group }) => schedules.pause(group),
    look: (stage, { group }) => stage.count('schedule', 'name', group, 'paused = 1'),
  },
  {
    name: 'Schedules.trigger',
    prepare: scheduled,
    act: ({ schedules }, { group }) => schedules.trigger(group),
    look: (stage, { group }) => stage.count('task', 'task_group', group),
    again: plusOne,
  },
  {
    name: 'Schedules.remove',
    prepare: scheduled,
    act: ({ schedules }, { group }) =>
      // Who asks again may be told that it is gone.
      schedules.remove(group).catch((error: unknown) => {
        if (!isTaskbatonError(error, 'SCHEDULE_NOT_FOUND')) throw error;
      }),
    look: (stage, { group }) => stage.count('schedule', 'name', group),
  },
];

/** A system that is looked at and prepared over a connection that holds. */
class Stage {
  readonly place: TestBackend;
  readonly direct: Cast;
  readonly #database: Database;
  #groups = 0;

  private constructor(place: TestBackend, database: Database) {
    this.place = place;
    this.direct = castOn(place.url, place);
    this.#database = database;
  }

  static async open(place: TestBackend): Promise<Stage> {
    const stage = new Stage(place, await openDatabase(place.url, { clock: systemClock }));
    await stage.direct.baton.migrate();
    return stage;
  }

  async subject({ prepare }: Operation): Promise<Subject> {
    const group = `group ${++this.#groups}`;
    return { group, ids: (await prepare?.(this.direct, group)) ?? [] };
  }

  async count(
    table: 'task' | 'rule' | 'schedule',
    column: string,
    value: string,
    and = '1 = 1',
  ): Promise<number> {
    const name = tablesOf(this.place.prefix, undefined)[table];
    const sql = `SELECT COUNT(*) AS found FROM ${name} WHERE ${column} = ? AND ${and}`;
    return Number((await this.#database.query(sql, [value])).rows[0]?.['found']);
  }

  async statuses({ ids }: Subject, column = 'status'): Promise<unknown> {
    const { task } = tablesOf(this.place.prefix, undefined);
    const sql = `SELECT ${column} AS found FROM ${task} WHERE id IN (${ids.join(', ')}) ORDER BY id`;
    // Each try has a group of its own.
    return (await this.#database.query(sql)).rows.map((row) =>
      String(row['found']).replace(/group \d+/, 'group'),
    );
  }

  async close(): Promise<void> {
    await this.direct.baton.stop();
    await this.#database.close();
    await this.place.close();
  }
}

function castOn(db: unknown, { prefix }: TestBackend): Cast {
  const baton = new Taskbaton({ db, prefix, logger: null });
  return { baton, schedules: new Schedules(baton) };
}

/** What goes out after the fact, and may be lost. */
function isHint(text: string): boolean {
  return /pg_notify|SET counter = counter|^SELECT counter/.test(text);
}

/** At each statement its answer is lost, and one of the other faults happens, in turn. */
function faultsAt({ faults }: Route, statement: number): readonly Fault[] {
  if (process.env['FAULTS'] === 'all') return faults;
  const others = faults.filter((fault) => fault !== 'unanswered');
  return ['unanswered', ...others.slice(statement % others.length).slice(0, 1)];
}

/** Lets `fault` happen to the statement with this number; says at what it happened. */
function strike(line: Line, fault: Fault, number: number): () => string | undefined {
  let count = 0;
  let struck: string | undefined;
  line.judge = (text) => {
    if (isHint(text) || ++count !== number) return undefined;
    struck = text;
    return typeof fault === 'object' && !canConflict(text) ? undefined : fault;
  };
  return () => struck;
}

/** What there is before and after an act that nothing disturbs. */
interface Course {
  readonly before: unknown;
  readonly after: unknown;
}

async function undisturbed(stage: Stage, operation: Operation): Promise<Course> {
  const subject = await stage.subject(operation);
  const before = await operation.look(stage, subject);
  await operation.act(stage.direct, subject);
  return { before, after: await operation.look(stage, subject) };
}

/** Whether there is a statement with this number. */
async function tryOut(
  stage: Stage,
  line: Line,
  operation: Operation,
  { before, after }: Course,
  [fault, number]: readonly [Fault, number],
): Promise<boolean> {
  const { act, look, again } = operation;
  const cast = castOn(line.db, stage.place);
  await cast.baton.replicas();
  const subject = await stage.subject(operation);
  const struck = strike(line, fault, number);
  const refused = await act(cast, subject).then(
    () => false,
    (error: unknown) => isTaskbatonError(error, 'DATABASE_UNAVAILABLE') || Promise.reject(error as Error),
  );
  line.judge = () => undefined;
  const found = await look(stage, subject);
  const where = `${JSON.stringify(fault)} at statement ${number}: ${struck()?.slice(0, 80)}`;
  assert.ok(!refused || typeof fault === 'string', `${where}: a conflict that the user got to know`);
  const possible = refused ? [before, after] : [after];
  assert.ok(
    possible.some((state) => isDeepStrictEqual(found, state)),
    `${where}: ${refused ? 'refused' : 'done'}, and there is ${JSON.stringify(found)}`,
  );
  if (refused) {
    await act(cast, subject);
    assert.deepEqual(await look(stage, subject), again?.(found) ?? after, `${where}: asked for again`);
  }
  await cast.baton.stop();
  return struck() !== undefined;
}

/** At one statement after the other, until there are no more. */
async function tryOutAll(stage: Stage, route: Route, operation: Operation): Promise<number> {
  const course = await undisturbed(stage, operation);
  let tried = 0;
  for (let number = 1, more = true; more; number++) {
    more = false;
    for (const fault of faultsAt(route, number)) {
      const line = await route.open(stage.place.url);
      try {
        more = (await tryOut(stage, line, operation, course, [fault, number])) || more;
      } finally {
        await line.close();
      }
      tried += 1;
    }
  }
  return tried;
}

describe('a connection is lost at any statement of an operation', () => {
  eachDatabase((open, backend) => {
    for (const route of ROUTES.filter((known) => known.backend === backend)) {
      describe(`${route.name}:`, { concurrency: 6 }, () => {
        for (const operation of OPERATIONS) {
          it(`${operation.name} is done as a whole or not at all, and once if asked for again`, async (t) => {
            const stage = await Stage.open(await open());
            t.after(() => stage.close());
            t.diagnostic(`${await tryOutAll(stage, route, operation)} cuts`);
          });
        }
      });
    }
  });
});
