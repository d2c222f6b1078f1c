/**
 * The facade that users hold: it checks what they hand in, opens the database once, and passes on to the store (what
 * concerns all replicas) and to the replica (what runs here).
 */
import { hostname } from 'node:os';
import type { Clock } from './core/clock.ts';
import { type BulkChange, type BulkFilter, checkBulkFilter } from './core/bulk.ts';
import type { TaskDeclaration, TaskDefinition, Untyped } from './core/definition.ts';
import { show, TaskbatonError } from './core/errors.ts';
import { checkLimit, checkScope, type ScopeKind } from './core/limit.ts';
import { checkName, checkParts } from './core/name.ts';
import { resolveOptions, type Settings, type TaskbatonOptions } from './core/options.ts';
import type { UserEvent } from './core/status.ts';
import {
  checkFilter,
  checkId,
  checkWhen,
  type CreateOptions,
  type GetOptions,
  type InTransaction,
  ofType,
  type PauseOptions,
  type NewTaskItem,
  type Replica as ReplicaView,
  type ScopeCount,
  type Task,
  type TaskDoneOptions,
  type TaskFilter,
  type TaskPage,
  typeName,
  type WatchOptions,
  type WhenOptions,
} from './core/task.ts';
import { systemClock } from './runtime/clock.ts';
import { newTask, newTasks } from './runtime/creation.ts';
import { type EventListener, Observer } from './runtime/observer.ts';
import { Registry } from './runtime/registry.ts';
import { Replica } from './runtime/replica.ts';
import { share } from './runtime/internals.ts';
import { openStore } from './runtime/open-store.ts';
import { bulkChange } from './runtime/settling.ts';
import { storeIn } from './runtime/transaction.ts';
import { Watcher } from './runtime/watcher.ts';
import { countStopping } from './store/bulk.ts';
import { countScopes, limitScope, type PausedKind, pauseScope, resumeScope } from './store/scope.ts';
import type { Store } from './store/store.ts';

/**
 * A system of long tasks in a database, and this process's part in it. Tasks can be created and controlled as soon as
 * it is made; `start` makes this process a replica that also runs them.
 */
export class Taskbaton {
  readonly #settings: Settings;
  readonly #db: unknown;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #registry = new Registry();
  #store: Promise<Store> | undefined;
  #replica: Replica | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  readonly #ending = new AbortController();
  readonly #watcher: Watcher;
  #closed = false;

