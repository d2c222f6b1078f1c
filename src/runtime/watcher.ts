/**
 * Waiting for tasks to change or to end, wherever they run: one look at the database for all that are watched in this
 * process, at each poll and whenever one of them reports or ends here. Nobody watches, nobody looks.
 */
import type { Clock } from '../core/clock.ts';
import { milliseconds } from '../core/duration.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { checkParts } from '../core/name.ts';
import type { Task, TaskDoneOptions, WatchOptions } from '../core/task.ts';
import type { Store } from '../store/store.ts';
import { readMarks, readWatched, type Watched } from '../store/watch.ts';
import { Loop } from './loop.ts';
import type { Observer } from './observer.ts';

export interface WatcherOptions {
  readonly store: () => Promise<Store>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Fires when this instance has been stopped. */
  readonly stopped: AbortSignal;
}

/** A task as it was seen: `undefined` when it is gone or on its way out, rejected when it can't be decoded. */
type Seen = PromiseSettledResult<Task | undefined>;

/** Somebody who wants to know. */
interface Watch {
  readonly changed: (seen: Seen) => void;
  mark: string | undefined;
  told: boolean;
}

/** So many ids in one statement. */
const IDS_AT_ONCE = 1000;

export class Watcher {
  readonly #options: WatcherOptions;
  readonly #watches = new Map<number, Set<Watch>>();
  #loop: Loop | undefined;
  #unlisten: (() => void) | undefined;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Resolves to the finished task; see `Taskbaton.taskDone`. */
  done(id: number, options: TaskDoneOptions = {}): Promise<Task> {
    checkParts('options', options, ['signal', 'timeout', 'as']);
    const { signal, timeout } = options;
    const most = timeout === undefined ? Infinity : milliseconds(timeout);
    if (most === undefined)
      throw invalid('timeout', timeout, `it must be milliseconds, or a text such as '30s'`);
    const { clock, stopped } = this.#options;
    return new Promise<Task>((resolve, reject) => {
      const end = (settle: () => void): void => {
        unwatch();
        timer?.cancel();
        signal?.removeEventListener('abort', aborted);
        stopped.removeEventListener('abort', ended);
        settle();
      };
      const aborted = (): void => end(() => reject(signal?.reason as Error));
      const ended = (): void => end(() => reject(new TaskbatonError('NOT_RUNNING')));
      const unwatch = this.#watch(id, (seen) => {
        if (seen.status === 'rejected') return end(() => reject(seen.reason as Error));
        const task = seen.value;
        if (task === undefined) end(() => reject(new TaskbatonError('TASK_NOT_FOUND', { id })));
        else if (task.state === 'finished') end(() => resolve(task));
        else if (task.state === 'failed') end(() => reject(failureOf(task)));
      });
      const timer =
        most === Infinity
          ? undefined
          : clock.after(
              most,
              () => end(() => reject(new TaskbatonError('NOT_DONE', { id, timeout: most }))),
              {
                hold: true,
              },
            );
      signal?.addEventListener('abort', aborted, { once: true });
      stopped.addEventListener('abort', ended, { once: true });
      if (signal?.aborted === true) aborted();
      else if (stopped.aborted) ended();
    });
  }

  /** Yields the task as it is now, and each time it has changed; see `Taskbaton.watchTask`. */
  async *changes(id: number, options: WatchOptions = {}): AsyncGenerator<Task, void, void> {
    checkParts('options', options, ['signal', 'as']);
    const { signal } = options;
    const calledOff = AbortSignal.any([this.#options.stopped, ...(signal === undefined ? [] : [signal])]);
    // Whoever is slow gets the latest, not all.
    let latest: Seen | undefined;
    let wake = (): void => undefined;
    const unwatch = this.#watch(id, (seen) => {
      latest = seen;
      wake();
    });
    const abort = (): void => wake();
    calledOff.addEventListener('abort', abort);
    try {
      for (let first = true; ; first = false) {
        while (latest === undefined && !calledOff.aborted)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        signal?.throwIfAborted();
        if (calledOff.aborted) throw new TaskbatonError('NOT_RUNNING');
        const seen = latest as Seen;
        latest = undefined;
        if (seen.status === 'rejected') throw seen.reason;
        const task = seen.value;
        if (task === undefined && first) throw new TaskbatonError('TASK_NOT_FOUND', { id });
        if (task === undefined) return;
        yield task;
        if (task.state === 'finished' || task.state === 'failed') return;
      }
    } finally {
      unwatch();
      calledOff.removeEventListener('abort', abort);
    }
  }

  #watch(id: number, changed: Watch['changed']): () => void {
    const watch: Watch = { changed, mark: undefined, told: false };
    const watches = this.#watches.get(id) ?? new Set();
    this.#watches.set(id, watches.add(watch));
    this.#look();
    return () => {
      watches.delete(watch);
      if (watches.size === 0 && this.#watches.get(id) === watches) this.#watches.delete(id);
      if (this.#watches.size === 0) this.#rest();
    };
  }

  /** Looks at once, and from now on at each poll. */
  #look(): void {
    const { clock, observer, interval } = this.#options;
    if (this.#loop !== undefined) return this.#loop.wake();
    this.#loop = new Loop({
      name: 'watch',
      interval,
      work: () => this.#compare(),
      clock,
      observer,
      hold: true,
    });
    this.#unlisten = observer.on('*', (event) => {
      const here = event.name === 'task.ended' || event.name === 'task.reported';
      if (here && this.#watches.has(event.id)) this.#loop?.wake();
    });
    this.#loop.start();
  }

  #rest(): void {
    void this.#loop?.stop();
    this.#unlisten?.();
    this.#loop = this.#unlisten = undefined;
  }

  async #compare(): Promise<void> {
    const { scopes } = await this.#options.store();
    const ids = [...this.#watches.keys()];
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      const some = ids.slice(from, from + IDS_AT_ONCE);
      const marks = await readMarks(scopes, some);
      const changed = some.filter((id) =>
        [...(this.#watches.get(id) ?? [])].some((watch) => isNews(watch, marks.get(id))),
      );
      const found = await readWatched(
        scopes,
        changed.filter((id) => marks.has(id)),
      );
      for (const id of changed) this.#tell(id, found.get(id));
    }
  }

  #tell(id: number, found: Watched | undefined): void {
    const seen = found === undefined || isGoing(found) ? GONE : found.task;
    for (const watch of this.#watches.get(id) ?? []) {
      if (!isNews(watch, found?.mark)) continue;
      watch.mark = found?.mark;
      watch.told = true;
      watch.changed(seen);
    }
  }
}

const GONE: Seen = { status: 'fulfilled', value: undefined };

function isGoing({ task }: Watched): boolean {
  return task.status === 'fulfilled' && task.value.state === 'deleting';
}

function isNews(watch: Watch, mark: string | undefined): boolean {
  return !watch.told || watch.mark !== mark;
}

function failureOf({ id, error }: Task): TaskbatonError {
  const cause = Object.assign(new Error(error?.message), { name: error?.name, stack: error?.stack });
  return new TaskbatonError('TASK_FAILED', { id, reason: error?.message ?? 'no reason given' }, { cause });
}

function invalid(argument: string, value: unknown, problem: string): TaskbatonError {
  return new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
