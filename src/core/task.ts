/**
 * The nouns of the public API: a task as users see it, what creating and listing take, and the replicas that run tasks.
 */
import type { TaskDeclaration, Untyped } from './definition.ts';
import { show, TaskbatonError } from './errors.ts';
import { checkName, checkParts, checkType } from './name.ts';
import { PUBLIC_STATES, type PublicState } from './status.ts';

/** An error kept on a task. */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** The code of one of our errors, if it is one. */
  readonly code?: string | undefined;
}

/** A task as it was when it was read. */
export interface Task<Input = Untyped, Context = Untyped> {
  readonly id: number;
  readonly type: string;
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
  readonly priority: number;
  /** 1, and one more each time it was run again after a failure. */
  readonly attempt: number;
  /** How many replicas died while they ran it. */
  readonly crashes: number;
  /** How often its cleanup has failed, to be tried again. */
  readonly cleanupRetries: number;
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

export interface CreateOptions<Context = Untyped> {
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

export interface TaskFilter {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly types?: readonly (string | TaskDeclaration)[] | undefined;
  readonly states?: readonly PublicState[] | undefined;
  /** At most so many, 1 … 1,000; 50 by default. */
  readonly limit?: number | undefined;
  /** The `next` of the page before. */
  readonly after?: number | undefined;
  /** Also show tasks that were asked to go and still have their cleanup before them, as naming that state does. */
  readonly includeDeleting?: boolean | undefined;
}

export interface TaskPage<Input = Untyped, Context = Untyped> {
  /** Newest first. */
  readonly tasks: readonly Task<Input, Context>[];
  /** Hand it back as `after` for the next page; undefined on the last one. */
  readonly next: number | undefined;
}

/** One running copy of the library that shares in this system. */
export interface Replica {
  /** New with each start, never reused. */
  readonly id: string;
  /** Host and process, for people. */
  readonly name: string;
  readonly startedAt: Date;
  /** Until when it may hold tasks, unless it renews. */
  readonly leaseUntil: Date;
  readonly types: readonly string[];
  readonly concurrency: number;
  readonly running: readonly { readonly id: number; readonly type: string; readonly epoch: number }[];
}

/** A filter whose every part has been checked. */
export interface CheckedFilter {
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly types: readonly string[] | undefined;
  readonly states: readonly PublicState[];
  readonly limit: number;
  readonly after: number | undefined;
}

const LONGEST_PAGE = 1000;
const DEFAULT_PAGE = 50;
const HIGHEST_PRIORITY = 1_000_000;

/** Throws INVALID_ARGUMENT for whatever is wrong in `filter`. */
export function checkFilter(filter: TaskFilter): CheckedFilter {
  checkParts('filter', filter, ['user', 'group', 'types', 'states', 'limit', 'after', 'includeDeleting']);
  const { user, group, types, states, limit = DEFAULT_PAGE, after, includeDeleting } = filter;
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
    user,
    group,
    types: types === undefined ? undefined : checkList('types', types).map(typeName),
    states: wanted.filter((state) => state !== 'deleting' || (includeDeleting ?? states !== undefined)),
    limit,
    after,
  };
}

/** Throws INVALID_ARGUMENT unless `id` could be the id of a task. */
export function checkId(id: unknown, argument = 'id'): asserts id is number {
  if (!Number.isSafeInteger(id) || (id as number) < 1)
    refuse(argument, id, 'it must be a positive whole number');
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
