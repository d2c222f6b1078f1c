/**
 * Chance that is none: the same seed gives the same numbers on every machine. Whoever draws has a stream of its own, so that
 * leaving one out of a run changes nothing for the others.
 */

export class Random {
  #state: number;

  /** The parts name the stream. */
  constructor(...parts: readonly number[]) {
    this.#state = parts.reduce((state, part) => mix(state ^ Math.imul(part | 0, 0x9e3779b1)), 0x2545f491);
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return mix(this.#state) / 2 ** 32;
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  }

  /** One of the names, as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const names = Object.keys(weights) as Name[];
    const weightOf = (name: Name): number => weights[name] ?? 0;
    let rest = this.next() * names.reduce((sum, name) => sum + weightOf(name), 0);
    return names.find((name) => (rest -= weightOf(name)) < 0) ?? (names.at(-1) as Name);
  }
}

/** All 32 bits depend on all of `value`. */
export function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
