/**
 * What a user says about a type of task: the contract (type, input, context), which a web tier can import alone, and
 * the definition, which adds the handlers that workers register.
 */
import type { Duration } from './duration.ts';
import { show, TaskbatonError } from './errors.ts';
import type { Handler } from './handler.ts';
import { checkKeep, type Keep } from './keep.ts';
import { checkName } from './name.ts';
import { checkRetry, checkTimeLimits, type RetryPolicy, type TimeLimits } from './retry.ts';
import { isSchema, type StandardSchema } from './schema.ts';

/** What is known of an input or a context that was given neither a schema nor a type. */
// oxlint-disable-next-line typescript/no-explicit-any -- a user who declares no type gets no checks, as in plain JavaScript
export type Untyped = any;

/** The contract of a type of task: enough to create, read and control its tasks. */
export interface TaskDeclaration<Given = Untyped, Input = Given, Context = Untyped> {
  readonly type: string;
  /** Checks the input at creation and again before each run; the handler gets what it returns. */
  readonly input?: StandardSchema<Given, Input> | undefined;
  /** Checks the context before each run, so that a deploy can't resume from what it doesn't understand. */
  readonly context?: StandardSchema<Context, Context> | undefined;
}

/**
 * What becomes of a running task whose replica dies: it fails (the default, as in go-async), or it is resumed from its
 * last checkpoint, at most 3 times or as many as given, so that a task that kills its replica can't go on for ever.
 */
export type CrashPolicy = 'fail' | 'resume' | { readonly resume: number };

export interface TaskHandlers<Input, Context> {
  readonly run: Handler<Input, Context>;
  /** Runs after `deleteTask`, before the record goes; resumable like `run`, and retried until it succeeds. */
  readonly cleanup?: Handler<Input, Context> | undefined;
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

/** The contract alone. Throws INVALID_DEFINITION. */
export function declareTask<Given = Untyped, Input = Given, Context = Untyped>(
  declaration: TaskDeclaration<Given, Input, Context>,
): TaskDeclaration<Given, Input, Context> {
  const type: unknown = declaration?.type;
  const refuse = refusing(type);
  if (typeof type !== 'string' || type === '') refuse('its type must be a non-empty string');
  checkName('type', declaration.type);
  for (const part of ['input', 'context'] as const) {
    const schema: unknown = declaration[part];
    if (schema !== undefined && !isSchema(schema))
      refuse(`its ${part} is ${show(schema)}, not a Standard Schema`);
  }
  return Object.freeze({ type: declaration.type, input: declaration.input, context: declaration.context });
}

/** A contract with its handlers. Throws INVALID_DEFINITION. */
export function implement<Given, Input, Context>(
  declaration: TaskDeclaration<Given, Input, Context>,
  handlers: TaskHandlers<Input, Context>,
): TaskDefinition<Given, Input, Context> {
  const declared = declareTask(declaration);
  const refuse = refusing(declared.type);
  const { run, cleanup, onCrash, retry, timeout, keep } = handlers;
  if (typeof run !== 'function') refuse(`its run is ${show(run)}, not a function`);
  if (cleanup !== undefined && typeof cleanup !== 'function')
    refuse(`its cleanup is ${show(cleanup)}, not a function`);
  if (crashBudget(onCrash) === undefined) {
    refuse(`its onCrash is ${show(onCrash)}, not 'fail', 'resume' or { resume: 0 … 1000000 }`);
  }
  const refusePart = (part: string, value: unknown, problem: string): never =>
    refuse(`its ${part} is ${show(value)}: ${problem}`);
  checkRetry(retry, refusePart, true);
  checkTimeLimits(timeout, refusePart);
  checkKeep(keep, refusePart);
  return Object.freeze({ ...declared, run, cleanup, onCrash, retry, timeout, keep });
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
  const budget: unknown = typeof policy === 'object' && policy !== null ? policy.resume : undefined;
  return Number.isInteger(budget) && (budget as number) >= 0 && (budget as number) <= 1e6
    ? (budget as number)
    : undefined;
}

function refusing(type: unknown): (problem: string) => never {
  return (problem) => {
    throw new TaskbatonError('INVALID_DEFINITION', { type: show(type), problem });
  };
}
