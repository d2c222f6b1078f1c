/** Letting go of what has been kept long enough: tasks that are done, as their types say, and the beginning of the history. */
import type { Settings } from '../core/options.ts';
import { pruneHistory, PRUNED_AT_ONCE } from '../store/history.ts';
import { REMOVED_AT_ONCE } from '../store/retention.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';
import type { Registry } from './registry.ts';

interface Keeper {
  readonly store: Store;
  readonly registry: Registry;
  readonly observer: Observer;
  readonly settings: Settings;
}

/** Some of it each time; true if there may be more. */
export async function removeKept({ store, registry, observer, settings }: Keeper): Promise<boolean> {
  let more = false;
  for (const [type, keep] of registry.kept) {
    const count = await store.removeKept(type, keep);
    if (count > 0) observer.emit('tasks.removed', { type, count });
    more ||= count >= REMOVED_AT_ONCE;
  }
  const { level, keep } = settings.history;
  if (level !== 'off') more = (await pruneHistory(store.scopes, keep)) >= PRUNED_AT_ONCE || more;
  return more;
}
