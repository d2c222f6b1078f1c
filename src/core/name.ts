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

/** Throws INVALID_ARGUMENT unless `given` is an object with no other parts than `known`: a misspelt one does nothing. */
export function checkParts(
  argument: string,
  given: unknown,
  known: readonly string[],
): asserts given is object {
  const refuse = (name: string, value: unknown, problem: string): never => {
    throw new TaskbatonError('INVALID_ARGUMENT', { argument: name, value: show(value), problem });
  };
  if (typeof given !== 'object' || given === null) return refuse(argument, given, 'it must be an object');
  for (const [part, value] of Object.entries(given)) {
    if (!known.includes(part))
      refuse(`${argument}.${part}`, value, `there is no such part; known are ${known.join(', ')}`);
  }
}

function problemOf(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'it must be a string';
  // No character takes more than three bytes for each of its UTF-16 units.
  const size = 3 * name.length > LONGEST_NAME ? bytesOf(name) : 0;
  if (size > LONGEST_NAME) return `it takes ${size} bytes, and at most ${LONGEST_NAME} are allowed`;
  if (name.includes('\0')) return 'it contains a NUL character';
  if (!name.isWellFormed()) return 'it contains half of a surrogate pair';
  return undefined;
}

/** In UTF-8, as all databases count them. */
function bytesOf(name: string): number {
  return new TextEncoder().encode(name).length;
}
