/**
 * Numbers that two threads of a process share without waiting for one another: one writes, the other reads. Times among them
 * are of the monotonic clock, which is the same for both.
 */

/** A number is kept in thousandths, for only whole ones can be read and written at once. */
const SCALE = 1000;

export class SharedCells<Cell extends string> {
  readonly memory: SharedArrayBuffer;
  readonly #names: readonly Cell[];
  readonly #cells: BigInt64Array;

  /** With `memory`, those that another thread has made with the same names. */
  constructor(names: readonly Cell[], memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(names.length * BigInt64Array.BYTES_PER_ELEMENT);
    this.#names = names;
    this.#cells = new BigInt64Array(this.memory);
  }

  /** 0 if nothing was written yet. */
  read(cell: Cell): number {
    return Number(Atomics.load(this.#cells, this.#names.indexOf(cell))) / SCALE;
  }

  write(cell: Cell, value: number): void {
    Atomics.store(this.#cells, this.#names.indexOf(cell), BigInt(Math.round(value * SCALE)));
  }
}
