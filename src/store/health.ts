/**
 * What a database says about itself and about replicas that are no more, for people who look after a system: its clock,
 * its version, and the settings on which it depends whether what was committed is still there after a power cut.
 */
import type { Connection, DialectName } from '../core/connection.ts';
import type { Dialect } from './dialect.ts';
import { STOPPING } from './overview.ts';
import { hasStatus } from './at-rest.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly dialect: Dialect;
}

/** The database's own time, in milliseconds since 1970. */
export async function databaseTime({ connection, dialect }: Context): Promise<number> {
  const { rows } = await connection.query(`SELECT ${dialect.now} AS at_ms`);
  return Number(rows[0]?.['at_ms']);
}

/** A setting as it was found. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly verdict: 'good' | 'warning' | 'error';
  /** What follows from it, and what to do. */
  readonly advice: string | undefined;
}

interface Rule {
  readonly name: string;
  /** Gives a row whose last column is the value. */
  readonly sql: string;
  readonly good: (value: string) => boolean;
  readonly verdict: 'warning' | 'error';
  readonly advice: string;
}

const READ_ONLY = 'Nothing can be written here; name the primary server.';

const RULES: Readonly<Record<DialectName, readonly Rule[]>> = {
  sqlite: [
    {
      name: 'journal_mode',
      sql: 'PRAGMA journal_mode',
      good: (value) => value === 'wal' || value === 'memory',
      verdict: 'warning',
      advice: 'Readers and writers wait for one another. Say once: PRAGMA journal_mode = WAL',
    },
    {
      name: 'synchronous',
      sql: "SELECT CASE synchronous WHEN 0 THEN 'OFF' WHEN 1 THEN 'NORMAL' WHEN 2 THEN 'FULL' ELSE 'EXTRA' END FROM pragma_synchronous",
      good: (value) => value === 'FULL' || value === 'EXTRA',
      verdict: 'warning',
      advice: 'A power cut may lose what was committed last. Build or open SQLite with synchronous = FULL.',
    },
  ],
  postgres: [
    {
      name: 'pg_is_in_recovery',
      sql: 'SELECT CAST(pg_is_in_recovery() AS TEXT)',
      good: (value) => value === 'false',
      verdict: 'error',
      advice: READ_ONLY,
    },
    {
      name: 'server_version_num',
      sql: 'SHOW server_version_num',
      good: (value) => Number(value) >= 130_000,
      verdict: 'error',
      advice: 'PostgreSQL 13 or later is needed.',
    },
    ...['fsync', 'full_page_writes'].map((name): Rule => ({
      name,
      sql: `SHOW ${name}`,
      good: (value) => value === 'on',
      verdict: 'error',
      advice: `A power cut may leave the database broken. Set ${name} = on.`,
    })),
    {
      name: 'synchronous_commit',
      sql: 'SHOW synchronous_commit',
      good: (value) => value !== 'off',
      verdict: 'warning',
      advice:
        'A crash of the server may lose checkpoints that handlers rely on. Set synchronous_commit = on.',
    },
    {
      name: 'default_transaction_isolation',
      sql: 'SHOW default_transaction_isolation',
      good: (value) => value === 'read committed',
      verdict: 'warning',
      advice: 'Nothing breaks, but transactions that meet are tried again. Read committed is enough.',
    },
  ],
  mysql: [
    {
      name: 'version',
      sql: 'SELECT VERSION()',
      good: isKnownMysql,
      verdict: 'error',
      advice: 'MySQL 8.0 or MariaDB 10.6 or later is needed.',
    },
    {
      name: 'read_only',
      sql: 'SELECT @@read_only',
      good: (value) => ['0', 'OFF'].includes(value),
      verdict: 'error',
      advice: READ_ONLY,
    },
    {
      name: 'innodb_flush_log_at_trx_commit',
      sql: 'SELECT @@innodb_flush_log_at_trx_commit',
      good: (value) => value === '1',
      verdict: 'warning',
      advice: 'A crash may lose checkpoints that handlers rely on. Set innodb_flush_log_at_trx_commit = 1.',
    },
    {
      name: 'isolation',
      // Its name is another on MySQL than on older MariaDBs. Our transactions choose READ COMMITTED themselves.
      sql: "SHOW VARIABLES LIKE 't%_isolation'",
      good: (value) => value !== 'SERIALIZABLE',
      verdict: 'warning',
      advice: 'Single reads lock what they see. READ-COMMITTED is enough.',
    },
  ],
};

function isKnownMysql(value: string): boolean {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(value)?.slice(1) ?? []).map(Number);
  return /mariadb/i.test(value) ? major > 10 || (major === 10 && minor >= 6) : major >= 8;
}

/** What it depends on whether the database keeps what it was given, in a fixed order. */
export async function readSettings(
  connection: Connection,
  dialect: DialectName,
): Promise<readonly Setting[]> {
  const settings: Setting[] = [];
  for (const { name, sql, good, verdict, advice } of RULES[dialect]) {
    const { rows } = await connection.query(sql);
    const found = Object.values(rows[0] ?? {}).at(-1) as string | number | undefined;
    if (found === undefined) continue;
    const value = String(found);
    const fine = good(value);
    settings.push({ name, value, verdict: fine ? 'good' : verdict, advice: fine ? undefined : advice });
  }
  return settings;
}

/** A replica whose lease has ended, and that nobody has struck off yet. */
export interface DeadReplica {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since then. */
  readonly ended: number;
}

export async function findDeadReplicas({
  connection,
  dialect,
  tables,
}: Context & { readonly tables: Tables }): Promise<readonly DeadReplica[]> {
  const { rows } = await connection.query(
    `SELECT id, name, ${dialect.now} - lease_until AS ended FROM ${tables.replica} WHERE lease_until <= ${dialect.now} ORDER BY lease_until`,
  );
  return rows.map((row) => ({
    id: String(row['id']),
    name: String(row['name']),
    ended: Number(row['ended']),
  }));
}

/** A task that was asked to stop and runs on. */
export interface Stopping {
  readonly id: number;
  /** Milliseconds since it was asked; undefined where there is no history to tell. */
  readonly asked: number | undefined;
}

const MOST_STOPPING = 100;

/** Some of those that haven't stopped yet, the oldest tasks first. */
export async function readStopping({
  connection,
  dialect,
  tables,
}: Context & { readonly tables: Tables }): Promise<readonly Stopping[]> {
  const stopping = hasStatus(dialect, STOPPING);
  const { rows } = await connection.query(
    `SELECT id, ${dialect.now} - (SELECT MAX(at) FROM ${tables.history} h WHERE h.task = t.id AND h.event IN ('pause', 'delete')) AS asked
     FROM ${tables.task} t WHERE ${stopping.sql} ORDER BY id LIMIT ${MOST_STOPPING}`,
    stopping.values,
  );
  return rows.map((row) => ({
    id: Number(row['id']),
    asked: row['asked'] === null ? undefined : Number(row['asked']),
  }));
}
