/**
 * Names that go into the database as they are: types, users, groups. What a database would change or refuse in its own
 * way (NUL, lone surrogates, excess length) is refused here, before the wire.
 */
import { show, TaskbatonError } from './errors.ts';

const LONGEST_NAME = 255;

/** Throws INVALID_ARGUMENT unless `name` is a string that every database stores unchanged. */
export function checkName(argument: string, name: unknown): asserts name is string {
  const problem = problemOf(name);
  if (problem !== undefined)
    throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(name), problem });
}

/** Throws INVALID_ARGUMENT unless `type` can name a type: a name that isn't empty. */
export function checkType(type: unknown): asserts type is string {
  checkName('type', type);
  if (type === '') {
    throw new TaskbatonError('INVALID_ARGUMENT', {
      argument: 'type',
      value: '""',
      problem: 'it must not be empty',
    });
  }
}

function problemOf(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'it must be a string';
  if (name.length > LONGEST_NAME)
    return `it has ${name.length} characters, and at most ${LONGEST_NAME} are allowed`;
  if (name.includes('\0')) return 'it contains a NUL character';
  if (!name.isWellFormed()) return 'it contains half of a surrogate pair';
  return undefined;
}
