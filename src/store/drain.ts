/**
 * The mark on a replica that it is to take nothing more and to hand over what it runs. It stands in the row that claims hold
 * while they are under way, so that none comes after it; the replica itself reads it at its next look.
 */
import type { Connection, Row, SqlValue } from '../core/connection.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import type { Draining } from '../core/replica.ts';
import type { Dialect } from './dialect.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
}

export const DRAIN_COLUMNS = 'draining, drained_by, drain_reason';

/** In the order of the columns. */
export function drainValues(draining: Draining | undefined): readonly SqlValue[] {
  return [draining === undefined ? 0 : 1, draining?.by ?? null, draining?.reason ?? null];
}

export function drainingFrom(row: Row): Draining | undefined {
  if (Number(row['draining']) !== 1) return undefined;
  const { drained_by: by, drain_reason: reason } = row as Readonly<Record<string, string | null>>;
  return { by: by ?? undefined, reason: reason ?? undefined };
}

/** Sets or takes away the mark of a replica that is alive. Throws REPLICA_NOT_FOUND. */
export async function markDraining(
  { connection, tables, dialect }: Context,
  id: string,
  draining: Draining | undefined,
): Promise<void> {
  const { changes } = await connection.query(
    `UPDATE ${tables.claimant} SET draining = ?, drained_by = ?, drain_reason = ? WHERE replica = ?
     AND EXISTS (SELECT 1 FROM ${tables.replica} WHERE id = ? AND lease_until > ${dialect.now})`,
    [...drainValues(draining), id, id],
  );
  if (changes === 0) throw new TaskbatonError('REPLICA_NOT_FOUND', { id: show(id) });
}
