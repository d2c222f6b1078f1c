/**
 * What user code hands over, made storable: reports, endings and errors become JSON texts, or a typed refusal. All of
 * it is untrusted: it may be anything, and may throw when looked at.
 */
import { isTaskbatonError, messageFrom, show, TaskbatonError } from '../core/errors.ts';
import { encodeJson } from '../core/json.ts';
import type { StoredError } from '../core/task.ts';
import type { Checkpoint } from '../store/settlement.ts';

const LONGEST_MESSAGE = 1000;
const LONGEST_ERROR = 2000;
const LONGEST_STACK = 8000;

export const NO_CHECKPOINT: Checkpoint = { context: null, progress: null, message: null };

/** Throws INVALID_REPORT, NOT_JSON or PAYLOAD_TOO_LARGE. A bare `yield` reports nothing. */
export function encodeReport(report: unknown, type: string, limit: number): Checkpoint {
  if (report === undefined) return NO_CHECKPOINT;
  const refuse = (problem: string): never => {
    throw new TaskbatonError('INVALID_REPORT', { type, problem });
  };
  if (typeof report !== 'object' || report === null || Array.isArray(report))
    return refuse(`it is ${show(report)}`);
  if (typeof (report as PromiseLike<unknown>).then === 'function')
    return refuse('it is a promise; await it first');
  const { context, progress, message, ...unknown } = report as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) return refuse(`it has ${show(stranger)}, which no report has`);
  if (progress !== undefined && !(typeof progress === 'number' && Number.isFinite(progress))) {
    return refuse(`its progress is ${show(progress)}, not a number from 0 to 1`);
  }
  if (message !== undefined && typeof message !== 'string')
    return refuse(`its message is ${show(message)}, not a string`);
  return {
    context: encodeContext(context, type, limit),
    // The last batch of a loop easily counts a little beyond the end.
    progress: progress === undefined ? null : Math.min(1, Math.max(0, progress)),
    message: message === undefined ? null : JSON.stringify(clip(message, LONGEST_MESSAGE)),
  };
}

/** Throws NOT_JSON or PAYLOAD_TOO_LARGE; undefined is no context. */
export function encodeContext(context: unknown, type: string, limit: number): string | null {
  return context === undefined
    ? null
    : encodeJson(context, () => `the context of a task of type ${show(type)}`, limit);
}

/** Whatever was thrown, as it is kept on the task. */
export function encodeError(thrown: unknown): string {
  return JSON.stringify(describeError(thrown));
}

/** The same in ASCII, for a database that refused what was not. */
export function encodePlainError(thrown: unknown): string {
  return encodeError(thrown).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function describeError(thrown: unknown): StoredError {
  try {
    if (!(thrown instanceof Error)) return { name: 'NotAnError', message: clip(show(thrown), LONGEST_ERROR) };
    return {
      name: clip(String(thrown.name), 100),
      message: clip(String(thrown.message), LONGEST_ERROR),
      stack: thrown.stack === undefined ? undefined : clip(String(thrown.stack), LONGEST_STACK),
      code: isTaskbatonError(thrown) ? thrown.code : undefined,
    };
  } catch (error) {
    return {
      name: 'NotAnError',
      message: `an error that throws when it is read: ${clip(messageFrom(error), 200)}`,
    };
  }
}

function clip(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
