/** What PostgreSQL's error codes, and those of sockets and drivers, mean to us. */
import { messageFrom } from '../core/errors.ts';
import { busy, codeOf, Conflict, failed, unavailable } from './retry.ts';
import { TimedOut } from './within.ts';

/** No connection was to be had, for whatever reason: nothing was sent. */
export class Unreached extends Error {
  constructor(cause: unknown) {
    super(messageFrom(cause), { cause });
  }
}

/** Serialization failure, deadlock, lock not available: the database rolled back and asks to try again. */
const CONFLICTS: readonly string[] = ['40001', '40P01', '55P03'];
/** No prepared statement by this name in the session, or one already. */
const NAMES: readonly string[] = ['26000', '42P05'];
/** Where it is found out that a prepared statement has other columns now; its code says no more than "not supported". */
const REVALIDATION = 'RevalidateCachedQuery';
/** Statement cancelled, by a timeout of the user's as a rule. */
const CANCELED = '57014';
/**
 * Connection lost or refused, no resources (disk, memory, connections), shutting down, not the primary, session ended
 * for being idle in a transaction, outcome unknown, login refused, no such database.
 */
const UNAVAILABLE = /^(08...|53...|57P..|58...|25006|25P03|40003|28...|3D000)$/;
/** Of sockets, name servers, postgres.js and TLS. */
const UNREACHED = /^(E(?!RR_)[A-Z_]+|CONNECT(ION)?_[A-Z]+|ERR_(TLS|SSL)_.*|.*_CERT(_.*)?)$/;
/** What pg says without a code. */
const LOST =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Cannot use a pool after|Client (was closed|has encountered)|Query read timeout)/;

/** Whether the connection on which `error` came is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof TimedOut || error instanceof Unreached) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionLost);
  const code = codeOf(error);
  return code === undefined ? LOST.test(messageFrom(error)) : UNAVAILABLE.test(code) || UNREACHED.test(code);
}

/** Whether a prepared statement isn't what it was, or isn't there: nothing was carried out, and in another session it can be. */
export function isStale(error: unknown): boolean {
  if (NAMES.includes(codeOf(error) ?? '')) return true;
  return codeOf(error) === '0A000' && (error as { readonly routine?: unknown }).routine === REVALIDATION;
}

/** `TaskbatonError` or `Conflict` for an error of either driver. */
export function translatePostgres(error: unknown): Error {
  if (isConnectionLost(error)) return unavailable(error instanceof Unreached ? error.cause : error);
  const code = codeOf(error);
  if (code === undefined) return failed(error);
  if (CONFLICTS.includes(code) || isStale(error)) return new Conflict(error);
  return code === CANCELED ? busy(error) : failed(error);
}

/** For a COMMIT: unless the server said that it rolled back, nobody knows whether it did. */
export function translateCommit(error: unknown): Error {
  const refused = /^(23|40(?!003))/.test(codeOf(error) ?? '');
  return refused ? translatePostgres(error) : unavailable(error);
}
