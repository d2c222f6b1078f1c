/**
 * Every status with every event, from the table in `core/status.ts`: each cell leads to its target with all that
 * follows from it, changes nothing, or is refused and writes nothing.
 */
import assert from 'node:assert/strict';
import {
  type Event,
  EVENTS,
  removable,
  STATUS,
  type Status,
  STATUSES,
  type Target,
  transition,
  type UserEvent,
} from '../../core/status.ts';
import { wakeParent } from '../../store/children.ts';
import type { Settlement } from '../../store/settlement.ts';
import { FOREMOST } from '../../queue/precedence.ts';
import { type Bench, type Columns, NO_CHECKPOINT, refused, runnable, type TaskRow, TYPE } from '../bench.ts';
import type { Case, Operation } from '../operation.ts';

const CRASHED = '{"name":"TaskbatonError","message":"crashed"}';
const FAILED = '{"name":"Error","message":"failed"}';

/** A cell under test, once its task stands in `status`. */
interface Trial {
  readonly bench: Bench;
  readonly row: TaskRow;
  readonly replica: string;
  readonly remove: boolean;
}

interface Cell {
  readonly status: Status;
  readonly event: Event;
  readonly remove: boolean;
}

export const transitions: Operation = {
  name: 'transitions',
  cases: Object.fromEntries(
    [
      ...STATUSES.flatMap((status) => EVENTS.map((event) => ({ status, event, remove: false }))),
      ...STATUSES.flatMap((status) =>
        (['finish', 'fail', 'yield'] as const).map((event) => ({ status, event, remove: true })),
      ),
    ].map((cell) => [sentenceOf(cell), caseOf(cell)]),
  ),
};

function sentenceOf({ status, event, remove }: Cell): string {
  const target = targetOf({ status, event, remove });
  const what = remove ? `${event} with remove` : event;
  if (target === undefined) return `${what} in ${status} is refused`;
  return target === status
    ? `${what} in ${status} changes nothing`
    : `${what} in ${status} leads to ${target}`;
}

function targetOf({ status, event, remove }: Cell): Target | undefined {
  const target = transition(status, event);
  return remove && target !== undefined && removable(target) ? 'removed' : target;
}

function caseOf(cell: Cell): Case {
  return async (bench) => {
    const target = targetOf(cell);
    const replica = isOneOf(cell, 'expire') ? await bench.dead() : await bench.register();
    const id = await bench.place(cell.status, tempting(cell, replica));
    const trial: Trial = { bench, row: await bench.row(id), replica, remove: cell.remove };
    const bystander = await bench.place(cell.status);
    const bystanding = await bench.row(bystander);
    if (target === undefined) await expectRefusal(cell, trial);
    else if (target === cell.status) await expectNothing(cell, trial);
    else await expectChange(cell, trial, target);
    if (bench.world.history !== undefined) await expectNote(cell, trial, target);
    if (by(cell.event) === 'id')
      assert.deepEqual(await bench.row(bystander), bystanding, 'another task is untouched');
  };
}

/** What changes it is the last that is told of it, and what changes nothing is told of nowhere. */
async function expectNote(
  { status, event }: Cell,
  { bench, row }: Trial,
  target: Target | undefined,
): Promise<void> {
  const { rows } = await bench.database.query(
    `SELECT event, from_status, to_status FROM ${bench.tables.history} WHERE task = ? AND event <> 'create' ORDER BY id`,
    [row.id],
  );
  const changes = target !== undefined && target !== status;
  assert.deepEqual(
    rows.map((entry) => Object.values(entry)),
    changes ? [[event, status, target]] : [],
  );
}

function isOneOf({ event }: Cell, ...events: readonly Event[]): boolean {
  return events.includes(event);
}

/** Whether the event is sent to one task, or to all that fit. */
function by(sent: Event): 'id' | 'all' {
  return sent === 'claim' || sent === 'expire' || sent === 'retry' ? 'all' : 'id';
}

/**
 * All that the event looks for besides the status, so that it's the status alone that decides: an owner, though nobody
 * has one there, a place in the queue, a turn that has come.
 */
