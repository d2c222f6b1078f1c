/**
 * Tasks that the database says we hold and that nothing here runs. Such a task comes from a claim whose answer got lost,
 * and is given back. It may also come from a claim still under way, so it stays a suspect until none of those under way
 * when it was first seen is left.
 */
import type { Held } from '../store/lease.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';

export class Strays {
  readonly #store: Pick<Store, 'release'>;
  readonly #observer: Observer;
  /** Claims whose answer is still to come. */
  readonly #claims = new Set<symbol>();
  /** Each with the claims it may come from. */
  readonly #suspects = new Map<string, ReadonlySet<symbol>>();

  constructor({ store, observer }: { readonly store: Pick<Store, 'release'>; readonly observer: Observer }) {
    this.#store = store;
    this.#observer = observer;
  }

  /** A claim is sent; to be told when it has been answered, and what it took runs. */
  claim(): () => void {
    const claim = Symbol('claim');
    this.#claims.add(claim);
    return () => void this.#claims.delete(claim);
  }

  /** Gives back those of `held` that don't run, once that is certain. */
  async release(replica: string, held: readonly Held[], runs: (task: Held) => boolean): Promise<void> {
    const strays = held.filter((task) => !runs(task));
    const keys = new Set(strays.map(keyOf));
    for (const key of this.#suspects.keys()) if (!keys.has(key)) this.#suspects.delete(key);
    for (const stray of strays) {
      const { id, epoch } = stray;
      const claims = this.#suspects.get(keyOf(stray));
      if (claims === undefined) this.#suspects.set(keyOf(stray), new Set(this.#claims));
      // A claim may be answered while another stray is released, so each is looked at again right before.
      else if (![...claims].some((claim) => this.#claims.has(claim)) && !runs(stray)) {
        const released = await this.#store.release({ id, owner: replica, epoch });
        if (released) this.#observer.emit('task.released', { id, epoch, replica });
      }
    }
  }
}

/** A claim of a task. */
export function keyOf({ id, epoch }: { readonly id: number; readonly epoch: number }): string {
  return `${id}/${epoch}`;
}
