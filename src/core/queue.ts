/**
 * A queue of the user's own: it says who is next. It is called inside the transaction that changes the tasks, so a
 * queue that writes through `connection` can't drift from them; one that lives elsewhere is put right by reconciling:
 * all that wait are entered again now and then, and whoever is picked without waiting is taken out.
 */
import type { Connection, DialectName } from './connection.ts';
import type { QueueName } from './status.ts';

/** A task that waits to be run, or to be cleaned up. */
export interface WaitingTask {
  readonly id: number;
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly priority: number;
  /** It was running already and was handed over, so it should go before those that weren't. */
  readonly handedOver: boolean;
}

export interface PickRequest {
  /** Only tasks of these types. */
  readonly types: readonly string[];
  /** At most so many ids. */
  readonly limit: number;
  /** Tasks that can't start now: pass them over, and leave them in. */
  readonly skip: ReadonlySet<number>;
}

/** The queues that are the user's own. */
export type OwnQueues = { readonly [queue in QueueName]?: TaskQueue | undefined };

export function isTaskQueue(value: unknown): value is TaskQueue {
  if (typeof value !== 'object' || value === null) return false;
  const { enter, leave, pick } = value as Partial<Record<string, unknown>>;
  return typeof enter === 'function' && typeof leave === 'function' && typeof pick === 'function';
}

/** Where a queue may keep what it needs. */
export interface QueuePlace {
  readonly connection: Connection;
  readonly dialect: DialectName;
  /** What the names of its tables should begin with; the schema is part of it. */
  readonly prefix: string;
  readonly queue: QueueName;
}

export interface TaskQueue {
  /** Called before anything else, once in each process: the place to create a table. */
  prepare?(place: QueuePlace): Promise<void>;
  /** These tasks wait from now on. One that is in already stays where it is. */
  enter(tasks: readonly WaitingTask[], connection: Connection): Promise<void>;
  /** These tasks wait no longer, for whatever reason. One that isn't in is no error. */
  leave(ids: readonly number[], connection: Connection): Promise<void>;
  /** The ids of those who are next, best first. It takes nobody out: `leave` follows for those that start. */
  pick(request: PickRequest, connection: Connection): Promise<readonly number[]>;
}
