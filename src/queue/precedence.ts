/**
 * The order of tasks that nobody shares slots over, as one number a task: `fifo` and `priority`, ageing or not. It is
 * fixed when a task begins to wait, so that one index holds all waiting tasks in the order in which they are claimed.
 */
import type { Fragment } from '../core/fragment.ts';
import type { Order } from '../core/policy.ts';
import type { QueueName } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';
import { readable } from './readable.ts';

/** Before all others: tasks that were running already. */
export const FOREMOST = -9_007_199_254_740_991;

/** The precedence of a task that begins to wait at `since` (SQL); lower ones go first, equal ones by `turn`. */
export function precedence({ priority, ageing }: Order, since: string): string {
  if (!priority) return '0';
  // Waiting is worth priority at a fixed rate, so who of two is first never changes, and need be worked out only once.
  return ageing === null ? '-priority' : `${since} - priority * ${ageing}`;
}

/** Where a waiting task stands in that order; of two that began to wait at the same moment the older one goes first. */
export interface Place {
  readonly precedence: number;
  readonly turn: number;
  readonly id: number;
}

export interface Pick {
  readonly queue: QueueName;
  readonly types: ReadonlyMap<string, Runnable>;
  readonly limit: number;
  /** Passes over all up to here; undefined begins with the first. */
  readonly after?: Place | undefined;
}

/** The SELECT of the next tasks' `columns`, locking them; it reads along the claim index. */
export function pickNext(
  table: string,
  columns: string,
  skipLocked: string,
  { queue, types, limit, after }: Pick,
): Fragment {
  const condition = readable(types);
  const behind = isBehind(after);
  // The number is written out: with a LIMIT that is a parameter, SQLite prepares a statement anew at each run.
  return {
    sql: `SELECT ${columns} FROM ${table} WHERE queue = '${queue}' AND lane = 0 AND ${condition.sql} ${behind.sql}
      ORDER BY precedence, turn, id LIMIT ${limit} ${skipLocked}`,
    values: [...condition.values, ...behind.values],
  };
}

function isBehind(place: Place | undefined): Fragment {
  if (place === undefined) return { sql: '', values: [] };
  const values = [place.precedence, place.turn, place.id];
  return { sql: 'AND (precedence, turn, id) > (?, ?, ?)', values };
}
