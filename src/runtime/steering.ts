/** What users ask for: checked, and applied in their own transaction if they say so. Nothing is written before all is checked. */
import { type Author, checkAuthor } from '../core/author.ts';
import { type BulkChange, type BulkFilter, checkBulkFilter } from '../core/bulk.ts';
import type { Clock } from '../core/clock.ts';
import { checkLimit, checkScope, type ScopeKind } from '../core/limit.ts';
import { checkName, checkParts } from '../core/name.ts';
import type { UserEvent } from '../core/status.ts';
import {
  CHANGE_PARTS,
  type ChangeOptions,
  checkChange,
  checkId,
  checkOwner,
  checkPause,
  type PauseOptions,
  TASK_CHANGE_PARTS,
  type TaskChangeOptions,
  type WhenOptions,
  type WithChildren,
} from '../core/task.ts';
import { countStopping } from '../store/bulk.ts';
import { limitScope, type PausedKind, pauseScope, resumeScope } from '../store/scope.ts';
import { changeFamily } from './children.ts';
import { bulkChange } from './settling.ts';
import type { StoreHolder } from './store-holder.ts';

export interface SteeringOptions {
  readonly stores: StoreHolder;
  readonly clock: Clock;
  /** Fires when nothing can be asked any more. */
  readonly stopped: AbortSignal;
}

/** Throws INVALID_ARGUMENT; and what each call of the facade says. */
export class Steering {
  readonly #options: SteeringOptions;

  constructor(options: SteeringOptions) {
    this.#options = options;
  }

  async change(
    id: number,
    event: UserEvent,
    options: WhenOptions & WithChildren & TaskChangeOptions,
  ): Promise<void> {
    checkId(id);
    const how = { when: checkChange(options, event), by: checkAuthor(options), owner: options.owner };
    const store = await this.#options.stores.in(options);
    if (options.children === true) return changeFamily(store, id, event, how);
    await store.change(id, event, how);
  }

  async changeGroup(id: number, group: string, options: TaskChangeOptions): Promise<void> {
    checkId(id);
    checkName('group', group);
    const how = checkTaskChangeOptions(options);
    await (await this.#options.stores.in(options)).changeGroup(id, group, how);
  }

  async changeMany(event: UserEvent, filter: BulkFilter, options: TaskChangeOptions): Promise<BulkChange> {
    const { by, owner } = checkTaskChangeOptions(options);
    const checked = { ...checkBulkFilter(filter), owner };
    const { stores, ...waiting } = this.#options;
    const { changed, stopping } = await (await stores.in(options)).changeMany(event, checked, by);
    const left = async (): Promise<number> =>
      stopping.length === 0 ? 0 : countStopping((await stores.open()).scopes, event, stopping);
    return bulkChange({ changed, ...waiting, left });
  }

  async moveMany(filter: BulkFilter, group: string, options: TaskChangeOptions): Promise<BulkChange> {
    checkName('group', group);
    const { by, owner } = checkTaskChangeOptions(options);
    const checked = { ...checkBulkFilter(filter), owner };
    const { stores, ...waiting } = this.#options;
    const changed = await (await stores.in(options)).moveMany(checked, group, by);
    return bulkChange({ changed, ...waiting, left: async () => 0 });
  }

  async limit(kind: ScopeKind, name: unknown, limit: number | null, options: ChangeOptions): Promise<void> {
    const scope = checkScope(kind, name);
    checkLimit(limit);
    const by = checkChangeOptions(options);
    await limitScope((await this.#options.stores.in(options)).scopes, scope, limit, by);
  }

  async pause(kind: PausedKind, name: string, options: PauseOptions & ChangeOptions): Promise<void> {
    checkName(kind, name);
    const how = { running: checkPause(options), by: checkAuthor(options) };
    await pauseScope((await this.#options.stores.in(options)).scopes, kind, name, how);
  }

  async resume(kind: PausedKind, name: string, options: ChangeOptions): Promise<void> {
    checkName(kind, name);
    const by = checkChangeOptions(options);
    await resumeScope((await this.#options.stores.in(options)).scopes, kind, name, by);
  }
}

/** Of calls that take no other options. */
export function checkChangeOptions(options: ChangeOptions): Author | undefined {
  checkParts('options', options, CHANGE_PARTS);
  return checkAuthor(options);
}

function checkTaskChangeOptions(options: TaskChangeOptions): {
  readonly by: Author | undefined;
  readonly owner: string | undefined;
} {
  checkParts('options', options, TASK_CHANGE_PARTS);
  checkOwner(options.owner);
  return { by: checkAuthor(options), owner: options.owner };
}
