/** The replicas that run tasks, as users see them: until when they may hold some, what they hold, and how they are. */
import { checkName, checkParts } from './name.ts';

/** Who asked a replica to take nothing more, and why, as far as they said. */
export interface Draining {
  readonly by: string | undefined;
  readonly reason: string | undefined;
}

/** For how many milliseconds an event loop was blocked, and the task whose handler is suspected; 0 for none. */
export interface Blocked {
  readonly ms: number;
  readonly task: number;
}

/** Who asks for something, and why. */
export interface DrainOptions {
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
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
  /** Milliseconds until then, by the database's clock. */
  readonly leaseLeft: number;
  readonly types: readonly string[];
  readonly concurrency: number;
  /** Whether it takes nothing more and hands over what it runs, until it is started anew or `undrainReplica`. */
  readonly draining: boolean;
  /** Who asked for that, and why. */
  readonly drain: Draining | undefined;
  /** For how many milliseconds its event loop stood still, at worst in the last minute or until now; 0 if it did not. */
  readonly blocked: number;
  /** The task whose handler is suspected of that. The event `loop.blocked` says on what evidence. */
  readonly blockedBy: number | undefined;
  readonly running: readonly { readonly id: number; readonly type: string; readonly epoch: number }[];
}

/** Throws INVALID_ARGUMENT unless `id` could be the id of a replica, and `options` say who and why. */
export function checkDrain(id: unknown, options: DrainOptions): Draining {
  checkName('id', id);
  checkParts('options', options, ['actor', 'reason']);
  const { actor, reason } = options;
  if (actor !== undefined) checkName('actor', actor);
  if (reason !== undefined) checkName('reason', reason);
  return { by: actor, reason };
}
