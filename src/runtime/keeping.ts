/** Letting go of tasks that are done and have been kept as long as their types say. */
import { REMOVED_AT_ONCE } from '../store/retention.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';
import type { Registry } from './registry.ts';

interface Keeper {
  readonly store: Store;
  readonly registry: Registry;
  readonly observer: Observer;
}

/** Some of it each time; true if there may be more. */
export async function removeKept({ store, registry, observer }: Keeper): Promise<boolean> {
  let more = false;
  for (const [type, keep] of registry.kept) {
    const count = await store.removeKept(type, keep);
    if (count > 0) observer.emit('tasks.removed', { type, count });
    more ||= count >= REMOVED_AT_ONCE;
  }
  return more;
}
