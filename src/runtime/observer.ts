/**
 * The doorway through which the engine tells what it does: each thing is emitted once, here, and logs, metrics and
 * tests all listen. No event carries an input or a context, so none can leak into a log.
 */
import type { PayloadOwner } from '../core/codec.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import type { Settlement } from '../store/settlement.ts';
import type { StopReason } from '../core/handler.ts';
import type { LogLevel } from '../core/history.ts';
import type { Logger } from '../core/options.ts';
import type { QueueName } from '../core/status.ts';
import type { StoredError } from '../core/task.ts';

/** What each event of a task carries. */
export interface TaskDetails {
  readonly id: number;
  readonly type: string;
  readonly epoch: number;
  readonly replica: string;
  /** Which of its handlers ran. */
  readonly queue: QueueName;
}

/** What each event carries. */
export interface EventDetails {
  /** It has a lease: at the start, and again under a new id after it lost one. */
  'replica.started': { readonly replica: string };
  'replica.stopping': { readonly replica: string; readonly running: number };
  'replica.stopped': { readonly replica: string };
  /** It could not renew its lease; its handlers were told, and it goes on under a new id. */
  'replica.lost': { readonly replica: string; readonly running: number };
  /** It asked for tasks and got so many; `took` is in ms. */
  'tasks.claimed': {
    readonly replica: string;
    readonly queue: QueueName;
    readonly count: number;
    readonly took: number;
  };
  /** It was asked to take nothing more; what it runs is handed over. */
  'replica.draining': { readonly replica: string; readonly running: number };
  /** It may take tasks again. */
  'replica.undrained': { readonly replica: string };
  'task.started': TaskDetails & { readonly attempt: number };
  /** `took` is for how many ms its handler waited until the report was committed; not known for one in a transaction. */
  'task.reported': TaskDetails & { readonly took?: number | undefined };
  /** Its handler logged a line. */
  'task.logged': TaskDetails & {
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: unknown;
  };
  'task.stopping': TaskDetails & { readonly why: StopReason };
  /** The handler ended (or was given up), and the task moved on. */
  'task.ended': TaskDetails & {
    readonly event: Exclude<Settlement['event'], 'unclaim'>;
    readonly error?: StoredError | undefined;
  };
  /** Another owner may have it by now; nothing was written. */
  'task.lost': TaskDetails;
  'task.abandoned': TaskDetails & { readonly grace: number };
  'task.misused': TaskDetails & { readonly problem: string };
  /** A claim that never ran here was given back: there was no slot for it in time, or its answer had got lost. */
  'task.released': { readonly id: number; readonly epoch: number; readonly replica: string };
  /** They were done and had been kept as long as their type says. */
  'tasks.removed': { readonly type: string; readonly count: number };
  'tasks.rescued': { readonly count: number; readonly replica: string };
  /** A database operation fails, and is tried again until it works; told once for a whole row of failures. */
  'loop.failing': { readonly loop: string; readonly error: string };
  'loop.recovered': { readonly loop: string; readonly failures: number };
  /** A queue of the user's own threw while it was told who waits; reconciling puts it right. */
  'queue.failing': { readonly queue: QueueName; readonly error: string };
  /** What it is to create can't be: its payload can't be decoded, for example. It's tried again at each poll, and told once. */
  'schedule.failing': { readonly schedule: string; readonly error: string };
  /** A request could not be answered, by no fault of the asker's. */
  'dashboard.failing': { readonly path: string; readonly error: string };
  /**
   * The event loop stood still for so long, and whose handler is suspected. `measured`: that handler was entered, and gave the loop
   * back only `measured` milliseconds later; of several it was the one that took the longest. `alone`: no other handler was running, though other code of the program may have been, or the whole process stood still.
   * `last`: of several it was entered last, which is a guess. `none`: no handler was running.
   */
  'loop.blocked': Partial<Suspect> & {
    readonly ms: number;
    readonly evidence: Evidence;
    readonly measured?: number;
    /** How many handlers were running meanwhile. */
    readonly running: number;
  };
  /** The lease is renewed by a thread of its own. */
  'heartbeat.working': object;
  /** That thread has failed, and the event loop renews the lease. */
  'heartbeat.lost': { readonly error: string };
  /** Without hints, changes are noticed by polling. */
  'hints.lost': { readonly error: string };
  'hints.working': object;
}

type LoggedDetails = EventDetails['task.ended'] & EventDetails['task.logged'];

/** Whose handler may have blocked the loop. */
export interface Suspect {
  readonly id: number;
  readonly type: string;
  readonly epoch: number;
}

export type Evidence = 'measured' | 'alone' | 'last' | 'none';

export type EventName = keyof EventDetails;
export type TaskEventName = Exclude<Extract<EventName, `task.${string}`>, 'task.released'>;
export type EngineEvent = { [Name in EventName]: { readonly name: Name } & EventDetails[Name] }[EventName];
/** One event by its name, or any of them. */
export type EventNamed<Name extends EventName | '*'> = Name extends EventName
  ? Extract<EngineEvent, { readonly name: Name }>
  : EngineEvent;
export type EventListener<Name extends EventName | '*' = '*'> = (event: EventNamed<Name>) => void;

