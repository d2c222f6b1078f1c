/**
 * Commands that change tasks: some that are named, or all that a filter fits. The latter first say how many that would
 * be, and ask.
 */
import { type BulkChange, type BulkFilter, checkBulkFilter } from '../../core/bulk.ts';
import type { PublicState } from '../../core/status.ts';
import { countConcerned } from '../../store/bulk.ts';
import type { Taskbaton } from '../../taskbaton.ts';
import { type Command, command } from '../command.ts';
import type { Result } from '../result.ts';
import { type Exit, exitOf } from '../exit.ts';
import { MASS, WHEN } from '../options.ts';
import { usage } from '../parse.ts';
import { count } from '../screen/time.ts';
import { findTask, problemOf, type Session } from '../session.ts';
import { statePiece } from '../view/task.ts';
import { statesOf } from './tasks.ts';

const IDS = {
  kind: 'id',
  many: true,
  optional: true,
  about: 'The tasks; without any, those that the options fit.',
} as const;

const WAIT = {
  wait: { kind: 'flag', about: 'End when all that were running have really stopped.' },
  timeout: { kind: 'duration', value: 'TIME', about: 'With --wait, at most so long.' },
} as const;

const CHILDREN = {
  children: { kind: 'flag', about: 'Their children too, and theirs; only for tasks named by id.' },
} as const;

/** What a change is made of. */
interface Change {
  readonly name: string;
  /** How the question begins. */
  readonly title: string;
  /** As in "3 tasks were told to pause". */
  readonly done: string;
  readonly event: Parameters<typeof countConcerned>[1];
  one(baton: Taskbaton, id: number): Promise<void>;
  many(baton: Taskbaton, filter: BulkFilter): Promise<BulkChange>;
}

/** What becomes of many is not over at once. */
const LATER: Readonly<Record<string, string>> = {
  pause: '; those that run stop at their next yield',
  delete: '; those with a cleanup go when it is done',
};

interface MassOptions {
  readonly id: readonly number[];
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly type: readonly string[];
  readonly state: readonly string[];
  readonly parent: number | undefined;
  readonly all: true | undefined;
  readonly yes: true | undefined;
  readonly children?: true | undefined;
  readonly wait?: true | undefined;
  readonly timeout?: `${number}s` | undefined;
}

export const run: Command = command({
  name: 'run',
  section: 'Tasks',
  summary: 'Queues tasks, resumes them, or runs them again after a failure.',
  arguments: { id: IDS },
  options: { ...MASS, ...CHILDREN, ...WHEN },
  examples: ['run 42', 'run 42 --delay 10m', 'run --state failed --type import-csv'],
  async run(given, session) {
    const { id, delay, at, children } = given;
    if (id.length === 0 && (delay ?? at) !== undefined)
      throw usage('--delay and --at are for tasks that are named by id', run);
    return change(given, session, {
      name: 'run',
      title: 'Run',
      done: 'told to run',
      event: 'run',
      one: (baton, task) =>
        baton.runTask(task, { delay, runAt: at, ...familyOf(children), ...session.by(given.reason) }),
      many: (baton, filter) => baton.runTasks(filter, session.by(given.reason)),
    });
  },
});

export const pause: Command = command({
  name: 'pause',
  section: 'Tasks',
  summary: 'Stops tasks where they are; they keep their checkpoints.',
  about: 'A group as a whole, with what comes later, is paused by: taskbaton groups pause.',
  arguments: { id: IDS },
  options: { ...MASS, ...CHILDREN, ...WAIT },
  examples: ['pause 42 43', 'pause --group imports --wait', 'pause --user ada --state pending --yes'],
  async run(given, session) {
    return change(given, session, {
      name: 'pause',
      title: 'Pause',
      done: 'told to pause',
      event: 'pause',
      one: (baton, task) =>
        baton.pauseTask(task, { ...familyOf(given.children), ...session.by(given.reason) }),
      many: (baton, filter) => baton.pauseTasks(filter, session.by(given.reason)),
    });
  },
});

export const move: Command = command({
  name: 'move',
  section: 'Tasks',
  summary: 'Moves tasks to another group, whatever they are doing.',
  arguments: { id: IDS },
  options: { ...MASS, to: { kind: 'text', value: 'NAME', about: 'The group to move them to.' } },
  examples: ['move 42 --to night', 'move --group imports --state pending --to night'],
  async run(given, session) {
    const { to } = given;
    if (to === undefined) throw usage('--to is missing: the group to move them to', move);
    return change(given, session, {
      name: 'move',
      title: `Move to ${to}`,
      done: `moved to ${to}`,
      event: { group: to },
      one: (baton, task) => baton.changeTaskGroup(task, to, session.by(given.reason)),
      many: (baton, filter) => baton.changeTasksGroup(filter, to, session.by(given.reason)),
    });
  },
});

