/** What the API shows: the nouns of the engine as JSON, with what whoever asks may do about them. */
import type { HistoryEntry } from '../core/history.ts';
import type { Overview as CoreOverview, Queues as CoreQueues } from '../core/overview.ts';
import type { Schedule } from '../core/schedule.ts';
import { PUBLIC_STATES, type PublicState, showing, transition, type UserEvent } from '../core/status.ts';
import type { Replica } from '../core/replica.ts';
import type { PastError, ScopeCount, StoredError, Task } from '../core/task.ts';
import type { CheckedVisitor } from './access.ts';
import type {
  Action,
  ErrorView,
  HistoryView,
  Overview,
  PastErrorView,
  Queues,
  ReplicaView,
  ScheduleView,
  ScopeView,
  TaskView,
} from './api.ts';

export function taskView(task: Task, { can }: CheckedVisitor): TaskView {
  const { id, type, version, user, group, state, priority, attempt } = task;
  const { crashes, retries, worked, epoch } = task;
  return {
    id,
    type,
    version,
    user,
    group,
    state,
    input: task.input as unknown,
    context: task.context as unknown,
    progress: task.progress ?? null,
    message: task.message ?? null,
    error: task.error === undefined ? null : errorView(task.error),
    errors: task.errors.map(pastErrorView),
    priority,
    attempt,
    crashes,
    retries,
    key: task.key ?? null,
    parent: task.parent ?? null,
    dueAt: time(task.dueAt),
    worked,
    epoch,
    replica: task.replica ?? null,
    createdAt: task.createdAt.toISOString(),
    startedAt: time(task.startedAt),
    doneAt: time(task.doneAt),
    actions: ACTIONS[state].filter((action) => can.has(action)),
  };
}

/** What makes sense in each state: what leads somewhere else from one of the statuses behind it. */
const ACTIONS = Object.fromEntries(
  PUBLIC_STATES.map((state) => [state, actionsIn(state)] as const),
) as unknown as Readonly<Record<PublicState, readonly Action[]>>;

function actionsIn(state: PublicState): readonly Action[] {
  const changes = (event: UserEvent): boolean =>
    showing(state).some(
      (status) => ![undefined, status].includes(transition(status, event) as typeof status),
    );
  // Whoever is done waits in no group any more.
  const moves = !['finished', 'deleting'].includes(state);
  const all: readonly Action[] = ['run', 'pause', 'move', 'delete'];
  return all.filter((action) => (action === 'move' ? moves : changes(action)));
}

function errorView({ name, message, stack, code }: StoredError): ErrorView {
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(code === undefined ? {} : { code }),
  };
}

function pastErrorView({ name, message, code, at, attempt, replica }: PastError): PastErrorView {
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    at: at.toISOString(),
    attempt,
    replica,
  };
}

export function replicaView(replica: Replica): ReplicaView {
  const { id, name, startedAt, leaseUntil, leaseLeft, types, concurrency, running, draining, blocked } =
    replica;
  return {
    id,
    name,
    startedAt: startedAt.toISOString(),
    leaseUntil: leaseUntil.toISOString(),
    leaseLeft,
    draining,
    types: [...types],
    concurrency,
    running: running.map((held) => ({ ...held })),
    blocked,
  };
}

/** To somebody who sees one user's tasks only, replicas that hold none of them are nobody's business. */
export function visible(replicas: readonly Replica[], { owner }: CheckedVisitor): readonly Replica[] {
  return owner === undefined ? replicas : replicas.filter(({ running }) => running.length > 0);
}

export function overviewView(overview: CoreOverview, visitor: CheckedVisitor): Overview {
  const { at, states, oldestWaiting = null, slots, bucket, throughput, waiting, problems } = overview;
  return {
    at: at.toISOString(),
    states: { ...states },
    oldestWaiting,
    slots: { ...slots },
    throughput: throughput.map((flow) => ({ ...flow, at: flow.at.toISOString() })),
    bucket,
    waiting: waiting.map((point) => ({ ...point, at: point.at.toISOString() })),
    replicas: visible(overview.replicas, visitor).map(replicaView),
    problems: problems.map((problem) => ({ ...problem, tasks: [...problem.tasks] })),
  };
}

export function queuesView({ users, groups, types, matrix }: CoreQueues): Queues {
  return {
    users: users.map(scopeView),
    groups: groups.map(scopeView),
    types: types.map(scopeView),
    matrix: matrix.map(({ limit = null, ...cell }) => ({ ...cell, limit })),
  };
}

function scopeView({ name, states, limit, paused, oldestWaiting, used }: ScopeCount): ScopeView {
  return {
    name,
    states: { ...states },
    limit: limit ?? null,
    paused,
    oldestWaiting: oldestWaiting ?? null,
    used: used ?? null,
  };
}

export function scheduleView(schedule: Schedule): ScheduleView {
  const { name, type, cron, zone, every, user, group, paused, lastTask = null } = schedule;
  return {
    name,
    type,
    rule: cron ?? `every ${every} ms`,
    zone: cron === undefined ? null : zone,
    user,
    group,
    paused,
    nextAt: time(schedule.nextAt),
    lastAt: time(schedule.lastAt),
    lastTask,
  };
}

export function historyView(entry: HistoryEntry): HistoryView {
  const { cursor, task = null, event, group, from = null, to = null, mark = null } = entry;
  const { scope, context, level, message, fields, error } = entry;
  return {
    cursor,
    task,
    scope: scope === undefined ? null : `${scope.kind}:${[scope.name].flat().join('/')}`,
    at: entry.at.toISOString(),
    event,
    group,
    from,
    to,
    mark,
    actor: entry.actor ?? null,
    reason: entry.reason ?? null,
    replica: entry.replica ?? null,
    epoch: entry.epoch ?? null,
    attempt: entry.attempt ?? null,
    progress: entry.progress ?? null,
    bytes: entry.bytes ?? null,
    error: error === undefined ? null : errorView(error),
    ...(context === undefined ? {} : { context }),
    ...(level === undefined ? {} : { level }),
    ...(message === undefined ? {} : { message }),
    ...(fields === undefined ? {} : { fields: { ...fields } }),
  };
}

function time(date: Date | undefined): string | null {
  return date === undefined ? null : date.toISOString();
}
