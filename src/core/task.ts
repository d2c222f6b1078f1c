/**
 * The nouns of the public API: a task as users see it, what creating and listing take, and the replicas that run tasks.
 */
import { type Author, AUTHOR_PARTS } from './author.ts';
import type { TaskDeclaration, Untyped } from './declaration.ts';
import { show, TaskbatonError } from './errors.ts';
import type { Duration } from './duration.ts';
import { checkName, checkParts, checkType } from './name.ts';
import { checkDuration, type TaskPolicy } from './retry.ts';
import { PUBLIC_STATES, type PublicState, type UserEvent } from './status.ts';

/** An error kept on a task. */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** The code of one of our errors, if it is one. */
  readonly code?: string | undefined;
}

/** One of the last errors of a task. */
export interface PastError extends StoredError {
  readonly at: Date;
  readonly attempt: number;
  readonly replica: string;
}

/** A task as it was when it was read. */
export interface Task<Input = Untyped, Context = Untyped> {
  readonly id: number;
  readonly type: string;
  /** The version of its definition that wrote its context. */
  readonly version: number;
  readonly user: string;
  readonly group: string;
  readonly state: PublicState;
  readonly input: Input;
  /** The last checkpoint; the result, once finished. */
  readonly context: Context | undefined;
  /** From 0 to 1; undefined until reported. */
  readonly progress: number | undefined;
  readonly message: string | undefined;
  /** Why it failed (or why its cleanup did). */
  readonly error: StoredError | undefined;
  /** Its last 10 errors, crashes included, the oldest first; kept when it is tried again. */
  readonly errors: readonly PastError[];
  readonly priority: number;
  /** 1, and one more each time it was run again after a failure. */
  readonly attempt: number;
  /** How many replicas died while they ran it, since somebody last asked for something: its run, or its cleanup. */
  readonly crashes: number;
  /** How often it was tried again by itself since somebody last asked for something: its run, or its cleanup. */
  readonly retries: number;
  /** What makes it the only one of its type, as given at creation. */
  readonly key: string | undefined;
  /** The task that it does a part of the work of. */
  readonly parent: number | undefined;
  /** When it begins to wait for a slot, if that is still to come. */
  readonly dueAt: Date | undefined;
  /** Milliseconds that it has worked in all, up to its last stop. */
  readonly worked: number;
  /** Raised by each claim. */
  readonly epoch: number;
  /** The replica that holds it. */
  readonly replica: string | undefined;
  readonly createdAt: Date;
  /** When it last started or was resumed. */
  readonly startedAt: Date | undefined;
  /** When it finished or failed. */
  readonly doneAt: Date | undefined;
}

export interface CreateOptions<Context = Untyped> extends WhenOptions, TaskPolicy, ChangeOptions {
  /** Whose task it is; '' by default. */
  readonly user?: string | undefined;
  /** Which set it belongs to; '' by default. */
  readonly group?: string | undefined;
  /** Where the policy goes by priority: higher ones first, from -1000000 to 1000000; 0 by default. */
  readonly priority?: number | undefined;
  /** Queue it at once (the default), or leave it at `init` until `runTask`. */
  readonly autoRun?: boolean | undefined;
  /** A first context. */
  readonly context?: Context | undefined;
  /** While a task of this type with the same key exists, that one is meant, and no other is created. 1 to 255 bytes. */
  readonly key?: string | undefined;
  /** What a task with the same key that has never started becomes: it is given this input and these options; false. */
  readonly replace?: boolean | undefined;
  /** The task that it does a part of the work of; deleting that one deletes this one first. */
  readonly parent?: number | undefined;
}

/** One of the tasks of `createTasks`. */
export interface NewTaskItem extends Omit<CreateOptions, keyof ChangeOptions> {
  readonly task: TaskDeclaration;
  readonly input?: Untyped;
}

/** For what changes something: in a transaction of your own, so that it happens if and only if that is committed. */
export interface InTransaction {
  /**
   * A transaction that you have begun in the system's database: a client of `pg`, what `begin` of `postgres` hands you, a
   * connection of `mysql2`, a database of `node:sqlite` or `better-sqlite3`, or the `tx` of a handler's `transaction`.
   */
  readonly tx?: unknown;
}

/** For what is asked on somebody's behalf. */
export interface OnBehalf {
  /** Tasks of other users are as if they weren't there. */
  readonly owner?: string | undefined;
}

/** What all calls take that change something. */
export interface ChangeOptions extends InTransaction, Author {}

/** What `ChangeOptions` are made of. */
export const CHANGE_PARTS: readonly string[] = ['tx', ...AUTHOR_PARTS];