function tempting({ status, event: sent }: Cell, replica: string): Columns {
  const leased = STATUS[status].leased === true;
  const fenced = ['unclaim', 'yield', 'finish', 'fail', 'snooze', 'wait', 'recover', 'expire'].includes(sent);
  const owner = leased || fenced ? replica : null;
  if (sent === 'claim') return { owner, queue: STATUS[status].waits?.queue ?? 'run', turn: 0 };
  if (sent === 'retry') return leased ? { owner } : { owner, turn: 1000 };
  return { owner };
}

/** Sends the event; says what the store made of it in its own way. */
async function send(cell: Cell, { bench, row, replica, remove }: Trial): Promise<boolean> {
  const { store } = bench;
  const fence = { id: row.id, owner: replica, epoch: row.epoch };
  switch (cell.event) {
    case 'run':
    case 'pause':
    case 'delete':
      return store.change(row.id, cell.event);
    case 'unclaim':
    case 'yield':
    case 'finish':
    case 'fail':
    case 'snooze':
    case 'wait':
      return store.settle(fence, settlement(cell.event, remove)).then(() => true);
    case 'wake':
      return wakeParent(store.scopes, row.id);
    case 'recover':
      return store.release(fence);
    case 'expire':
      return (await store.rescue(CRASHED)) === 1;
    case 'retry':
      if (STATUS[cell.status].leased === true)
        return store.settle(fence, settlement('retry', remove)).then(() => true);
      return (await store.retryCleanups()) > 0;
    case 'claim': {
      const queue = row.queue === 'cleanup' ? 'cleanup' : 'run';
      const { claims } = await store.claim({ replica, queue, types: runnable([TYPE, 2]), limit: 1 });
      return claims.some(({ id, epoch }) => id === row.id && epoch === row.epoch + 1);
    }
  }
}

function settlement(event: Settlement['event'], remove: boolean): Settlement {
  return {
    event,
    checkpoint: NO_CHECKPOINT,
    error: event === 'fail' || event === 'retry' ? FAILED : null,
    remove,
  };
}

async function expectRefusal(cell: Cell, trial: Trial): Promise<void> {
  const { bench, row } = trial;
  if (isOneOf(cell, 'run', 'pause', 'delete')) {
    await refused(send(cell, trial), 'STATE_CONFLICT', {
      id: row.id,
      status: cell.status,
      event: cell.event,
    });
  } else if (isOneOf(cell, 'unclaim', 'yield', 'finish', 'fail', 'snooze', 'wait') || isRetriedRun(cell)) {
    await refused(send(cell, trial), 'LEASE_LOST', { id: row.id, epoch: row.epoch });
  } else {
    assert.equal(await send(cell, trial), false);
  }
  assert.deepEqual(await bench.row(row.id), row);
}

async function expectNothing(cell: Cell, trial: Trial): Promise<void> {
  assert.equal(await send(cell, trial), false);
  assert.deepEqual(await trial.bench.row(trial.row.id), trial.row);
}

async function expectChange(cell: Cell, trial: Trial, target: Target): Promise<void> {
  const { bench, row } = trial;
  const before = await bench.now();
  assert.equal(await send(cell, trial), true);
  const now: Span = { from: before, to: await bench.now() };
  const found = await bench.find(row.id);
  if (target === 'removed') return assert.equal(found, undefined);
  assert.ok(found !== undefined, 'the task is gone');
  const { turn, done_at: doneAt, started_at: startedAt, worked, worked_before: workedBefore } = found;
  expectTime('turn', turn, turnAfter(cell, target, row, now));
  expectTime('done_at', doneAt, doneAfter(cell.event, target, row, now));
  expectTime('started_at', startedAt, startAfter(cell.event, row, now));
  const leaves =
    STATUS[cell.status].leased === true && STATUS[target].leased !== true && cell.event !== 'unclaim';
  expectTime('worked', worked, leaves ? since(row.started_at ?? 0, now) : row.worked);
  const again = isAttempt(cell);
  expectTime(
    'worked_before',
    workedBefore,
    again && leaves ? since(row.started_at ?? 0, now) : row.worked_before,
  );
  expectErrors(cell, found, trial);
  assert.deepEqual(withoutTimes(found), withoutTimes({ ...row, ...changesAfter(cell, target, trial) }));
}

// What follows from a change

interface Span {
  readonly from: number;
  readonly to: number;
}

