/** Asking a replica, wherever it runs, to take nothing more and to hand over what it runs; and taking that back. */
import { checkDrain, type DrainOptions } from '../core/replica.ts';
import { markDraining } from '../store/drain.ts';
import type { StoreHolder } from './store-holder.ts';

/** Throws INVALID_ARGUMENT or REPLICA_NOT_FOUND. */
export async function setDraining(
  stores: StoreHolder,
  id: string,
  draining: boolean,
  options: DrainOptions,
): Promise<void> {
  const asked = checkDrain(id, options);
  const store = await stores.open();
  await markDraining(store.scopes, id, draining ? asked : undefined);
  void store.hint('tick');
}
