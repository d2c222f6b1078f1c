/**
 * The facade that users hold: it checks what they hand in, opens the database once, and passes on to the store (what
 * concerns all replicas) and to the replica (what runs here).
 */
import { hostname } from 'node:os';
import type { Clock } from './core/clock.ts';
import { errorShown } from './core/codec.ts';
import type { BulkChange, BulkFilter } from './core/bulk.ts';
import type { TaskDeclaration, Untyped } from './core/declaration.ts';
import type { TaskDefinition } from './core/definition.ts';
import { TaskbatonError } from './core/errors.ts';
import {
  checkHistoryPage,
  type EventsOptions,
  type HistoryEntry,
  type HistoryPage,
  type HistoryPageOptions,
} from './core/history.ts';
import { checkParts } from './core/name.ts';
import { resolveOptions, type Settings, type TaskbatonOptions } from './core/options.ts';
import {
  type ChangeOptions,
  checkFilter,
  checkId,
  checkOwner,
  type CreateOptions,
  type GetOptions,
  ofType,
  type NewTaskItem,
  type Task,
  type TaskChangeOptions,
  type TaskDoneOptions,
  type TaskFilter,
  type TaskPage,
  type WatchOptions,
  type WhenOptions,
  type WithChildren,
} from './core/task.ts';
import { systemClock } from './runtime/clock.ts';
import { createAll, newTask, newTasks } from './runtime/creation.ts';
import { Feed } from './runtime/feed.ts';
import { type EventListener, type EventName, Observer } from './runtime/observer.ts';
import { Registry } from './runtime/registry.ts';
import { Overviews } from './runtime/overviews.ts';
import { Replica } from './runtime/replica.ts';
import { share } from './runtime/internals.ts';
import { checkChangeOptions, Steering } from './runtime/steering.ts';
import { StoreHolder } from './runtime/store-holder.ts';
import { Events } from './runtime/events.ts';
import { Tracing } from './runtime/tracing.ts';
import { Watcher } from './runtime/watcher.ts';
import { readHistory } from './store/history.ts';
import { TaskSystem } from './system.ts';

const PROCESS_NAME = `${hostname()}:${process.pid}`.slice(0, 255);

/**
 * A system of long tasks in a database, and this process's part in it. Tasks can be created and controlled as soon as
 * it is made; `start` makes this process a replica that also runs them.
 */
export class Taskbaton extends TaskSystem {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #tracing: Tracing = new Tracing();
  readonly #registry = new Registry();
  readonly #store: StoreHolder;
  #replica: Replica | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  readonly #ending = new AbortController();
  readonly #endings = new Set<() => Promise<void>>();
  readonly #watcher: Watcher;
  readonly #steering: Steering;
  readonly #events: Events;