function changesAfter(cell: Cell, target: Status, { row, replica }: Trial): Partial<TaskRow> {
  const asked = cell.event === 'delete' || (cell.event === 'run' && cell.status === 'failed/run');
  const counted = target === 'failed/delete' || isRetriedRun(cell);
  return {
    status: target,
    queue: STATUS[target].waits?.queue ?? null,
    precedence: precedenceAfter(target, row),
    owner: STATUS[target].leased === true ? replica : null,
    epoch: cell.event === 'claim' ? row.epoch + 1 : row.epoch,
    attempt: isAttempt(cell) ? row.attempt + 1 : row.attempt,
    crashes: cell.event === 'expire' ? row.crashes + 1 : asked ? 0 : row.crashes,
    crash_budget: cell.event !== 'claim' ? row.crash_budget : target === 'deleting/delete' ? 3 : 2,
    retries: counted ? row.retries + 1 : asked ? 0 : row.retries,
    error: isRetriedRun(cell) ? FAILED : errorAfter(cell.event, target, row),
  };
}

/** A run that failed and is tried again, not a cleanup. */
function isRetriedRun({ status, event }: Cell): boolean {
  return event === 'retry' && STATUS[status].leased === true;
}

/** Whether another attempt begins with it. */
function isAttempt(cell: Cell): boolean {
  return isRetriedRun(cell) || (cell.event === 'run' && cell.status === 'failed/run');
}

/** One line more for each failure and each crash. */
function expectErrors(cell: Cell, found: TaskRow, { row, replica }: Trial): void {
  const said = { fail: FAILED, retry: isRetriedRun(cell) ? FAILED : undefined, expire: CRASHED }[
    cell.event as string
  ];
  if (said === undefined) return assert.equal(found.errors, row.errors);
  const lines = (found.errors ?? '').split('\n');
  assert.equal(lines.length, 2);
  const { at, ...line } = JSON.parse(lines[0] ?? '') as { at: number };
  assert.ok(at > 0);
  assert.deepEqual(line, { attempt: row.attempt, replica, error: JSON.parse(said) as unknown });
}

function since(begin: number, now: Span): Span {
  return { from: now.from - begin, to: now.to - begin };
}

function precedenceAfter(target: Status, row: TaskRow): number | null {
  const { waits } = STATUS[target];
  if (waits === undefined) return row.precedence;
  return waits.ahead ? FOREMOST : 0;
}

function errorAfter(sent: Event, target: Status, row: TaskRow): string | null {
  if (sent === 'fail') return FAILED;
  if (sent === 'expire') return target.startsWith('failed/') ? CRASHED : row.error;
  return (['run', 'yield', 'finish', 'snooze', 'wait'] as readonly Event[]).includes(sent) ? null : row.error;
}

function startAfter(sent: Event, row: TaskRow, now: Span): Span | number | null {
  if (sent === 'unclaim') return null;
  return sent === 'claim' ? now : row.started_at;
}

function turnAfter(
  { event: sent, status }: Cell,
  target: Status,
  row: TaskRow,
  now: Span,
): Span | number | null {
  if (target === 'failed/delete') {
    const pause = (sent === 'expire' ? 60_000 : 1000) * 2 ** row.retries;
    return { from: now.from + pause, to: now.to + pause };
  }
  const { waits } = STATUS[target];
  // Whoever is given back waits on where it did.
  if (waits === undefined || (sent === 'unclaim' && status !== 'running/delete')) return row.turn;
  return waits.ahead ? 0 : now;
}

function doneAfter(sent: Event, target: Status, row: TaskRow, now: Span): Span | number | null {
  if (target === 'finished/run' || target === 'failed/run') return now;
  return sent === ('run' satisfies UserEvent) ? null : row.done_at;
}

function expectTime(name: string, actual: number | null, expected: Span | number | null): void {
  if (expected === null || typeof expected === 'number') return assert.equal(actual, expected, name);
  const fits = actual !== null && actual >= expected.from && actual <= expected.to;
  assert.ok(fits, `${name} is ${actual}, not from ${expected.from} to ${expected.to}`);
}

const TIMES: readonly (keyof TaskRow)[] = [
  'turn',
  'done_at',
  'started_at',
  'worked',
  'worked_before',
  'errors',
];

function withoutTimes(row: TaskRow): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !TIMES.includes(name as keyof TaskRow)));
}
