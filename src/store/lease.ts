/**
 * The row of a replica that is alive: it holds tasks until its lease ends, by the database's time. What it has to know in the
 * meantime is one look.
 */
import type { Connection, Database } from '../core/connection.ts';
import type { Status } from '../core/status.ts';
import type { Blocked, Draining } from '../core/replica.ts';
import type { Runnable } from '../core/version.ts';
import { hasStatus } from './at-rest.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { DRAIN_COLUMNS, drainingFrom, drainValues } from './drain.ts';
import { isAmong } from './page.ts';
import { LATER } from './record.ts';
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
  /** Whether it was draining under its last id. */
  readonly draining?: Draining | undefined;
}

/** A task that the database says a replica holds. */
export interface Held {
  readonly id: number;
  readonly epoch: number;
  readonly status: Status;
}

export async function takeLease({ tables, dialect, control }: Context, replica: NewReplica): Promise<void> {
  const { now } = dialect;
  // Under the lock, or a change of rules under way would miss this replica.
  await control.locked(async (connection, { version }) => {
    const { id, name, lease, types, concurrency, draining } = replica;
    await connection.query(
      `INSERT INTO ${tables.replica} (id, name, started_at, renewed_at, lease_until, types, concurrency) VALUES (?, ?, ${now}, ${now}, ${now} + ?, ?, ?)`,
      [id, name, lease, typesText(types), concurrency],
    );
    await connection.query(`INSERT INTO ${tables.claimant} (replica, ${DRAIN_COLUMNS}) VALUES (?, ?, ?, ?)`, [
      id,
      ...drainValues(draining),
    ]);
    // Those of the dead are left until now, since whoever removed them at another time might wait for a change of rules.
    for (const table of [tables.ruleVersion, tables.claimant]) await removeDead(connection, tables, table);
    await connection.query(`INSERT INTO ${tables.ruleVersion} (replica, version) VALUES (?, ?)`, [
      replica.id,
      version,
    ]);
    await control.refresh(version, connection);
  });
}

/** They are read first: a DELETE that looks for them would wait for whoever holds the rows of the living. */
async function removeDead(connection: Connection, { replica }: Tables, table: string): Promise<void> {
  const { rows } = await connection.query(
    `SELECT replica FROM ${table} WHERE NOT EXISTS (SELECT 1 FROM ${replica} WHERE ${replica}.id = ${table}.replica)`,
  );
  if (rows.length === 0) return;
  const dead = isAmong(
    'replica',
    rows.map((row) => String(row['replica'])),
  );
  await connection.query(`DELETE FROM ${table} WHERE ${dead.sql}`, dead.values);
}

/** Gives it up; its tasks, if there are any left, are nobody's. */
export async function endLease(
  { connection, tables }: Pick<Context, 'connection' | 'tables'>,
  id: string,
): Promise<void> {
  await connection.query(`DELETE FROM ${tables.replica} WHERE id = ?`, [id]);
  await connection.query(`DELETE FROM ${tables.claimant} WHERE replica = ?`, [id]);
}

/** What a replica tells with each renewal. */
export interface Renewal extends Pick<NewReplica, 'id' | 'lease'> {
  /** What it runs by now; left out for what it told last. */
  readonly types?: NewReplica['types'] | undefined;
  /** How its event loop has fared lately. */
  readonly blocked?: Blocked | undefined;
}

/** False if it has ended, for then it never comes back. */
export async function renewLease(
  { connection, tables, dialect }: Pick<Context, 'tables' | 'dialect'> & { readonly connection: Connection },
  { id, lease, types, blocked = { ms: 0, task: 0 } }: Renewal,
): Promise<boolean> {
  const { now } = dialect;
  const { changes } = await connection.query(
    `UPDATE ${tables.replica} SET renewed_at = ${now}, lease_until = ${now} + ?, blocked = ?, blocked_by = ?, types = COALESCE(?, types)
     WHERE id = ? AND lease_until > ${now}`,
    [
      lease,
      Math.round(blocked.ms),
      blocked.task === 0 ? null : blocked.task,
      types === undefined ? null : typesText(types),
      id,
    ],
  );
  return changes > 0;
}

/** What there is to do for any replica that has the room; the order is that of an index, so that it ends at the first. */
const WORK = {
  run: ({ task }: Tables) => `FROM ${task} WHERE queue = 'run' ORDER BY lane, precedence, turn, id`,
  cleanup: ({ task }: Tables) => `FROM ${task} WHERE queue = 'cleanup' ORDER BY lane, precedence, turn, id`,
  due: ({ task }: Tables, { now }: Dialect) =>
    `FROM ${task} WHERE queue = '${LATER}' AND lane = 0 AND precedence = 0 AND turn <= ${now} ORDER BY turn, id`,
  retry: ({ task }: Tables, dialect: Dialect) =>
    `FROM ${task} WHERE ${hasStatus(dialect, ['failed/delete']).sql} AND turn <= ${dialect.now}`,
  reorder: ({ control }: Tables) => `FROM ${control} WHERE reordered_to IS NOT NULL`,
} as const;

export type Work = keyof typeof WORK;

const ALL_WORK = Object.keys(WORK) as readonly Work[];

/** All that a replica has to know now and then. */
export interface Look {
  /** The tasks that it holds, with their marks. */
  readonly held: readonly Held[];
  readonly work: ReadonlySet<Work>;
  /** Whether it is to take nothing more. */
  readonly draining: Draining | undefined;
  /** In so many milliseconds the next lease ends, if it isn't renewed; not above 0 if one has. */
  readonly leaseEndsIn: number;
}

/** One statement for everything; undefined if the lease has ended. */
export async function lookAround(
  { connection, tables, dialect, control }: Context,
  id: string,
): Promise<Look | undefined> {
  const work = ALL_WORK.map((name) => `(SELECT 1 ${WORK[name](tables, dialect)} LIMIT 1) AS ${name}_work`);
  const { rows } = await connection.query(
    `SELECT t.id, t.epoch, t.status, v.version, ${DRAIN_COLUMNS}, ${work.join(', ')},
       (SELECT MIN(lease_until) FROM ${tables.replica}) - ${dialect.now} AS lease_ends_in
     FROM ${tables.replica} r JOIN ${tables.ruleVersion} v ON v.replica = r.id
       JOIN ${tables.claimant} c ON c.replica = r.id LEFT JOIN ${tables.task} t ON t.owner = r.id
     WHERE r.id = ? AND r.lease_until > ${dialect.now}`,
    [id],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  await control.refresh(Number(first['version']));
  return {
    held: rows
      .filter((row) => row['id'] !== null)
      .map((row) => ({
        id: Number(row['id']),
        epoch: Number(row['epoch']),
        status: row['status'] as Status,
      })),
    draining: drainingFrom(first),
    leaseEndsIn: Number(first['lease_ends_in']),
    work: new Set(ALL_WORK.filter((name) => Number(first[`${name}_work`]) === 1)),
  };
}
