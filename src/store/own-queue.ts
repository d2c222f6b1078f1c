/**
 * Claims by a queue of the user's own, and what keeps the two in step: whoever the queue names without waiting is taken
 * out, and all that wait are entered again now and then, so a queue that forgets loses nobody. So is whoever waits for a
 * replica of another version, which enters it again; else it would be named again and again. It is user code: what it
 * throws costs the claim it was asked for.
 */
import type { Connection } from '../core/connection.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import type { TaskQueue, WaitingTask } from '../core/queue.ts';
import { type QueueName, STATUS, type Status } from '../core/status.ts';
import type { Runnable } from '../core/version.ts';
import { Admission } from '../queue/admission.ts';
import { readable } from '../queue/readable.ts';
import { marks, type Round } from '../queue/round.ts';
import { type Claim, WAITING_COLUMNS, waitingTaskFrom } from './record.ts';
import { tell, type Terms } from './transition.ts';

/** So often a queue is asked in one claim, if those it names can't start. */
const ASKED_AT_MOST = 20;
const RECONCILED_AT_ONCE = 500;

/** Starts those that `own` says are next and that limits let start. */
export async function pickFrom(
  own: TaskQueue,
  round: Round,
  terms: Terms,
  start: (ids: readonly number[]) => Promise<readonly Claim[]>,
): Promise<readonly Claim[]> {
  const admission = new Admission(round);
  const skip = new Set<number>();
  const started: Claim[] = [];
  for (let asked = 0; asked < ASKED_AT_MOST && started.length < round.limit; asked++) {
    const request = {
      types: [...round.types.keys()],
      limit: round.limit - started.length,
      skip: new Set(skip),
    };
    const ids = await own.pick(request, round.connection);
    checkPick(ids, request.limit, skip, round.queue);
    if (ids.length === 0) break;
    const waiting = await readWaiting(round, ids);
    const stale = ids.filter((id) => waiting.get(id)?.readable !== true);
    if (stale.length > 0) await tell(terms, round.queue, (queue) => queue.leave(stale, round.connection));
    await admission.load([...waiting.values()].filter(({ readable: here }) => here));
    const admitted = ids.filter((id) => {
      const task = waiting.get(id);
      if (task?.readable !== true || admission.blocker(task) !== undefined) return false;
      admission.take(task);
      return true;
    });
    const claims = admitted.length === 0 ? [] : await start(admitted);
    started.push(...claims);
    // Those that can't start now, because of a limit or of somebody who is changing them, are passed over.
    for (const id of ids) skip.add(id);
  }
  const gone = started.map(({ id }) => id);
  if (gone.length > 0) await tell(terms, round.queue, (queue) => queue.leave(gone, round.connection));
  return started;
}

function checkPick(ids: unknown, limit: number, skip: ReadonlySet<number>, queue: QueueName): void {
  const refuse = (problem: string): never => {
    throw new TaskbatonError('QUEUE_MISBEHAVED', { queue, problem });
  };
  if (!Array.isArray(ids)) return refuse(`it is ${show(ids)}, not an array of ids`);
  if (ids.length > limit) refuse(`it has ${ids.length} ids, and at most ${limit} were asked for`);
  const seen = new Set<unknown>();
  for (const id of ids as readonly unknown[]) {
    if (!Number.isSafeInteger(id) || (id as number) < 1) refuse(`${show(id)} is not the id of a task`);
    if (seen.has(id)) refuse(`it names task ${show(id)} twice`);
    if (skip.has(id as number)) refuse(`it names task ${show(id)}, which was to be skipped`);
    seen.add(id);
  }
}

interface WaitingHere extends WaitingTask {
  /** Whether it is of a version that this replica can run. */
  readonly readable: boolean;
}

async function readWaiting(
  { connection, tables, queue, types }: Round,
  ids: readonly number[],
): Promise<ReadonlyMap<number, WaitingHere>> {
  const { rows } = await connection.query(
    `SELECT ${WAITING_COLUMNS}, version, queue FROM ${tables.task} WHERE id IN (${marks(ids)}) AND queue IS NOT NULL`,
    ids,
  );
  const waiting = new Map<number, WaitingHere>();
  for (const row of rows) {
    const task = waitingTaskFrom(row, false);
    const versions = types.get(task.type)?.versions;
    if (row['queue'] !== queue || versions === undefined) {
      const problem = `task ${task.id} waits in queue ${show(row['queue'])} and is of type ${show(task.type)}`;
      throw new TaskbatonError('QUEUE_MISBEHAVED', { queue, problem });
    }
    const version = Number(row['version']);
    waiting.set(task.id, { ...task, readable: version >= versions.from && version <= versions.to });
  }
  return waiting;
}

/** Enters the next tasks after `after` that wait and can be run here; the id to go on from, 0 after the last. */
export async function reconcile(
  connection: Connection,
  { table, terms }: { readonly table: string; readonly terms: Terms },
  types: ReadonlyMap<string, Runnable>,
  queue: QueueName,
  after: number,
): Promise<number> {
  if (types.size === 0) return 0;
  const here = readable(types);
  const { rows } = await connection.query(
    `SELECT ${WAITING_COLUMNS}, status FROM ${table} WHERE queue = ? AND id > ? AND ${here.sql}
     ORDER BY id LIMIT ${RECONCILED_AT_ONCE} ${terms.dialect.skipLocked}`,
    [queue, after, ...here.values],
  );
  if (rows.length === 0) return 0;
  const tasks = rows.map((row) =>
    waitingTaskFrom(row, STATUS[row['status'] as Status].waits?.ahead === true),
  );
  await tell(terms, queue, (own) => own.enter(tasks, connection));
  return rows.length < RECONCILED_AT_ONCE ? 0 : (tasks.at(-1)?.id ?? 0);
}
