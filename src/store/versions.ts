/** Which versions of which types there are tasks of that have not ended, and whether anybody alive can run them. */
import type { Connection } from '../core/connection.ts';
import { removable, STATUSES } from '../core/status.ts';
import type { VersionCount } from '../core/version.ts';
import type { Dialect } from './dialect.ts';
import { ownedBy } from './flow.ts';
import { hasStatus } from './at-rest.ts';
import { typesFrom } from './replicas.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
}

/** Those that nobody can run come first. It reads all tasks (of the owner) that have not ended. */
export async function countVersions(
  { connection, tables, dialect }: Context,
  owner?: string,
): Promise<readonly VersionCount[]> {
  const own = ownedBy(owner);
  const unended = hasStatus(
    dialect,
    STATUSES.filter((status) => !removable(status)),
  );
  const counted = await connection.query(
    `SELECT type, version, COUNT(*) AS tasks FROM ${tables.task} WHERE ${unended.sql} ${own.sql} GROUP BY type, version`,
    [...unended.values, ...own.values],
  );
  const alive = await connection.query(
    `SELECT types FROM ${tables.replica} JOIN ${tables.claimant} ON replica = id WHERE lease_until > ${dialect.now} AND draining = 0`,
  );
  const readers = alive.rows.map((row) => typesFrom(row['types']));
  const counts = counted.rows.map((row) => {
    const [type, version] = [String(row['type']), Number(row['version'])];
    const reads = readers.filter((types) =>
      types.some(([name, from, to]) => name === type && from <= version && version <= to),
    );
    return { type, version, tasks: Number(row['tasks']), replicas: reads.length };
  });
  return counts.toSorted(
    (one, other) =>
      Number(one.replicas > 0) - Number(other.replicas > 0) ||
      (one.type < other.type ? -1 : one.type > other.type ? 1 : one.version - other.version),
  );
}
