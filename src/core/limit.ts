/**
 * How many tasks may run at once: of a user, a group, a type, or of a user within a group. Limits come from options,
 * from a rule, or from the database, where they were set at run time; the last have the last word.
 */
import { show, TaskbatonError } from './errors.ts';
import { checkName } from './name.ts';

/** What can be limited and paused. */
export type ScopeKind = 'user' | 'group' | 'type' | 'user/group';

export const SCOPE_KINDS: readonly ScopeKind[] = ['user', 'group', 'type', 'user/group'];

/** A scope as it is stored. */
export interface ScopeName {
  readonly kind: ScopeKind;
  /** A user, group or type; of a pair the user. */
  readonly name: string;
  /** Of a pair the group; '' otherwise. */
  readonly second: string;
}

/** What the tasks of a scope have in common; which parts are there follows from the kind. */
export interface Scope {
  readonly kind: ScopeKind;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly type?: string | undefined;
}

/** For each kind one number for all, or numbers for some by name. */
export type LimitTable = Readonly<
  Partial<Record<'user' | 'group' | 'type', number | Readonly<Record<string, number>>>> & {
    'user/group'?: number;
  }
>;

/** At most how many tasks of `scope` may run at once; undefined for as many as there are slots. */
export type LimitRule = (scope: Scope) => number | undefined;

/** A limit or pause that was set at run time. */
export interface StoredRule extends ScopeName {
  readonly most: number | null;
  readonly paused: boolean;
}

/** The part of a task that scopes are made of. */
export interface Scoped {
  readonly type: string;
  readonly user: string;
  readonly group: string;
}

/** Says what is wrong; the caller knows the name of the option. */
type Refuse = (option: string, value: unknown, problem: string) => never;

const MOST = 1_000_000;
const LIMIT_PROBLEM = `it must be a whole number from 0 to ${MOST}`;

export interface CheckedLimits {
  readonly kinds: readonly ScopeKind[];
  readonly limitOf: (kind: ScopeKind, name: string, second: string) => number;
}

export const NO_LIMITS: CheckedLimits = { kinds: [], limitOf: () => Infinity };

export function checkLimits(given: unknown, refuse: Refuse): CheckedLimits {
  if (given === undefined) return NO_LIMITS;
  if (typeof given === 'function')
    return { kinds: SCOPE_KINDS, limitOf: fromRule(given as LimitRule, refuse) };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse('limits', given, 'it must be an object such as { group: 4 }, or a function');
  }
  const table = new Map<string, unknown>(Object.entries(given).filter(([, limit]) => limit !== undefined));
  for (const [kind, limit] of table) checkEntry(kind, limit, refuse);
  return {
    kinds: SCOPE_KINDS.filter((kind) => table.has(kind)),
    limitOf: (kind, name) => {
      const limit = table.get(kind);
      if (typeof limit === 'number') return limit;
      if (typeof limit !== 'object' || limit === null || !Object.hasOwn(limit, name)) return Infinity;
      return (limit as Record<string, number>)[name] ?? Infinity;
    },
  };
}

function checkEntry(kind: string, limit: unknown, refuse: Refuse): void {
  const option = `limits.${kind}`;
  if (!SCOPE_KINDS.includes(kind as ScopeKind))
    refuse(option, limit, `it must be one of ${SCOPE_KINDS.join(', ')}`);
  if (isLimit(limit)) return;
  if (typeof limit !== 'object' || limit === null || kind === 'user/group')
    refuse(option, limit, LIMIT_PROBLEM);
  for (const [name, most] of Object.entries(limit)) {
    if (!isLimit(most)) refuse(`${option}.${name}`, most, LIMIT_PROBLEM);
  }
}

function fromRule(rule: LimitRule, refuse: Refuse): CheckedLimits['limitOf'] {
  return (kind, name, second) => {
    const limit: unknown = rule(scopeOf(kind, name, second)) ?? Infinity;
    if (limit === Infinity || isLimit(limit)) return limit;
    return refuse(`limits(${show(kind)}, ${show(name)})`, limit, LIMIT_PROBLEM);
  };
}

