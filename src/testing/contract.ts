/**
 * The contract between the engine and a database. Whoever makes a `Database` for one that we don't know proves with it
 * that the engine's guarantees hold there: at most one owner, stale owners write nothing, marks are never lost.
 */
import type { OpenStore } from './bench.ts';
import { changeMany } from './contract/change-many.ts';
import { changeGroup } from './contract/change-group.ts';
import { change } from './contract/change.ts';
import { checkpoint } from './contract/checkpoint.ts';
import { claim } from './contract/claim.ts';
import { create } from './contract/create.ts';
import { database } from './contract/database.ts';
import { drain } from './contract/drain.ts';
import { follow } from './contract/follow.ts';
import { get } from './contract/get.ts';
import { hints } from './contract/hints.ts';
import { history } from './contract/history.ts';
import { limits } from './contract/limits.ts';
import { list } from './contract/list.ts';
import { lockedTask } from './contract/locked-task.ts';
import { migrate } from './contract/migrate.ts';
import { order } from './contract/order.ts';
import { owner } from './contract/owner.ts';
import { release } from './contract/release.ts';
import { renewAndHeld } from './contract/renew-and-held.ts';
import { replicas } from './contract/replicas.ts';
import { rescue } from './contract/rescue.ts';
import { retryCleanups } from './contract/retry-cleanups.ts';
import { search } from './contract/search.ts';
import { settle } from './contract/settle.ts';
import { together } from './contract/together.ts';
import { transitions } from './contract/transitions.ts';
import { declareOperation, type Operation } from './operation.ts';

/** All operations with their cases, for those who want to declare them in their own way. */
export const CONTRACT: readonly Operation[] = [
  database,
  migrate,
  create,
  get,
  list,
  owner,
  change,
  changeGroup,
  changeMany,
  claim,
  limits,
  order,
  checkpoint,
  search,
  settle,
  together,
  lockedTask,
  release,
  renewAndHeld,
  rescue,
  retryCleanups,
  replicas,
  drain,
  hints,
  history,
  follow,
  transitions,
];

/**
 * Declares the whole contract with node:test. `open` makes a fresh database, without our tables, each time:
 *
 *     describe('my database', () => storeContract(async () => ({ connect, prefix: 'taskbaton_', close })))
 */
export function storeContract(open: OpenStore): void {
  for (const operation of CONTRACT) declareOperation(operation, open);
}
