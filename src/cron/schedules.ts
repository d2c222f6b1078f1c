/**
 * Recurring tasks of a system: set, changed, paused and listed by any instance, and fired by any number of them, each
 * occurrence once.
 */
import { checkAuthor } from '../core/author.ts';
import { checkParts } from '../core/name.ts';
import { messageFrom } from '../core/errors.ts';
import type { ScheduleOptions } from '../core/schedule.ts';
import { CHANGE_PARTS, type ChangeOptions } from '../core/task.ts';
import { newTask } from '../runtime/creation.ts';
import { type Internals, internalsOf } from '../runtime/internals.ts';
import { Loop } from '../runtime/loop.ts';
import { checkScheduleName, ScheduleControl } from '../schedule-control.ts';
import { type Due, fireNext, writeSchedule } from '../store/schedule.ts';
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
  ...CHANGE_PARTS,
];

export class Schedules extends ScheduleControl {
  readonly #internals: Internals;
  readonly #stop = (): Promise<void> => this.stop();
  /** Those that could not be fired when they were last due. */
  readonly #failing = new Set<string>();
  #loop: Loop | undefined;

  /** The schedules of the system that `baton` is part of. */
  constructor(baton: Taskbaton) {
    super(baton);
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
    await writeSchedule(
      scopes,
      { name, rule, template },
      { next: (after, anchor) => nextOccurrence(rule, after, anchor), by: checkAuthor(options) },
    );
    this.#loop?.wake();
  }

  override async resume(name: string, options: ChangeOptions = {}): Promise<void> {
    await super.resume(name, options);
    this.#loop?.wake();
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
        void store.hint('run');
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function dueOf({ rule, next, anchor }: Parameters<Due>[0], now: number): ReturnType<Due> {
  return dueOccurrences(rule, { next, now, anchor });
}
