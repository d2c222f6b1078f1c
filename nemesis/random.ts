/** Chance that can be repeated: the same seed makes the same choices, in so far as the world asks for them in the same order. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed >>> 0) + 0x9e3779b9;
  }

  /** From 0 to below 1. */
  next(): number {
    // SplitMix32: a counter, well mixed.
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next();
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `choices`, each as likely as its weight says. */
  pick<Choice extends { readonly weight: number }>(choices: readonly Choice[]): Choice {
    let rest = this.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
    const found = choices.find(({ weight }) => (rest -= weight) < 0) ?? choices.at(-1);
    if (found === undefined) throw new Error('there is nothing to choose from');
    return found;
  }
}
