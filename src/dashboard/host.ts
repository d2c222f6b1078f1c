/** What the handlers of all routes share: the system that they show, and what is kept for all who look at it. */
import type { TaskDeclaration } from '../core/declaration.ts';
import type { TaskPage } from '../core/task.ts';
import type { Taskbaton } from '../index.ts';
import type { ScheduleControl } from '../schedule-control.ts';
import type { EventStreams } from './event-streams.ts';
import type { Metrics } from './metrics.ts';
import type { Recent } from './recent.ts';

export interface Host {
  readonly baton: Taskbaton;
  readonly schedules: ScheduleControl;
  /** Types that may be created though this instance doesn't run them. */
  readonly tasks: ReadonlyMap<string, TaskDeclaration>;
  /** The names of all types that may be created here, in alphabetical order. */
  readonly creatable: () => string[];
  readonly streams: EventStreams;
  readonly metrics: Metrics;
  /** Pages of tasks that several ask for. */
  readonly lists: Recent<TaskPage>;
  /** Resolves if the database answers. */
  readonly ready: () => Promise<void>;
  /** What the page is told of the system. */
  readonly system: () => Promise<{
    readonly prefix: string;
    readonly database: string;
    readonly history: boolean;
  }>;
}