/** What all calls take that change tasks which are there. */
export interface TaskChangeOptions extends ChangeOptions, OnBehalf {}

/** What `TaskChangeOptions` are made of. */
export const TASK_CHANGE_PARTS: readonly string[] = [...CHANGE_PARTS, 'owner'];

/** When a task is due: after a delay, at a time, or (by default) at once. Where hints are lost, up to a second later. */
export interface WhenOptions {
  readonly delay?: Duration | undefined;
  readonly runAt?: Date | undefined;
}

/** Whether children, theirs and so on are meant too; those for which it makes no sense are left alone. False. */
export interface WithChildren {
  readonly children?: boolean | undefined;
}

export interface WatchOptions<Given = Untyped, Input = Untyped, Context = Untyped> {
  readonly signal?: AbortSignal | undefined;
  /** The definition or declaration it was created with: gives the result its types, and is checked. */
  readonly as?: TaskDeclaration<Given, Input, Context> | undefined;
}

export interface TaskDoneOptions<Given = Untyped, Input = Untyped, Context = Untyped> extends WatchOptions<
  Given,
  Input,
  Context
> {
  /** By default it waits as long as it takes. */
  readonly timeout?: Duration | undefined;
}

export interface GetOptions<Given, Input, Context> extends OnBehalf {
  /** The definition or declaration it was created with: gives the result its types, and is checked. */
  readonly as?: TaskDeclaration<Given, Input, Context> | undefined;
  /** Also find a task that was asked to go and still has its cleanup before it. */
  readonly includeDeleting?: boolean | undefined;
  /** Show only what the option `redact` lets through, as for a dashboard; no codec is needed if that is nothing. */
  readonly redacted?: boolean | undefined;
}

export interface PauseOptions {
  /** Also pause what runs; false by default. */
  readonly running?: boolean | undefined;
}

/** A user, group or type as a whole. */
export interface ScopeCount {
  readonly name: string;
  /** How many tasks are in each state; states without any are left out. */
  readonly states: Readonly<Partial<Record<PublicState, number>>>;
  /** How many may run at once; undefined for as many as there are slots. */
  readonly limit: number | undefined;
  readonly paused: boolean;
  /** How long ago the oldest of its waiting tasks was created, in ms; undefined if none waits. */
  readonly oldestWaiting: number | undefined;
  /** Where slots are shared among such: the slot time it was charged, in ms over its weight. */
  readonly used: number | undefined;
}

export interface TaskFilter extends OnBehalf {
  /** An id, or the beginning of a key, a user, a group or a type; the first 10 names of each kind and 100 keys count. */
  readonly search?: string | undefined;
  /** Its children. */
  readonly parent?: number | undefined;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly types?: readonly (string | TaskDeclaration)[] | undefined;
  readonly states?: readonly PublicState[] | undefined;
  /** At most so many, 1 … 1,000; 50 by default. */
  readonly limit?: number | undefined;
  /** The `next` of the page before. */
  readonly after?: number | undefined;
  /** Show only what the option `redact` lets through. */
  readonly redacted?: boolean | undefined;
  /** Also show tasks that were asked to go and still have their cleanup before them, as naming that state does. */
  readonly includeDeleting?: boolean | undefined;
}

export interface TaskPage<Input = Untyped, Context = Untyped> {
  /** Newest first. */
  readonly tasks: readonly Task<Input, Context>[];
  /** Hand it back as `after` for the next page; undefined on the last one. */
  readonly next: number | undefined;
}

/** A filter whose every part has been checked. */
export interface CheckedFilter {
  readonly owner: string | undefined;
  readonly search: string | undefined;
  readonly parent: number | undefined;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly types: readonly string[] | undefined;
  readonly states: readonly PublicState[];
  readonly limit: number;
  readonly after: number | undefined;
  readonly redacted: boolean;
}

const LONGEST_PAGE = 1000;
const DEFAULT_PAGE = 50;
const HIGHEST_PRIORITY = 1_000_000;