export const remove: Command = command({
  name: 'delete',
  section: 'Tasks',
  summary: 'Stops tasks, runs their cleanups and removes them.',
  arguments: { id: IDS },
  options: { ...MASS, ...WAIT },
  examples: ['delete 42', 'delete --state failed', "delete --all --yes --reason 'the import was wrong'"],
  async run(given, session) {
    return change(given, session, {
      name: 'delete',
      title: 'Delete',
      done: 'told to go',
      event: 'delete',
      one: (baton, task) => baton.deleteTask(task, session.by(given.reason)),
      many: (baton, filter) => baton.deleteTasks(filter, session.by(given.reason)),
    });
  },
});

function familyOf(children: true | undefined): { readonly children?: boolean } {
  return children === undefined ? {} : { children };
}

function change(given: MassOptions, session: Session, what: Change): Promise<Result> {
  const { id, user, group, type, state, parent, all, wait } = given;
  const filter: BulkFilter = {
    user,
    group,
    types: type.length === 0 ? undefined : type,
    states: statesOf(state),
    parent,
    ...(all === undefined ? {} : { all }),
  };
  const named = id.length > 0;
  const filters = Object.values(filter).some((part) => part !== undefined);
  if (named && filters) throw usage('tasks are named by their ids or by options, not by both', what);
  if (!named && !filters)
    throw usage('no task is named; say ids, or options such as --group, or --all', what);
  if (!named && given.children === true) throw usage('--children is for tasks that are named by id', what);
  if (named && wait !== true) return changeNamed(id, session, what);
  return changeMany(named ? { ids: id } : filter, !named && given.yes !== true, given, session, what);
}

/** Each by itself, so that each is told about. */
async function changeNamed(ids: readonly number[], session: Session, what: Change): Promise<Result> {
  const baton = await session.baton();
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) {
    await what.one(baton, only);
    const task = await findTask(baton, only);
    return {
      json: { changed: 1, state: task?.state ?? 'gone' },
      show: () => [
        [
          `Task ${only} was ${what.done}, and is `,
          ...(task === undefined ? ['gone'] : statePiece(task.state)),
        ],
      ],
    };
  }
  const refused: { readonly id: number; readonly problem: string; readonly exit: Exit }[] = [];
  for (const id of ids) {
    await what.one(baton, id).catch((error: unknown) => {
      const exit = exitOf(error);
      if (exit !== 'missing' && exit !== 'conflict') throw error;
      refused.push({ id, problem: problemOf(error as Error), exit });
    });
  }
  const changed = ids.length - refused.length;
  return {
    json: { changed, refused: refused.map(({ id, problem }) => ({ id, problem })) },
    show: () => [
      [`${count(changed, 'task was', 'tasks were')} ${what.done}.`],
      ...refused.map(({ problem }) => [['✘ ', 'red'] as const, problem]),
    ],
    exit: refused[0]?.exit ?? 'ok',
  };
}

async function changeMany(
  filter: BulkFilter,
  ask: boolean,
  { wait, timeout }: MassOptions,
  session: Session,
  what: Change,
): Promise<Result> {
  const baton = await session.baton();
  if (ask) {
    const counts = await countConcerned((await session.store()).scopes, what.event, checkBulkFilter(filter));
    const total = Object.values(counts).reduce((sum, tasks) => sum + tasks, 0);
    if (total === 0) return { json: { changed: 0 }, show: () => [['No task would be changed.']] };
    const question = `${what.title}: ${count(total, 'task')} (${listCounts(counts)}). Go on? [y/N] `;
    if (!(await session.confirm(question)))
      return { json: { changed: 0 }, show: () => [['Nothing was changed.']], exit: 'interrupted' };
  }
  const done = await what.many(baton, filter);
  if (wait === true) await done.settled(timeout === undefined ? {} : { timeout });
  const { changed } = done;
  return {
    json: { changed },
    show: () => [[`${count(changed, 'task was', 'tasks were')} ${what.done}${LATER[what.name] ?? ''}.`]],
  };
}

function listCounts(counts: Readonly<Partial<Record<PublicState, number>>>): string {
  return Object.entries(counts)
    .map(([state, tasks]) => `${tasks.toLocaleString('en-US')} ${state}`)
    .join(', ');
}
