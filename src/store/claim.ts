/**
 * Taking tasks. Where nobody's slots are limited or shared, the next ones are claimed by one statement (or one short
 * transaction, where the database can't return what it updated); else in a round that decides who may. Either way rows
 * that others are changing are passed over, a claim needs a live lease that lasts until it is committed, and it raises
 * the epoch, so that whoever held the task before can't write any more.
 */
import type { Connection, Database, Row } from '../core/connection.ts';
import type { CheckedPolicy } from '../core/policy.ts';
import type { TaskQueue } from '../core/queue.ts';
import type { QueueName } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';
import type { Fragment } from '../core/fragment.ts';
import { pickNext, type Place } from '../queue/precedence.ts';
import { readable } from '../queue/readable.ts';
import type { Round } from '../queue/round.ts';
import { playRound, type Tidying, tidyingDue, tidySlots } from '../queue/scheduler.ts';
import { takeSlots } from '../queue/slots.ts';
import type { Control, LockedControl } from './control.ts';
import type { Dialect } from './dialect.ts';
import { pickFrom } from './own-queue.ts';
import { type Claim, CLAIM_COLUMNS, claimFrom } from './record.ts';
import type { Tables } from './schema.ts';
import { updateFor } from './transition.ts';
import { wordingOf } from './wording.ts';
import { carryOut, type TaskWrite } from './write.ts';

export interface ClaimRequest {
  readonly replica: string;
  readonly queue: QueueName;
  /** The types to take. */
  readonly types: ReadonlyMap<string, Runnable>;
  /** At most so many; with 0 those who came are sorted in and nobody starts. */
  readonly limit: number;
  /** Where the last claim ended: whoever is before it may be passed over, where that saves something. */
  readonly after?: Place | undefined;
  /** Tasks that ended in this process since the last claim that was answered: their slots may be free. */
  readonly ended?: readonly number[] | undefined;
}

export interface Claimed {
  readonly claims: readonly Claim[];
  /** Whether to ask again at once although less than asked for came. */
  readonly more: boolean;
  /** The place of the last one, where beginning there saves something. */
  readonly last?: Place | undefined;
}

interface Decided extends Claimed {
  /** The root of the queue's tree, and by which rules it was found. */
  readonly found?: { readonly root: number; readonly version: number };
}

export interface ClaimContext {
  readonly database: Database;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
  readonly policies: Readonly<Record<QueueName, CheckedPolicy>>;
}

/** So many crashes a cleanup survives: it has to be done, whatever becomes of a run. */
const CLEANUP_CRASHES = 3;
/** At most so many are taken in one round, so that it holds the others up for a moment only. */
const ROUND_LIMIT = 200;

export async function claimTasks(context: ClaimContext, request: ClaimRequest): Promise<Claimed> {
  const { control } = context;
  const { queue, types, limit } = request;
  const own = control.terms.ownQueues[queue];
  // With no limit left, a round still sorts in who came.
  if (types.size === 0 || (limit < 1 && (own !== undefined || !control.usesLanes(queue))))
    return { claims: [], more: false };
  if (!control.playsRounds(queue)) return claimNext(context, request);
  const claimed = await claimInRound(context, request);
  return { ...claimed, claims: claimed.claims.toSorted((one, other) => one.id - other.id) };
}

/** The next ones, in their order: with nothing to decide, and not all of them may find a slot at once. */
async function claimNext(context: ClaimContext, { after, ...request }: ClaimRequest): Promise<Claimed> {
  const { database, tables, dialect, control } = context;
  const { version } = control.rules;
  if (dialect.returning === true) {
    const goesOn = dialect.leavesEntries === true;
    const pick = (column: string): Fragment =>
      pickNext(tables.task, column, dialect.skipLocked, goesOn ? { ...request, after } : request);
    const alive = aliveSelect(context, request.replica, version);
    const also = { sql: `EXISTS (${alive.sql})`, values: alive.values };
    const update = claimUpdate(context, request, also, pick);
    const { rows } = await carryOut(database, control.terms, update, PLACED_COLUMNS);
    const placed = rows.map((row) => ({ claim: claimFrom(row), place: placeOf(row) })).toSorted(byPlace);
    const last = goesOn ? placed.at(-1)?.place : undefined;
    return { claims: placed.map(({ claim }) => claim), more: false, last };
  }
  const claims = await database.transaction(async (connection) => {
    if (!(await isGuided(connection, context, request.replica, version))) return [];
    if (!(await isAlive(connection, context, request.replica))) return [];
    const pick = pickNext(tables.task, CLAIM_COLUMNS, dialect.skipLocked, request);
    return startLocked(connection, context, request, pick);
  });
  return { claims, more: false };
}

