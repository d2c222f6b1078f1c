/**
 * What users may do to the payloads of their tasks: a codec stands between them and the database (to encrypt, to
 * compress), and a redaction between them and whoever is shown tasks without being meant to read them.
 */
import type { PastError, StoredError } from './task.ts';

/** Whose payload it is. A schedule's template, from which tasks are made, has the id 0. */
export interface PayloadOwner {
  readonly id: number;
  readonly type: string;
}

/** Stands between input, context, message and errors of all tasks and the database. */
export interface PayloadCodec {
  /** JSON text to whatever text is to be stored. */
  encode(text: string, owner: PayloadOwner): string | Promise<string>;
  /** The way back. Throws for what it did not encode for this owner. */
  decode(text: string, owner: PayloadOwner): string | Promise<string>;
}

/** The parts of a task that come from users. */
export interface Payload {
  readonly input: unknown;
  readonly context: unknown;
  readonly message: string | undefined;
  readonly error: StoredError | undefined;
  readonly errors: readonly PastError[];
}

/** What of a payload may be shown. */
export type Redact = (payload: Payload, owner: PayloadOwner) => Payload;

export function isCodec(value: unknown): value is PayloadCodec {
  const { encode, decode } = Object(value) as Partial<Record<string, unknown>>;
  return typeof encode === 'function' && typeof decode === 'function';
}

export const HIDDEN = '(hidden)';

/** Nothing but the kind of an error. */
function hiddenError({ name, code }: Pick<StoredError, 'name' | 'code'>): StoredError {
  return { name, message: HIDDEN, code };
}

/** Nothing at all, where nobody said what may be shown. */
export const hideAll: Redact = ({ error, errors }) => ({
  input: undefined,
  context: undefined,
  message: undefined,
  error: error === undefined ? undefined : hiddenError(error),
  errors: errors.map(({ at, attempt, replica, ...past }) => ({ ...hiddenError(past), at, attempt, replica })),
});

/** What a log may hold of an error: its kind, and what a redaction lets through. */
export function errorShown({
  redact,
}: {
  readonly redact?: Redact | undefined;
}): (error: StoredError, owner: PayloadOwner) => StoredError {
  return (error, owner) => {
    const payload = { input: undefined, context: undefined, message: undefined, error, errors: [] };
    try {
      return (redact ?? hideAll)(payload, owner).error ?? hiddenError(error);
    } catch {
      return hiddenError(error);
    }
  };
}
