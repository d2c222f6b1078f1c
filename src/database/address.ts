/**
 * How another thread opens the database that a user has handed in: by what its handle was made of. That only serves where
 * nothing else shapes its connections. What can't be cloned (a function that gives passwords or sockets) can't be used there,
 * and a listener that sets up each connection is not known to anybody else.
 */
import type { Address, ServerDriver } from '../core/connection.ts';

/** The address, if `parts` are all that it takes. */
export function addressOf(
  driver: ServerDriver,
  parts: Readonly<Record<string, unknown>>,
): Address | undefined {
  const given = Object.entries(parts).filter(([, value]) => value !== undefined && value !== null);
  try {
    return { driver, target: structuredClone(Object.fromEntries(given)) };
  } catch {
    return undefined;
  }
}

/** Whether somebody is told of each new connection, and may change it. */
export function isShaped(pool: unknown, event: string): boolean {
  const { listenerCount } = Object(pool) as { listenerCount?: (event: string) => number };
  return typeof listenerCount === 'function' && listenerCount.call(pool, event) > 0;
}
