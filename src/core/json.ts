/**
 * JSON in and out. What handlers and callers hand over is checked strictly, because `JSON.stringify` would turn what
 * it can't say (NaN, a Map, a hole) silently into something else; what we wrote is read back as it was. The text is
 * pure enough for any database: NUL and lone surrogates stay escaped.
 */
import { show, TaskbatonError } from './errors.ts';

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** `value` as JSON text of at most `limit` bytes; `named` is what the errors NOT_JSON and PAYLOAD_TOO_LARGE call it. */
export function encodeJson(value: unknown, named: () => string, limit: number): string {
  let text: string;
  try {
    check(value, '', new Set());
    text = JSON.stringify(value);
  } catch (cause) {
    const what = named();
    if (cause instanceof NotJson) throw new TaskbatonError('NOT_JSON', { what, problem: cause.message });
    throw new TaskbatonError(
      'NOT_JSON',
      { what, problem: `reading it threw ${show(String(cause))}` },
      { cause },
    );
  }
  const size = Buffer.byteLength(text);
  if (size > limit) throw new TaskbatonError('PAYLOAD_TOO_LARGE', { what: named(), size, limit });
  return text;
}

/** The value behind a text from the database; `undefined` for NULL. */
export function decodeJson(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}

class NotJson extends Error {}

function check(value: unknown, path: string, parents: Set<object>): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw refusal(path, `is ${value}`);
      return;
    case 'object':
      if (value !== null) checkObject(value, path, parents);
      return;
    default:
      throw refusal(path, `is ${value === undefined ? 'undefined' : `a ${typeof value}`}`);
  }
}

function checkObject(value: object, path: string, parents: Set<object>): void {
  if (parents.has(value)) throw refusal(path, 'contains itself');
  parents.add(value);
  if (Array.isArray(value)) {
    // By index, since `forEach` would step over the holes that JSON can't have.
    for (let index = 0; index < value.length; index++) check(value[index], `${path}[${index}]`, parents);
  } else if (hasOwnJson(value)) {
    const json = value.toJSON('');
    if (json === null && value instanceof Date) throw refusal(path, 'is an invalid date');
    check(json, path, parents);
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw refusal(path, `is ${nameOf(prototype)}`);
    for (const key of Object.keys(value)) {
      const property: unknown = value[key as keyof typeof value];
      if (property !== undefined) check(property, `${path}.${key}`, parents);
    }
  }
  parents.delete(value);
}

/** Dates and the like say themselves what they are in JSON. */
function hasOwnJson(value: object): value is { toJSON(key: string): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

function refusal(path: string, problem: string): NotJson {
  return new NotJson(path === '' ? `it ${problem}` : `${path.slice(0, 60)} ${problem}`);
}

/** With its article. */
function nameOf(prototype: unknown): string {
  const { name } = (prototype as { constructor?: { name?: unknown } }).constructor ?? {};
  if (typeof name !== 'string' || name === '') return 'an object of a class';
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;
}
