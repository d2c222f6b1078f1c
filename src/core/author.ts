/** Who asks for something, and why: kept in the history, and used for nothing else. */
import { show, TaskbatonError } from './errors.ts';
import { checkName } from './name.ts';

export interface Author {
  /** Who asks, for the history; at most 255 bytes. */
  readonly actor?: string | undefined;
  /** Why, for the history; at most 1,000 characters. */
  readonly reason?: string | undefined;
}

/** The options that all calls have in which somebody may say who they are. */
export const AUTHOR_PARTS: readonly string[] = ['actor', 'reason'];

const LONGEST_REASON = 1000;

/** Throws INVALID_ARGUMENT unless both are texts that every database stores unchanged; undefined if nobody says anything. */
export function checkAuthor({ actor, reason }: Author): Author | undefined {
  if (actor !== undefined) checkName('actor', actor);
  if (reason !== undefined) checkReason(reason);
  return actor === undefined && reason === undefined ? undefined : { actor, reason };
}

function checkReason(reason: unknown): void {
  if (typeof reason !== 'string') return refuse(reason, 'it must be a string');
  if (reason.length > LONGEST_REASON) refuse(reason, `it must have at most ${LONGEST_REASON} characters`);
  if (reason.includes('\0') || !reason.isWellFormed())
    refuse(reason, 'it contains a NUL character or half of a surrogate pair');
}

function refuse(value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'reason', value: show(value), problem });
}
