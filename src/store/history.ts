/**
 * Reading the history, and letting go of its beginning. The entries of one task are in the order of their numbers; of all
 * tasks, one with a smaller number may be committed after one with a larger, and what may still come is told from what never
 * will by each database in its own way.
 */
import type { Database, Row } from '../core/connection.ts';
import type {
  CheckedHistory,
  CheckedHistoryPage,
  HistoryEntry,
  HistoryEvent,
  HistoryPage,
  LogLevel,
} from '../core/history.ts';
import type { Position } from '../core/cursor.ts';
import type { ScopeKind } from '../core/limit.ts';
import { markOf, STATUS, type Status } from '../core/status.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { insertEntries, SCHEDULE, scheduleIn, VOID } from './entry.ts';
import type { Payloads } from './payload.ts';
import type { Claim } from './record.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly payloads: Payloads;
}

/** At most so many go at once. */
const PRUNED_AT_ONCE = 1000;

/** The entries of a task, oldest first. */
export async function readHistory(
  { connection, tables, payloads }: Context,
  id: number,
  { after, limit, redacted, owner }: CheckedHistoryPage,
): Promise<HistoryPage> {
  const own = owner === undefined ? { sql: '', values: [] } : { sql: 'AND task_user = ?', values: [owner] };
  const { rows } = await connection.query(
    `SELECT * FROM ${tables.history} WHERE task = ? AND id > ? ${own.sql} ORDER BY id LIMIT ?`,
    [id, after, ...own.values, limit + 1],
  );
  const page = rows.slice(0, limit);
  const entries = await Promise.all(
    page.map((row) => entryFrom(row, { payloads, redacted, cursor: String(Number(row['id'])) })),
  );
  return { entries, next: rows.length > limit ? entries.at(-1)?.cursor : undefined };
}

/** What a handler has logged: JSON, and so many milliseconds ago. */
export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
  readonly age: number;
}

/** Notes lines of a claim. They are not fenced: each says in which claim it was logged, whoever holds the task by now. */
export async function writeLog(
  {
    connection,
    dialect,
    control,
    payloads,
  }: Pick<Context, 'connection' | 'dialect' | 'payloads'> & { readonly control: Control },
  { id, type, user, group, epoch, attempt }: Claim,
  replica: string,
  lines: readonly LogLine[],
): Promise<void> {
  const { history } = control.terms;
  if (history === undefined) return;
  const rows = await Promise.all(
    lines.map(async ({ level, text: line, age }) => ({
      task: id,
      event: 'log',
      type,
      task_user: user,
      task_group: group,
      replica,
      epoch,
      attempt,
      level,
      age,
      detail: await payloads.encode(line, { id, type }),
    })),
  );
  await connection.transaction((inner) => insertEntries(inner, dialect, history, rows));
}

/** Entries as they are stored, at most `limit` of each: those in `gaps` that have come by now, and the next ones. */
export async function readEntries(
  { connection, tables }: Pick<Context, 'connection' | 'tables'>,
  { last, gaps }: Position,
  limit: number,
): Promise<{ readonly late: readonly Row[]; readonly next: readonly Row[] }> {
  const read = async (where: string, values: readonly number[]): Promise<readonly Row[]> => {
    const sql = `SELECT * FROM ${tables.history} WHERE ${where} ORDER BY id LIMIT ?`;
    return (await connection.query(sql, [...values, limit])).rows;
  };
  const ranges = gaps.map(() => 'id BETWEEN ? AND ?').join(' OR ');
  const late = gaps.length === 0 ? [] : await read(ranges, gaps.flat());
  return { late, next: await read('id > ?', [last]) };
}

/** The number of the newest entry; 0 if there is none. */
export async function newestEntry({
  connection,
  tables,
}: Pick<Context, 'connection' | 'tables'>): Promise<number> {
  const { rows } = await connection.query(`SELECT MAX(id) AS newest FROM ${tables.history}`);
  return Number(rows[0]?.['newest'] ?? 0);
}

/** The number of the oldest entry; 0 if there is none. */
export async function oldestEntry({
  connection,
  tables,
}: Pick<Context, 'connection' | 'tables'>): Promise<number> {
  const { rows } = await connection.query(`SELECT MIN(id) AS oldest FROM ${tables.history}`);
  return Number(rows[0]?.['oldest'] ?? 0);
}

