/**
 * The shapes of the HTTP API, shared by the server, the page and the OpenAPI document. Times are ISO 8601 texts (UTC), durations
 * milliseconds, ids numbers. Errors are `Failure`, with a fitting status. All paths are relative to where the dashboard is mounted.
 */
export type State =
  | 'init'
  | 'pending'
  | 'running'
  | 'canceling'
  | 'waiting'
  | 'paused'
  | 'finished'
  | 'failed'
  | 'deleting';

/** What somebody may do; roles are sets of these. */
export type Permission =
  | 'read'
  | 'create'
  | 'run'
  | 'pause'
  | 'move'
  | 'delete'
  | 'limits'
  | 'replicas'
  | 'schedules';

/** What can be asked for a task; which of these make sense follows from its state. */
export type Action = 'run' | 'pause' | 'move' | 'delete';

/** Any answer that is no success: 400, 401, 403, 404, 405, 409, 413, 415, 429, 500 or 503. */
export interface Failure {
  /** `field` is the part of the body that is wrong, where it is known. */
  error: { code: string; message: string; remedy?: string; field?: string };
}

/** GET api/session */
export interface Session {
  /** Who looks: for display, and what the history names as the actor. */
  user: string;
  /** The only user whose tasks are seen; null for all. */
  scope: string | null;
  can: Permission[];
  /** The types whose tasks can be created here. */
  types: string[];
  system: { prefix: string; database: string; version: string; history: boolean };
}

export interface ErrorView {
  name: string;
  message: string;
  stack?: string;
  code?: string;
}

export interface PastErrorView {
  name: string;
  message: string;
  code?: string;
  at: string;
  attempt: number;
  replica: string;
}

/** GET api/tasks/:id. Input, context, message and errors are shown as far as the option `redact` lets them through. */
export interface TaskView {
  id: number;
  type: string;
  version: number;
  user: string;
  group: string;
  state: State;
  /** Absent if there is none, or it isn't shown. */
  input?: unknown;
  context?: unknown;
  /** From 0 to 1. */
  progress: number | null;
  message: string | null;
  error: ErrorView | null;
  errors: PastErrorView[];
  priority: number;
  attempt: number;
  crashes: number;
  retries: number;
  key: string | null;
  parent: number | null;
  dueAt: string | null;
  /** Milliseconds that it has worked in all, up to its last stop. */
  worked: number;
  epoch: number;
  replica: string | null;
  createdAt: string;
  startedAt: string | null;
  doneAt: string | null;
  /** What makes sense in its state, and is permitted to whoever asks. */
  actions: Action[];
}

/**
 * GET api/tasks?user&group&type&state&search&parent&limit&after&includeDeleting, newest first. `type` and `state` may be given
 * several times; `search` is an id, or the beginning of a key, a user, a group or a type.
 */
export interface TaskList {
  tasks: TaskView[];
  /** Hand it back as `after` for the next page. */
  next: number | null;
}

/** POST api/tasks */
export interface NewTask {
  type: string;
  input?: unknown;
  user?: string;
  group?: string;
  priority?: number;
  autoRun?: boolean;
  key?: string;
  /** Milliseconds. */
  delay?: number;
  reason?: string;
}

/** The answer, with status 201. */
export interface Created {
  id: number;
}

/** POST api/tasks/:id/run, …/pause, …/move, …/delete; answers the TaskView after the change, …/delete 202 and {}. */
export interface ChangeRequest {
  reason?: string;
  /** Of a move. */
  group?: string;
}

/** POST api/tasks/bulk: the tasks named, or all that match. */
export interface BulkRequest {
  change: Action;
  ids?: number[];
  filter?: { user?: string; group?: string; types?: string[]; states?: State[]; parent?: number };
  all?: true;
  /** Of a move. */
  group?: string;
  reason?: string;
}

export interface BulkResult {
  changed: number;
}

/** GET api/tasks/:id/history?after&limit, the oldest first. */
export interface HistoryPage {
  entries: HistoryView[];
  next: string | null;
}

