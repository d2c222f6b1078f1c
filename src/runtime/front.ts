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
  /** The last that it took; undefined if there were less than it asked for, or nobody knows. */
  readonly last: Place | undefined;
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

  claimed({ after, last, sentAt, answeredAt }: FrontClaim): void {
    this.#place = last;
    const rest = Math.min(LONGEST, Math.max(SHORTEST, TIMES * (answeredAt - sentAt)));
    if (after === undefined) this.#until = answeredAt + rest;
  }
}