function scopeOf(kind: ScopeKind, name: string, second: string): Scope {
  if (kind === 'user/group') return { kind, user: name, group: second };
  return { kind, [kind]: name };
}

function isLimit(limit: unknown): limit is number {
  return Number.isInteger(limit) && (limit as number) >= 0 && (limit as number) <= MOST;
}

/** Throws INVALID_ARGUMENT unless `limit` is a limit, or null for none. */
export function checkLimit(limit: unknown): asserts limit is number | null {
  if (limit !== null && !isLimit(limit)) refuseArgument('limit', limit, `${LIMIT_PROBLEM}, or null for none`);
}

/** The names of a scope as users give them: one name, or for a pair [user, group]. Throws INVALID_ARGUMENT. */
export function checkScope(kind: unknown, name: unknown): { kind: ScopeKind; name: string; second: string } {
  if (!SCOPE_KINDS.includes(kind as ScopeKind))
    refuseArgument('kind', kind, `it must be one of ${SCOPE_KINDS.join(', ')}`);
  if (kind !== 'user/group') {
    checkName(kind as string, name);
    return { kind: kind as ScopeKind, name, second: '' };
  }
  if (!Array.isArray(name) || name.length !== 2) refuseArgument('name', name, 'it must be [user, group]');
  const [user, group] = name as unknown[];
  checkName('user', user);
  checkName('group', group);
  return { kind, name: user, second: group };
}

function refuseArgument(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}

/**
 * All limits that hold now. What is paused has room for none.
 */
export class Rules {
  /** Raised by each change of what is stored. */
  readonly version: number;
  /** The kinds that any limit or pause is about. */
  readonly kinds: readonly ScopeKind[];
  readonly #limits: CheckedLimits;
  readonly #stored: ReadonlyMap<string, StoredRule>;

  constructor(version: number, limits: CheckedLimits, stored: readonly StoredRule[]) {
    this.version = version;
    this.#limits = limits;
    this.#stored = new Map(stored.map((rule) => [keyOf(rule.kind, rule.name, rule.second), rule]));
    this.kinds = SCOPE_KINDS.filter(
      (kind) => limits.kinds.includes(kind) || stored.some((rule) => rule.kind === kind),
    );
  }

  /** All limits and pauses that were set at run time. */
  stored(): readonly StoredRule[] {
    return [...this.#stored.values()];
  }

  /** Those of `kind` that a limit or pause was set for at run time. */
  named(kind: ScopeKind): readonly string[] {
    return [...this.#stored.values()].filter((rule) => rule.kind === kind).map(({ name }) => name);
  }

  /** What is paused as a whole. */
  paused(): readonly StoredRule[] {
    return [...this.#stored.values()].filter(({ paused }) => paused);
  }

  describe(
    kind: ScopeKind,
    name: string,
    second = '',
  ): { readonly limit: number | undefined; readonly paused: boolean } {
    const stored = this.#stored.get(keyOf(kind, name, second));
    const limit = stored?.most ?? this.#limits.limitOf(kind, name, second);
    return { limit: limit === Infinity ? undefined : limit, paused: stored?.paused === true };
  }

  limitOf(kind: ScopeKind, name: string, second: string): number {
    const stored = this.#stored.get(keyOf(kind, name, second));
    if (stored?.paused === true) return 0;
    return stored?.most ?? this.#limits.limitOf(kind, name, second);
  }
}

/** The names of the scope of `kind` that a task is in. */
export function namesOf(
  kind: ScopeKind,
  { type, user, group }: Scoped,
): readonly [name: string, second: string] {
  if (kind === 'user') return [user, ''];
  if (kind === 'group') return [group, ''];
  if (kind === 'type') return [type, ''];
  return [user, group];
}

/** All scopes that a task is in. */
export function scopesOf(scoped: Scoped): readonly ScopeName[] {
  return SCOPE_KINDS.map((kind) => {
    const [name, second] = namesOf(kind, scoped);
    return { kind, name, second };
  });
}

/** No name contains a NUL. */
export function keyOf(kind: ScopeKind, name: string, second: string): string {
  return `${kind}\0${name}\0${second}`;
}
