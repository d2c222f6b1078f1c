/** The contract of a type of task (its type, version, input and context), which a web tier can import alone. */
import { show, TaskbatonError } from './errors.ts';
import { checkName } from './name.ts';
import { isSchema, type StandardSchema } from './schema.ts';
import { FIRST_VERSION, isVersion } from './version.ts';

/** What is known of an input or a context that was given neither a schema nor a type. */
// oxlint-disable-next-line typescript/no-explicit-any -- a user who declares no type gets no checks, as in plain JavaScript
export type Untyped = any;

/** The contract of a type of task: enough to create, read and control its tasks. */
export interface TaskDeclaration<Given = Untyped, Input = Given, Context = Untyped> {
  readonly type: string;
  /** Raised whenever the shape of the context changes; 1 by default. */
  readonly version?: number | undefined;
  /** Checks the input at creation and again before each run; the handler gets what it returns. */
  readonly input?: StandardSchema<Given, Input> | undefined;
  /** Checks the context before each run, so that a deploy can't resume from what it doesn't understand. */
  readonly context?: StandardSchema<Context, Context> | undefined;
}

/** The contract alone. Throws INVALID_DEFINITION. */
export function declareTask<Given = Untyped, Input = Given, Context = Untyped>(
  declaration: TaskDeclaration<Given, Input, Context>,
): TaskDeclaration<Given, Input, Context> {
  const type: unknown = declaration?.type;
  const refuse = refusing(type);
  if (typeof type !== 'string' || type === '') refuse('its type must be a non-empty string');
  checkName('type', declaration.type);
  const { version = FIRST_VERSION } = declaration;
  if (!isVersion(version)) refuse(`its version is ${show(version)}, not a whole number from 1 to 1000000`);
  for (const part of ['input', 'context'] as const) {
    const schema: unknown = declaration[part];
    if (schema !== undefined && !isSchema(schema))
      refuse(`its ${part} is ${show(schema)}, not a Standard Schema`);
  }
  const { input, context } = declaration;
  return Object.freeze({ type: declaration.type, version, input, context });
}

/** What refuses a declaration or definition of `type`. */
export function refusing(type: unknown): (problem: string) => never {
  return (problem) => {
    throw new TaskbatonError('INVALID_DEFINITION', { type: show(type), problem });
  };
}