  /** Throws INVALID_OPTION, INVALID_DEFINITION or DUPLICATE_TYPE. `clock` is for simulations. */
  constructor(options: TaskbatonOptions, { clock = systemClock }: { readonly clock?: Clock } = {}) {
    super();
    this.#settings = resolveOptions(options);
    this.#clock = clock;
    this.#observer = new Observer(this.#settings.logger, errorShown(this.#settings));
    this.#store = new StoreHolder(options.db, this.#settings, clock);
    const [settings, registry, observer] = [this.#settings, this.#registry, this.#observer];
    const [tracing, endings] = [this.#tracing, this.#endings];
    const looking = { store: () => this.#store.open(), clock, observer, interval: settings.pollInterval };
    const feed = new Feed({ ...looking, onEntries: () => this.#events.wake() });
    const stopped = this.#ending.signal;
    this.#events = new Events({ ...looking, stopped, newest: () => feed.newest });
    this.#steering = new Steering({ stores: this.#store, clock, stopped });
    share(this, {
      stores: this.#store,
      clock,
      settings,
      registry,
      observer,
      tracing,
      overviews: new Overviews(looking.store, clock, settings.stopGrace + settings.lease),
      feed,
      steering: this.#steering,
      events: this.#events,
      endings,
    });
    this.#watcher = new Watcher({ ...looking, stopped });
    endings.add(() => feed.stop());
    for (const definition of this.#settings.tasks) this.register(definition);
  }

  /** Adds a type that this replica runs. Throws INVALID_DEFINITION, or DUPLICATE_TYPE for a second one of its type. */
  register(definition: TaskDefinition): void {
    this.#registry.register(definition);
  }

  /**
   * Makes this process a replica: it takes tasks, rescues those of dead replicas, and hands its own over at `stop`.
   * Throws DATABASE_UNAVAILABLE, SCHEMA_OUTDATED and the like; may then be called again.
   */
  start(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(new TaskbatonError('NOT_RUNNING'));
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  /**
   * Signals all handlers, waits until each has ended or its grace is over, stores what they reported last, and leaves
   * the tasks for others to go on with. Then closes what it opened. A database that doesn't answer is waited for as long
   * as `stopGrace` and half a lease, and a second or two to close. Calling it again waits for the same end.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Creates a task and resolves to its id. Throws INVALID_INPUT, INVALID_ARGUMENT, NOT_JSON or PAYLOAD_TOO_LARGE
   * before anything is written.
   */
  async createTask<Given, Input, Context>(
    declaration: TaskDeclaration<Given, Input, Context>,
    input: Given,
    options: CreateOptions<Context> = {},
  ): Promise<number> {
    const task = await newTask(this.#creation, declaration, input, options);
    return this.#store.create(task, options);
  }

  /**
   * Creates many tasks at once, all or none, and resolves to their ids in the same order. Throws as `createTask` does,
   * naming the item that is wrong.
   */
  async createTasks(items: readonly NewTaskItem[], options: ChangeOptions = {}): Promise<readonly number[]> {
    const by = checkChangeOptions(options);
    const tasks = (await newTasks(this.#creation, items)).map((task) => ({ ...task, by }));
    return tasks.length === 0 ? [] : createAll(await this.#store.in(options), tasks);
  }

  /**
   * Queues it, resumes it, or runs it again after a failure, from its last checkpoint; at once, or when `options` say.
   * Throws TASK_NOT_FOUND, STATE_CONFLICT or INVALID_ARGUMENT.
   */
  runTask(id: number, options: WhenOptions & WithChildren & TaskChangeOptions = {}): Promise<void> {
    return this.#steering.change(id, 'run', options);
  }

  /** Stops it where it is, keeping its checkpoint. Throws TASK_NOT_FOUND or STATE_CONFLICT. */
  pauseTask(id: number, options: WithChildren & TaskChangeOptions = {}): Promise<void> {
    return this.#steering.change(id, 'pause', options);
  }

  /** Stops it, deletes its children, runs its cleanup and removes it. Throws TASK_NOT_FOUND. */
  deleteTask(id: number, options: TaskChangeOptions = {}): Promise<void> {
    return this.#steering.change(id, 'delete', options);
  }

  /**
   * Queues, resumes or runs again all tasks of the filter that can be. Here and below, those for which it makes no sense, or
   * that are so already, are left alone. Throws INVALID_ARGUMENT.
   */
  runTasks(filter: BulkFilter, options: TaskChangeOptions = {}): Promise<BulkChange> {
    return this.#steering.changeMany('run', filter, options);
  }

  /** Pauses all tasks of the filter, running ones included. */
  pauseTasks(filter: BulkFilter, options: TaskChangeOptions = {}): Promise<BulkChange> {
    return this.#steering.changeMany('pause', filter, options);
  }

  /** Stops all tasks of the filter, runs their cleanups and removes them; `settled` doesn't wait for the cleanups. */
  deleteTasks(filter: BulkFilter, options: TaskChangeOptions = {}): Promise<BulkChange> {
    return this.#steering.changeMany('delete', filter, options);
  }

  /** Moves all tasks of the filter that are elsewhere. */
  changeTasksGroup(filter: BulkFilter, group: string, options: TaskChangeOptions = {}): Promise<BulkChange> {
    return this.#steering.moveMany(filter, group, options);
  }

  /** Moves it to another group, in whatever state it is. Throws TASK_NOT_FOUND. */
  changeTaskGroup(id: number, group: string, options: TaskChangeOptions = {}): Promise<void> {
    return this.#steering.changeGroup(id, group, options);
  }

  /** The task as it is now. Throws TASK_NOT_FOUND, or TYPE_MISMATCH if it isn't what `as` says. */
  async getTask<Given = Untyped, Input = Untyped, Context = Untyped>(
    id: number,
    options: GetOptions<Given, Input, Context> = {},
  ): Promise<Task<Given, Context>> {
    checkId(id);
    checkParts('options', options, ['as', 'includeDeleting', 'redacted', 'owner']);
    const { as, includeDeleting = false, redacted = false, owner } = options;
    checkOwner(owner);
    return ofType(await (await this.#store.open()).get(id, includeDeleting, redacted, owner), as);
  }

  /**
   * Resolves to the task once it has finished, wherever it runs. Throws TASK_FAILED once it has failed for good,
   * TASK_NOT_FOUND if it is gone or being deleted, NOT_DONE after `timeout`, NOT_RUNNING, and the signal's reason.
   */
  async taskDone<Given = Untyped, Input = Untyped, Context = Untyped>(
    id: number,
    options: TaskDoneOptions<Given, Input, Context> = {},
  ): Promise<Task<Given, Context>> {
    checkId(id);
    return ofType(await this.#watcher.done(id, options), options.as);
  }

  /**
   * Yields the task now and whenever it has changed, until it has finished or failed, or is gone; whoever is slow gets the
   * latest. Throws TASK_NOT_FOUND, NOT_RUNNING, and the signal's reason.
   */
  async *watchTask<Given = Untyped, Input = Untyped, Context = Untyped>(
    id: number,
    options: WatchOptions<Given, Input, Context> = {},
  ): AsyncGenerator<Task<Given, Context>, void, void> {
    checkId(id);
    for await (const task of this.#watcher.changes(id, options)) yield ofType(task, options.as);
  }

  /** A page of tasks, newest first; all parts of the filter must fit. Throws INVALID_ARGUMENT. */
  async getTasks(filter: TaskFilter = {}): Promise<TaskPage> {
    const checked = checkFilter(filter);
    return (await this.#store.open()).list(checked);
  }

  /** The id of the replica that this process is now; undefined before `start`, and between a lost lease and the next. */
  get replicaId(): string | undefined {
    return this.#replica?.id;
  }

  /** Creates or updates the tables, whatever the option `migrate` says. */
  async migrate(): Promise<void> {
    await (await this.#store.open(true)).prepare(true);
  }

  /** What happened to a task, oldest first, as long as the history is kept: also of one that is gone. Throws INVALID_ARGUMENT. */
  async history(id: number, options: HistoryPageOptions = {}): Promise<HistoryPage> {
    checkId(id);
    const page = checkHistoryPage(options);
    return readHistory((await this.#store.open()).scopes, id, page);
  }

  /**
   * Yields what happens to tasks in all replicas, each thing once it is committed, from now on or from a cursor on: nothing is
   * left out, and nothing comes twice. Throws HISTORY_OFF, CURSOR_EXPIRED, NOT_RUNNING, INVALID_ARGUMENT, and the signal's reason.
   */
  async *events(options: EventsOptions = {}): AsyncGenerator<HistoryEntry, void, void> {
    for await (const { entry } of this.#events.follow(options)) yield entry;
  }

  /** Calls `listener` for what happens in this process, `'*'` for all of it; the returned function ends that. */
  on<Name extends EventName | '*'>(name: Name, listener: EventListener<Name>): () => void {
    return this.#observer.on(name, listener);
  }

  get #creation(): Parameters<typeof newTask>[0] {
    return { registry: this.#registry, maxPayload: this.#settings.maxPayload, tracing: this.#tracing };
  }

  async #start(): Promise<void> {
    const store = await this.#store.open();
    const replica = new Replica({
      store,
      settings: this.#settings,
      registry: this.#registry,
      clock: this.#clock,
      observer: this.#observer,
      tracing: this.#tracing,
      name: PROCESS_NAME,
    });
    await replica.start();
    this.#replica = replica;
  }

  async #stop(): Promise<void> {
    await this.#started?.catch(() => undefined);
    try {
      await this.#replica?.stop();
      await Promise.all(Array.from(this.#endings, (end) => end()));
    } finally {
      this.#ending.abort();
      await this.#store.close();
    }
  }
}
