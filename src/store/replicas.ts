/** Who is alive in the system, and what each replica holds. */
import type { Connection } from '../core/connection.ts';
import type { Replica } from '../core/replica.ts';
import type { Runnable } from '../core/version.ts';
import type { Dialect } from './dialect.ts';
import { DRAIN_COLUMNS, drainingFrom } from './drain.ts';
import { ownedBy } from './flow.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
}

/** With a user, only that one's tasks are named. */
export async function listReplicas(
  { connection, tables, dialect }: Context,
  user?: string,
): Promise<readonly Replica[]> {
  const own = ownedBy(user);
  const { task, replica, claimant } = tables;
  const alive = await connection.query(
    `SELECT id, name, started_at, lease_until, lease_until - ${dialect.now} AS lease_left, types, concurrency, blocked, blocked_by, ${DRAIN_COLUMNS}
     FROM ${replica} JOIN ${claimant} ON replica = id WHERE lease_until > ${dialect.now} ORDER BY started_at, id`,
  );
  const held = await connection.query(
    `SELECT id, type, epoch, owner FROM ${task} WHERE owner IS NOT NULL ${own.sql} ORDER BY owner, id`,
    own.values,
  );
  return alive.rows.map((row) => ({
    id: String(row['id']),
    name: String(row['name']),
    startedAt: new Date(Number(row['started_at'])),
    leaseUntil: new Date(Number(row['lease_until'])),
    leaseLeft: Number(row['lease_left']),
    types: typesFrom(row['types']).map(([type]) => type),
    concurrency: Number(row['concurrency']),
    draining: Number(row['draining']) === 1,
    drain: drainingFrom(row),
    blocked: Number(row['blocked']),
    blockedBy: row['blocked_by'] === null ? undefined : Number(row['blocked_by']),
    running: held.rows
      .filter(({ owner }) => owner === row['id'])
      .map(({ id, type, epoch }) => ({ id: Number(id), type: String(type), epoch: Number(epoch) })),
  }));
}

/** What a replica runs, as it is stored: each type with the versions of its tasks that it can read. */
type StoredType = readonly [type: string, from: number, to: number];

export function typesText(types: ReadonlyMap<string, Runnable>): string {
  const stored = Array.from(types, ([type, { versions }]): StoredType => [type, versions.from, versions.to]);
  return JSON.stringify(stored);
}

export function typesFrom(text: unknown): readonly StoredType[] {
  return JSON.parse(String(text)) as readonly StoredType[];
}