  /** Throws INVALID_OPTION, INVALID_DEFINITION or DUPLICATE_TYPE. `clock` is for simulations. */
  constructor(options: TaskbatonOptions, { clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#settings = resolveOptions(options);
    this.#db = options.db;
    this.#clock = clock;
    this.#observer = new Observer(this.#settings.logger);
    const store = (): Promise<Store> => this.#open();
    const [settings, registry, observer] = [this.#settings, this.#registry, this.#observer];
    share(this, { store, clock, settings, registry, observer });
    this.#watcher = new Watcher({
      store,
      clock,
      observer,
      interval: this.#settings.pollInterval,
      stopped: this.#ending.signal,
    });
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
   * as `stopGrace` and half a lease, no longer. Calling it again waits for the same end.
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
    return (await this.#storeIn(options.tx)).create(task);
  }

  /**
   * Creates many tasks at once, all or none, and resolves to their ids in the same order. Throws as `createTask` does,
   * naming the item that is wrong.
   */
  async createTasks(items: readonly NewTaskItem[], options: InTransaction = {}): Promise<readonly number[]> {
    checkParts('options', options, ['tx']);
    const tasks = await newTasks(this.#creation, items);
    return tasks.length === 0 ? [] : (await this.#storeIn(options.tx)).createMany(tasks);
  }

  /**
   * Queues it, resumes it, or runs it again after a failure, from its last checkpoint; at once, or when `options` say.
   * Throws TASK_NOT_FOUND, STATE_CONFLICT or INVALID_ARGUMENT.
   */
  runTask(id: number, options: WhenOptions & InTransaction = {}): Promise<void> {
    return this.#change(id, 'run', options);
  }

  /** Stops it where it is, keeping its checkpoint. Throws TASK_NOT_FOUND or STATE_CONFLICT. */
  pauseTask(id: number, options: InTransaction = {}): Promise<void> {
    return this.#change(id, 'pause', options);
  }

  /** Stops it, runs its cleanup and removes it. Throws TASK_NOT_FOUND. */
  deleteTask(id: number, options: InTransaction = {}): Promise<void> {
    return this.#change(id, 'delete', options);
  }

  /**
   * Queues, resumes or runs again all tasks of the filter that can be. Here and below, those for which it makes no sense, or
   * that are so already, are left alone. Throws INVALID_ARGUMENT.
   */
  runTasks(filter: BulkFilter): Promise<BulkChange> {
    return this.#changeMany('run', filter);
  }

  /** Pauses all tasks of the filter, running ones included. */
  pauseTasks(filter: BulkFilter): Promise<BulkChange> {
    return this.#changeMany('pause', filter);
  }

  /** Stops all tasks of the filter, runs their cleanups and removes them; `settled` doesn't wait for the cleanups. */
  deleteTasks(filter: BulkFilter): Promise<BulkChange> {
    return this.#changeMany('delete', filter);
  }

  /** Moves all tasks of the filter that are elsewhere. */
  async changeTasksGroup(filter: BulkFilter, group: string): Promise<BulkChange> {
    const checked = checkBulkFilter(filter);
    checkName('group', group);
    const changed = await (await this.#open()).moveMany(checked, group);
    return this.#bulkChange(changed, async () => 0);
  }

  /** Moves it to another group, in whatever state it is. Throws TASK_NOT_FOUND. */
  async changeTaskGroup(id: number, group: string, options: InTransaction = {}): Promise<void> {
    checkId(id);
    checkParts('options', options, ['tx']);
    checkName('group', group);
    await (await this.#storeIn(options.tx)).changeGroup(id, group);
  }

  /**
   * At most `limit` tasks of this user, group, type or [user, group] run at once from now on, in all replicas; null goes
   * back to what the options say. What runs already goes on. Throws INVALID_ARGUMENT.
   */
  async setLimit(
    kind: 'user/group',
    name: readonly [user: string, group: string],
    limit: number | null,
  ): Promise<void>;
  async setLimit(kind: 'user' | 'group' | 'type', name: string, limit: number | null): Promise<void>;
  async setLimit(kind: ScopeKind, name: unknown, limit: number | null): Promise<void> {
    const scope = checkScope(kind, name);
    checkLimit(limit);
    await limitScope((await this.#open()).scopes, scope, limit);
  }

  /** Lets no task of the group start; with `running: true`, also pauses those that run, which come back with it. */
  pauseGroup(group: string, options?: PauseOptions): Promise<void> {
    return this.#pause('group', group, options);
  }

  /** Ends a pause. Its tasks may start, and those that the pause stopped go back to the queue. */
  resumeGroup(group: string): Promise<void> {
    return this.#resume('group', group);
  }

  /** As `pauseGroup`, for all tasks of a user. */
  pauseUser(user: string, options?: PauseOptions): Promise<void> {
    return this.#pause('user', user, options);
  }

  resumeUser(user: string): Promise<void> {
    return this.#resume('user', user);
  }

  /** As `pauseGroup`, for all tasks of a type. */
  pauseType(type: string | TaskDeclaration, options?: PauseOptions): Promise<void> {
    return this.#pause('type', typeName(type), options);
  }

  resumeType(type: string | TaskDeclaration): Promise<void> {
    return this.#resume('type', typeName(type));
  }

  /** Every group that has tasks or rules: tasks by state, limit, pause, share and age. It reads the whole table. */
  async groups(): Promise<readonly ScopeCount[]> {
    return countScopes((await this.#open()).scopes, 'group');
  }

  /** The same for users. */
  async users(): Promise<readonly ScopeCount[]> {
    return countScopes((await this.#open()).scopes, 'user');
  }

  /** The same for types. */
  async types(): Promise<readonly ScopeCount[]> {
    return countScopes((await this.#open()).scopes, 'type');
  }

  /** The task as it is now. Throws TASK_NOT_FOUND, or TYPE_MISMATCH if it isn't what `as` says. */
  async getTask<Given = Untyped, Input = Untyped, Context = Untyped>(
    id: number,
    options: GetOptions<Given, Input, Context> = {},
  ): Promise<Task<Given, Context>> {
    checkId(id);
    checkParts('options', options, ['as', 'includeDeleting']);
    const { as, includeDeleting = false } = options;
    return ofType(await (await this.#open()).get(id, includeDeleting), as);
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
    return (await this.#open()).list(checked);
  }

  /** Who is alive in this system, since when, and what each one holds. */
  async replicas(): Promise<readonly ReplicaView[]> {
    return (await this.#open()).replicas();
  }

  /** The id of the replica that this process is now; undefined before `start`, and between a lost lease and the next. */
  get replicaId(): string | undefined {
    return this.#replica?.id;
  }

  /** Creates or updates the tables, whatever the option `migrate` says. */
  async migrate(): Promise<void> {
    await (await this.#open(true)).prepare(true);
  }

  /** Calls `listener` for all that happens in this process; the returned function ends that. */
  observe(listener: EventListener): () => void {
    return this.#observer.listen(listener);
  }

  get #creation(): Parameters<typeof newTask>[0] {
    return { registry: this.#registry, maxPayload: this.#settings.maxPayload };
  }

  async #start(): Promise<void> {
    const store = await this.#open();
    const replica = new Replica({
      store,
      settings: this.#settings,
      registry: this.#registry,
      clock: this.#clock,
      observer: this.#observer,
      name: `${hostname()}:${process.pid}`.slice(0, 255),
    });
    try {
      await replica.start();
      this.#replica = replica;
    } catch (error) {
      await replica.stop();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    await this.#started?.catch(() => undefined);
    try {
      await this.#replica?.stop();
    } finally {
      this.#closed = true;
      this.#ending.abort();
      const store = await this.#store?.catch(() => undefined);
      await store?.database.close();
    }
  }

  /** The store, ready for use. A database that failed to open is tried again by the next call. */
  #open(migrateOnly = false): Promise<Store> {
    if (this.#closed) return Promise.reject(new TaskbatonError('NOT_RUNNING'));
    this.#store ??= openStore(this.#db, this.#settings, { clock: this.#clock, migrate: migrateOnly }).catch(
      (error: unknown) => {
        this.#store = undefined;
        throw error;
      },
    );
    return this.#store;
  }

  async #pause(kind: PausedKind, name: string, options: PauseOptions = {}): Promise<void> {
    checkName(kind, name);
    checkParts('options', options, ['running']);
    const { running = false } = options;
    if (typeof running !== 'boolean') refuse('running', running, 'it must be true or false');
    await pauseScope((await this.#open()).scopes, kind, name, running);
  }

  async #resume(kind: PausedKind, name: string): Promise<void> {
    checkName(kind, name);
    await resumeScope((await this.#open()).scopes, kind, name);
  }

  async #changeMany(event: UserEvent, filter: BulkFilter): Promise<BulkChange> {
    const checked = checkBulkFilter(filter);
    const store = await this.#open();
    const { changed, stopping } = await store.changeMany(event, checked);
    return this.#bulkChange(changed, async () =>
      stopping.length === 0 ? 0 : countStopping(store.scopes, event, stopping),
    );
  }

  #bulkChange(changed: number, left: () => Promise<number>): BulkChange {
    return bulkChange({ changed, clock: this.#clock, stopped: this.#ending.signal, left });
  }

  async #change(id: number, event: UserEvent, options: WhenOptions & InTransaction): Promise<void> {
    checkId(id);
    checkParts('options', options, event === 'run' ? ['delay', 'runAt', 'tx'] : ['tx']);
    await (await this.#storeIn(options.tx)).change(id, event, checkWhen(options));
  }

  /** The store, in the transaction if there is one. */
  async #storeIn(tx: unknown): Promise<Store> {
    const store = await this.#open();
    return tx === undefined ? store : storeIn(tx, store);
  }
}

function refuse(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