const ALL: Fragment = { sql: '1 = 1', values: [] };

/** With the place, which a claim leaves as it was. */
const PLACED_COLUMNS = `${CLAIM_COLUMNS}, precedence, turn`;

interface Placed {
  readonly claim: Claim;
  readonly place: Place;
}

function placeOf(row: Row): Place {
  return { precedence: Number(row['precedence']), turn: Number(row['turn']), id: Number(row['id']) };
}

function byPlace({ place: one }: Placed, { place: other }: Placed): number {
  return one.precedence - other.precedence || one.turn - other.turn || one.id - other.id;
}

async function claimInRound(context: ClaimContext, request: ClaimRequest): Promise<Claimed> {
  const { tables, dialect, control, policies } = context;
  // A queue of the user's own may take its time.
  const options = control.terms.ownQueues[request.queue] === undefined ? undefined : {};
  const work = async (connection: Connection, { version, sweptAt, now }: LockedControl): Promise<Decided> => {
    await control.refresh(version, connection);
    const own = control.terms.ownQueues[request.queue];
    // What a round would sort in now, nobody would let out again.
    if (!control.playsRounds(request.queue)) return { claims: [], more: true };
    // Whoever holds the lock of the rules goes by these.
    if (!(await isAlive(connection, context, request.replica, dialect.byIndexes)))
      return { claims: [], more: false };
    const tidying: Tidying = { ...tidyingDue(now, sweptAt), ended: request.ended ?? [] };
    if (tidying.parts.length > 0)
      await connection.query(`UPDATE ${tables.control} SET swept_at = ? WHERE id = 1`, [now]);
    const { queue, types, limit } = request;
    const round: Round = {
      ...wordingOf(dialect),
      connection,
      tables,
      queue,
      types,
      limit: Math.min(limit, ROUND_LIMIT),
      now,
      policy: { order: control.orderOf(queue), weightOf: policies[queue].weightOf },
      rules: control.rules,
      root: control.rootOf(queue),
    };
    if (own !== undefined) return claimFromOwn(own, context, request, round, tidying);
    const { started, more, root } = await playRound(round, tidying, (ids) =>
      startThese(connection, context, request, ids),
    );
    // A round may have been for fewer than were asked for.
    const full = started.length === round.limit && round.limit < limit;
    return { claims: started, more: more || full, found: { root, version } };
  };
  const { found, ...claimed } = await control.locked(work, options);
  if (found !== undefined) control.keepRoot(request.queue, found.root, found.version);
  return claimed;
}

async function claimFromOwn(
  own: TaskQueue,
  context: ClaimContext,
  request: ClaimRequest,
  round: Round,
  tidying: Tidying,
): Promise<Claimed> {
  await tidySlots(round, tidying);
  const claims = await pickFrom(own, round, context.control.terms, (ids) =>
    startThese(round.connection, context, request, ids),
  );
  await takeSlots(
    round,
    claims.map((claim) => ({ ...claim, sharer: 0 })),
  );
  return { claims, more: false };
}

async function startThese(
  connection: Connection,
  context: ClaimContext,
  request: ClaimRequest,
  ids: readonly number[],
): Promise<readonly Claim[]> {
  const { tables, dialect } = context;
  const condition = readable(request.types);
  const pick = (columns: string): Fragment => ({
    sql: `SELECT ${columns} FROM ${tables.task} WHERE id IN (${ids.map(() => '?').join(', ')}) AND COALESCE(queue, '') = '${request.queue}' AND ${condition.sql} ${dialect.skipLocked}`,
    values: [...ids, ...condition.values],
  });
  if (dialect.returning !== true) return startLocked(connection, context, request, pick(CLAIM_COLUMNS));
  const update = claimUpdate(context, request, ALL, pick);
  const { rows } = await carryOut(connection, context.control.terms, update, CLAIM_COLUMNS);
  return rows.map(claimFrom);
}

