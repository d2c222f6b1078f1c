/** How often a task is tried again and how long it may work: what its type says, or in its place the task for itself. */
import type { TaskDefinition } from '../core/definition.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { decodeJson } from '../core/json.ts';
import {
  type CheckedRetry,
  type CheckedTimeLimits,
  checkRetry,
  checkTimeLimits,
  NO_RETRY,
  NO_TIME_LIMITS,
  storedPolicy,
} from '../core/retry.ts';

export interface RunningPolicy {
  readonly retry: CheckedRetry;
  readonly limits: CheckedTimeLimits;
  /** Why the task can't be run by what is stored for it. */
  readonly refusal?: Error;
}

type Policed = Pick<TaskDefinition, 'retry' | 'timeout'>;

/** Of types, for the tasks that say nothing for themselves. */
const policies = new WeakMap<Policed, RunningPolicy>();

export function policyOf(definition: Policed, options: string | null): RunningPolicy {
  if (options !== null) return checkedPolicy(definition, options);
  const known = policies.get(definition) ?? checkedPolicy(definition, null);
  policies.set(definition, known);
  return known;
}

function checkedPolicy(definition: Policed, options: string | null): RunningPolicy {
  try {
    const own = storedPolicy(decodeJson(options));
    return {
      retry: checkRetry(own.retry ?? definition.retry, refuse, true),
      limits: checkTimeLimits(own.timeout ?? definition.timeout, refuse),
    };
  } catch (refusal) {
    return { retry: NO_RETRY, limits: NO_TIME_LIMITS, refusal: refusal as Error };
  }
}

function refuse(part: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_OPTION', { option: part, value: show(value), problem });
}
