/**
 * Schedules and their firing: a schedule's row is locked, its tasks are created and its next moment is written in one
 * transaction, so that each occurrence is created exactly once, by whichever replica comes first.
 */
import type { Author } from '../core/author.ts';
import type { PayloadOwner } from '../core/codec.ts';
import type { Connection, Database, Row } from '../core/connection.ts';
import { isTaskbatonError, TaskbatonError } from '../core/errors.ts';
import type { HistoryEvent } from '../core/history.ts';
import type { Rule, Schedule } from '../core/schedule.ts';
import { stateOf, type Status } from '../core/status.ts';
import type { Control } from './control.ts';
import { insertTask } from './create.ts';
import type { Dialect } from './dialect.ts';
import { insertEntries, SCHEDULE } from './entry.ts';
import type { Payloads } from './payload.ts';
import type { NewTask } from './record.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
  readonly payloads: Payloads;
}

/** A schedule as it is stored. */
export interface StoredSchedule {
  readonly name: string;
  readonly rule: Rule;
  readonly template: NewTask;
  readonly paused: boolean;
  /** From when intervals count, and from when the rule holds. */
  readonly anchor: number;
  readonly next: number | null;
  readonly lastAt: number | null;
  readonly lastTask: number | null;
}

/** The first moment after `after`, intervals counting from `anchor`. */
export type Next = (after: number, anchor: number) => number | null;

/** Which occurrences are due at `now`, and which one comes next. */
export type Due = (
  schedule: StoredSchedule & { readonly next: number },
  now: number,
) => { readonly due: readonly number[]; readonly next: number | null };

const COLUMNS = 'name, rule_json, template, paused, anchor, next_at, last_at, last_task';

/**
 * Creates it, or changes what it creates and when; a pause stays. Where its times are the same it goes on as it was, so that
 * it may be set at each start; only what has changed is noted.
 */
export async function writeSchedule(
  context: Context,
  { name, rule, template }: Pick<StoredSchedule, 'name' | 'rule' | 'template'>,
  { next, by }: { readonly next: Next; readonly by: Author | undefined },
): Promise<void> {
  const { connection: database, tables, dialect, payloads } = context;
  const stored = JSON.stringify(await encodeTemplate(payloads, template));
  const changed = [JSON.stringify(rule), stored];
  await database.transaction(async (connection) => {
    const now = await lockSchedules(connection, tables, dialect);
    const { rows } = await connection.query(
      `SELECT rule_json, template, last_at FROM ${tables.schedule} WHERE name = ? ${dialect.exclusiveLock}`,
      [name],
    );
    const [before] = rows;
    if (before?.['rule_json'] !== changed[0] || !(await holds(payloads, before, template)))
      await note(connection, context, 'set', name, by);
    if (before === undefined) {
      await connection.query(
        `INSERT INTO ${tables.schedule} (rule_json, template, anchor, next_at, name, paused) VALUES (?, ?, ?, ?, ?, 0)`,
        [...changed, now, next(now, now), name],
      );
    } else if (isSameTime(before['rule_json'], rule)) {
      await connection.query(`UPDATE ${tables.schedule} SET rule_json = ?, template = ? WHERE name = ?`, [
        ...changed,
        name,
      ]);
    } else {
      const after = Math.max(now, Number(before['last_at'] ?? 0));
      await connection.query(
        `UPDATE ${tables.schedule} SET rule_json = ?, template = ?, anchor = ?, next_at = ? WHERE name = ?`,
        [...changed, now, next(after, now), name],
      );
    }
  });
}

/** Whether it creates the same tasks already; what is encoded may look different each time. */
async function holds(payloads: Payloads, stored: Row | undefined, template: NewTask): Promise<boolean> {
  try {
    const before = await decodeTemplate(payloads, JSON.parse(String(stored?.['template'])) as NewTask);
    return JSON.stringify(before) === JSON.stringify(template);
  } catch {
    return false;
  }
}

