/**
 * How many handlers may still start here. A slot is taken before a task is claimed, so a claim always has its place; some may be
 * claimed ahead of that, and wait. A slot is free again when its handler has ended, while its end is still being stored.
 */

/** At most so many times the slots are claimed ahead of them, and of both together no more than one claim may take. */
const MOST_TIMES = 9;
const MOST_CLAIMED = 1000;
/** At most so many times all these are held at once. With four times, tasks that do nothing wait for one another's commits. */
const MOST_HELD = 8;

export class Slots {
  readonly #capacity: number;
  readonly #mostAhead: number;
  /** Of tasks that are being claimed. */
  #reserved = 0;
  /** Claimed, and not begun. */
  #waiting = 0;
  #running = 0;
  #unstored = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#mostAhead = Math.max(0, Math.min(MOST_TIMES * capacity, MOST_CLAIMED - capacity));
  }

  /**
   * Takes as many as there may be, and so many `ahead` of their slots; says how many. As long as half of those still wait and no
   * slot is free, none: a later claim is worth more.
   */
  reserve(ahead = 0): number {
    const some = Math.min(ahead, this.#mostAhead);
    const enough = this.#free <= 0 && -this.#free > some / 2;
    const reserved = enough ? 0 : Math.max(0, Math.min(this.#free + some, this.#room));
    this.#reserved += reserved;
    return reserved;
  }

  /** So many of those that were reserved have been claimed, and nobody came for the others. */
  claimed(count: number, reserved: number): void {
    this.#reserved -= reserved;
    this.#waiting += count;
  }

  /** One of those that wait may begin; false if it has to go on waiting. */
  begin(): boolean {
    if (this.#running >= this.#capacity) return false;
    this.#waiting -= 1;
    this.#running += 1;
    return true;
  }

  /** A handler has ended, or never began. */
  end(begun: boolean): void {
    if (begun) this.#running -= 1;
    else this.#waiting -= 1;
    this.#unstored += 1;
  }

  /** That has been stored, or never will be. True if a free slot had to wait for it. */
  stored(): boolean {
    const waited = this.#room < this.#free;
    this.#unstored -= 1;
    return waited;
  }

  get #free(): number {
    return this.#capacity - this.#held;
  }

  get #room(): number {
    return MOST_HELD * (this.#capacity + this.#mostAhead) - this.#held - this.#unstored;
  }

  get #held(): number {
    return this.#reserved + this.#waiting + this.#running;
  }
}
