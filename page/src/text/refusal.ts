/**
 * Why something was refused, in the language of the page. The server speaks English: where the page has words of its own, the
 * server's, which name the values, come second.
 */
import type { ApiError } from '../api/client.ts';
import type { Words } from './words.ts';

export interface Reason {
  readonly message: string;
  readonly detail: string | undefined;
}

export function reasonOf({ code, message, remedy }: ApiError, { feedback, refusals }: Words): Reason {
  if (code === 'UNREACHABLE') return { message: feedback.unreachable, detail: undefined };
  const known = refusals[code];
  return known === undefined ? { message, detail: remedy } : { message: known, detail: message };
}

/** The same where there is room for a line only, below the field that it is about, which needs no remedy. */
export function inOneLine(error: ApiError, words: Words): string {
  const { message, detail } = reasonOf(error, words);
  return detail === undefined || detail === error.remedy ? message : `${message} (${detail})`;
}
