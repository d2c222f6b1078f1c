/**
 * A system under test: replicas on one database, closed and dropped when the test is over, and ways to wait for facts
 * (a state, an event, a condition) with a deadline that says what was waited for.
 */
import type { TestContext } from 'node:test';
import {
  type EngineEvent,
  type EventName,
  isTaskbatonError,
  type PublicState,
  type Task,
  Taskbaton,
  type TaskbatonOptions,
} from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Backend, TestBackend } from '../backends.ts';
import { LEAST_PRIVILEGE } from './least-privilege.ts';

const DEADLINE = 60_000;
const PATIENCE_STEP = 5;

export interface Recorded {
  readonly events: EngineEvent[];
  /** The first event called `name`, from the past or the future, that `fits`. */
  next<Name extends EventName>(
    name: Name,
    fits?: (event: Extract<EngineEvent, { name: Name }>) => boolean,
  ): Promise<Extract<EngineEvent, { name: Name }>>;
}

export class System {
  readonly backend: TestBackend;
  readonly #instances: Taskbaton[] = [];

  constructor(backend: TestBackend, context: TestContext) {
    this.backend = backend;
    context.after(() => this.#close());
  }

  /** An instance on the system's database; stopped at the end of the test. */
  instance(options: Partial<TaskbatonOptions> = {}): Taskbaton {
    const { url, prefix } = this.backend;
    const baton = new Taskbaton({
      db: url,
      prefix,
      logger: null,
      pollInterval: 200,
      lease: 5000,
      stopGrace: 2000,
      // A thread for each of thousands of replicas would cost minutes; what is about the thread asks for it.
      heartbeat: 'loop',
      migrate: process.env[LEAST_PRIVILEGE] === undefined,
      ...options,
    });
    this.#instances.push(baton);
    return baton;
  }

  /** A started replica. */
  async replica(options: Partial<TaskbatonOptions> = {}): Promise<Taskbaton> {
    const baton = this.instance(options);
    await baton.start();
    return baton;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#instances.map((baton) => baton.stop()));
    await this.backend.close();
  }
}

/** A system on a fresh database, which is dropped after all instances on it have stopped. */
export async function openSystem(backend: Backend, context: TestContext): Promise<System> {
  return new System(await backend.open(), context);
}

/** Waits until `fact` holds, asking again and again; fails with `what` after the deadline. */
export async function until<Fact>(
  what: string,
  fact: () => Promise<Fact | undefined | false> | Fact | undefined | false,
  deadline = DEADLINE,
): Promise<Fact> {
  const end = systemClock.monotonic() + deadline;
  for (;;) {
    const found = await fact();
    if (found !== undefined && found !== false) return found;
    if (systemClock.monotonic() > end) throw new Error(`waited ${deadline} ms in vain: ${what}`);
    await new Promise<void>((resolve) => systemClock.after(PATIENCE_STEP, resolve, { hold: true }));
  }
}

/** The task, once it shows `state`. */
export function reaches(baton: Taskbaton, id: number, state: PublicState, deadline?: number): Promise<Task> {
  return until(
    `task ${id} becomes ${state}`,
    async () => {
      const task = await baton.getTask(id);
      return task.state === state && task;
    },
    deadline,
  );
}

/** Resolves once the task is no longer there, not even as one to be deleted. */
export async function vanishes(baton: Taskbaton, id: number, deadline?: number): Promise<void> {
  await until(
    `task ${id} is gone`,
    () =>
      baton.getTask(id, { includeDeleting: true }).then(
        () => false,
        (error: unknown) => isTaskbatonError(error, 'TASK_NOT_FOUND'),
      ),
    deadline,
  );
}

/** Records all that happens in `baton` from now on. */
export function record(baton: Taskbaton): Recorded {
  const events: EngineEvent[] = [];
  baton.on('*', (event) => void events.push(event));
  return {
    events,
    next: (name, fits = () => true) =>
      until(`the event ${name}`, () =>
        events.find(
          (event): event is Extract<EngineEvent, { name: typeof name }> =>
            event.name === name && fits(event as Extract<EngineEvent, { name: typeof name }>),
        ),
      ),
  };
}

/** A promise that the test resolves. */
export function gate<Value = void>(): { readonly opened: Promise<Value>; open(value: Value): void } {
  const { promise, resolve } = Promise.withResolvers<Value>();
  return { opened: promise, open: resolve };
}

/** Resolves after some time; for handlers that stand for work that takes its time. */
export function work(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.after(ms, resolve, { hold: true });
    signal?.addEventListener('abort', () => {
      timer.cancel();
      reject(signal.reason as Error);
    });
  });
}