/** The rows that `pick` selects stay locked, so they are claimed all. */
async function startLocked(
  connection: Connection,
  context: ClaimContext,
  request: ClaimRequest,
  pick: Fragment,
): Promise<readonly Claim[]> {
  const { rows } = await connection.query(pick.sql, pick.values);
  if (rows.length === 0) return [];
  const ids = rows.map((row) => Number(row['id']));
  const update = claimUpdate(context, request, {
    sql: `id IN (${ids.map(() => '?').join(', ')})`,
    values: ids,
  });
  const { changes } = await carryOut(connection, context.control.terms, update);
  const claims = rows.map((row) => ({ ...claimFrom(row), epoch: Number(row['epoch']) + 1 }));
  if (changes === rows.length) return claims;
  // Nobody else could change the locked rows, but the status table didn't let all of them be claimed.
  const { task } = context.tables;
  const mine = await connection.query(
    `SELECT id, epoch FROM ${task} WHERE id IN (${ids.map(() => '?').join(', ')}) AND owner = ?`,
    [...ids, request.replica],
  );
  const epochs = new Map(mine.rows.map((row) => [Number(row['id']), Number(row['epoch'])]));
  return claims.filter(({ id, epoch }) => epochs.get(id) === epoch);
}

/**
 * Finds something if the replica goes by these rules, may take tasks, and its lease lives. The two rows that say so are held
 * until the claim is committed: then neither the rules change nor is the replica drained or struck off in between. They are locked in
 * this order: a claim that waits for a change of rules must keep nobody from striking the replica off. The lease itself is
 * only read, for it must be renewed even while a claim waits for a process that stands still.
 */
function aliveSelect({ tables, dialect }: ClaimContext, replica: string, version: number): Fragment {
  const { ruleVersion, claimant } = tables;
  return {
    sql: `SELECT 1 FROM ${ruleVersion} v JOIN ${claimant} c ON c.replica = v.replica
      WHERE v.replica = ? AND v.version = ? AND c.draining = 0 AND ${livesIn(tables, dialect)} ${dialect.shareLock}`,
    values: [replica, version, replica],
  };
}

function livesIn({ replica }: Tables, { now }: Dialect): string {
  return `EXISTS (SELECT 1 FROM ${replica} WHERE id = ? AND lease_until > ${now})`;
}

/** The same in two statements, since not every database locks the rows of one in the order of its tables. */
async function isGuided(
  connection: Connection,
  { tables, dialect }: ClaimContext,
  replica: string,
  version: number,
): Promise<boolean> {
  const guided = `SELECT 1 FROM ${tables.ruleVersion} WHERE replica = ? AND version = ? ${dialect.shareLock}`;
  return (await connection.query(guided, [replica, version])).rows.length > 0;
}

/** Whether it may take anything; `select` is whatever else the statement is to do. */
async function isAlive(
  connection: Connection,
  { tables, dialect }: ClaimContext,
  replica: string,
  select = '1',
): Promise<boolean> {
  const { claimant } = tables;
  const alive = `SELECT ${select} FROM ${claimant} WHERE replica = ? AND draining = 0 AND ${livesIn(tables, dialect)} ${dialect.shareLock}`;
  return (await connection.query(alive, [replica, replica])).rows.length > 0;
}

function claimUpdate(
  { tables, dialect, control }: ClaimContext,
  request: ClaimRequest,
  where: Fragment,
  picked?: TaskWrite['picked'],
): TaskWrite {
  const budget = crashBudgets(request);
  const update = updateFor(tables.task, control.terms, 'claim', {
    where,
    picked: true,
    set: {
      sql: `owner = ?, epoch = epoch + 1, started_at = ${dialect.now}, held_until = NULL, crash_budget = ${budget.sql}`,
      values: [request.replica, ...budget.values],
    },
    note: { replica: { sql: '?', values: [request.replica] }, epoch: 'epoch + 1' },
  });
  if (update === undefined) throw new Error('the status table lets no task be claimed');
  return { ...update, picked };
}

/** The budget comes from the replica that runs the task, for the one that will have to rescue it may not know its type. */
function crashBudgets({ queue, types }: ClaimRequest): Fragment {
  if (queue === 'cleanup') return { sql: String(CLEANUP_CRASHES), values: [] };
  const resumable = [...types].filter(([, { crashBudget }]) => crashBudget > 0);
  if (resumable.length === 0) return { sql: '0', values: [] };
  return {
    sql: `CASE type ${resumable.map(([, { crashBudget }]) => `WHEN ? THEN ${crashBudget}`).join(' ')} ELSE 0 END`,
    values: resumable.map(([type]) => type),
  };
}
