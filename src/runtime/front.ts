/**
 * Where claims of a queue go on. On some databases whoever begins at the start of a backlog steps over all that was claimed since
 * the last vacuum, so claims of many go on where the last one ended. Whoever came to wait before that place (somebody
 * resumed, a higher priority, a transaction that was committed late) waits for the next claim from the start: one in ten of
 * the time that claims take.
 */
import type { Place } from '../queue/precedence.ts';

/** Fewer than these are always the first ones. */
const FEWEST = 50;
/** How long claims may go on, in milliseconds; in between, ten times as long as the last one from the start took. */
const SHORTEST = 50;
const LONGEST = 1000;
const TIMES = 10;

export interface FrontClaim {
  /** Where it began, as `from` said. */
  readonly after: Place | undefined;
  /** The last that it took; undefined if nobody knows. */
  readonly last: Place | undefined;
  /** Whether it took as many as it asked for. */
  readonly full: boolean;
  /** On a clock that never goes back. */
  readonly sentAt: number;
  readonly answeredAt: number;
}

export class Front {
  #place: Place | undefined;
  #until = -Infinity;

  /** Where a claim of so many may begin at `now`; undefined at the start. */
  from(limit: number, now: number): Place | undefined {
    return limit >= FEWEST && now < this.#until ? this.#place : undefined;
  }

  /** Says whether another claim may get more at once: from the start, if this one began further on and came to the end. */
  claimed({ after, last, full, sentAt, answeredAt }: FrontClaim): boolean {
    this.#place = full ? last : undefined;
    const rest = Math.min(LONGEST, Math.max(SHORTEST, TIMES * (answeredAt - sentAt)));
    if (after === undefined) this.#until = answeredAt + rest;
    return full || after !== undefined;
  }
}
