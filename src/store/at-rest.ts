/**
 * Tasks at rest, and tasks that a replica holds. Lists by status, and where each new version of a row has an entry in each index
 * those by type, are of tasks at rest alone: so a claim makes no entry in them. Of what is held there is never much, and the index by
 * owner has it.
 */
import { STATUS, type Status } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Dialect } from './dialect.ts';

/** What indexes of tasks at rest are for; whoever wants to go by one says it. */
export const AT_REST = 'owner IS NULL';
/** A range, and so a way into the index by owner; a task is held in those statuses only that are leased. */
export const HELD = "owner > ''";

/** What together is all tasks, each part as far as there is an index for it. */
export function partsOf({ listsAtRest }: Dialect): readonly string[] {
  return listsAtRest.status ? [AT_REST, HELD] : ['1 = 1'];
}

/** The tasks in one of some statuses, of which there is at least one, so that indexes find them. */
export function hasStatus({ listsAtRest }: Dialect, statuses: readonly Status[]): Fragment {
  if (!listsAtRest.status) return among(statuses);
  const [atRest, held] = [statuses.filter((status) => !isHeld(status)), statuses.filter(isHeld)];
  const parts = [
    ...(atRest.length === 0 ? [] : [`${among(atRest).sql} AND ${AT_REST}`]),
    ...(held.length === 0 ? [] : [`${among(held).sql} AND ${HELD}`]),
  ];
  return { sql: parts.length === 1 ? parts.join('') : `(${parts.join(' OR ')})`, values: [] };
}

export function isHeld(status: Status): boolean {
  return STATUS[status].leased === true;
}

/** Not as parameters: there are few, and plans should know them. */
function among(statuses: readonly Status[]): Fragment {
  return { sql: `status IN (${statuses.map((status) => `'${status}'`).join(', ')})`, values: [] };
}
