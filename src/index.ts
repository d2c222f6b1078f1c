/** The public door: `import { defineTask, Taskbaton } from 'taskbaton'`. What isn't exported here isn't API. */
export { Taskbaton } from './taskbaton.ts';
export { declareTask, type TaskDeclaration, type Untyped } from './core/declaration.ts';
export {
  type CrashPolicy,
  defineTask,
  implement,
  type TaskDefinition,
  type TaskHandlers,
} from './core/definition.ts';
export type { Duration } from './core/duration.ts';
export {
  type ErrorCode,
  type ErrorDetails,
  ERRORS,
  isTaskbatonError,
  TaskbatonError,
} from './core/errors.ts';
export {
  type Ending,
  Finished,
  finished,
  type Handler,
  type HandlerArguments,
  type Report,
  type RunningTask,
  snooze,
  Snoozed,
  type StopReason,
  TaskFailed,
  type TaskSignal,
  TaskStopped,
  type Transaction,
} from './core/handler.ts';
export type { ChildFailure, Children, ChildrenDoneOptions, NewChild } from './core/children.ts';
export type { BulkChange, BulkFilter, SettledOptions } from './core/bulk.ts';
export type { Payload, PayloadCodec, PayloadOwner, Redact } from './core/codec.ts';
export type { Json } from './core/json.ts';
export type { Keep } from './core/keep.ts';
export type { LimitRule, LimitTable, Scope, ScopeKind } from './core/limit.ts';
export type { Author } from './core/author.ts';
export type {
  EventsOptions,
  HistoryEntry,
  HistoryEvent,
  HistoryLevel,
  HistoryOptions,
  HistoryPage,
  HistoryPageOptions,
  LogLevel,
} from './core/history.ts';
export type { Logger, TaskbatonOptions } from './core/options.ts';
export type { Flow, Overview, Problem, ProblemKind, QueueCell, Queues } from './core/overview.ts';
export type {
  FairPolicy,
  FifoPolicy,
  Policy,
  PolicyName,
  PriorityPolicy,
  Sharers,
  Weights,
} from './core/policy.ts';
export type { PickRequest, QueuePlace, TaskQueue, WaitingTask } from './core/queue.ts';
export type { Backoff, RetryPolicy, StoredRetryPolicy, TaskPolicy, TimeLimits } from './core/retry.ts';
export { type StandardSchema, typed } from './core/schema.ts';
export type { PublicState } from './core/status.ts';
export type { Draining, DrainOptions, Replica } from './core/replica.ts';
export type {
  ChangeOptions,
  CreateOptions,
  GetOptions,
  InTransaction,
  NewTaskItem,
  OnBehalf,
  PauseOptions,
  PastError,
  ScopeCount,
  StoredError,
  Task,
  TaskChangeOptions,
  TaskDoneOptions,
  TaskFilter,
  TaskPage,
  WatchOptions,
  WhenOptions,
  WithChildren,
} from './core/task.ts';
export type { VersionCount } from './core/version.ts';
export {
  fromDrizzle,
  fromKnex,
  fromKysely,
  fromPrisma,
  fromTypeOrm,
  type OrmTransaction,
} from './database/orm.ts';
export type { EngineEvent, EventDetails, EventListener, EventName, EventNamed } from './runtime/observer.ts';
