/**
 * Recurring tasks of a system: set, changed, paused and listed by any instance, and fired by any number of them, each
 * occurrence once.
 */
import { checkName, checkParts } from '../core/name.ts';
import { messageFrom, TaskbatonError } from '../core/errors.ts';
import type { Schedule, ScheduleOptions } from '../core/schedule.ts';
import type { InTransaction } from '../core/task.ts';
import { newTask } from '../runtime/creation.ts';
import { type Internals, internalsOf } from '../runtime/internals.ts';
import { Loop } from '../runtime/loop.ts';
import {
  type Due,
  fireNext,
  pauseSchedule,
  publicSchedule,
  readSchedules,
  removeSchedule,
  triggerSchedule,
  writeSchedule,
} from '../store/schedule.ts';
import type { Store } from '../store/store.ts';
import type { Taskbaton } from '../taskbaton.ts';
import { checkRule, dueOccurrences, nextOccurrence } from './occurrence.ts';

const PARTS = [
  'task',
  'input',
  'cron',
  'zone',
  'every',
  'catchUp',
  'catchUpLimit',
  'overlap',
  'user',
  'group',
  'priority',
  'context',
  'retry',
  'timeout',
  'tx',
];

export class Schedules {
  readonly #internals: Internals;
  readonly #stop = (): Promise<void> => this.stop();
  /** Those that could not be fired when they were last due. */
  readonly #failing = new Set<string>();
  #loop: Loop | undefined;

  /** The schedules of the system that `baton` is part of. */
  constructor(baton: Taskbaton) {
    this.#internals = internalsOf(baton);
  }

  /** Creates a schedule, or changes the one of this name. Throws as `createTask` does, and INVALID_ARGUMENT. */
  async set(name: string, options: ScheduleOptions): Promise<void> {
    checkScheduleName(name);
    checkParts('options', options, PARTS);
    const { task, user, group, priority, retry, timeout } = options;
    const rule = checkRule(options);
    const { registry, settings, tracing } = this.#internals;
    const template = await newTask<unknown, unknown, unknown>(
      { registry, maxPayload: settings.maxPayload, tracing },
      task,
      options.input as unknown,
      { user, group, priority, retry, timeout, context: options.context as unknown },
    );
    const { scopes } = await this.#internals.stores.in(options);
    await writeSchedule(scopes, { name, rule, template }, (after, anchor) =>
      nextOccurrence(rule, after, anchor),
    );
    this.#loop?.wake();
  }

  /** None of its occurrences is created until it is resumed; those of that time count as missed. Throws SCHEDULE_NOT_FOUND. */
  async pause(name: string, options: InTransaction = {}): Promise<void> {
    await pauseSchedule((await this.#change(name, options)).scopes, name, true);
  }

  /** Throws SCHEDULE_NOT_FOUND. */
  async resume(name: string, options: InTransaction = {}): Promise<void> {
    await pauseSchedule((await this.#change(name, options)).scopes, name, false);
    this.#loop?.wake();
  }

  /** Tasks that it has created stay. Throws SCHEDULE_NOT_FOUND. */
  async remove(name: string, options: InTransaction = {}): Promise<void> {
    await removeSchedule((await this.#change(name, options)).scopes, name);
  }

  /** Creates one of its tasks now, whatever its rule and state; resolves to its id. Throws SCHEDULE_NOT_FOUND. */
  async trigger(name: string, options: InTransaction = {}): Promise<number> {
    const store = await this.#change(name, options);
    const id = await triggerSchedule(store.scopes, name);
    await store.hint('claim');
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

  /** From now on this process creates what is due, as any number of others may, until this or its instance is stopped. */
  async start(): Promise<void> {
    const store = await this.#internals.stores.open();
    const { clock, observer, settings, endings } = this.#internals;
    endings.add(this.#stop);
    this.#loop ??= new Loop({
      name: 'schedules',
      interval: settings.pollInterval,
      work: () => this.#fire(store),
      hold: true,
      clock,
      observer,
    });
    this.#loop.start();
  }

  /** Ends that; may be started again. */
  async stop(): Promise<void> {
    const loop = this.#loop;
    this.#loop = undefined;
    await loop?.stop();
    this.#internals.endings.delete(this.#stop);
  }

  /** Fires all that are due; whichever can't be is told of once, and tried again next time. */
  async #fire(store: Store): Promise<void> {
    const failed = new Set<string>();
    for (;;) {
      const fired = await fireNext(store.scopes, dueOf, failed);
      if (fired === undefined) break;
      const { name, error } = fired;
      if ('error' in fired) {
        failed.add(name);
        if (!this.#failing.has(name))
          this.#internals.observer.emit('schedule.failing', { schedule: name, error: messageFrom(error) });
        this.#failing.add(name);
      } else {
        this.#failing.delete(name);
        void store.hint('claim');
      }
    }
  }

  /** The store to change a schedule in. Throws INVALID_ARGUMENT. */
  #change(name: string, options: InTransaction): Promise<Store> {
    checkScheduleName(name);
    checkParts('options', options, ['tx']);
    return this.#internals.stores.in(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function dueOf({ rule, next, anchor }: Parameters<Due>[0], now: number): ReturnType<Due> {
  return dueOccurrences(rule, { next, now, anchor });
}

function checkScheduleName(name: unknown): asserts name is string {
  checkName('name', name);
  if (name === '') {
    const problem = 'it must not be empty';
    throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'name', value: '""', problem });
  }
}