/** Notes what somebody did to a schedule, in the transaction that does it. */
async function note(
  connection: Connection,
  { control, dialect }: Pick<Context, 'control' | 'dialect'>,
  event: HistoryEvent,
  name: string,
  by: Author | undefined,
  fields: object = {},
): Promise<void> {
  const { history } = control.terms;
  if (history === undefined) return;
  const detail = JSON.stringify({ schedule: name, ...fields });
  const entry = { event, scope: SCHEDULE, type: '', task_user: '', task_group: '', ...by, detail };
  await insertEntries(connection, dialect, history, [entry]);
}

/** So that two who set the same one take turns; the database's time. */
async function lockSchedules(connection: Connection, { control }: Tables, dialect: Dialect): Promise<number> {
  const sql = `SELECT ${dialect.now} AS at_ms FROM ${control} WHERE id = 1 ${dialect.exclusiveLock}`;
  return Number((await connection.query(sql)).rows[0]?.['at_ms']);
}

/** Whether `rule` comes at the same moments as the one that is stored. */
function isSameTime(stored: unknown, rule: Rule): boolean {
  try {
    const { cron, zone, every } = JSON.parse(String(stored)) as Rule;
    return cron === rule.cron && zone === rule.zone && every === rule.every;
  } catch {
    // What can't be read is set right.
    return false;
  }
}

export async function readSchedules(
  { connection, tables }: Context,
  name?: string,
): Promise<readonly StoredSchedule[]> {
  const where = name === undefined ? '' : 'WHERE name = ?';
  const sql = `SELECT ${COLUMNS} FROM ${tables.schedule} ${where} ORDER BY name`;
  return (await connection.query(sql, name === undefined ? [] : [name])).rows.map(scheduleFrom);
}

/** Throws SCHEDULE_NOT_FOUND. */
export async function pauseSchedule(
  context: Context,
  name: string,
  paused: boolean,
  by?: Author,
): Promise<void> {
  const { schedule } = context.tables;
  const sql = `UPDATE ${schedule} SET paused = ? WHERE name = ?`;
  await context.connection.transaction(async (connection) => {
    if ((await connection.query(sql, [paused ? 1 : 0, name])).changes === 0) throw notFound(name);
    await note(connection, context, paused ? 'hold' : 'release', name, by);
  });
}

/** Throws SCHEDULE_NOT_FOUND. */
export async function removeSchedule(context: Context, name: string, by?: Author): Promise<void> {
  const { schedule } = context.tables;
  await context.connection.transaction(async (connection) => {
    const { changes } = await connection.query(`DELETE FROM ${schedule} WHERE name = ?`, [name]);
    if (changes === 0) throw notFound(name);
    await note(connection, context, 'remove', name, by);
  });
}

/** Creates one of its tasks now, besides those that are due. Throws SCHEDULE_NOT_FOUND. */
export async function triggerSchedule(context: Context, name: string, by?: Author): Promise<number> {
  const [schedule] = await readSchedules(context, name);
  if (schedule === undefined) throw notFound(name);
  const template = await decodeTemplate(context.payloads, schedule.template);
  return context.connection.transaction(async (connection) => {
    const task = await insertTask(context, { ...template, by }, connection);
    await note(connection, context, 'trigger', name, by, { task });
    return task;
  });
}

/** Which schedule was due, and why it could not be fired, if so. */
export interface Fired {
  readonly name: string;
  readonly error?: unknown;
}

/** Fires the schedule that has been due for longest, passing over some; undefined if none is. */
export async function fireNext(
  context: Context,
  due: Due,
  passedOver: ReadonlySet<string>,
): Promise<Fired | undefined> {
  let name: string | undefined;
  try {
    await context.connection.transaction(async (connection) => {
      const row = await lockDue(connection, context, [...passedOver]);
      name = row === undefined ? undefined : String(row['name']);
      if (row !== undefined) await fire(connection, context, row, due);
    });
  } catch (error) {
    const itsOwn = !isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY');
    if (name !== undefined && itsOwn) return { name, error };
    throw error;
  }
  return name === undefined ? undefined : { name };
}