export interface HistoryView {
  cursor: string;
  /** Null where it is about a user, group or type as a whole. */
  task: number | null;
  /** Of a hold, release or limit: a scope such as group:night; null where it is about a task. */
  scope: string | null;
  at: string;
  /** create replace run pause delete move delay claim report log yield recover expire finish fail retry snooze wait wake remove; hold release limit */
  event: string;
  /** The task's group; that which a move left. */
  group: string;
  from: State | null;
  to: State | 'removed' | null;
  /** What is asked of it from then on. */
  mark: string | null;
  actor: string | null;
  reason: string | null;
  replica: string | null;
  epoch: number | null;
  attempt: number | null;
  progress: number | null;
  /** Of a report or an end: the size of its context. */
  bytes: number | null;
  /** Of a failure or a crash. */
  error: ErrorView | null;
  /** The same context, if contexts are kept in the history. */
  context?: unknown;
  /** Of lines that a handler logged. */
  level?: 'debug' | 'info' | 'warn' | 'error';
  message?: string;
  /** Of such a line its fields; of a move { group }, where it went; of a limit { limit }. */
  fields?: Record<string, unknown>;
}

/** GET api/overview. Counted once for all who look, and kept for some seconds. */
export interface Overview {
  at: string;
  states: Partial<Record<State, number>>;
  /** Milliseconds. */
  oldestWaiting: number | null;
  slots: { total: number; used: number };
  /** A point for each bucket, the oldest first. */
  throughput: { at: string; created: number; started: number; finished: number; failed: number }[];
  /** Milliseconds for each point. */
  bucket: number;
  /** How long those had waited that started in each bucket, in milliseconds. */
  waiting: { at: string; p50: number; p95: number }[];
  replicas: ReplicaView[];
  /** The worst first. */
  problems: Problem[];
}

export interface Problem {
  kind:
    | 'no-replica-for-type'
    | 'no-replica-for-version'
    | 'failed-cleanup'
    | 'stopping-too-long'
    | 'blocked-loop'
    | 'paused-scope-with-waiting'
    | 'lease-ending'
    | 'failed-tasks';
  severity: 'error' | 'warning';
  count: number;
  /** A type, a type@version, a replica, a scope such as group:night. */
  subject: string;
  /** Some of them. */
  tasks: number[];
}

export interface ReplicaView {
  id: string;
  name: string;
  startedAt: string;
  leaseUntil: string;
  /** Milliseconds. */
  leaseLeft: number;
  draining: boolean;
  types: string[];
  concurrency: number;
  running: { id: number; type: string; epoch: number }[];
  /** For how many milliseconds its loop was blocked at worst lately; 0 if it wasn't. */
  blocked: number;
}

/** GET api/replicas; POST api/replicas/:id/drain answers 202 and {}. */
export interface ReplicaList {
  replicas: ReplicaView[];
}

/** GET api/queues */
export interface Queues {
  users: ScopeView[];
  groups: ScopeView[];
  types: ScopeView[];
  matrix: QueueCell[];
}

export interface ScopeView {
  name: string;
  states: Partial<Record<State, number>>;
  limit: number | null;
  paused: boolean;
  /** Milliseconds. */
  oldestWaiting: number | null;
  /** Where slots are shared among such: the slot time it was charged. */
  used: number | null;
}

/** A user's tasks in a group. */
export interface QueueCell {
  user: string;
  group: string;
  running: number;
  waiting: number;
  limit: number | null;
}

/** POST api/queues/pause, api/queues/resume */
export interface PauseRequest {
  kind: 'user' | 'group' | 'type';
  name: string;
  /** Also pause what runs. */
  running?: boolean;
  reason?: string;
}

/** PUT api/limits */
export interface LimitRequest {
  kind: 'user' | 'group' | 'type' | 'user/group';
  /** For user/group both. */
  name: string | [user: string, group: string];
  /** Null goes back to what the options say. */
  limit: number | null;
  reason?: string;
}

/** GET api/schedules; POST api/schedules/:name/pause, …/resume, …/trigger, …/delete */
export interface ScheduleList {
  schedules: ScheduleView[];
}

export interface ScheduleView {
  name: string;
  type: string;
  /** A cron expression, or 'every 60000 ms'. */
  rule: string;
  zone: string | null;
  user: string;
  group: string;
  paused: boolean;
  nextAt: string | null;
  lastAt: string | null;
  lastTask: number | null;
}

/**
 * GET api/events, as text/event-stream; `Last-Event-ID` resumes, `?task=ID` narrows it to one task. Messages:
 * `change`, with its cursor as id and a HistoryView as data; `task`, a TaskView that has changed, at most one for each task and
 * tick; `gone`, { id } of a task that is there no more; `missed`, {}, where the history doesn't reach back to the Last-Event-ID,
 * so that all has to be read anew; `tick`, {}, at the beginning and at least every 15 s. With the history off there is no `change`.
 */
export type EventName = 'change' | 'task' | 'gone' | 'missed' | 'tick';
