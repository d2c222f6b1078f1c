/**
 * Taking tasks from replicas that are no more. The dead are read first and then named: ids are never used again,
 * whereas "has no live replica", asked inside the UPDATE, could be answered for a new owner from a snapshot that is
 * older than that owner.
 */
import type { Connection, Database } from '../core/connection.ts';
import { arrows, stateOf } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { isAmong } from './page.ts';
import type { Tables } from './schema.ts';
import { asJson } from './payload.ts';
import { errorsAnd } from './settlement.ts';
import { applyEvent } from './transition.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

/** The statuses in which a crash is a failure: elsewhere a mark says what becomes of the task. */
const FAILING_CRASHES = arrows('expire')
  .filter(({ to }) => to !== 'removed' && stateOf(to) === 'failed')
  .map(({ from }) => `'${from}'`)
  .join(', ');

/** Where nothing but crashes is added, nobody cuts the list of errors: it grows to so many bytes. */
const LONGEST_LIST = 65_536;

/** How many tasks a rescue takes on at once. */
const RESCUE_BATCH = 500;

/**
 * Strikes replicas off whose lease has ended: from here on their tasks are nobody's, and know when their replica was last
 * heard of. Says how many there were.
 */
export async function buryDead({
  connection,
  tables: { replica, claimant, task },
  dialect,
}: Context & { readonly connection: Database }): Promise<number> {
  return connection.transaction(async (inner) => {
    const { rows } = await inner.query(
      `SELECT id, renewed_at FROM ${replica} WHERE lease_until <= ${dialect.now} ${dialect.skipLocked}`,
    );
    if (rows.length === 0) return 0;
    const heardOf = new Map(rows.map((row) => [String(row['id']), Number(row['renewed_at'])]));
    // Whoever has a claim under way goes once that is over.
    const ended = isAmong('replica', [...heardOf.keys()]);
    const free = await inner.query(
      `SELECT replica FROM ${claimant} WHERE ${ended.sql} ${dialect.skipLocked}`,
      ended.values,
    );
    if (free.rows.length === 0) return 0;
    const ids = free.rows.map((row) => String(row['replica']));
    for (const id of ids) await noteHeld(inner, { task, dialect }, id, heardOf.get(id) ?? 0);
    const [dead, claims] = [isAmong('id', ids), isAmong('replica', ids)];
    await inner.query(`DELETE FROM ${claimant} WHERE ${claims.sql}`, claims.values);
    return (await inner.query(`DELETE FROM ${replica} WHERE ${dead.sql}`, dead.values)).changes;
  });
}

/** Nobody who holds the row of a task keeps its replica from being struck off. */
async function noteHeld(
  connection: Connection,
  { task, dialect }: { readonly task: string; readonly dialect: Dialect },
  owner: string,
  until: number,
): Promise<void> {
  const { rows } = await connection.query(
    `SELECT id FROM ${task} WHERE owner = ? ORDER BY id ${dialect.skipLocked}`,
    [owner],
  );
  const ids = rows.map((row) => Number(row['id']));
  for (let from = 0; from < ids.length; from += RESCUE_BATCH) {
    const held = isAmong('id', ids.slice(from, from + RESCUE_BATCH));
    await connection.query(`UPDATE ${task} SET held_until = ? WHERE ${held.sql}`, [until, ...held.values]);
  }
}

export async function rescueTasks(context: Context, error: string): Promise<number> {
  const { connection, tables } = context;
  const { rows } = await connection.query(
    `SELECT DISTINCT owner FROM ${tables.task} WHERE owner IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM ${tables.replica} WHERE ${tables.replica}.id = ${tables.task}.owner)`,
  );
  if (rows.length === 0) return 0;
  const dead = isAmong(
    'owner',
    rows.map((row) => String(row['owner'])),
  );
  const kept = errorsAnd('?', 'errors', context.dialect.now);
  const counted = `crashes = crashes + 1, errors = CASE WHEN LENGTH(errors) > ${LONGEST_LIST} THEN errors ELSE ${kept} END`;
  const resumed = await rescueBy(context, 'recover', dead, 'crashes < crash_budget', error, {
    sql: counted,
    values: [asJson(error)],
  });
  const failed = await rescueBy(context, 'expire', dead, 'crashes >= crash_budget', error, {
    sql: `${counted}, error = CASE WHEN status IN (${FAILING_CRASHES}) THEN ? ELSE error END`,
    values: [asJson(error), error],
  });
  return resumed + failed;
}

function rescueBy(
  { connection, tables, dialect, control }: Context,
  event: 'recover' | 'expire',
  dead: Fragment,
  condition: string,
  error: string,
  set: Fragment,
): Promise<number> {
  const pick = `SELECT id FROM ${tables.task} WHERE ${dead.sql} AND ${condition} ORDER BY owner, id LIMIT ${RESCUE_BATCH} ${dialect.skipLocked}`;
  return applyEvent(connection, tables.task, control.terms, event, {
    where: { sql: `id ${dialect.among(pick)} AND ${dead.sql}`, values: [...dead.values, ...dead.values] },
    set,
    note: { error: { sql: '?', values: [error] } },
  });
}
