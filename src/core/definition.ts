/** What a user says about a type of task: its contract, and the handlers that workers register. */
import { declareTask, refusing, type TaskDeclaration, type Untyped } from './declaration.ts';
import type { Duration } from './duration.ts';
import { show } from './errors.ts';
import type { Handler } from './handler.ts';
import { checkKeep, type Keep } from './keep.ts';
import { checkRetry, checkTimeLimits, type RetryPolicy, type TimeLimits } from './retry.ts';

/**
 * What becomes of a running task whose replica dies: it fails (the default, as in go-async), or it is resumed from its
 * last checkpoint, at most 3 times or as many as given, so that a task that kills its replica can't go on for ever.
 */
export type CrashPolicy = 'fail' | 'resume' | { readonly resume: number };

export interface TaskHandlers<Input, Context> {
  readonly run: Handler<Input, Context>;
  /** Runs after `deleteTask`, before the record goes; resumable like `run`, and retried until it succeeds. */
  readonly cleanup?: Handler<Input, Context> | undefined;
  /**
   * Brings a context that an earlier version wrote up to this one. Without it, only tasks of this very version are claimed
   * here; no version ever claims tasks of a later one.
   */
  readonly upgrade?: ((context: Untyped, from: number) => Context | Promise<Context>) | undefined;
  readonly onCrash?: CrashPolicy | undefined;
  /** How its tasks are tried again after a failure; by default they stay failed until somebody runs them. */
  readonly retry?: number | RetryPolicy | undefined;
  /** How long one attempt (or `{ attempt, total }`) may work; as long as it takes by default. */
  readonly timeout?: Duration | TimeLimits | undefined;
  /** How long its tasks are kept once they are done; for ever by default. */
  readonly keep?: Duration | Keep | undefined;
}

/** A type of task with all that is needed to run it. */
export interface TaskDefinition<Given = Untyped, Input = Given, Context = Untyped>
  extends TaskDeclaration<Given, Input, Context>, TaskHandlers<Input, Context> {}

/** A contract with its handlers. Throws INVALID_DEFINITION. */
export function implement<Given, Input, Context>(
  declaration: TaskDeclaration<Given, Input, Context>,
  handlers: TaskHandlers<Input, Context>,
): TaskDefinition<Given, Input, Context> {
  const declared = declareTask(declaration);
  const refuse = refusing(declared.type);
  const { run, cleanup, upgrade, onCrash, retry, timeout, keep } = handlers;
  if (typeof run !== 'function') refuse(`its run is ${show(run)}, not a function`);
  if (cleanup !== undefined && typeof cleanup !== 'function')
    refuse(`its cleanup is ${show(cleanup)}, not a function`);
  if (upgrade !== undefined && typeof upgrade !== 'function')
    refuse(`its upgrade is ${show(upgrade)}, not a function`);
  if (crashBudget(onCrash) === undefined) {
    refuse(`its onCrash is ${show(onCrash)}, not 'fail', 'resume' or { resume: 0 … 1000000 }`);
  }
  const refusePart = (part: string, value: unknown, problem: string): never =>
    refuse(`its ${part} is ${show(value)}: ${problem}`);
  checkRetry(retry, refusePart, true);
  checkTimeLimits(timeout, refusePart);
  checkKeep(keep, refusePart);
  return Object.freeze({ ...declared, run, cleanup, upgrade, onCrash, retry, timeout, keep });
}

/** Contract and handlers in one. Throws INVALID_DEFINITION. */
export function defineTask<Given = Untyped, Input = Given, Context = Untyped>(
  definition: TaskDefinition<Given, Input, Context>,
): TaskDefinition<Given, Input, Context> {
  return implement(definition, definition);
}

const RESUMED_AT_MOST = 3;

/** How many crashes a task survives under `policy`; undefined if it isn't one. */
export function crashBudget(policy: CrashPolicy | undefined): number | undefined {
  if (policy === undefined || policy === 'fail') return 0;
  if (policy === 'resume') return RESUMED_AT_MOST;
  const budget: unknown = (policy as { readonly resume?: unknown } | null)?.resume;
  return Number.isInteger(budget) && (budget as number) >= 0 && (budget as number) <= 1e6
    ? (budget as number)
    : undefined;
}
