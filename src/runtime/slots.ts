/** How many handlers may still start here. A slot is taken before a task is claimed, so a claim always has its place. */
export class Slots {
  readonly capacity: number;
  #free: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#free = capacity;
  }

  /** Takes all that are free; says how many. */
  reserve(): number {
    const reserved = this.#free;
    this.#free = 0;
    return reserved;
  }

  release(count: number): void {
    this.#free += count;
  }
}
