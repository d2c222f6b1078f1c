/**
 * Tasks that the database says we hold and that nothing here runs. Such a task comes from a claim whose answer got lost,
 * and is to be given back. It may also come from a claim still under way, so it stays a suspect until none of those
 * under way when it was first seen is left.
 */
import type { Held } from '../store/lease.ts';

export class Strays {
  /** Claims whose answer is still to come. */
  readonly #claims = new Set<symbol>();
  /** Each with the claims it may come from. */
  readonly #suspects = new Map<string, ReadonlySet<symbol>>();

  /** A claim is sent; to be told when it has been answered, and what it took runs. */
  claim(): () => void {
    const claim = Symbol('claim');
    this.#claims.add(claim);
    return () => void this.#claims.delete(claim);
  }

  /** Those of `unknown` that no claim under way can explain; each is judged when it is asked for, after the one before it. */
  *among(unknown: readonly Held[]): Generator<Held, void, void> {
    const keys = new Set(unknown.map(keyOf));
    for (const key of this.#suspects.keys()) if (!keys.has(key)) this.#suspects.delete(key);
    for (const task of unknown) {
      const claims = this.#suspects.get(keyOf(task));
      if (claims === undefined) this.#suspects.set(keyOf(task), new Set(this.#claims));
      else if (![...claims].some((claim) => this.#claims.has(claim))) yield task;
    }
  }
}

/** A claim of a task. */
export function keyOf({ id, epoch }: { readonly id: number; readonly epoch: number }): string {
  return `${id}/${epoch}`;
}
