/**
 * The options of `new Taskbaton({ … })`: defaults, and checks that show the bad value. What comes out is complete, in
 * milliseconds and bytes, and needs no further question.
 */
import { isCodec, type PayloadCodec, type Redact } from './codec.ts';
import type { TaskDefinition } from './definition.ts';
import { type Duration, milliseconds } from './duration.ts';
import { show, TaskbatonError } from './errors.ts';
import { type CheckedHistory, checkHistory, type HistoryLevel, type HistoryOptions } from './history.ts';
import { type CheckedLimits, checkLimits, type LimitRule, type LimitTable } from './limit.ts';
import { type CheckedPolicy, checkPolicy, FIFO, type Policy, type PolicyName } from './policy.ts';
import { isTaskQueue, type OwnQueues, type TaskQueue } from './queue.ts';
import type { QueueName } from './status.ts';

export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

export interface TaskbatonOptions {
  /**
   * The database that all replicas share: a URL (`sqlite:tasks.db`, `postgres://…`), a `pg` Pool, a postgres.js client,
   * a `node:sqlite` or `better-sqlite3` database. We close only what we opened.
   */
  readonly db: unknown;
  /** What the names of our tables begin with, so that several systems can share a database; `taskbaton_`. */
  readonly prefix?: string | undefined;
  /** PostgreSQL: the schema our tables are in, by default the first of the search path. It must exist. */
  readonly schema?: string | undefined;
  /** The types this replica runs. None: it creates and controls tasks, and runs nothing. */
  readonly tasks?: readonly TaskDefinition[] | undefined;
  /** How many tasks run here at once; 5. */
  readonly concurrency?: number | undefined;
  /** How many cleanups run here at once; 5. */
  readonly cleanupConcurrency?: number | undefined;
  /** How often the database is asked when no hint came; 1 s, or a quarter of a shorter lease. */
  readonly pollInterval?: Duration | undefined;
  /** How long this replica may hold tasks without a sign of life; 30 s. */
  readonly lease?: Duration | undefined;
  /**
   * What renews the lease: a `thread` with a connection of its own, so that a handler may keep the event loop busy (the default), or
   * the `loop`. Where the thread can't open the database by itself, it is the loop; see the guide.
   */
  readonly heartbeat?: 'thread' | 'loop' | undefined;
  /** For how long the thread renews the lease of an event loop that stands still; three fifths of the lease. */
  readonly maxBlock?: Duration | undefined;
  /** How long a handler may take to end after its stop signal, before its task is released without it; 30 s. */
  readonly stopGrace?: Duration | undefined;
  /**
   * Whose turn it is, of tasks to run and of tasks to clean up: `fifo` (the default), `priority`, `fair`, or a
   * `TaskQueue` of your own. It belongs to
   * the whole system: what the replica says that started last holds for all.
   */
  readonly queues?:
    | { readonly [queue in QueueName]?: Policy | PolicyName | TaskQueue | undefined }
    | undefined;
  /**
   * How many tasks may run at once in all replicas together: of each (or a named) user, group, type, or user within a
   * group. Give all replicas the same; `setLimit` goes before it.
   */
  readonly limits?: LimitTable | LimitRule | undefined;
  /** Create and update our tables at the start; true. */
  readonly migrate?: boolean | undefined;
  /** The largest input and context, in bytes of JSON; 1 MiB, at most 16 MiB. */
  readonly maxPayload?: number | undefined;
  /** Stands between input, context, message and errors of all tasks and the database; see the guide on encryption. */
  readonly codec?: PayloadCodec | undefined;
  /** What of a task may be shown where it is asked for `redacted`, and in logs; nothing of its payload by default. */
  readonly redact?: Redact | undefined;
  /**
   * What is remembered of tasks, for `history`, `events` and dashboards: `'off'`, `'changes'` or, with reports, `'all'`, or an
   * object that also says how long.
   */
  readonly history?: HistoryLevel | HistoryOptions | undefined;
  /** Where to log; null is silent. By default warnings and errors go to the console. */
  readonly logger?: Logger | null | undefined;
}

/** The options with every default filled in. */
export interface Settings {
  readonly prefix: string;
  readonly schema: string | undefined;
  readonly tasks: readonly TaskDefinition[];
  readonly concurrency: number;
  readonly cleanupConcurrency: number;
  readonly pollInterval: number;
  readonly lease: number;
  readonly heartbeat: 'thread' | 'loop';
  readonly maxBlock: number;
  readonly stopGrace: number;
  readonly policies: Readonly<Record<QueueName, CheckedPolicy>>;
  readonly ownQueues: OwnQueues;
  readonly limits: CheckedLimits;
  readonly migrate: boolean;
  readonly maxPayload: number;
  readonly codec: PayloadCodec | undefined;
  readonly redact: Redact | undefined;
  readonly history: CheckedHistory;
  /** `undefined`: the default one. */
  readonly logger: Logger | null | undefined;
}

const KNOWN: ReadonlySet<string> = new Set([
  'db',
  'prefix',
  'schema',
  'tasks',
  'concurrency',
  'cleanupConcurrency',
  'pollInterval',
  'lease',
  'heartbeat',
  'maxBlock',
  'stopGrace',
  'queues',
  'limits',
  'migrate',
  'maxPayload',
  'codec',
  'redact',
  'history',
  'logger',
]);

const MEBIBYTE = 2 ** 20;
const DAY = 86_400_000;
/**
 * Of the lease. A loop that comes back within it and what is then left of the lease (together 1.4 leases) has lost nothing; one
 * that hangs is found out after 1.6.
 */