/** Throws INVALID_ARGUMENT for whatever is wrong in `filter`. */
export function checkFilter(filter: TaskFilter): CheckedFilter {
  checkParts('filter', filter, [
    'owner',
    'search',
    'parent',
    'user',
    'group',
    'types',
    'states',
    'limit',
    'after',
    'redacted',
    'includeDeleting',
  ]);
  const { parent, user, group, types, states, limit = DEFAULT_PAGE, after } = filter;
  const { owner, search, redacted, includeDeleting } = filter;
  checkOwner(owner);
  if (search !== undefined) checkKey(search, 'search');
  if (parent !== undefined) checkId(parent, 'parent');
  if (user !== undefined) checkName('user', user);
  if (group !== undefined) checkName('group', group);
  const wanted = states === undefined ? PUBLIC_STATES : checkList('states', states);
  for (const state of wanted) {
    if (!PUBLIC_STATES.includes(state))
      refuse('states', state, `it must be one of ${PUBLIC_STATES.join(', ')}`);
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > LONGEST_PAGE) {
    refuse('limit', limit, `it must be a whole number from 1 to ${LONGEST_PAGE}`);
  }
  if (after !== undefined) checkId(after, 'after');
  return {
    owner,
    search,
    parent,
    user,
    group,
    types: types === undefined ? undefined : checkList('types', types).map(typeName),
    states: wanted.filter((state) => state !== 'deleting' || (includeDeleting ?? states !== undefined)),
    limit,
    after,
    redacted: redacted === true,
  };
}

/** Throws INVALID_ARGUMENT unless `id` could be the id of a task. */
export function checkId(id: unknown, argument = 'id'): asserts id is number {
  if (!Number.isSafeInteger(id) || (id as number) < 1)
    refuse(argument, id, 'it must be a positive whole number');
}

/** Throws INVALID_ARGUMENT unless `owner` is left out, or the name of a user. */
export function checkOwner(owner: unknown): asserts owner is string | undefined {
  if (owner !== undefined) checkName('owner', owner);
}

/** Throws INVALID_ARGUMENT unless `priority` is one. */
export function checkPriority(priority: unknown): asserts priority is number {
  if (!Number.isInteger(priority) || Math.abs(priority as number) > HIGHEST_PRIORITY)
    refuse(
      'priority',
      priority,
      `it must be a whole number from -${HIGHEST_PRIORITY} to ${HIGHEST_PRIORITY}`,
    );
}

/** Throws INVALID_ARGUMENT unless `key` can tell tasks apart. */
export function checkKey(key: unknown, argument = 'key'): asserts key is string {
  checkName(argument, key);
  if (key === '') refuse(argument, key, 'it must not be empty');
}

/** What `runTask` and its like are given; resolves to when it is due. Throws INVALID_ARGUMENT. */
export function checkChange(
  options: WhenOptions & WithChildren & TaskChangeOptions,
  event: UserEvent,
): ReturnType<typeof checkWhen> {
  const parts = { run: ['delay', 'runAt', 'children'], pause: ['children'], delete: [] };
  checkParts('options', options, [...parts[event], ...TASK_CHANGE_PARTS]);
  const { children = false, owner } = options;
  checkOwner(owner);
  if (typeof children !== 'boolean') refuse('children', children, 'it must be true or false');
  return checkWhen(options);
}

/** Milliseconds to wait, or the time to wait for; undefined for neither. Throws INVALID_ARGUMENT. */
export function checkWhen({ delay, runAt }: WhenOptions): { delay: number } | { at: number } | undefined {
  if (delay !== undefined && runAt !== undefined)
    refuse('runAt', runAt, 'it contradicts delay; give one of the two');
  if (runAt !== undefined) {
    const at: unknown = runAt instanceof Date ? runAt.getTime() : undefined;
    if (typeof at !== 'number' || Number.isNaN(at)) refuse('runAt', runAt, 'it must be a valid Date');
    return { at: runAt.getTime() };
  }
  const ms = delay === undefined ? 0 : checkDuration('delay', delay, refuse);
  return ms === 0 ? undefined : { delay: ms };
}

/** Whether what runs is to be paused as well. Throws INVALID_ARGUMENT. */
export function checkPause(options: PauseOptions & ChangeOptions): boolean {
  checkParts('options', options, ['running', ...CHANGE_PARTS]);
  const { running = false } = options;
  return typeof running === 'boolean' ? running : refuse('running', running, 'it must be true or false');
}

/** Throws TYPE_MISMATCH if the task isn't what `as` says. */
export function ofType(task: Task, as: TaskDeclaration | undefined): Task {
  if (as === undefined || task.type === typeName(as)) return task;
  throw new TaskbatonError('TYPE_MISMATCH', {
    id: task.id,
    actual: show(task.type),
    expected: show(as.type),
  });
}

function checkList<Item>(argument: string, list: readonly Item[]): readonly Item[] {
  if (!Array.isArray(list)) refuse(argument, list, 'it must be an array');
  return list;
}

/** The name of a type that is given by its name or by its definition. */
export function typeName(type: string | TaskDeclaration): string {
  const name: unknown = typeof type === 'object' && type !== null ? type.type : type;
  checkType(name);
  return name;
}

function refuse(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
