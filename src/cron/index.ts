/** The door `taskbaton/cron`: tasks that come again and again. It needs the package `croner`. */
export type { CatchUp, Schedule, ScheduleOptions } from '../core/schedule.ts';
export { Schedules } from './schedules.ts';
