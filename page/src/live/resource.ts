/**
 * What a view shows, loaded and kept fresh: old data stays until new data is there, only one request is under way at a
 * time, and however many events come, it is asked for again at most once in a while.
 */
import { batch, type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { HistoryView, TaskView } from '../../../src/dashboard/api.ts';
import { ApiError, UNREACHABLE } from '../api/client.ts';
import { listen } from './events.ts';

export interface Resource<T> {
  readonly data: Signal<T | undefined>;
  /** Why the last request failed. */
  readonly error: Signal<ApiError | undefined>;
  /** For who has changed something, or wants to. */
  readonly refresh: () => void;
}

export interface ResourceOptions<T> {
  /** Whether an event makes the data old; by default all do. */
  readonly staleBy?: (entry: HistoryView) => boolean;
  /** What becomes of the data when a task is seen: undefined if it must be asked for again, as it is by default. */
  readonly withTask?: (data: T, task: TaskView) => T | undefined;
  /** At least this long between two requests, in ms. */
  readonly pace?: number;
  /** Asked again after so many ms in any case. */
  readonly every?: number;
}

const PACE = 1_000;

/** Asks for the data; what is not `fresh` may be what somebody else was answered a moment ago. */
export type Load<T> = (abort: AbortSignal, fresh: boolean) => Promise<T>;

/** A new `key` is a new resource. */
export function useResource<T>(key: string, load: Load<T>, options: ResourceOptions<T> = {}): Resource<T> {
  const loader = useMemo(() => new Loader(load, options.pace ?? PACE), [key]);
  useEffect(() => {
    loader.touch();
    const stop = listen({
      change: (entry) => {
        if (options.staleBy?.(entry) ?? true) loader.touch();
      },
      task: (task) => {
        const { data } = loader;
        if (data.value === undefined) return;
        const next = options.withTask?.(data.value, task);
        if (next === undefined) loader.touch();
        else data.value = next;
      },
      gone: loader.touch,
      pulse: loader.touch,
    });
    const timer = options.every === undefined ? undefined : setInterval(loader.touch, options.every);
    return () => {
      stop();
      clearInterval(timer);
      loader.close();
    };
  }, [loader]);
  return loader;
}

class Loader<T> implements Resource<T> {
  readonly data = signal<T | undefined>(undefined);
  readonly error = signal<ApiError | undefined>(undefined);
  readonly #load: Load<T>;
  readonly #pace: number;
  #abort: AbortController | undefined;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #notBefore = 0;

  constructor(load: Load<T>, pace: number) {
    this.#load = load;
    this.#pace = pace;
  }

  /** At once, and once more after a while: what the server keeps for all who look may be a moment older than a change. */
  readonly refresh = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#abort === undefined) void this.#run(true);
    this.#again = true;
  };

  /** When it is time again. */
  readonly touch = (): void => {
    this.#again = true;
    if (this.#abort !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#run(false), Math.max(0, this.#notBefore - performance.now()));
  };

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
    this.#abort?.abort();
  }

  async #run(fresh: boolean): Promise<void> {
    const abort = new AbortController();
    this.#timer = undefined;
    this.#again = false;
    this.#abort = abort;
    this.#notBefore = performance.now() + this.#pace;
    try {
      const data = await this.#load(abort.signal, fresh);
      if (!abort.signal.aborted) {
        batch(() => {
          this.data.value = data;
          this.error.value = undefined;
        });
      }
    } catch (error) {
      if (!abort.signal.aborted) this.error.value = asApiError(error);
    } finally {
      this.#abort = undefined;
      if (this.#again) this.touch();
    }
  }
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(UNREACHABLE, 'PAGE', String(error));
}
