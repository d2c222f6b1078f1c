/** Recurring tasks as data: by which rule they come, and what happens to those that were missed or that overlap. */
import type { TaskDeclaration, Untyped } from './declaration.ts';
import type { Duration } from './duration.ts';
import type { CreateOptions } from './task.ts';

/** Those missed while no replica was there: none of them, one for all, or each (at most `catchUpLimit`). */
export type CatchUp = 'skip' | 'one' | 'all';

/** What a schedule creates, and when: by a cron expression or at intervals. */
export interface ScheduleOptions extends Omit<
  CreateOptions,
  'key' | 'replace' | 'delay' | 'runAt' | 'autoRun' | 'parent'
> {
  readonly task: TaskDeclaration;
  readonly input?: Untyped;
  /** Five or six fields, the first of six being seconds: `'0 0 3 * * *'` is three o'clock. */
  readonly cron?: string | undefined;
  /** The time zone of `cron`, such as `'Europe/Berlin'`; `'UTC'` by default. */
  readonly zone?: string | undefined;
  /** Instead of `cron`: at intervals of at least a second, from when it was first set so. */
  readonly every?: Duration | undefined;
  /** `skip` by default. */
  readonly catchUp?: CatchUp | undefined;
  /** With `catchUp: 'all'`, at most so many at once; 100. */
  readonly catchUpLimit?: number | undefined;
  /** `skip` creates none while the last one has not ended; `allow` by default. */
  readonly overlap?: 'allow' | 'skip' | undefined;
}

/** When, checked: as it is stored. */
export interface Rule {
  readonly cron: string | null;
  readonly zone: string;
  /** Milliseconds. */
  readonly every: number | null;
  readonly catchUp: CatchUp;
  readonly catchUpLimit: number;
  readonly overlap: 'allow' | 'skip';
}

export interface Schedule {
  readonly name: string;
  readonly type: string;
  /** Whose its tasks are. */
  readonly user: string;
  readonly group: string;
  readonly cron: string | undefined;
  readonly zone: string;
  /** Milliseconds. */
  readonly every: number | undefined;
  readonly catchUp: CatchUp;
  readonly overlap: 'allow' | 'skip';
  readonly paused: boolean;
  /** When the next one is due; undefined if none ever will be. */
  readonly nextAt: Date | undefined;
  /** The last one that was due and created. */
  readonly lastAt: Date | undefined;
  /** The task that was created last. */
  readonly lastTask: number | undefined;
}
