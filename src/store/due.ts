/**
 * Tasks whose time is still to come. They are stored as waiting in a queue called `later`, in the order in which they
 * are due, so that one look at the beginning of an index finds those whose time has come; any replica lets them in.
 */
import type { Author } from '../core/author.ts';
import type { Connection, Database } from '../core/connection.ts';
import { type QueueName, QUEUES, STATUS, type Status, STATUSES } from '../core/status.ts';
import { FOREMOST } from '../queue/precedence.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { entryOf } from './entry.ts';
import { type Due, LATER, WAITING_COLUMNS, waitingTaskFrom } from './record.ts';
import { isTask } from './page.ts';
import type { Tables } from './schema.ts';
import { tell } from './transition.ts';
import { carryOut, type TaskWrite } from './write.ts';

interface Context {
  readonly database: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

const DUE_AT_ONCE = 500;

/** Numbers only, so it may stand in a statement as it is. */
export function dueSql(due: Due | undefined, now: string): string | undefined {
  if (due === undefined) return undefined;
  return 'at' in due ? String(Math.round(due.at)) : `${now} + ${Math.round(due.delay)}`;
}

/** Lets in whose time has come; says how many, and in how many milliseconds the next one is due. */
export async function admitDue({
  database,
  tables,
  dialect,
  control,
}: Context): Promise<{ readonly admitted: number; readonly next: number | undefined }> {
  const pick = `SELECT id FROM ${tables.task} WHERE queue = '${LATER}' AND lane = 0 AND precedence = 0 AND turn <= ${dialect.now}
    ORDER BY turn, id LIMIT ${DUE_AT_ONCE} ${dialect.skipLocked}`;
  const admitted = await enter(database, tables, control, {
    where: { sql: `id ${dialect.among(pick)} AND queue = '${LATER}'`, values: [] },
    turn: 'turn',
  });
  const { rows } = await database.query(
    `SELECT turn - ${dialect.now} AS ms FROM ${tables.task} WHERE queue = '${LATER}' AND lane = 0 AND precedence = 0 ORDER BY turn LIMIT 1`,
  );
  return { admitted, next: rows[0] === undefined ? undefined : Math.max(0, Number(rows[0]['ms'])) };
}

/** Gives a task that waits another time, or lets it in now; false if it doesn't wait to be run. */
export async function reschedule(
  { database, tables, control }: Context,
  { id, owner }: { readonly id: number; readonly owner: string | undefined },
  due: string | undefined,
  by: Author | undefined,
): Promise<boolean> {
  const { terms } = control;
  const { sql, values } = isTask(id, owner);
  const where = { sql: `${sql} AND status = 'pending/run'`, values };
  const entry =
    terms.history && entryOf('delay', terms.now, by, { from_status: 'status', to_status: 'status' });
  if (due === undefined) {
    const later = { ...where, sql: `${where.sql} AND queue = '${LATER}'` };
    return (await enter(database, tables, control, { where: later, turn: terms.now, entry })) > 0;
  }
  const set = { sql: `queue = '${LATER}', lane = 0, precedence = 0, turn = ${due}`, values: [] };
  const { changes } = await carryOut(database, terms, { table: tables.task, set, where, entry });
  if (changes > 0) await tell(terms, 'run', (own) => own.leave([id], database));
  return changes > 0;
}

/** Lets tasks that are due later into the queue their status says, telling queues of the user's own. */
async function enter(
  connection: Connection | Database,
  tables: Tables,
  control: Control,
  { where, turn, entry }: Pick<TaskWrite, 'where' | 'entry'> & { readonly turn: string },
): Promise<number> {
  const { terms } = control;
  const own = Object.keys(terms.ownQueues).length > 0;
  if (own && 'transaction' in connection)
    return connection.transaction((inner) => enter(inner, tables, control, { where, turn, entry }));
  const entering = own
    ? (
        await connection.query(
          `SELECT ${WAITING_COLUMNS}, status FROM ${tables.task} WHERE ${where.sql} ${terms.dialect.exclusiveLock}`,
          where.values,
        )
      ).rows
    : [];
  const choose = (value: (queue: QueueName, ahead: boolean) => string): string =>
    `CASE status ${WAITING.map(({ status, waits }) => `WHEN '${status}' THEN ${value(waits.queue, waits.ahead)}`).join(' ')} END`;
  const set = `queue = ${choose((queue) => `'${queue}'`)},
      precedence = ${choose((queue, ahead) => (ahead ? String(FOREMOST) : terms.precedence[queue]))}, turn = ${turn}`;
  const write = { table: tables.task, set: { sql: set, values: [] }, where, entry };
  const { changes } = await carryOut(connection, terms, write);
  for (const queue of QUEUES) {
    const told = entering.filter((row) => STATUS[row['status'] as Status].waits?.queue === queue);
    if (told.length === 0) continue;
    await tell(terms, queue, (mine) =>
      mine.enter(
        told.map((row) => waitingTaskFrom(row, false)),
        connection,
      ),
    );
  }
  return changes;
}

const WAITING = STATUSES.flatMap((status) => {
  const { waits } = STATUS[status];
  return waits === undefined ? [] : [{ status, waits }];
});
