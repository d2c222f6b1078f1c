/** What the errors of MySQL, MariaDB and mysql2 mean to us. */
import { messageFrom } from '../core/errors.ts';
import { busy, codeOf, Conflict, failed, unavailable } from './retry.ts';
import { TimedOut } from './within.ts';

/** Deadlock, lock wait timeout, and MariaDB's "record has changed since last read": nothing was written. */
const CONFLICTS: readonly number[] = [1213, 1205, 1020];
/** Statement interrupted, by somebody else as a rule. */
const INTERRUPTED: readonly number[] = [1317, 1969, 3024];
/** Too many connections, login refused, no such database, shutting down, read-only, disk full, connection killed. */
const UNAVAILABLE: readonly number[] = [
  1040, 1042, 1043, 1044, 1045, 1049, 1053, 1203, 1290, 1836, 1021, 1927, 4031,
];
/** Of sockets, name servers, TLS and of mysql2 itself. */
const UNREACHED = /^(E(?!R_)[A-Z_]+|PROTOCOL_[A-Z_]+|POOL_[A-Z]+|HANDSHAKE_[A-Z_]+|.*_CERT(_.*)?)$/;
/** What mysql2 says without a code. */
const LOST = /closed state|Pool is closed|Connection lost|read ECONNRESET/;

/** Whether the connection on which `error` came is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof TimedOut) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionLost);
  if ((error as { fatal?: unknown } | null)?.fatal === true) return true;
  const code = codeOf(error);
  return (
    UNAVAILABLE.includes(numberOf(error)) ||
    (code === undefined ? LOST.test(messageFrom(error)) : UNREACHED.test(code))
  );
}

/** Whether the server doesn't know a setting. */
export function isUnknownVariable(error: unknown): boolean {
  return numberOf(error) === 1193;
}

/** `TaskbatonError` or `Conflict` for an error of the driver. */
export function translateMysql(error: unknown): Error {
  const number = numberOf(error);
  if (CONFLICTS.includes(number)) return new Conflict(error);
  if (isConnectionLost(error)) return unavailable(error);
  return INTERRUPTED.includes(number) ? busy(error) : failed(error);
}

/** For a COMMIT: unless the server said that it rolled back, nobody knows whether it did. */
export function translateCommit(error: unknown): Error {
  return CONFLICTS.includes(numberOf(error)) ? new Conflict(error) : unavailable(error);
}

function numberOf(error: unknown): number {
  return Number((error as { errno?: unknown } | null)?.errno);
}
