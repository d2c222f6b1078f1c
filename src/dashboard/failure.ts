/** What goes wrong with a request: a status, and the same shape for all of them. */
import { type ErrorCode, type ErrorDetails, isTaskbatonError } from '../core/errors.ts';
import type { Failure } from './api.ts';

/** What is refused here, besides what the engine refuses. */
export const REFUSALS = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  CROSS_SITE: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  KEY_TAKEN: 409,
  BODY_TOO_LARGE: 413,
  NOT_JSON_TYPE: 415,
  TOO_MANY_STREAMS: 503,
  NO_PAGE: 503,
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** The statuses of the engine's errors that are the asker's doing, or will pass; of all others 500. */
export const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_ARGUMENT: 400,
  INVALID_INPUT: 400,
  INVALID_CONTEXT: 400,
  NOT_JSON: 400,
  UNKNOWN_TYPE: 400,
  TASK_NOT_FOUND: 404,
  SCHEDULE_NOT_FOUND: 404,
  REPLICA_NOT_FOUND: 404,
  KEY_TAKEN: 409,
  STATE_CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  NOT_RUNNING: 503,
  DATABASE_UNAVAILABLE: 503,
  DATABASE_BUSY: 503,
};

/** What part of a body an error is about; of others the error itself may say. */
const FIELDS: Readonly<Partial<Record<ErrorCode | RefusalCode, string>>> = {
  INVALID_INPUT: 'input',
  KEY_TAKEN: 'key',
  PAYLOAD_TOO_LARGE: 'input',
  UNKNOWN_TYPE: 'type',
};

/** A request that is refused before the engine hears of it. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

/** The answer to whatever was thrown. What is no doing of the asker is told to nobody but the log. */
export function failureOf(error: unknown): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Failure;
} {
  if (error instanceof Refusal) {
    const { code, message, headers } = error;
    return { status: REFUSALS[code], headers, body: { error: { code, message, ...fieldOf(code) } } };
  }
  if (isTaskbatonError(error)) {
    const { code, remedy } = error;
    const status = STATUSES[code] ?? 500;
    const message = status < 500 ? error.message.slice(0, -remedy.length - '. '.length) : WITHHELD;
    const more = status < 500 ? { remedy, ...fieldOf(code, error.details) } : {};
    return { status, headers: {}, body: { error: { code, message, ...more } } };
  }
  return { status: 500, headers: {}, body: { error: { code: 'INTERNAL', message: WITHHELD } } };
}

function fieldOf(code: ErrorCode | RefusalCode, { argument }: ErrorDetails = {}): { field?: string } {
  const field = FIELDS[code] ?? argument;
  return typeof field === 'string' ? { field } : {};
}

const WITHHELD = 'this did not work; the log says why';
