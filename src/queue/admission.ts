/**
 * Whether one more task of a scope may start: its limit against the slots taken in it. Slots are counted in the
 * database at the beginning of a round, and from there on in memory, for in a round nobody else takes any.
 */
import { keyOf, namesOf, type Rules, type Scoped, type ScopeKind, type ScopeName } from '../core/limit.ts';
import { marks, type Round, select } from './round.ts';

const COLUMNS: Readonly<Record<ScopeKind, string>> = {
  user: 'task_user',
  group: 'task_group',
  type: 'type',
  'user/group': 'task_user, task_group',
};

export class Admission {
  readonly #round: Round;
  readonly #taken = new Map<string, number>();

  constructor(round: Round) {
    this.#round = round;
  }

  /** Must have been called for whatever is asked about below. */
  async load(scopes: readonly Scoped[]): Promise<void> {
    for (const kind of this.#kinds) {
      const fresh = new Map<string, readonly [string, string]>();
      for (const scoped of scopes) {
        const names = namesOf(kind, scoped);
        const key = keyOf(kind, ...names);
        if (!this.#taken.has(key) && this.#rules.limitOf(kind, ...names) !== Infinity) fresh.set(key, names);
      }
      if (fresh.size > 0) await this.#count(kind, fresh);
    }
  }

  /** The first scope that has no room for one more such task; undefined if it may start. */
  blocker(scoped: Scoped): ScopeName | undefined {
    for (const kind of this.#kinds) {
      const [name, second] = namesOf(kind, scoped);
      const most = this.#rules.limitOf(kind, name, second);
      if (most !== Infinity && (this.#taken.get(keyOf(kind, name, second)) ?? 0) >= most)
        return { kind, name, second };
    }
    return undefined;
  }

  /** One more such task starts. */
  take(scoped: Scoped): void {
    for (const kind of this.#kinds) {
      const key = keyOf(kind, ...namesOf(kind, scoped));
      this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    }
  }

  get #rules(): Rules {
    return this.#round.rules;
  }

  /** Limits are about running; cleanups have slots of their own. */
  get #kinds(): readonly ScopeKind[] {
    return this.#round.queue === 'run' ? this.#rules.kinds : [];
  }

  async #count(kind: ScopeKind, scopes: ReadonlyMap<string, readonly [string, string]>): Promise<void> {
    const columns = COLUMNS[kind];
    const [column = '', secondColumn] = columns.split(', ');
    const names = [...new Set(Array.from(scopes.values(), ([name]) => name))];
    for (const key of scopes.keys()) this.#taken.set(key, 0);
    const rows = await select(
      this.#round,
      `SELECT ${columns}, COUNT(*) AS taken FROM ${this.#round.tables.slot}
       WHERE ${column} IN (${marks(names)}) AND queue = 'run' GROUP BY ${columns}`,
      names,
    );
    for (const row of rows) {
      const second = secondColumn === undefined ? '' : String(row[secondColumn]);
      const key = keyOf(kind, String(row[column]), second);
      if (scopes.has(key)) this.#taken.set(key, Number(row['taken']));
    }
  }
}
