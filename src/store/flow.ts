/**
 * How tasks flow, read from the tasks themselves: when they were created, last started and done. What is gone is in no count,
 * nor is a start that was followed by a pause; indexes that are there anyway serve all of it.
 */
import type { Connection } from '../core/connection.ts';
import type { Status } from '../core/status.ts';
import type { Fragment } from '../core/fragment.ts';
import { readNames } from './names.ts';
import { isAmong, isNamed } from './page.ts';
import type { Dialect } from './dialect.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
}

export interface FlowRequest {
  /** From when on, in ms since 1970: the beginning of a bucket. */
  readonly since: number;
  /** Milliseconds. */
  readonly bucket: number;
  readonly owner: string | undefined;
  /** The first task that may have been created since then. */
  readonly firstId: number;
}

/** What happened in the bucket that began at `at`. */
export interface FlowCount {
  readonly at: number;
  readonly created: number;
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
  /** How long some of those had waited that started then, in ms. */
  readonly waits: readonly number[];
}

/** So many new tasks are looked at, at most. */
const MOST_NEW = 100_000;
const MOST_TYPES = 200;
/** So many waits are enough to tell their percentiles. */
const SAMPLES = 5000;

type Counted = { -readonly [Part in keyof FlowCount]: FlowCount[Part] } & { waits: number[] };

/** In no order; buckets in which nothing happened are left out. `firstId` is that of the first task of the last bucket. */
export async function readFlow(
  context: Context,
  request: FlowRequest,
): Promise<{ readonly counts: readonly FlowCount[]; readonly firstId: number }> {
  const buckets = new Map<number, Counted>();
  const at = (ms: unknown): Counted => {
    const key = Number(ms);
    const none = { at: key, created: 0, started: 0, finished: 0, failed: 0, waits: [] };
    const found = buckets.get(key) ?? none;
    buckets.set(key, found);
    return found;
  };
  const firstId = await countCreated(context, request, at);
  await countEnds(context, request, at);
  await countHeld(context, request, at);
  return { counts: [...buckets.values()], firstId };
}

async function countCreated(
  { connection, tables }: Context,
  { since, bucket, owner, firstId }: FlowRequest,
  at: (ms: unknown) => Counted,
): Promise<number> {
  const own = ownedBy(owner);
  const { rows } = await connection.query(
    `SELECT created_at - created_at % ${bucket} AS bucket, COUNT(*) AS tasks, MIN(id) AS first_id FROM ${tables.task}
     WHERE id >= ? AND id > (SELECT MAX(id) FROM ${tables.task}) - ${MOST_NEW} AND created_at >= ? ${own.sql}
     GROUP BY created_at - created_at % ${bucket} ORDER BY bucket`,
    [firstId, since, ...own.values],
  );
  for (const row of rows) at(row['bucket']).created += Number(row['tasks']);
  return Number(rows.at(-1)?.['first_id'] ?? firstId);
}

async function countEnds(
  { connection, tables, dialect }: Context,
  { since, bucket, owner }: FlowRequest,
  at: (ms: unknown) => Counted,
): Promise<void> {
  const types = await readNames({ connection, tables, dialect }, 'type', '', MOST_TYPES);
  if (types.length === 0) return;
  const [own, among] = [ownedBy(owner), isAmong('type', types)];
  const where = `${among.sql} AND done_at >= ? ${own.sql}`;
  const values = [...among.values, since, ...own.values];
  const { rows } = await connection.query(
    `SELECT done_at - done_at % ${bucket} AS done, started_at - started_at % ${bucket} AS started, status, COUNT(*) AS tasks
     FROM ${tables.task} WHERE ${where}
     GROUP BY done_at - done_at % ${bucket}, started_at - started_at % ${bucket}, status`,
    values,
  );
  for (const row of rows) {
    const tasks = Number(row['tasks']);
    const ended: Readonly<Partial<Record<Status, 'finished' | 'failed'>>> = {
      'finished/run': 'finished',
      'failed/run': 'failed',
    };
    const end = ended[row['status'] as Status];
    if (end !== undefined) at(row['done'])[end] += tasks;
    if (Number(row['started'] ?? 0) >= since) at(row['started']).started += tasks;
  }
  // Whoever was claimed once started when its wait was over.
  const waited = await connection.query(
    `SELECT started_at - started_at % ${bucket} AS started, started_at - created_at AS wait FROM ${tables.task}
     WHERE ${where} AND epoch = 1 AND started_at >= ? LIMIT ${SAMPLES}`,
    [...values, since],
  );
  for (const row of waited.rows) at(row['started']).waits.push(Number(row['wait']));
}

async function countHeld(
  { connection, tables }: Context,
  { since, bucket, owner }: FlowRequest,
  at: (ms: unknown) => Counted,
): Promise<void> {
  const own = ownedBy(owner);
  const { rows } = await connection.query(
    `SELECT started_at - started_at % ${bucket} AS started, started_at - created_at AS wait, epoch FROM ${tables.task}
     WHERE owner IS NOT NULL AND started_at >= ? ${own.sql}`,
    [since, ...own.values],
  );
  for (const row of rows) {
    const counted = at(row['started']);
    counted.started++;
    if (Number(row['epoch']) === 1) counted.waits.push(Number(row['wait']));
  }
}

/** To be added to other conditions. */
export function ownedBy(owner: string | undefined): Fragment {
  if (owner === undefined) return { sql: '', values: [] };
  const { sql, values } = isNamed('task_user', owner);
  return { sql: `AND ${sql}`, values };
}
