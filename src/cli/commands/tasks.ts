/** Commands about tasks that change none, and the one that makes them. */
import { PUBLIC_STATES, type PublicState } from '../../core/status.ts';
import type { TaskFilter } from '../../core/task.ts';
import { type Command, command } from '../command.ts';
import { usage } from '../parse.ts';
import { FILTER, REASON, WHEN } from '../options.ts';
import type { Line } from '../screen/line.ts';
import { namesOf, statePiece, taskColumns, taskLines } from '../view/task.ts';

/** The filter that the options of a list come to. */
export function filterOf(given: {
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly type: readonly string[];
  readonly state: readonly string[];
  readonly parent?: number | undefined;
  readonly deleting?: true | undefined;
}): TaskFilter {
  const { user, group, type, state, parent, deleting } = given;
  return {
    user,
    group,
    types: type.length === 0 ? undefined : type,
    states: statesOf(state),
    parent,
    ...(deleting === true ? { includeDeleting: true } : {}),
  };
}

export function statesOf(texts: readonly string[]): readonly PublicState[] | undefined {
  return texts.length === 0 ? undefined : PUBLIC_STATES.filter((state) => texts.includes(state));
}

export const list: Command = command({
  name: 'list',
  section: 'Tasks',
  summary: 'Lists tasks, the newest first.',
  about: 'Inputs and contexts are left out unless --payload is said.',
  arguments: {},
  options: {
    ...FILTER,
    limit: { kind: 'number', value: 'N', about: 'At most so many, up to 1000; 50.' },
    after: { kind: 'id', value: 'ID', about: 'Go on after this task: what the list before ended with.' },
    payload: { kind: 'flag', about: 'With --json: also inputs, contexts, messages and errors.' },
  },
  examples: [
    'list --state running,paused',
    'list -g imports -u ada --limit 10',
    'list --json | jq .tasks[].id',
  ],
  async run({ limit, after, payload, ...filter }, session) {
    const baton = await session.baton();
    const { tasks, next } = await baton.getTasks({
      ...filterOf(filter),
      ...(limit === undefined ? {} : { limit }),
      after,
      redacted: payload !== true,
    });
    const names = namesOf(await baton.replicas());
    return {
      json: { tasks, next: next ?? null },
      show: (screen) => {
        if (tasks.length === 0 && screen.live) return [[['No task fits.', 'dim']]];
        const more: Line[] =
          next === undefined || !screen.live
            ? []
            : [[], [[`There are more: taskbaton list --after ${next}`, 'dim']]];
        return [...screen.table(taskColumns(screen.now, names), tasks), ...more];
      },
    };
  },
});

export const show: Command = command({
  name: 'show',
  section: 'Tasks',
  summary: 'Shows all about a task.',
  arguments: { id: { kind: 'id', about: 'The task.' } },
  options: { redacted: { kind: 'flag', about: 'Only what the configuration lets through of its payload.' } },
  examples: ['show 42', 'show 42 --json'],
  async run({ id, redacted }, session) {
    const baton = await session.baton();
    const task = await baton.getTask(id, { includeDeleting: true, redacted: redacted === true });
    const names = namesOf(await baton.replicas());
    return { json: task, show: (screen) => taskLines(task, screen, names) };
  },
});

export const create: Command = command({
  name: 'create',
  section: 'Tasks',
  summary: 'Creates a task, and prints its id.',
  about: 'If the configuration has the definition of its type, the input is checked by that.',
  arguments: { type: { kind: 'text', about: 'What type of task.' } },
  options: {
    input: { kind: 'json', value: 'JSON', about: 'Its input: JSON, @FILE or - for the standard input.' },
    context: { kind: 'json', value: 'JSON', about: 'A first context, as --input.' },
    user: { kind: 'text', short: 'u', value: 'NAME', about: 'Whose task it is.' },
    group: { kind: 'text', short: 'g', value: 'NAME', about: 'The group it belongs to.' },
    priority: { kind: 'number', value: 'N', about: 'Where the policy goes by it, higher ones first; 0.' },
    key: { kind: 'text', value: 'TEXT', about: 'While a task of its type has this key, that one is meant.' },
    replace: { kind: 'flag', about: 'What it becomes if that one has never started.' },
    parent: { kind: 'id', value: 'ID', about: 'The task that it does a part of the work of.' },
    'no-run': { kind: 'flag', about: 'Leave it at init until somebody runs it.' },
    ...WHEN,
    ...REASON,
  },
  examples: [
    `create import-csv --input '{"file":"a.csv"}' -u ada -g imports`,
    'create nightly --delay 2h --no-run',
  ],
  async run(given, session) {
    const baton = await session.baton();
    const { type, input, context, user, group, priority, key, replace, parent, delay, at, reason } = given;
    if (given['no-run'] === true && (delay ?? at) !== undefined)
      throw usage('--no-run contradicts --delay and --at, after which it runs by itself', create);
    const { options } = await session.place();
    const declaration = options.tasks?.find((definition) => definition.type === type) ?? { type };
    const id = await baton.createTask(declaration, input, {
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
      ...(priority === undefined ? {} : { priority }),
      ...(context === undefined ? {} : { context }),
      ...(given['no-run'] === true ? { autoRun: false } : {}),
      key,
      ...(replace === true ? { replace } : {}),
      parent,
      delay,
      runAt: at,
      ...session.by(reason),
    });
    const task = await baton.getTask(id, { redacted: true });
    return {
      json: { id },
      show: (screen) =>
        screen.live ? [[`Task ${id} is created: `, ...statePiece(task.state), '.']] : [[`${id}`]],
    };
  },
});
