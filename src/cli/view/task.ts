/** Tasks as they are shown: their states in colours, a table of them, and all about one. */
import type { PublicState } from '../../core/status.ts';
import type { Replica } from '../../core/replica.ts';
import type { Task } from '../../core/task.ts';
import { bar, percent } from '../screen/bar.ts';
import { type Format, type Line, safeJson, wrap } from '../screen/line.ts';
import type { Fact, Screen } from '../screen/screen.ts';
import type { Column } from '../screen/table.ts';
import { moment, roughly, span } from '../screen/time.ts';

export const STATE_LOOKS: Readonly<Record<PublicState, readonly [mark: string, format: Format]>> = {
  init: ['○', 'gray'],
  pending: ['◌', 'blue'],
  running: ['●', 'cyan'],
  canceling: ['◑', 'yellow'],
  waiting: ['◍', 'magenta'],
  paused: ['‖', 'yellow'],
  finished: ['✔', 'green'],
  failed: ['✘', 'red'],
  deleting: ['×', 'gray'],
};

export function statePiece(state: PublicState): Line {
  const [mark, format] = STATE_LOOKS[state];
  return [[`${mark} ${state}`, format]];
}

function named(text: string): Line {
  return text === '' ? [['–', 'dim']] : [text];
}

/** What replicas are called, by their ids. */
export function namesOf(replicas: readonly Replica[]): ReadonlyMap<string, string> {
  return new Map(replicas.map(({ id, name }) => [id, name]));
}

/** The columns of a list of tasks. `now` is the database's time. */
export function taskColumns(
  now: number,
  replicaNames: ReadonlyMap<string, string> = new Map(),
): readonly Column<Task>[] {
  return [
    { head: 'id', align: 'right', cell: ({ id }) => [`${id}`] },
    { head: 'type', least: 10, cell: ({ type }) => [type] },
    { head: 'state', cell: ({ state }) => statePiece(state), value: ({ state }) => state },
    {
      head: 'progress',
      least: 13,
      most: 32,
      cell: ({ progress, state }, width) => progressCell(progress, state, width),
      value: ({ progress }) => progress,
    },
    { head: 'user', least: 6, rank: 1, cell: ({ user }) => named(user), value: ({ user }) => user },
    { head: 'group', least: 6, rank: 2, cell: ({ group }) => named(group), value: ({ group }) => group },
    {
      head: 'replica',
      least: 8,
      rank: 4,
      cell: ({ replica }) => named(replica === undefined ? '' : (replicaNames.get(replica) ?? replica)),
      value: ({ replica }) => replica,
    },
    { head: 'attempt', rank: 5, align: 'right', cell: ({ attempt }) => [`${attempt}`] },
    {
      head: 'age',
      align: 'right',
      rank: 3,
      cell: ({ createdAt }) => [[roughly(now - createdAt.getTime()), 'dim']],
      value: ({ createdAt }) => createdAt.toISOString(),
    },
  ];
}

function progressCell(progress: number | undefined, state: PublicState, width: number): Line {
  if (progress === undefined) return [];
  const size = Number.isFinite(width) ? Math.max(4, width - 5) : 8;
  return [...bar(progress, size, STATE_LOOKS[state][1]), percent(progress).padStart(5)];
}

/** All about a task, in blocks. */
export function taskLines(
  task: Task,
  screen: Screen,
  replicaNames: ReadonlyMap<string, string> = new Map(),
): readonly Line[] {
  const facts = screen.facts(factsOf(task, screen, replicaNames));
  if (!screen.live) return facts;
  const { type, id, state, progress, message } = task;
  const payload: { readonly input: unknown; readonly context: unknown } = task;
  const title: Line = [[`Task ${id}`, 'bold'], `  ${type}  `, ...statePiece(state)];
  const size = Math.min(60, screen.width - 6);
  return [
    title,
    ...(progress === undefined
      ? []
      : [[...bar(progress, size, STATE_LOOKS[state][1]), percent(progress).padStart(5)]]),
    ...(message === undefined ? [] : [[message]]),
    [],
    ...facts,
    ...payloadLines('Input', payload.input, screen.width),
    ...payloadLines(state === 'finished' ? 'Result' : 'Context', payload.context, screen.width),
    ...errorLines(task, screen.width),
  ];
}

function factsOf(task: Task, screen: Screen, replicaNames: ReadonlyMap<string, string>): readonly Fact[] {
  const text = (name: string, value: string | number | undefined): Fact => ({
    name,
    shown: [`${value ?? ''}`],
    value,
  });
  const time = (name: string, value: Date | undefined): Fact => ({
    name,
    shown: value === undefined ? [] : timeCell(value, screen.now),
    value: value?.toISOString(),
  });
  const forPrograms = screen.live
    ? []
    : [
        text('id', task.id),
        text('type', task.type),
        text('state', task.state),
        text('progress', task.progress),
        text('message', task.message),
        text('input', jsonOf(task.input)),
        text('context', jsonOf(task.context)),
        text('error', task.error?.message),
      ];
  return [
    ...forPrograms,
    text('user', task.user === '' ? undefined : task.user),
    text('group', task.group === '' ? undefined : task.group),
    text('key', task.key),
    text('parent', task.parent),
    text('priority', task.priority),
    {
      name: 'replica',
      shown: [replicaNames.get(task.replica ?? '') ?? '', [`  ${task.replica ?? ''}`, 'dim']],
      value: task.replica,
    },
    text('version', task.version),
    text('epoch', task.epoch),
    text('attempt', task.attempt),
    text('retries', task.retries),
    text('crashes', task.crashes),
    { name: 'worked', shown: [span(task.worked)], value: task.worked },
    time('created', task.createdAt),
    time('due', task.dueAt),
    time('started', task.startedAt),
    time('done', task.doneAt),
  ];
}

function jsonOf(value: unknown): string | undefined {
  return value === undefined ? undefined : safeJson(value);
}

export function timeCell(time: Date, now: number): Line {
  const ms = now - time.getTime();
  const away = ms >= 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
  return [moment(time), [`  ${away}`, 'dim']];
}

const LONGEST_PAYLOAD = 40;

/** JSON on as many lines as it needs; of a long one the beginning. */
function payloadLines(title: string, value: unknown, width: number): readonly Line[] {
  if (value === undefined) return [];
  const short = safeJson(value);
  const lines = short.length <= width - 2 ? [short] : safeJson(value, 2).split('\n');
  const more = lines.length - LONGEST_PAYLOAD;
  return [
    [],
    [[title, 'bold']],
    ...lines.slice(0, LONGEST_PAYLOAD).map((line): Line => ['  ', line]),
    ...(more > 0 ? [[[`  … ${more} more lines; --json shows all`, 'dim'] as const]] : []),
  ];
}

function errorLines({ error, errors }: Task, width: number): readonly Line[] {
  const past = errors.map(({ at, attempt, name, message }) => ({
    head: `${moment(at)}  attempt ${attempt}`,
    text: `${name}: ${message}`,
  }));
  const known =
    past.length > 0 || error === undefined ? past : [{ head: '', text: `${error.name}: ${error.message}` }];
  if (known.length === 0) return [];
  return [
    [],
    [[known.length === 1 ? 'Error' : 'Errors', 'bold']],
    ...known.flatMap(({ head, text }): readonly Line[] => [
      ...(head === '' ? [] : [['  ', [head, 'dim'] as const]]),
      ...wrap(text.replaceAll('\n', ' '), width - 2).map((words): Line => ['  ', [words, 'red']]),
    ]),
  ];
}