const MAX_BLOCK = 0.6;

/** Throws INVALID_OPTION, naming the option and its value. */
export function resolveOptions(options: TaskbatonOptions): Settings {
  if (typeof options !== 'object' || options === null)
    refuse('(all)', options, 'it must be an object with at least db');
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name))
      refuse(name, (options as unknown as Record<string, unknown>)[name], 'there is no such option');
  }
  // Only what is not given has a default: null, where it means nothing, is refused like any other wrong value.
  const { prefix = 'taskbaton_', schema, tasks = [], concurrency = 5, cleanupConcurrency = 5 } = options;
  const { stopGrace = 30_000, migrate = true, maxPayload = MEBIBYTE } = options;
  const lease = time('lease', options.lease === undefined ? 30_000 : options.lease, 500, DAY);
  const { pollInterval = Math.min(1000, lease / 4), heartbeat = 'thread', maxBlock } = options;
  if (heartbeat !== 'thread' && heartbeat !== 'loop')
    refuse('heartbeat', heartbeat, "it must be 'thread' or 'loop'");
  const settings: Settings = {
    prefix: identifier('prefix', prefix),
    schema: schema === undefined ? undefined : identifier('schema', schema),
    tasks: list('tasks', tasks),
    concurrency: whole('concurrency', concurrency, 1, 10_000),
    cleanupConcurrency: whole('cleanupConcurrency', cleanupConcurrency, 1, 10_000),
    pollInterval: time('pollInterval', pollInterval, 10, 3_600_000),
    lease,
    heartbeat,
    maxBlock: time('maxBlock', maxBlock === undefined ? Math.round(lease * MAX_BLOCK) : maxBlock, 100, DAY),
    stopGrace: time('stopGrace', stopGrace, 0, DAY),
    ...resolveQueues(options.queues),
    limits: checkLimits(options.limits, refuse),
    migrate: flag('migrate', migrate),
    maxPayload: whole('maxPayload', maxPayload, 1, 16 * MEBIBYTE),
    codec: codec(options.codec),
    redact: redaction(options.redact),
    history: checkHistory(options.history, refuse),
    logger: logger(options.logger),
  };
  if (settings.pollInterval > settings.lease / 4) {
    refuse('pollInterval', pollInterval, `it must be at most a quarter of the lease (${settings.lease} ms)`);
  }
  return settings;
}

/** What a statement holds besides input and context, in bytes. */
const STATEMENT_ROOM = 65_536;

/** An input and a context go in one statement, and escaping may double each. Throws INVALID_OPTION if that can't be. */
export function checkStatementRoom(maxPayload: number, longestStatement: number = Infinity): void {
  if (4 * maxPayload + STATEMENT_ROOM <= longestStatement) return;
  const problem = `the database takes statements of ${longestStatement} bytes (max_allowed_packet), and four times maxPayload must fit into one; raise that, or lower this`;
  refuse('maxPayload', maxPayload, problem);
}

function resolveQueues(queues: unknown): Pick<Settings, 'policies' | 'ownQueues'> {
  if (queues === undefined) return { policies: { run: FIFO, cleanup: FIFO }, ownQueues: {} };
  if (typeof queues !== 'object' || queues === null || Array.isArray(queues))
    refuse('queues', queues, 'it must be an object with run, cleanup or both');
  const given = new Map<string, unknown>(Object.entries(queues));
  for (const [queue, value] of given) {
    if (queue !== 'run' && queue !== 'cleanup')
      refuse(`queues.${queue}`, value, 'there are only run and cleanup');
  }
  const policy = (queue: QueueName): CheckedPolicy => {
    const value = given.get(queue);
    return value === undefined || isTaskQueue(value) ? FIFO : checkPolicy(`queues.${queue}`, value, refuse);
  };
  const own = [...given].filter(([, value]) => isTaskQueue(value));
  return {
    policies: { run: policy('run'), cleanup: policy('cleanup') },
    ownQueues: Object.fromEntries(own) as OwnQueues,
  };
}

function identifier(option: string, value: unknown): string {
  if (typeof value === 'string' && /^[a-z_][a-z0-9_]{0,39}$/.test(value)) return value;
  return refuse(option, value, 'it must be 1 to 40 of a-z, 0-9 and _, not beginning with a digit');
}

function list<Item>(option: string, value: readonly Item[]): readonly Item[] {
  return Array.isArray(value) ? value : refuse(option, value, 'it must be an array of definitions');
}

function whole(option: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  return refuse(option, value, `it must be a whole number from ${least} to ${most}`);
}

function time(option: string, value: unknown, least: number, most: number): number {
  const ms = milliseconds(value);
  if (ms !== undefined && ms >= least && ms <= most) return ms;
  return refuse(option, value, `it must be from ${least} to ${most} milliseconds, or a text such as '30s'`);
}

function flag(option: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(option, value, 'it must be true or false');
}

function codec(value: unknown): PayloadCodec | undefined {
  if (value === undefined || isCodec(value)) return value;
  return refuse('codec', value, 'it must be an object with encode and decode');
}

function redaction(value: unknown): Redact | undefined {
  if (value === undefined || typeof value === 'function') return value as Redact | undefined;
  return refuse('redact', value, 'it must be a function');
}

function logger(value: Logger | null | undefined): Logger | null | undefined {
  if (value === undefined || value === null) return value;
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof value[level] !== 'function') refuse('logger', value, `its method ${level} is missing`);
  }
  return value;
}

function refuse(option: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_OPTION', { option, value: show(value), problem });
}
