/** A system at a glance: how many tasks are where, how they flow, and what is wrong. */
import type { PublicState } from './status.ts';
import type { Replica } from './replica.ts';
import type { ScopeCount } from './task.ts';

export interface Overview {
  /** When it was counted, by the database's clock. */
  readonly at: Date;
  /** How many tasks are in each state; states without any are left out. */
  readonly states: Readonly<Partial<Record<PublicState, number>>>;
  /** How long ago the oldest of the tasks that wait for a slot was created, in ms. */
  readonly oldestWaiting: number | undefined;
  /** Of all replicas together. */
  readonly slots: { readonly total: number; readonly used: number };
  /** Milliseconds for each point of `throughput` and `waiting`. */
  readonly bucket: number;
  /** The oldest first; as far back as tasks that are still there tell. */
  readonly throughput: readonly Flow[];
  /** How long those had waited that started in each bucket, in ms; buckets in which nothing started are left out. */
  readonly waiting: readonly { readonly at: Date; readonly p50: number; readonly p95: number }[];
  readonly replicas: readonly Replica[];
  /** The worst first. */
  readonly problems: readonly Problem[];
}

/** How many tasks were created, started and so on in one bucket. */
export interface Flow {
  readonly at: Date;
  readonly created: number;
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
}

export type ProblemKind =
  | 'no-replica-for-type'
  | 'no-replica-for-version'
  | 'failed-cleanup'
  | 'stopping-too-long'
  | 'blocked-loop'
  | 'paused-scope-with-waiting'
  | 'lease-ending'
  | 'failed-tasks';

/** Something that somebody should look at. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly severity: 'error' | 'warning';
  readonly count: number;
  /** What it is about: a type, a type@version, a replica, a scope such as group:night; '' for tasks of any kind. */
  readonly subject: string;
  /** Some of the tasks. */
  readonly tasks: readonly number[];
}

/** What a problem of each kind is: those that need somebody come first. */
export const SEVERITIES: Readonly<Record<ProblemKind, Problem['severity']>> = {
  'no-replica-for-type': 'error',
  'no-replica-for-version': 'error',
  'failed-cleanup': 'error',
  'stopping-too-long': 'error',
  'blocked-loop': 'error',
  'lease-ending': 'warning',
  'paused-scope-with-waiting': 'warning',
  'failed-tasks': 'warning',
};

/** Users, groups and types as things of their own, and the tasks of each user in each group. */
export interface Queues {
  readonly users: readonly ScopeCount[];
  readonly groups: readonly ScopeCount[];
  readonly types: readonly ScopeCount[];
  /** Where tasks run or wait for a slot, the most first; at most 1,000. */
  readonly matrix: readonly QueueCell[];
}

export interface QueueCell {
  readonly user: string;
  readonly group: string;
  readonly running: number;
  readonly waiting: number;
  /** Of this user within this group. */
  readonly limit: number | undefined;
}
