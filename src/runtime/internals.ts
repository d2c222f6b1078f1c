/** What the other doors of the library (`taskbaton/cron`, `taskbaton/otel`) need of an instance, and users don't. */
import type { Clock } from '../core/clock.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import type { Settings } from '../core/options.ts';
import type { Events } from './events.ts';
import type { Feed } from './feed.ts';
import type { Observer } from './observer.ts';
import type { Overviews } from './overviews.ts';
import type { Registry } from './registry.ts';
import type { Steering } from './steering.ts';
import type { StoreHolder } from './store-holder.ts';
import type { Tracing } from './tracing.ts';

export interface Internals {
  readonly stores: StoreHolder;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly registry: Registry;
  readonly observer: Observer;
  readonly overviews: Overviews;
  readonly feed: Feed;
  readonly steering: Steering;
  readonly events: Events;
  readonly tracing: Tracing;
  /** What has to end before the instance closes its database. */
  readonly endings: Set<() => Promise<void>>;
}

const known = new WeakMap<object, Internals>();

export function share(instance: object, internals: Internals): void {
  known.set(instance, internals);
}

/** Throws INVALID_ARGUMENT for what is no instance of Taskbaton. */
export function internalsOf(instance: unknown): Internals {
  const found = typeof instance === 'object' && instance !== null ? known.get(instance) : undefined;
  if (found !== undefined) return found;
  const problem = 'it must be a Taskbaton of this very copy of the library';
  throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'baton', value: show(typeof instance), problem });
}
