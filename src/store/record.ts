/**
 * Rows of the task table and what they mean: a task for users, a claim for the runtime. Drivers disagree about 64-bit
 * integers, so every number is made one here.
 */
import type { Author } from '../core/author.ts';
import type { Row } from '../core/connection.ts';
import { decodeJson } from '../core/json.ts';
import { STATUS, type Status } from '../core/status.ts';
import type { WaitingTask } from '../core/queue.ts';
import type { PastError, StoredError, Task } from '../core/task.ts';

/** The columns that `taskFrom` reads. */
export const TASK_COLUMNS =
  'id, type, version, task_user, task_group, status, queue, turn, owner, epoch, attempt, crashes, retries, priority, task_key, parent, progress, created_at, started_at, done_at, worked, input, context, message, error, errors';

/** What a task that nothing has become of yet is like. Whoever is a child, or has children, isn't. */
const NEW =
  'reports = 0 AND worked = 0 AND worked_before = 0 AND attempt = 1 AND retries = 0 AND has_children = 0 AND parent IS NULL';
const PAST = ['reports', 'worked', 'worked_before', 'attempt', 'retries', 'has_children', 'parent'];

/**
 * The columns that `claimFrom` reads. What has become of a task is one of them, and NULL for most: to hand over seven numbers of each
 * is a good part of what a claim costs on either side.
 */
export const CLAIM_COLUMNS: string = `id, type, version, task_user, task_group, epoch, options, input, context, errors, CASE WHEN ${NEW} THEN NULL ELSE CONCAT_WS(' ', ${PAST.join(', ')}) END AS past`;

/** The columns that `waitingTaskFrom` reads. */
export const WAITING_COLUMNS = 'id, type, task_user, task_group, priority';

/** The queue of those that aren't due yet, as it is stored. */
export const LATER = 'later';

/** When something is due: so many milliseconds from now, or at a time. */
export type Due = { readonly delay: number } | { readonly at: number };

export interface NewTask {
  readonly type: string;
  /** Of its context; 1 by default. */
  readonly version?: number | undefined;
  readonly user: string;
  readonly group: string;
  readonly input: string | null;
  readonly context: string | null;
  readonly autoRun: boolean;
  /** 0 by default. */
  readonly priority?: number;
  readonly due?: Due | undefined;
  /** What it says for itself, as JSON of a TaskPolicy. */
  readonly options?: string | null;
  readonly key?: string | undefined;
  readonly parent?: number | undefined;
  /** Whether it takes the place of one with the same key that has not started. */
  readonly replace?: boolean;
  /** Who creates it. */
  readonly by?: Author | undefined;
}

/** Bytes of its payload, at most. */
export function payloadSize({ input, context }: NewTask): number {
  return 3 * ((input?.length ?? 0) + (context?.length ?? 0));
}

/** A task that was just claimed, with what its handler needs. Input and context are still JSON text. */
export interface Claim {
  readonly id: number;
  readonly type: string;
  /** Of its context. */
  readonly version: number;
  readonly user: string;
  readonly group: string;
  readonly parent: number | undefined;
  readonly hasChildren: boolean;
  readonly epoch: number;
  readonly attempt: number;
  /** How often it was tried again by itself since somebody asked for something. */
  readonly retries: number;
  /** Milliseconds that it has worked before this claim: in this attempt, and in all. */
  readonly worked: { readonly attempt: number; readonly total: number };
  /** How many reports its handlers have stored. */
  readonly reports: number;
  /** JSON of a TaskPolicy. */
  readonly options: string | null;
  readonly errors: string | null;
  readonly input: string | null;
  readonly context: string | null;
}

export function taskFrom(row: Row): Task {
  return {
    id: Number(row['id']),
    type: String(row['type']),
    version: Number(row['version']),
    user: String(row['task_user']),
    group: String(row['task_group']),
    state: STATUS[row['status'] as Status].shows,
    input: decodeJson(text(row['input'])),
    context: decodeJson(text(row['context'])),
    progress: number(row['progress']),
    message: decodeJson(text(row['message'])) as string | undefined,
    error: decodeJson(text(row['error'])) as StoredError | undefined,
    errors: errorLines(text(row['errors'])).map(pastErrorFrom),
    priority: Number(row['priority']),
    attempt: Number(row['attempt']),
    crashes: Number(row['crashes']),
    retries: Number(row['retries']),
    key: text(row['task_key']) ?? undefined,
    parent: number(row['parent']),
    dueAt: row['queue'] === LATER ? date(row['turn']) : undefined,
    worked: Number(row['worked']),
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

export function claimFrom(row: Row): Claim {
  const past = text(row['past']);
  const { reports, worked, attempt, retries, hasChildren, parent } = past === null ? NO_PAST : pastFrom(past);
  return {
    id: Number(row['id']),
    type: String(row['type']),
    version: Number(row['version']),
    user: String(row['task_user']),
    group: String(row['task_group']),
    parent,
    hasChildren,
    epoch: Number(row['epoch']),
    attempt,
    retries,
    worked,
    reports,
    options: text(row['options']),
    errors: text(row['errors']),
    input: text(row['input']),
    context: text(row['context']),
  };
}

type Past = Pick<Claim, 'reports' | 'worked' | 'attempt' | 'retries' | 'hasChildren' | 'parent'>;

/** From the values of `PAST`; without a parent there is one less. */
function pastFrom(past: string): Past {
  const [reports = 0, total = 0, before = 0, attempt = 1, retries = 0, children = 0, parent] = past
    .split(' ')
    .map(Number);
  const worked = { attempt: total - before, total };
  return { reports, worked, attempt, retries, hasChildren: children === 1, parent };
}

const NO_PAST: Past = pastFrom('0 0 0 1 0 0');

/** How many errors of a task are kept. */
export const ERRORS_KEPT = 10;

/** The last errors of a task, one line of JSON each. */
export function errorLines(errors: string | null): readonly string[] {
  return (errors ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .slice(-ERRORS_KEPT);
}

function pastErrorFrom(line: string): PastError {
  const { at, attempt, replica, error } = JSON.parse(line) as {
    at: number;
    attempt: number;
    replica: string;
    error: StoredError;
  };
  return { ...error, at: new Date(at), attempt, replica };
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