export async function hasEntry(
  { connection, tables }: Pick<Context, 'connection' | 'tables'>,
  id: number,
): Promise<boolean> {
  const { rows } = await connection.query(`SELECT 1 AS there FROM ${tables.history} WHERE id = ?`, [id]);
  return rows.length > 0;
}

/** How often it is looked for entries that are over: after a tenth of their time, or after ten minutes. */
export function pruneInterval({ keep }: CheckedHistory): number {
  return Math.min(keep / 10, 600_000);
}

/**
 * Lets go of the oldest entries, some that have been kept long enough; true if there may be more. They go in the order of their
 * numbers, and the newest stays: so wherever an entry is still there, nothing behind it has gone.
 */
export async function pruneHistory(
  { connection, tables, dialect }: Pick<Context, 'connection' | 'tables' | 'dialect'>,
  { level, keep }: CheckedHistory,
): Promise<boolean> {
  if (level === 'off') return false;
  const { history } = tables;
  const { rows } = await connection.query(
    `SELECT MAX(id) AS last, (SELECT MAX(id) FROM ${history}) AS newest
     FROM (SELECT id, at FROM ${history} ORDER BY id LIMIT ${PRUNED_AT_ONCE}) oldest WHERE at <= ${dialect.now} - ?`,
    [keep],
  );
  const [last, newest] = [Number(rows[0]?.['last'] ?? 0), Number(rows[0]?.['newest'] ?? 0)];
  const end = Math.min(last, newest - 1);
  if (end <= 0) return false;
  const { changes } = await connection.query(`DELETE FROM ${history} WHERE id <= ?`, [end]);
  return changes >= PRUNED_AT_ONCE;
}

export interface EntryView {
  readonly payloads: Payloads;
  readonly redacted: boolean;
  readonly cursor: string;
}

/** Throws CODEC_FAILED, unless it is redacted. */
export async function entryFrom(row: Row, { payloads, redacted, cursor }: EntryView): Promise<HistoryEntry> {
  const task = number(row['task']);
  const owner = { id: task ?? 0, type: String(row['type']) };
  const { context, error, message, fields } = await payloads.entryFrom(
    {
      context: text(row['context']),
      error: text(row['error']),
      detail: text(row['detail']),
      isLog: row['event'] === 'log',
    },
    owner,
    redacted,
  );
  const to = text(row['to_status']);
  return {
    cursor,
    event: row['event'] as HistoryEvent,
    task,
    type: owner.type,
    user: String(row['task_user']),
    group: String(row['task_group']),
    scope: scopeFrom(row),
    at: new Date(Number(row['at'])),
    from: stateShown(text(row['from_status'])),
    to: to === 'removed' ? to : stateShown(to),
    mark: to === null || to === 'removed' ? undefined : markOf(to as Status),
    actor: text(row['actor']) ?? undefined,
    reason: text(row['reason']) ?? undefined,
    replica: text(row['replica']) ?? undefined,
    epoch: number(row['epoch']),
    attempt: number(row['attempt']),
    progress: number(row['progress']),
    bytes: number(row['bytes']),
    context,
    error,
    level: (text(row['level']) as LogLevel | null) ?? undefined,
    message,
    fields,
  };
}

function scopeFrom(row: Row): HistoryEntry['scope'] {
  const kind = text(row['scope']) as ScopeKind | typeof SCHEDULE | null;
  if (kind === null) return undefined;
  if (kind === SCHEDULE) return { kind, name: scheduleIn(row) };
  const [type, user, group] = [row['type'], row['task_user'], row['task_group']].map(String) as [
    string,
    string,
    string,
  ];
  if (kind === 'user/group') return { kind, name: [user, group] };
  return { kind, name: { type, user, group }[kind] };
}

function stateShown(status: string | null): HistoryEntry['from'] {
  return status === null ? undefined : STATUS[status as Status].shows;
}

/** Whether a row was put there only to close a gap. */
export function isVoid(row: Row): boolean {
  return row['event'] === VOID;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
