/**
 * The slots that running tasks take, as limits and fair shares count them. A slot is written in the transaction that
 * starts its task, and taken back by a later round that finds the task's claim over: there may be more slots than
 * running tasks for a moment, never fewer, so a limit can't be exceeded whoever crashes when.
 *
 * What a slot has cost is charged to its sharer: something at the start, more as it runs on, the exact rest at the end.
 */
import { scopesOf } from '../core/limit.ts';
import { openLanes } from './lanes.ts';
import type { Row } from '../core/connection.ts';
import { addToEach, marks, type Round, select } from './round.ts';

/** What a start is charged at once, in ms of slot time; what was too much is given back at the end. */
export const START_CHARGE = 1000;

/** A running task is charged again whenever this much of what it was charged before has been added. */
const CHARGED_AGAIN = 1.25;

export interface TakenSlot {
  readonly id: number;
  readonly epoch: number;
  readonly type: string;
  readonly user: string;
  readonly group: string;
  /** The tree node that is charged; 0 for none. */
  readonly sharer: number;
}

const TAKEN_COLUMNS = {
  v_id: 'integer',
  v_epoch: 'integer',
  v_type: 'text',
  v_user: 'text',
  v_group: 'text',
  v_sharer: 'integer',
  v_now: 'integer',
} as const;

/** Slots, and tasks that run, are looked through in so many parts, so that no round has to look at all. */
export const SLOT_PARTS = 8;

/** Whose slots a round looks at, to see whether their claims are over. */
export interface Suspects {
  /** Tasks that are known to have ended. */
  readonly ended: readonly number[];
  /** Parts of all slots, from 0. */
  readonly parts: readonly number[];
}

function isInParts(id: string, parts: readonly number[]): string {
  return `${id} % ${SLOT_PARTS} IN (${parts.join(', ')})`;
}

/** For tasks that were just started. */
export async function takeSlots(round: Round, taken: readonly TakenSlot[]): Promise<void> {
  const { connection, tables, queue, now, given } = round;
  if (taken.length === 0) return;
  // One that was handed over a moment ago may still have the slot of its last claim.
  const again = taken.filter(({ epoch }) => epoch > 1);
  await takeBackSlots(round, { ended: again.map(({ id }) => id), parts: [] });
  const rows = given(
    TAKEN_COLUMNS,
    taken.map(({ id, epoch, type, user, group, sharer }) => [id, epoch, type, user, group, sharer, now]),
  );
  await connection.query(
    `INSERT INTO ${tables.slot} (task_id, epoch, queue, type, task_user, task_group, sharer, started_at, charged)
     SELECT v_id, v_epoch, '${queue}', v_type, v_user, v_group, v_sharer, v_now, ${START_CHARGE} FROM ${rows.sql}`,
    rows.values,
  );
}

/** Takes back those slots whose claims are over. */
export async function takeBackSlots(round: Round, { ended, parts }: Suspects): Promise<void> {
  if (ended.length === 0 && parts.length === 0) return;
  const { now } = round;
  const rows = await removeOver(round, { ended, parts });
  if (rows.length === 0) return;
  await charge(
    round,
    rows.map((row) => {
      const end = row['done_at'] === null || row['done_at'] === undefined ? now : Number(row['done_at']);
      const used = Math.max(0, end - Number(row['started_at']));
      return { sharer: Number(row['sharer']), ms: used - Number(row['charged']) };
    }),
  );
  if (round.rules.kinds.length === 0) return;
  await openLanes(
    round,
    rows
      .flatMap((row) =>
        scopesOf({
          type: String(row['type']),
          user: String(row['task_user']),
          group: String(row['task_group']),
        }),
      )
      .filter(({ kind }) => round.rules.kinds.includes(kind)),
  );
}

