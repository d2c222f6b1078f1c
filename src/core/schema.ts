/**
 * Standard Schema v1 (https://standardschema.dev, whose authors ask libraries to copy the type): what zod, valibot,
 * arktype and others have in common, so that a task can say with any of them what its input and context are.
 */
import type { ErrorCode } from './errors.ts';
import { TaskbatonError } from './errors.ts';

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A type that is only checked by the compiler: `input: typed<{ file: string }>()`. */
export function typed<Type>(): StandardSchema<Type> {
  return {
    '~standard': { version: 1, vendor: 'taskbaton', validate: (value) => ({ value: value as Type }) },
  };
}

/** Whether `value` has the shape of a Standard Schema. */
export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as { '~standard'?: { validate?: unknown } })['~standard'];
  return typeof standard?.validate === 'function';
}

/** What `schema` makes of `value`, at once unless it has to ask somebody; or an error with `code` that lists all that doesn't fit. */
export function validate(
  schema: StandardSchema | undefined,
  value: unknown,
  code: ErrorCode,
  type: string,
): unknown {
  if (schema === undefined) return value;
  const passed = (result: SchemaResult<unknown>): unknown => {
    if (result.issues === undefined) return result.value;
    const problem = result.issues.map(issueText).join('; ').slice(0, 1000);
    throw new TaskbatonError(code, { type, problem });
  };
  const result = schema['~standard'].validate(value);
  return 'then' in result ? Promise.resolve(result).then(passed) : passed(result);
}

function issueText({ message, path }: SchemaIssue): string {
  const keys = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
