/**
 * Rows of the task table and what they mean: a task for users, a claim for the runtime. Drivers disagree about 64-bit
 * integers, so every number is made one here.
 */
import type { Row } from '../core/connection.ts';
import { decodeJson } from '../core/json.ts';
import { STATUS, type Status } from '../core/status.ts';
import type { WaitingTask } from '../core/queue.ts';
import type { StoredError, Task } from '../core/task.ts';

/** The columns that `taskFrom` reads. */
export const TASK_COLUMNS =
  'id, type, task_user, task_group, status, owner, epoch, attempt, crashes, retries, priority, progress, created_at, started_at, done_at, input, context, message, error';

/** The columns that `claimFrom` reads. */
export const CLAIM_COLUMNS = 'id, type, task_user, task_group, epoch, attempt, input, context';

/** The columns that `waitingTaskFrom` reads. */
export const WAITING_COLUMNS = 'id, type, task_user, task_group, priority';

export interface NewTask {
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly input: string | null;
  readonly context: string | null;
  readonly autoRun: boolean;
  /** 0 by default. */
  readonly priority?: number;
}

/** A task that was just claimed, with what its handler needs. Input and context are still JSON text. */
export interface Claim {
  readonly id: number;
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly input: string | null;
  readonly context: string | null;
}

export function taskFrom(row: Row): Task {
  return {
    id: Number(row['id']),
    type: String(row['type']),
    user: String(row['task_user']),
    group: String(row['task_group']),
    state: STATUS[row['status'] as Status].shows,
    input: decodeJson(text(row['input'])),
    context: decodeJson(text(row['context'])),
    progress: number(row['progress']),
    message: decodeJson(text(row['message'])) as string | undefined,
    error: decodeJson(text(row['error'])) as StoredError | undefined,
    priority: Number(row['priority']),
    attempt: Number(row['attempt']),
    crashes: Number(row['crashes']),
    cleanupRetries: Number(row['retries']),
    epoch: Number(row['epoch']),
    replica: text(row['owner']) ?? undefined,
    createdAt: new Date(Number(row['created_at'])),
    startedAt: date(row['started_at']),
    doneAt: date(row['done_at']),
  };
}

export function waitingTaskFrom(row: Row, handedOver: boolean): WaitingTask {
  return {
    id: Number(row['id']),
    type: String(row['type']),
    user: String(row['task_user']),
    group: String(row['task_group']),
    priority: Number(row['priority']),
    handedOver,
  };
}

export function claimFrom(row: Row, epoch: number): Claim {
  return {
    id: Number(row['id']),
    type: String(row['type']),
    user: String(row['task_user']),
    group: String(row['task_group']),
    epoch,
    attempt: Number(row['attempt']),
    input: text(row['input']),
    context: text(row['context']),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function date(value: unknown): Date | undefined {
  const ms = number(value);
  return ms === undefined ? undefined : new Date(ms);
}
