/** What is to be known of a system at a glance, or of one user's part in it: counts, and what somebody should look at. */
import type { Connection } from '../core/connection.ts';
import type { QueueCell } from '../core/overview.ts';
import { STATUS, type Status, STATUSES } from '../core/status.ts';
import type { Control } from './control.ts';
import { AT_REST, hasStatus, partsOf } from './at-rest.ts';
import type { Dialect } from './dialect.ts';
import { ownedBy } from './flow.ts';
import type { Stopping } from './bulk.ts';
import { isAmong } from './page.ts';
import type { Tables } from './schema.ts';
import { COLUMNS, type PausedKind } from './scope.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

type Owner = string | undefined;

const RUN_QUEUE = STATUSES.filter((status) => STATUS[status].waits?.queue === 'run');
const AT_WORK = STATUSES.filter((status) => STATUS[status].leased === true && !status.startsWith('deleting'));
export const STOPPING: readonly Status[] = ['running/pause', 'running/delete'];
const MOST_STOPPING = 1000;
const MOST_CELLS = 1000;
/** More than so many tasks behind a pause aren't counted. */
const MOST_BEHIND = 1000;

/** How many tasks are in each status; the database's time in ms. It reads the whole index of statuses; no status is in two parts. */
export async function countStatuses(
  { connection, tables, dialect }: Context,
  owner: Owner,
): Promise<{ readonly at: number; readonly tasks: ReadonlyMap<Status, number> }> {
  const own = ownedBy(owner);
  const time = await connection.query(`SELECT ${dialect.now} AS at_ms`);
  const parts = partsOf(dialect);
  const counts = parts.map(
    (part) => `SELECT status, COUNT(*) AS tasks FROM ${tables.task} WHERE ${part} ${own.sql} GROUP BY status`,
  );
  const { rows } = await connection.query(
    counts.join(' UNION ALL '),
    parts.flatMap(() => own.values),
  );
  const tasks = new Map(rows.map((row) => [row['status'] as Status, Number(row['tasks'])]));
  return { at: Number(time.rows[0]?.['at_ms']), tasks };
}

/** When the oldest of those that wait for a slot was created, in ms: ids are in the order of creation. */
export async function findOldest(
  { connection, tables, dialect }: Context,
  owner: Owner,
): Promise<number | undefined> {
  const own = ownedBy(owner);
  const created = await Promise.all(
    RUN_QUEUE.map(async (status) => {
      const { rows } = await connection.query(
        `SELECT created_at FROM ${tables.task} WHERE ${hasStatus(dialect, [status]).sql} AND queue = 'run' ${own.sql} ORDER BY id LIMIT 1`,
        own.values,
      );
      return rows.map((row) => Number(row['created_at']));
    }),
  );
  const oldest = created.flat();
  return oldest.length === 0 ? undefined : Math.min(...oldest);
}

/** The newest tasks in a status. */
export async function findNewest(
  { connection, tables, dialect }: Context,
  status: Status,
  owner: Owner,
  most: number,
): Promise<readonly number[]> {
  const own = ownedBy(owner);
  const { rows } = await connection.query(
    `SELECT id FROM ${tables.task} WHERE ${hasStatus(dialect, [status]).sql} ${own.sql} ORDER BY id DESC LIMIT ?`,
    [...own.values, most],
  );
  return rows.map((row) => Number(row['id']));
}

/** Some of a type (and version) that wait for somebody who can run them. */
export async function findWaiting(
  { connection, tables, dialect }: Context,
  { type, version }: { readonly type: string; readonly version: number },
  owner: Owner,
  most: number,
): Promise<readonly number[]> {
  const own = ownedBy(owner);
  const { rows } = await connection.query(
    `SELECT id FROM ${tables.task} WHERE ${hasStatus(dialect, RUN_QUEUE).sql} AND type = ? AND version = ? ${own.sql} ORDER BY id DESC LIMIT ?`,
    [type, version, ...own.values, most],
  );
  return rows.map((row) => Number(row['id']));
}

/** Who was asked to stop and hasn't yet. */
export async function findStopping(
  { connection, tables, dialect }: Context,
  owner: Owner,
): Promise<readonly Stopping[]> {
  const own = ownedBy(owner);
  const { rows } = await connection.query(
    `SELECT id, epoch FROM ${tables.task} WHERE ${hasStatus(dialect, STOPPING).sql} ${own.sql} LIMIT ${MOST_STOPPING}`,
    own.values,
  );
  return rows.map((row) => ({ id: Number(row['id']), epoch: Number(row['epoch']) }));
}

/** What is paused as a whole though tasks wait behind it, and how many. */
export async function countBehindPauses({
  connection,
  tables,
  control,
}: Context): Promise<
  readonly { readonly kind: PausedKind; readonly name: string; readonly tasks: number }[]
> {
  await control.refresh();
  const found = await Promise.all(
    control.rules.paused().map(async ({ kind, name }) => {
      if (kind === 'user/group') return [];
      const { rows } = await connection.query(
        `SELECT COUNT(*) AS tasks FROM (SELECT id FROM ${tables.task} WHERE ${COLUMNS[kind]} = ? AND queue = 'run' AND ${AT_REST} LIMIT ${MOST_BEHIND}) AS behind`,
        [name],
      );
      return [{ kind, name, tasks: Number(rows[0]?.['tasks']) }];
    }),
  );
  return found.flat().filter(({ tasks }) => tasks > 0);
}

/** Replicas that have let half of their lease go by without renewing it. */
export async function findLateReplicas({ connection, tables, dialect }: Context): Promise<readonly string[]> {
  const { rows } = await connection.query(
    `SELECT id FROM ${tables.replica} WHERE lease_until > ${dialect.now} AND (lease_until - ${dialect.now}) * 2 < lease_until - renewed_at`,
  );
  return rows.map((row) => String(row['id']));
}

/** Who has tasks that run or wait for a slot in which group, those with the most first. */
export async function countCells(
  { connection, tables, dialect, control }: Context,
  owner: Owner,
): Promise<readonly QueueCell[]> {
  await control.refresh();
  const [own, atWork] = [ownedBy(owner), isAmong('status', AT_WORK)];
  const shown = hasStatus(dialect, [...RUN_QUEUE, ...AT_WORK]);
  const { rows } = await connection.query(
    `SELECT task_user, task_group, COUNT(*) AS tasks, SUM(CASE WHEN ${atWork.sql} THEN 1 ELSE 0 END) AS running
     FROM ${tables.task} WHERE ${shown.sql} ${own.sql}
     GROUP BY task_user, task_group ORDER BY tasks DESC, task_user, task_group LIMIT ${MOST_CELLS}`,
    [...atWork.values, ...shown.values, ...own.values],
  );
  return rows.map((row) => {
    const [user, group, running] = [
      String(row['task_user']),
      String(row['task_group']),
      Number(row['running']),
    ];
    const { limit } = control.rules.describe('user/group', user, group);
    return { user, group, running, waiting: Number(row['tasks']) - running, limit };
  });
}