const LOG: Readonly<Record<EventName, readonly [level: keyof Logger, message: string]>> = {
  'replica.started': ['info', 'replica started'],
  'replica.stopping': ['info', 'replica stops and hands its tasks over'],
  'replica.stopped': ['info', 'replica stopped'],
  'replica.lost': ['warn', 'replica lost its lease; its handlers were stopped and it registers anew'],
  'tasks.claimed': ['debug', 'replica asked for tasks'],
  'replica.draining': ['info', 'replica was asked to take no more tasks and hands its own over'],
  'replica.undrained': ['info', 'replica takes tasks again'],
  'task.started': ['debug', 'task started'],
  'task.reported': ['debug', 'task reported'],
  'task.logged': ['debug', 'handler logged a line'],
  'task.stopping': ['debug', 'task was told to stop'],
  'task.ended': ['debug', 'task ended here'],
  // A replica that loses its lease loses all its tasks at once, and says that in one line of its own.
  'task.lost': ['info', 'task was lost to another owner; what its handler wrote was refused'],
  'task.abandoned': ['warn', 'handler ignored its stop signal and was abandoned; its task was released'],
  'task.misused': ['warn', 'handler did something that has no effect'],
  'task.released': ['debug', 'a claim that never ran here was given back'],
  'tasks.removed': ['debug', 'tasks that were kept long enough were removed'],
  'tasks.rescued': ['warn', 'tasks of dead replicas were rescued'],
  'loop.failing': ['warn', 'the database does not do its part; trying again'],
  'loop.recovered': ['info', 'the database works again'],
  'queue.failing': ['warn', 'a queue of your own failed; what it missed is brought to it later'],
  'schedule.failing': ['warn', 'a schedule could not be fired; it is tried again at each poll'],
  'dashboard.failing': ['error', 'a request of the dashboard could not be answered'],
  'loop.blocked': ['warn', 'the event loop was blocked'],
  'heartbeat.working': ['info', 'a thread of its own renews the lease'],
  'heartbeat.lost': ['warn', 'the thread that renews the lease has failed; the event loop does so instead'],
  'hints.lost': ['warn', 'hints from the database do not arrive; polling instead'],
  'hints.working': ['info', 'hints from the database arrive'],
};

export class Observer {
  readonly #listeners = new Set<{
    readonly name: EventName | '*';
    readonly listener: (event: never) => void;
  }>();
  readonly #logger: Logger | null;
  readonly #shown: (error: StoredError, owner: PayloadOwner) => StoredError;

  /** `undefined` logs warnings and errors to the console, null nothing. `shown` is what a log may hold of an error. */
  constructor(
    logger: Logger | null | undefined,
    shown: (error: StoredError, owner: PayloadOwner) => StoredError = (error) => error,
  ) {
    this.#logger = logger === undefined ? consoleLogger : logger;
    this.#shown = shown;
  }

  /** Calls `listener` for each event of this name from now on, until the returned function is called. Throws INVALID_ARGUMENT. */
  on<Name extends EventName | '*'>(name: Name, listener: EventListener<Name>): () => void {
    if (name !== '*' && !Object.hasOwn(LOG, name)) refuse('name', name, 'there is no such event');
    if (typeof listener !== 'function') refuse('listener', listener, 'it must be a function');
    const entry = { name, listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  emit<Name extends EventName>(name: Name, details: EventDetails[Name]): void {
    const [level, message] = LOG[name];
    this.#guarded(() => this.#logger?.[level](message, { event: name, ...this.#loggable(details) }));
    const event = { name, ...details } as unknown as EngineEvent;
    // Of those that listen now: a listener may listen anew.
    const present = [...this.#listeners].filter((entry) => entry.name === name || entry.name === '*');
    for (const { listener } of present) this.#guarded(() => (listener as EventListener)(event));
  }

  /** The same for what happens to each task: too often to be put into words for nobody. */
  emitOf<Name extends TaskEventName>(
    { task, queue }: { readonly task: Omit<TaskDetails, 'queue'>; readonly queue: QueueName },
    name: Name,
    more: Omit<EventDetails[Name], keyof TaskDetails>,
  ): void {
    const [level] = LOG[name];
    const isLogged = this.#logger !== null && this.#logger[level] !== ignore;
    if (!isLogged && this.#listeners.size === 0) return;
    const { id, type, epoch, replica } = task;
    this.emit(name, { id, type, epoch, replica, queue, ...more } as unknown as EventDetails[Name]);
  }

  #loggable(details: object): object {
    const { error, message, fields, ...others } = details as Partial<LoggedDetails> & PayloadOwner;
    // What a handler says is for those who may read the task.
    if (message !== undefined || fields !== undefined) return others;
    return typeof error === 'object' ? { ...others, error: this.#shown(error, others) } : details;
  }

  /** Loggers and listeners are user code: what they throw must not reach the loop that emitted. */
  #guarded(call: () => unknown): void {
    try {
      const result = call();
      if (result instanceof Promise) result.catch(ignore);
    } catch (error) {
      ignore(error);
    }
  }
}

function refuse(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}

function ignore(_error: unknown): void {}

const consoleLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: (message, fields) => console.warn(`taskbaton: ${message}`, fields),
  error: (message, fields) => console.error(`taskbaton: ${message}`, fields),
};
