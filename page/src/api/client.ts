/**
 * Speaks to the server: one function for each thing that the page asks. Addresses are relative to the page's base, so
 * that it works wherever it is mounted. What goes wrong is an `ApiError`, an unreachable server included.
 */
import { signal } from '@preact/signals';
import type {
  Action,
  BulkRequest,
  BulkResult,
  ChangeRequest,
  Created,
  HistoryPage,
  LimitRequest,
  NewTask,
  Overview,
  PauseRequest,
  Queues,
  ReplicaView,
  ScheduleView,
  Session,
  TaskList,
  TaskView,
} from '../../../src/dashboard/api.ts';

/** The status of an error that no server answered with. */
export const UNREACHABLE = 0;

interface Remarks {
  readonly remedy?: string | undefined;
  readonly field?: string | undefined;
}

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string | undefined;
  /** The part of what was sent that is wrong, where it is known. */
  readonly field: string | undefined;

  constructor(status: number, code: string, message: string, { remedy, field }: Remarks = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.remedy = remedy;
    this.field = field;
  }
}

/** Whether the last request got an answer, and when one last did. */
export const reachable = signal(true);
export const lastAnswer = signal(Date.now());

export type ScheduleAction = 'pause' | 'resume' | 'trigger' | 'delete';

export const api = {
  session: (abort?: AbortSignal) => request<Session>('GET', 'session', undefined, abort),
  overview: (abort?: AbortSignal) => request<Overview>('GET', 'overview', undefined, abort),
  /** Unless it must be fresh, it may be what somebody else was answered within a second. */
  tasks: (query: URLSearchParams, abort?: AbortSignal, fresh = true) =>
    request<TaskList>('GET', `tasks?${query.toString()}`, undefined, abort, fresh ? {} : RECENT),
  task: (id: number, abort?: AbortSignal) => request<TaskView>('GET', `tasks/${id}`, undefined, abort),
  history: (id: number, after: string | null, abort?: AbortSignal) =>
    request<HistoryPage>('GET', `tasks/${id}/history?${historyQuery(after)}`, undefined, abort),
  create: (body: NewTask) => request<Created>('POST', 'tasks', body),
  change: (id: number, action: Action, body: ChangeRequest) =>
    request<unknown>('POST', `tasks/${id}/${action}`, body),
  bulk: (body: BulkRequest) => request<BulkResult>('POST', 'tasks/bulk', body),
  queues: (abort?: AbortSignal) => request<Queues>('GET', 'queues', undefined, abort),
  pause: (body: PauseRequest) => request<unknown>('POST', 'queues/pause', body),
  resume: (body: PauseRequest) => request<unknown>('POST', 'queues/resume', body),
  limit: (body: LimitRequest) => request<unknown>('PUT', 'limits', body),
  replicas: (abort?: AbortSignal) =>
    request<{ replicas: ReplicaView[] }>('GET', 'replicas', undefined, abort),
  drain: (id: string, act: 'drain' | 'undrain') =>
    request<unknown>('POST', `replicas/${encodeURIComponent(id)}/${act}`, {}),
  schedules: (abort?: AbortSignal) =>
    request<{ schedules: ScheduleView[] }>('GET', 'schedules', undefined, abort),
  schedule: (name: string, action: ScheduleAction) =>
    request<unknown>('POST', `schedules/${encodeURIComponent(name)}/${action}`, {}),
};

const HISTORY_PAGE = 200;

function historyQuery(after: string | null): string {
  const query = new URLSearchParams({ limit: String(HISTORY_PAGE) });
  if (after !== null) query.set('after', after);
  return query.toString();
}

const RECENT = { 'cache-control': 'max-age=1' };

async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  abort?: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const response = await reach(`api/${path}`, {
    method,
    credentials: 'same-origin',
    cache: 'no-store',
    headers: {
      accept: 'application/json',
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(abort === undefined ? {} : { signal: abort }),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw refusal(response, answer);
  return answer as T;
}

async function reach(address: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(address, init);
    reachable.value = true;
    lastAnswer.value = Date.now();
    return response;
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    reachable.value = false;
    throw new ApiError(UNREACHABLE, 'UNREACHABLE', String(error));
  }
}

function refusal(response: Response, answer: unknown): ApiError {
  const given = (answer as { error?: Readonly<Record<string, unknown>> } | undefined)?.error;
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return new ApiError(
    response.status,
    text(given?.['code']) ?? `HTTP_${response.status}`,
    text(given?.['message']) ?? `${response.status} ${response.statusText}`,
    { remedy: text(given?.['remedy']), field: text(given?.['field']) },
  );
}
