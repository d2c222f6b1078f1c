/** The row of a replica that is alive: it holds tasks until its lease ends, by the database's time. */
import type { Connection, Database } from '../core/connection.ts';
import type { Status } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { typesText } from './replicas.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

export interface NewReplica {
  readonly id: string;
  readonly name: string;
  readonly lease: number;
  readonly types: ReadonlyMap<string, Runnable>;
  readonly concurrency: number;
}

/** A task that the database says a replica holds. */
export interface Held {
  readonly id: number;
  readonly epoch: number;
  readonly status: Status;
}

export async function takeLease(
  { connection: database, tables, dialect, control }: Context,
  replica: NewReplica,
): Promise<void> {
  const { now } = dialect;
  await database.transaction(async (connection) => {
    // Under the lock, or a change of rules under way would miss this replica.
    const { version } = await control.lock(connection);
    await connection.query(
      `INSERT INTO ${tables.replica} (id, name, started_at, lease_until, types, concurrency, rules) VALUES (?, ?, ${now}, ${now} + ?, ?, ?, ?)`,
      [replica.id, replica.name, replica.lease, typesText(replica.types), replica.concurrency, version],
    );
    await control.refresh(version, connection);
  });
}

/** False if it has ended, for then it never comes back. */
export async function renewLease(
  { connection, tables, dialect }: Omit<Context, 'connection'> & { readonly connection: Connection },
  { id, lease, types }: Pick<NewReplica, 'id' | 'lease' | 'types'>,
): Promise<boolean> {
  const { now } = dialect;
  const { changes } = await connection.query(
    `UPDATE ${tables.replica} SET lease_until = ${now} + ?, types = ? WHERE id = ? AND lease_until > ${now}`,
    [lease, typesText(types), id],
  );
  return changes > 0;
}

/** The tasks that a replica holds, with their marks; undefined if its lease has ended. */
export async function heldBy(
  { connection, tables, dialect, control }: Context,
  id: string,
): Promise<readonly Held[] | undefined> {
  const { rows } = await connection.query(
    `SELECT t.id, t.epoch, t.status, r.rules FROM ${tables.replica} r LEFT JOIN ${tables.task} t ON t.owner = r.id
     WHERE r.id = ? AND r.lease_until > ${dialect.now}`,
    [id],
  );
  if (rows.length === 0) return undefined;
  await control.refresh(Number(rows[0]?.['rules']));
  return rows
    .filter((row) => row['id'] !== null)
    .map((row) => ({
      id: Number(row['id']),
      epoch: Number(row['epoch']),
      status: row['status'] as Status,
    }));
}
