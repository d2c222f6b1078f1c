/** Changes of many tasks at once, as users ask for them: checked, applied, and waited for. */
import { type BulkChange, type BulkFilter, checkBulkFilter, type CheckedBulkFilter } from '../core/bulk.ts';
import type { Clock } from '../core/clock.ts';
import { checkParts } from '../core/name.ts';
import type { UserEvent } from '../core/status.ts';
import { CHANGE_PARTS, type ChangeOptions, checkOwner } from '../core/task.ts';
import { countStopping } from '../store/bulk.ts';
import { bulkChange } from './settling.ts';
import type { StoreHolder } from './store-holder.ts';

export interface BulkContext {
  readonly stores: StoreHolder;
  readonly clock: Clock;
  /** Fires when nothing can be asked any more. */
  readonly stopped: AbortSignal;
}

/** Throws INVALID_ARGUMENT. */
export async function changeMany(
  { stores, ...waiting }: BulkContext,
  event: UserEvent,
  filter: BulkFilter,
  options: ChangeOptions,
): Promise<BulkChange> {
  const checked = checkedFor(filter, options);
  const { changed, stopping } = await (await stores.in(options)).changeMany(event, checked);
  const left = async (): Promise<number> =>
    stopping.length === 0 ? 0 : countStopping((await stores.open()).scopes, event, stopping);
  return bulkChange({ changed, ...waiting, left });
}

/** Throws INVALID_ARGUMENT. */
export async function moveMany(
  { stores, ...waiting }: BulkContext,
  filter: BulkFilter,
  group: string,
  options: ChangeOptions,
): Promise<BulkChange> {
  const checked = checkedFor(filter, options);
  const changed = await (await stores.in(options)).moveMany(checked, group);
  return bulkChange({ changed, ...waiting, left: async () => 0 });
}

function checkedFor(filter: BulkFilter, options: ChangeOptions): CheckedBulkFilter {
  checkParts('options', options, CHANGE_PARTS);
  checkOwner(options.owner);
  return { ...checkBulkFilter(filter), owner: options.owner };
}