async function lockDue(
  connection: Connection,
  { tables, dialect }: Context,
  passedOver: readonly string[],
): Promise<Row | undefined> {
  const others = passedOver.length === 0 ? '' : `AND name NOT IN (${passedOver.map(() => '?').join(', ')})`;
  const { rows } = await connection.query(
    `SELECT ${COLUMNS}, ${dialect.now} AS at_ms FROM ${tables.schedule}
     WHERE paused = 0 AND next_at <= ${dialect.now} ${others} ORDER BY next_at, name LIMIT 1 ${dialect.skipLocked}`,
    passedOver,
  );
  return rows[0];
}

async function fire(connection: Connection, context: Context, row: Row, due: Due): Promise<void> {
  const { tables, payloads } = context;
  const schedule = scheduleFrom(row);
  const template = await decodeTemplate(payloads, schedule.template);
  const by = { reason: `the schedule ${schedule.name} was due` };
  const fired = due({ ...schedule, next: Number(row['next_at']) }, Number(row['at_ms']));
  let last: { readonly at: number; readonly task: number } | undefined;
  for (const at of fired.due) {
    // Whatever is said to come next, what has been created never comes again.
    if (at <= (schedule.lastAt ?? 0)) continue;
    const before = last?.task ?? schedule.lastTask;
    if (schedule.rule.overlap === 'skip' && (await isUnderWay(connection, tables, before))) continue;
    last = { at, task: await insertTask(context, { ...template, by }, connection) };
  }
  await connection.query(
    `UPDATE ${tables.schedule} SET next_at = ?, last_at = COALESCE(?, last_at), last_task = COALESCE(?, last_task) WHERE name = ?`,
    [fired.next, last?.at ?? null, last?.task ?? null, schedule.name],
  );
}

/** What tasks are made from is encoded for nobody in particular: no task has this id. */
function ownerOfTemplate({ type }: NewTask): PayloadOwner {
  return { id: 0, type };
}

async function encodeTemplate(payloads: Payloads, template: NewTask): Promise<NewTask> {
  return convert(template, (text) => payloads.encode(text, ownerOfTemplate(template)));
}

async function decodeTemplate(payloads: Payloads, template: NewTask): Promise<NewTask> {
  return convert(template, (text) => payloads.decode(text, ownerOfTemplate(template)));
}

async function convert(
  template: NewTask,
  by: (text: string | null) => string | null | Promise<string | null>,
): Promise<NewTask> {
  return { ...template, input: await by(template.input), context: await by(template.context) };
}

export function publicSchedule({
  name,
  rule,
  template,
  paused,
  next,
  lastAt,
  lastTask,
}: StoredSchedule): Schedule {
  const { cron, zone, every, catchUp, overlap } = rule;
  const date = (ms: number | null): Date | undefined => (ms === null ? undefined : new Date(ms));
  return {
    name,
    type: template.type,
    user: template.user,
    group: template.group,
    cron: cron ?? undefined,
    zone,
    every: every ?? undefined,
    catchUp,
    overlap,
    paused,
    nextAt: date(next),
    lastAt: date(lastAt),
    lastTask: lastTask ?? undefined,
  };
}

async function isUnderWay(connection: Connection, { task }: Tables, id: number | null): Promise<boolean> {
  if (id === null) return false;
  const [row] = (await connection.query(`SELECT status FROM ${task} WHERE id = ?`, [id])).rows;
  return row !== undefined && !['finished', 'failed'].includes(stateOf(row['status'] as Status));
}

function scheduleFrom(row: Row): StoredSchedule {
  const number = (column: string): number | null => (row[column] === null ? null : Number(row[column]));
  return {
    name: String(row['name']),
    rule: JSON.parse(String(row['rule_json'])) as Rule,
    template: JSON.parse(String(row['template'])) as NewTask,
    paused: Number(row['paused']) === 1,
    anchor: Number(row['anchor']),
    next: number('next_at'),
    lastAt: number('last_at'),
    lastTask: number('last_task'),
  };
}

function notFound(name: string): TaskbatonError {
  return new TaskbatonError('SCHEDULE_NOT_FOUND', { name });
}
