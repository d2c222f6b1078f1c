/**
 * How many handlers may still start here. A slot is taken before a task is claimed, so a claim always has its place; it
 * is free again when the handler has ended, while its end is still being stored. Running tasks and such ends together are
 * never more than eight times the slots.
 */

/** With four times, tasks that do nothing wait for one another's commits, and take a tenth longer. */
const MOST_HELD = 8;

export class Slots {
  readonly capacity: number;
  #free: number;
  #unstored = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#free = capacity;
  }

  /** Takes as many as there may be; says how many. */
  reserve(): number {
    const reserved = Math.min(this.#free, this.#room);
    this.#free -= reserved;
    return reserved;
  }

  /** Gives back those that nobody came for. */
  release(count: number): void {
    this.#free += count;
  }

  /** A handler has ended. */
  end(): void {
    this.#free += 1;
    this.#unstored += 1;
  }

  /** The end of a handler has been stored, or never will be. True if a free slot had to wait for that. */
  stored(): boolean {
    const waited = this.#room < this.#free;
    this.#unstored -= 1;
    return waited;
  }

  get #room(): number {
    return (MOST_HELD - 1) * this.capacity + this.#free - this.#unstored;
  }
}
