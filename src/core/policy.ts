/**
 * Whose turn it is, as data: the policies a queue can have, what users write for them, and what they come to. A policy
 * belongs to the whole system: it is stored, and all replicas go by it.
 */
import { type Duration, milliseconds } from './duration.ts';
import { show } from './errors.ts';

/** Between whom slots are shared out fairly. */
export type Sharers = 'user' | 'group' | 'user/group';

/** How many times the share of others somebody gets; 1 for whoever isn't named. */
export type Weights = Readonly<Record<string, number>> | ((name: string) => number | undefined);

/** First come, first served. */
export interface FifoPolicy {
  readonly policy: 'fifo';
}

/** Higher priorities first, first come first served among equals. */
export interface PriorityPolicy {
  readonly policy: 'priority';
  /** Waiting so long counts as much as one step of priority; by default waiting never makes up for priority. */
  readonly ageing?: Duration | undefined;
}

/** Slots shared out by the time they are used, so that nobody's many or long tasks starve another's. */
export interface FairPolicy {
  readonly policy: 'fair';
  /** Users (the default), groups, or users and, within each, its groups. */
  readonly by?: Sharers | undefined;
  /** Of users, or of groups if they are who shares. */
  readonly weights?: Weights | undefined;
  /** How the tasks of one sharer are ordered; `fifo`. */
  readonly within?: 'fifo' | 'priority' | FifoPolicy | PriorityPolicy | undefined;
}

export type Policy = FifoPolicy | PriorityPolicy | FairPolicy;
export type PolicyName = Policy['policy'];

/** A policy as it is stored: what all replicas must agree on. */
export interface Order {
  readonly sharers: Sharers | null;
  readonly priority: boolean;
  /** Milliseconds; null for none. */
  readonly ageing: number | null;
}

/** A policy that has been checked. */
export interface CheckedPolicy {
  readonly order: Order;
  readonly weightOf: (name: string) => number;
}

export const FIFO: CheckedPolicy = {
  order: { sharers: null, priority: false, ageing: null },
  weightOf: () => 1,
};

const SHARERS: readonly Sharers[] = ['user', 'group', 'user/group'];
const PARTS: Readonly<Record<PolicyName, readonly string[]>> = {
  fifo: ['policy'],
  priority: ['policy', 'ageing'],
  fair: ['policy', 'by', 'weights', 'within'],
};
const LONGEST_AGEING = 86_400_000;

/** Says what is wrong; the caller knows the name of the option. */
type Refuse = (option: string, value: unknown, problem: string) => never;

export function checkPolicy(option: string, given: unknown, refuse: Refuse): CheckedPolicy {
  const policy = typeof given === 'string' ? { policy: given } : given;
  const name = (policy as { policy?: unknown } | null)?.policy;
  if (typeof policy !== 'object' || policy === null || !isPolicyName(name)) {
    return refuse(
      option,
      given,
      `it must be a policy, one of ${Object.keys(PARTS).join(', ')}, or a TaskQueue`,
    );
  }
  for (const part of Object.keys(policy)) {
    if (!PARTS[name].includes(part)) {
      refuse(
        `${option}.${part}`,
        (policy as Record<string, unknown>)[part],
        `policy ${name} has no such part`,
      );
    }
  }
  const { ageing, by = 'user', weights, within = 'fifo' } = policy as Partial<PriorityPolicy & FairPolicy>;
  if (name === 'fifo') return FIFO;
  if (name === 'priority') {
    return { ...FIFO, order: { sharers: null, priority: true, ageing: checkAgeing(option, ageing, refuse) } };
  }
  if (!SHARERS.includes(by)) refuse(`${option}.by`, by, `it must be one of ${SHARERS.join(', ')}`);
  const inner = checkPolicy(`${option}.within`, within, refuse).order;
  if (inner.sharers !== null) refuse(`${option}.within`, within, 'it must be fifo or priority');
  return { order: { ...inner, sharers: by }, weightOf: checkWeights(`${option}.weights`, weights, refuse) };
}

function isPolicyName(name: unknown): name is PolicyName {
  return typeof name === 'string' && Object.hasOwn(PARTS, name);
}

function checkAgeing(option: string, ageing: unknown, refuse: Refuse): number | null {
  if (ageing === undefined) return null;
  const ms = milliseconds(ageing);
  if (ms !== undefined && ms >= 1 && ms <= LONGEST_AGEING) return ms;
  return refuse(`${option}.ageing`, ageing, `it must be from 1 to ${LONGEST_AGEING} milliseconds`);
}

function checkWeights(option: string, weights: unknown, refuse: Refuse): (name: string) => number {
  if (weights === undefined) return () => 1;
  if (typeof weights === 'function') {
    const weigh = weights as (name: string) => unknown;
    return (name) => {
      const weight = weigh(name) ?? 1;
      return isWeight(weight) ? weight : refuse(`${option}(${show(name)})`, weight, WEIGHT_PROBLEM);
    };
  }
  if (typeof weights !== 'object' || weights === null || Array.isArray(weights)) {
    return refuse(option, weights, 'it must be an object of names and weights, or a function');
  }
  const byName = new Map(Object.entries(weights as Record<string, unknown>));
  for (const [name, weight] of byName)
    if (!isWeight(weight)) refuse(`${option}.${name}`, weight, WEIGHT_PROBLEM);
  return (name) => (byName.get(name) as number | undefined) ?? 1;
}

const WEIGHT_PROBLEM = 'it must be a number above 0, at most 1000000';

function isWeight(weight: unknown): weight is number {
  return typeof weight === 'number' && weight > 0 && weight <= 1e6;
}
