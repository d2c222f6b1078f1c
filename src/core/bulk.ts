/** Which tasks an operation on many is about, and what it comes to. */
import type { TaskDeclaration } from './declaration.ts';
import type { Duration } from './duration.ts';
import { show, TaskbatonError } from './errors.ts';
import { checkName, checkParts } from './name.ts';
import { PUBLIC_STATES, type PublicState } from './status.ts';
import { checkId, typeName } from './task.ts';

/** All parts must fit; without any, `all: true` says that every task is meant. */
export interface BulkFilter {
  /** At most 1,000. */
  readonly ids?: readonly number[] | undefined;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly types?: readonly (string | TaskDeclaration)[] | undefined;
  /** Children of this task. */
  readonly parent?: number | undefined;
  /** The states before the change. */
  readonly states?: readonly PublicState[] | undefined;
  readonly all?: boolean | undefined;
}

export interface SettledOptions {
  readonly signal?: AbortSignal | undefined;
  /** By default it waits as long as it takes. */
  readonly timeout?: Duration | undefined;
}

export interface BulkChange {
  /** How many tasks were changed. */
  readonly changed: number;
  /**
   * Resolves when all that were asked to stop have really stopped. Throws NOT_SETTLED after `timeout`, NOT_RUNNING when
   * this instance is stopped, and what the signal gives as its reason.
   */
  settled(options?: SettledOptions): Promise<void>;
}

export interface CheckedBulkFilter {
  readonly owner?: string | undefined;
  readonly parent?: number | undefined;
  readonly ids: readonly number[] | undefined;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly types: readonly string[] | undefined;
  readonly states: readonly PublicState[] | undefined;
}

const PARTS = ['ids', 'parent', 'user', 'group', 'types', 'states'] as const;
const MOST_IDS = 1000;

/** Throws INVALID_ARGUMENT for whatever is wrong in `filter`. */
export function checkBulkFilter(filter: BulkFilter): CheckedBulkFilter {
  checkParts('filter', filter, [...PARTS, 'all']);
  const { ids, parent, user, group, types, states, all } = filter;
  const given = PARTS.filter((part) => filter[part] !== undefined);
  if (all !== undefined && typeof all !== 'boolean') refuse('filter.all', all, 'it must be true or false');
  if (all === true && given.length > 0) refuse('filter.all', all, `it contradicts ${given.join(', ')}`);
  if (all !== true && given.length === 0)
    refuse('filter', filter, 'it would match every task; say { all: true } if that is meant');
  for (const [part, list] of Object.entries({ ids, types, states })) {
    if (list !== undefined && !Array.isArray(list)) refuse(`filter.${part}`, list, 'it must be an array');
  }
  for (const id of ids ?? []) checkId(id, 'filter.ids');
  if (ids !== undefined && ids.length > MOST_IDS)
    refuse('filter.ids', ids.length, `there may be at most ${MOST_IDS}`);
  if (parent !== undefined) checkId(parent, 'filter.parent');
  if (user !== undefined) checkName('user', user);
  if (group !== undefined) checkName('group', group);
  for (const state of states ?? []) {
    if (!PUBLIC_STATES.includes(state))
      refuse('states', state, `it must be one of ${PUBLIC_STATES.join(', ')}`);
  }
  return { ids, parent, user, group, types: types?.map(typeName), states };
}

function refuse(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
