/**
 * Recurring tasks as anybody can see and steer them, whether or not they are set or fired here: that alone needs to know when
 * they come, and with it the package that `taskbaton/cron` needs.
 */
import { checkAuthor } from './core/author.ts';
import { TaskbatonError } from './core/errors.ts';
import { checkName } from './core/name.ts';
import type { Schedule } from './core/schedule.ts';
import type { ChangeOptions } from './core/task.ts';
import { type Internals, internalsOf } from './runtime/internals.ts';
import { checkChangeOptions } from './runtime/steering.ts';
import {
  pauseSchedule,
  publicSchedule,
  readSchedules,
  removeSchedule,
  triggerSchedule,
} from './store/schedule.ts';
import type { Store } from './store/store.ts';
import type { Taskbaton } from './taskbaton.ts';

export class ScheduleControl {
  readonly #internals: Internals;

  /** The schedules of the system that `baton` is part of. */
  constructor(baton: Taskbaton) {
    this.#internals = internalsOf(baton);
  }

  /** None of its occurrences is created until it is resumed; those of that time count as missed. Throws SCHEDULE_NOT_FOUND. */
  async pause(name: string, options: ChangeOptions = {}): Promise<void> {
    await pauseSchedule((await this.#change(name, options)).scopes, name, true, checkAuthor(options));
  }

  /** Throws SCHEDULE_NOT_FOUND. */
  async resume(name: string, options: ChangeOptions = {}): Promise<void> {
    await pauseSchedule((await this.#change(name, options)).scopes, name, false, checkAuthor(options));
  }

  /** Tasks that it has created stay. Throws SCHEDULE_NOT_FOUND. */
  async remove(name: string, options: ChangeOptions = {}): Promise<void> {
    await removeSchedule((await this.#change(name, options)).scopes, name, checkAuthor(options));
  }

  /** Creates one of its tasks now, whatever its rule and state; resolves to its id. Throws SCHEDULE_NOT_FOUND. */
  async trigger(name: string, options: ChangeOptions = {}): Promise<number> {
    const store = await this.#change(name, options);
    const id = await triggerSchedule(store.scopes, name, checkAuthor(options));
    await store.hint('run');
    return id;
  }

  /** Throws SCHEDULE_NOT_FOUND. */
  async get(name: string): Promise<Schedule> {
    checkScheduleName(name);
    const [found] = await readSchedules((await this.#internals.stores.open()).scopes, name);
    if (found === undefined) throw new TaskbatonError('SCHEDULE_NOT_FOUND', { name });
    return publicSchedule(found);
  }

  /** All of them, by name. */
  async list(): Promise<readonly Schedule[]> {
    return (await readSchedules((await this.#internals.stores.open()).scopes)).map(publicSchedule);
  }

  /** The store to change a schedule in. Throws INVALID_ARGUMENT. */
  #change(name: string, options: ChangeOptions): Promise<Store> {
    checkScheduleName(name);
    checkChangeOptions(options);
    return this.#internals.stores.in(options);
  }
}

export function checkScheduleName(name: unknown): asserts name is string {
  checkName('name', name);
  if (name === '') {
    const problem = 'it must not be empty';
    throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'name', value: '""', problem });
  }
}