/** Removes the slots of claims that are over; says what they were. */
async function removeOver(
  { connection, tables, returning }: Round,
  { ended, parts }: Suspects,
): Promise<readonly Row[]> {
  const { task, slot } = tables;
  const doneAt = `(SELECT t.done_at FROM ${task} t WHERE t.id = task_id) AS done_at`;
  const columns = 'task_id, type, task_user, task_group, sharer, started_at, charged';
  const suspected = [
    ...(ended.length > 0 ? [`task_id IN (${marks(ended)})`] : []),
    ...(parts.length > 0 ? [isInParts('task_id', parts)] : []),
  ];
  const where = `(${suspected.join(' OR ')})
    AND COALESCE((SELECT t.epoch FROM ${task} t WHERE t.id = task_id AND t.owner IS NOT NULL), 0) <> s.epoch`;
  if (returning) {
    return select(
      { connection },
      `DELETE FROM ${slot} AS s WHERE ${where} RETURNING ${columns}, ${doneAt}`,
      ended,
    );
  }
  const rows = await select(
    { connection },
    `SELECT ${columns}, ${doneAt} FROM ${slot} s WHERE ${where}`,
    ended,
  );
  const ids = rows.map((row) => Number(row['task_id']));
  if (ids.length > 0) await connection.query(`DELETE FROM ${slot} WHERE task_id IN (${marks(ids)})`, ids);
  return rows;
}

/** Gives slots to tasks of these parts that were started while there was nothing to count: the first round after that needs it. */
export async function adoptRunning(
  { connection, tables, now }: Round,
  parts: readonly number[],
): Promise<void> {
  await connection.query(
    `INSERT INTO ${tables.slot} (task_id, epoch, queue, type, task_user, task_group, sharer, started_at, charged)
     SELECT id, epoch, CASE WHEN status = 'deleting/delete' THEN 'cleanup' ELSE 'run' END, type, task_user, task_group, 0, ${now}, 0
     FROM ${tables.task} WHERE owner IS NOT NULL AND ${isInParts('id', parts)} AND id NOT IN (SELECT task_id FROM ${tables.slot})`,
  );
}

/** Charges what running tasks have used since they were last charged, once that is worth a write. */
export async function chargeRunning(round: Round): Promise<void> {
  const { connection, tables, now } = round;
  const due = `sharer <> 0 AND ? - started_at > charged * ${CHARGED_AGAIN}`;
  const rows = await select(
    round,
    `SELECT sharer, SUM(? - started_at - charged) AS ms FROM ${tables.slot} WHERE ${due} GROUP BY sharer`,
    [now, now],
  );
  if (rows.length === 0) return;
  await connection.query(`UPDATE ${tables.slot} SET charged = ? - started_at WHERE ${due}`, [now, now]);
  await charge(
    round,
    rows.map((row) => ({ sharer: Number(row['sharer']), ms: Number(row['ms']) })),
  );
}

/** Adds slot time to sharers, and to those they share within. */
async function charge(
  round: Round,
  charges: readonly { readonly sharer: number; readonly ms: number }[],
): Promise<void> {
  const sums = new Map<number, number>();
  for (const { sharer, ms } of charges) if (sharer !== 0) sums.set(sharer, (sums.get(sharer) ?? 0) + ms);
  while (sums.size > 0) {
    const ids = [...sums.keys()];
    const rows = await select(
      round,
      `SELECT id, parent, kind, task_user, task_group, used FROM ${round.tables.lane} WHERE kind <> 'root' AND id IN (${marks(ids)})`,
      ids,
    );
    const shares = new Map<number, number>();
    const above = new Map<number, number>();
    for (const row of rows) {
      const id = Number(row['id']);
      const ms = sums.get(id) ?? 0;
      const name = String(row['kind'] === 'user' ? row['task_user'] : row['task_group']);
      const weight = isWeighted(round, String(row['kind'])) ? round.policy.weightOf(name) : 1;
      shares.set(id, ms / weight);
      above.set(Number(row['parent']), (above.get(Number(row['parent'])) ?? 0) + ms);
    }
    await addToEach(round, { used: shares });
    sums.clear();
    for (const [id, ms] of above) sums.set(id, ms);
  }
}

/** Weights are those of the outer sharers. */
export function isWeighted({ policy }: Pick<Round, 'policy'>, kind: string): boolean {
  return kind === (policy.order.sharers === 'group' ? 'group' : 'user');
}
