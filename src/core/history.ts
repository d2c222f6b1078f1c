/**
 * What is remembered of a task: an entry for each change, by whom and why, on which replica, in which epoch, and when by the
 * database's clock. Entries are written in the transaction of what they tell, so there is none of what never happened.
 */
import { parseCursor } from './cursor.ts';
import { type Duration, milliseconds } from './duration.ts';
import { show, TaskbatonError } from './errors.ts';
import { checkName, checkParts } from './name.ts';
import type { ScopeKind } from './limit.ts';
import type { Event, Mark, PublicState } from './status.ts';
import { checkId, checkOwner, type OnBehalf, type StoredError } from './task.ts';

/** Besides what changes a status: what else happens to a task, or to a user, group or type as a whole. */
export type HistoryEvent =
  | Event
  | 'create'
  /** A task with the same key, which had not started, became this one. */
  | 'replace'
  /** It was moved to another group. */
  | 'move'
  /** It was given another time to begin. */
  | 'delay'
  | 'report'
  | 'log'
  /** It had been kept as long as its type says. */
  | 'remove'
  /** A user, group, type or schedule was paused, or resumed. */
  | 'hold'
  | 'release'
  /** A limit was set. */
  | 'limit'
  /** A schedule was set or changed; one of its tasks was created out of turn. Of one that is gone, `remove`. */
  | 'set'
  | 'trigger';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface HistoryEntry {
  /** Where it stands: hand it back as `after` or as `since`. It means nothing else. */
  readonly cursor: string;
  readonly event: HistoryEvent;
  /** Undefined where it is about a user, group or type as a whole, or about a schedule. */
  readonly task: number | undefined;
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly scope:
    | { readonly kind: ScopeKind | 'schedule'; readonly name: string | readonly [string, string] }
    | undefined;
  readonly at: Date;
  readonly from: PublicState | undefined;
  readonly to: PublicState | 'removed' | undefined;
  /** What is asked of it from then on. */
  readonly mark: Mark | undefined;
  readonly actor: string | undefined;
  readonly reason: string | undefined;
  /** Who held it, or took it. */
  readonly replica: string | undefined;
  readonly epoch: number | undefined;
  readonly attempt: number | undefined;
  /** Of a report or an end: how far it was. */
  readonly progress: number | undefined;
  /** Of a report or an end: the size of its context as it is stored. */
  readonly bytes: number | undefined;
  /** The same context, where the history keeps those. */
  readonly context: unknown;
  /** Of a failure or a crash. */
  readonly error: StoredError | undefined;
  /** Of a line that a handler has logged. */
  readonly level: LogLevel | undefined;
  readonly message: string | undefined;
  /** Of such a line its fields; of a move `{ group }`, where it went; of a limit `{ limit }`; of a schedule that was triggered `{ task }`. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface HistoryPage {
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** Hand it back as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface HistoryPageOptions extends OnBehalf {
  /** Behind this entry. */
  readonly after?: string | undefined;
  /** At most so many, 1 … 1,000; 100 by default. */
  readonly limit?: number | undefined;
  /** Show only what the option `redact` lets through. */
  readonly redacted?: boolean | undefined;
}

export interface EventsOptions {
  /** The cursor of the entry to go on behind; `'start'` for all that is kept. By default what comes from now on. */
  readonly since?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Only of this task. */
  readonly task?: number | undefined;
  /** Only of this user's tasks. */
  readonly user?: string | undefined;
  /** Show only what the option `redact` lets through. */
  readonly redacted?: boolean | undefined;
}

/** An entry of the history, and its number. */
export interface Noted {
  readonly id: number;
  readonly entry: HistoryEntry;
}

/** Nothing; all changes; or reports besides. */
export type HistoryLevel = 'off' | 'changes' | 'all';

export interface HistoryOptions {
  /** `'changes'` by default. */
  readonly level?: HistoryLevel | undefined;
  /** How long entries are kept; `'30d'` by default. */
  readonly keep?: Duration | undefined;
  /** Whether the contexts of reports and ends are kept too; false. */
  readonly contexts?: boolean | undefined;
}

export interface CheckedHistory {
  readonly level: HistoryLevel;
  /** Milliseconds. */
  readonly keep: number;
  readonly contexts: boolean;
}

export const NO_HISTORY: CheckedHistory = { level: 'off', keep: Infinity, contexts: false };

const LEVELS: readonly HistoryLevel[] = ['off', 'changes', 'all'];
const DEFAULT_LEVEL: HistoryLevel = 'changes';
const DEFAULT_KEEP = '30d';
const SHORTEST_KEEP = 60_000;
const LONGEST_PAGE = 1000;
const DEFAULT_PAGE = 100;

/** The option `history`, with every default filled in. */
export function checkHistory(
  given: unknown,
  refuse: (option: string, value: unknown, problem: string) => never,
): CheckedHistory {
  const options = given === undefined ? {} : typeof given === 'string' ? { level: given } : given;
  if (typeof options !== 'object' || options === null)
    return refuse('history', given, `it must be one of ${LEVELS.join(', ')}, or an object`);
  for (const part of Object.keys(options)) {
    if (!['level', 'keep', 'contexts'].includes(part))
      refuse(`history.${part}`, (options as Record<string, unknown>)[part], 'there is no such option');
  }
  const { level = DEFAULT_LEVEL, keep = DEFAULT_KEEP, contexts = false } = options as HistoryOptions;
  if (!LEVELS.includes(level)) refuse('history.level', level, `it must be one of ${LEVELS.join(', ')}`);
  const ms = milliseconds(keep);
  if (ms === undefined || ms < SHORTEST_KEEP)
    return refuse(
      'history.keep',
      keep,
      `it must be at least a minute, as milliseconds or a text such as '30d'`,
    );
  if (typeof contexts !== 'boolean') refuse('history.contexts', contexts, 'it must be true or false');
  return { level, keep: ms, contexts };
}

export interface CheckedHistoryPage {
  readonly after: number;
  readonly limit: number;
  readonly redacted: boolean;
  readonly owner?: string | undefined;
}

/** Throws INVALID_ARGUMENT. */
export function checkHistoryPage(options: HistoryPageOptions): CheckedHistoryPage {
  checkParts('options', options, ['after', 'limit', 'redacted', 'owner']);
  const { after, limit = DEFAULT_PAGE, redacted = false, owner } = options;
  checkOwner(owner);
  if (!Number.isInteger(limit) || limit < 1 || limit > LONGEST_PAGE)
    invalid('limit', limit, `it must be a whole number from 1 to ${LONGEST_PAGE}`);
  if (typeof redacted !== 'boolean') invalid('redacted', redacted, 'it must be true or false');
  return { after: after === undefined ? 0 : parseCursor('after', after).last, limit, redacted, owner };
}

export interface CheckedEvents {
  readonly since: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly task: number | undefined;
  readonly user: string | undefined;
  readonly redacted: boolean;
}

/** Throws INVALID_ARGUMENT. */
export function checkEvents(options: EventsOptions): CheckedEvents {
  checkParts('options', options, ['since', 'signal', 'task', 'user', 'redacted']);
  const { since, signal, task, user, redacted = false } = options;
  if (since !== undefined && since !== 'start') parseCursor('since', since);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    invalid('signal', signal, 'it must be an AbortSignal');
  if (task !== undefined) checkId(task, 'task');
  if (user !== undefined) checkName('user', user);
  if (typeof redacted !== 'boolean') invalid('redacted', redacted, 'it must be true or false');
  return { since, signal, task, user, redacted };
}

function invalid(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
