/**
 * How many tasks it pays to claim ahead of their slots: those that will end while two claims are answered, if handlers go on
 * as they did since the last one was sent. Where handlers take longer than a claim, that is none.
 */

/** Of a claim that takes longer than so many milliseconds nobody knows what comes meanwhile. */
const LONGEST_CLAIM = 50;

export class Pace {
  #ended = 0;
  #since = -Infinity;
  /** How long the last claim took, in milliseconds. */
  #took = 0;

  /** A handler has ended. */
  ended(): void {
    this.#ended += 1;
  }

  /** A claim is sent at `now`, by a clock that never goes back. */
  sent(now: number): void {
    this.#ended = 0;
    this.#since = now;
  }

  /** It was answered after so many milliseconds. */
  answered(took: number): void {
    this.#took = took;
  }

  /** For a claim that would be sent at `now`. */
  ahead(now: number): number {
    const rate = this.#ended / Math.max(1, now - this.#since);
    return Math.floor(2 * rate * Math.min(this.#took, LONGEST_CLAIM));
  }
}
