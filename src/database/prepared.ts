/**
 * Which statements the server keeps parsed: those that come again, and are not lists that are of another length each time.
 * Names are made from the texts, so whatever else a connection has been used for, a name never stands for another text.
 */
import { createHash } from 'node:crypto';

/** From this time on that a statement comes, it has a name. */
const TIMES = 3;
/** Each is kept by each connection, in the server's memory. */
const MOST_NAMES = 100;
const MOST_SEEN = 1000;
/** Rows are handed over as one value, so more than these are a list. */
const MOST_VALUES = 24;

export class PreparedStatements {
  readonly #names = new Map<string, string>();
  readonly #seen = new Map<string, number>();

  /** The name of a statement that is worth keeping, or undefined. */
  nameOf(text: string, values: { readonly length: number }): string | undefined {
    const name = this.#names.get(text);
    const isFull = this.#names.size === MOST_NAMES;
    if (name !== undefined || isFull || values.length === 0 || values.length > MOST_VALUES) return name;
    if (!this.#comesAgain(text)) return undefined;
    const made = `taskbaton_${createHash('sha256').update(text).digest('hex').slice(0, 40)}`;
    this.#names.set(text, made);
    return made;
  }

  #comesAgain(text: string): boolean {
    const times = (this.#seen.get(text) ?? 0) + 1;
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
    if (times < TIMES) this.#seen.set(text, times);
    else this.#seen.delete(text);
    return times >= TIMES;
  }
}
