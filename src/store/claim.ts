/**
 * Taking tasks: the pick of a queue and the `claim` event in one statement, or in one short transaction where the
 * database can't return what it updated. Rows that others are taking are passed over, a claim needs a live lease, and
 * it raises the epoch, so that whoever held the task before can't write any more.
 */
import type { Database } from '../core/connection.ts';
import type { QueueName } from '../core/status.ts';
import { pickNext } from '../queue/fifo.ts';
import type { Dialect } from './dialect.ts';
import { type Claim, CLAIM_COLUMNS, claimFrom } from './record.ts';
import type { Tables } from './schema.ts';
import { type Fragment, updateFor } from './transition.ts';

export interface ClaimRequest {
  readonly replica: string;
  readonly queue: QueueName;
  /** The types to take, and how many crashes a task of each survives. */
  readonly types: ReadonlyMap<string, number>;
  /** At most so many. */
  readonly limit: number;
}

export async function claimTasks(
  database: Database,
  tables: Tables,
  dialect: Dialect,
  request: ClaimRequest,
): Promise<readonly Claim[]> {
  if (request.types.size === 0 || request.limit < 1) return [];
  const claims = await (dialect.returning === true
    ? claimReturning(database, tables, dialect, request)
    : claimLocking(database, tables, dialect, request));
  return claims.toSorted((one, other) => one.id - other.id);
}

async function claimReturning(
  database: Database,
  tables: Tables,
  dialect: Dialect,
  request: ClaimRequest,
): Promise<readonly Claim[]> {
  const pick = pickNext(tables.task, 'id', dialect, request);
  const update = claimUpdate(tables, dialect, request, {
    sql: `id ${dialect.among(pick.sql)}`,
    values: pick.values,
  });
  const { rows } = await database.query(`${update.sql} RETURNING ${CLAIM_COLUMNS}`, update.values);
  return rows.map((row) => claimFrom(row, Number(row['epoch'])));
}

async function claimLocking(
  database: Database,
  tables: Tables,
  dialect: Dialect,
  request: ClaimRequest,
): Promise<readonly Claim[]> {
  return database.transaction(async (connection) => {
    const pick = pickNext(tables.task, CLAIM_COLUMNS, dialect, request);
    const { rows } = await connection.query(pick.sql, pick.values);
    if (rows.length === 0) return [];
    const ids = rows.map((row) => Number(row['id']));
    const where = { sql: `id IN (${ids.map(() => '?').join(', ')})`, values: ids };
    const update = claimUpdate(tables, dialect, request, where);
    const { changes } = await connection.query(update.sql, update.values);
    // The rows are locked, so they're claimed all, or none for want of a live lease.
    return changes === 0 ? [] : rows.map((row) => claimFrom(row, Number(row['epoch']) + 1));
  });
}

function claimUpdate(tables: Tables, dialect: Dialect, request: ClaimRequest, picked: Fragment): Fragment {
  const alive = `EXISTS (SELECT 1 FROM ${tables.replica} r WHERE r.id = ? AND r.lease_until > ${dialect.now})`;
  const budget = crashBudgets(request.types);
  const update = updateFor(tables.task, dialect, 'claim', {
    where: { sql: `${picked.sql} AND ${alive}`, values: [...picked.values, request.replica] },
    set: {
      sql: `owner = ?, epoch = epoch + 1, started_at = ${dialect.now}, crash_budget = ${budget.sql}`,
      values: [request.replica, ...budget.values],
    },
  });
  if (update === undefined) throw new Error('the status table lets no task be claimed');
  return update;
}

/** The budget comes from the replica that runs the task, for the one that will have to rescue it may not know its type. */
function crashBudgets(types: ReadonlyMap<string, number>): Fragment {
  const resumable = [...types].filter(([, budget]) => budget > 0);
  if (resumable.length === 0) return { sql: '0', values: [] };
  return {
    sql: `CASE type ${resumable.map(([, budget]) => `WHEN ? THEN ${budget}`).join(' ')} ELSE 0 END`,
    values: resumable.map(([type]) => type),
  };
}
