/**
 * The invariants of reliability, asked of what a run left behind. Each is a function from the evidence to the violations it
 * found, in words that lead to the place; the checker has no part in the run, and may be asked again at any time.
 */
import { EVENTS, LEASED, markOf, stateOf, transition } from '../src/core/status.ts';
import { CONCURRENCY } from './arena.ts';
import type { Evidence } from './evidence.ts';
import type { Entry, HandlerEntry } from './ledger.ts';
import { GROUP_LIMIT, LIMITED_GROUP, STOP_GRACE, UNRULY } from './tasks.ts';
import { PATIENCE, passedOver } from './turns.ts';
import type { TaskRecord } from './witness.ts';

export interface Invariant {
  readonly id: string;
  readonly says: string;
  readonly violations: (evidence: Evidence) => Iterable<string>;
}

/** Between what happens and its line in the ledger. */
const TOLERANCE = 100;
const HEARD_WITHIN = 1500;
/** Whatever befell a process so long before an order may still be felt. */
const HEARING_CLEAR = 5000;
const WAITING_FOR_NOTHING: readonly string[] = ['finished', 'failed'];

export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'I1',
    says: 'each claim raises the epoch by one, and nothing else changes it',
    *violations(evidence) {
      for (const [before, after] of evidence.changes()) {
        const raised = after.epoch - (before?.epoch ?? 0);
        const claimed = after.owner !== undefined && after.owner !== before?.owner;
        if (after.kind !== 'gone' && raised !== (claimed ? 1 : 0))
          yield `${at(after)}: epoch raised by ${raised}, ${claimed ? 'claimed' : 'not claimed'}`;
      }
    },
  },
  {
    id: 'I2',
    says: 'no write of an older epoch is accepted after a newer claim',
    *violations(evidence) {
      for (const [before, after] of evidence.changes()) {
        const { context } = after;
        if (context === undefined || JSON.stringify(context) === JSON.stringify(before?.context)) continue;
        if (context.epoch !== after.epoch)
          yield `${at(after)}: written by epoch ${context.epoch} (${context.process})`;
      }
    },
  },
  {
    id: 'I3',
    says: 'nobody takes a task that somebody alive holds, and nobody dead takes any',
    *violations(evidence) {
      const goneAt = new Map(evidence.struckOff.map(({ replica, seq }) => [replica, seq]));
      for (const [before, after] of evidence.changes()) {
        if (after.kind === 'gone' || after.owner === before?.owner) continue;
        if (after.owner !== undefined && before?.owner !== undefined)
          yield `${at(after)}: taken from ${before.owner} by ${after.owner}`;
        if (after.owner !== undefined && (goneAt.get(after.owner) ?? Infinity) < after.seq)
          yield `${at(after)}: taken by ${after.owner}, which had been struck off`;
        const rescued = before !== undefined && after.crashes > before.crashes;
        if (rescued && !((goneAt.get(before.owner ?? '') ?? Infinity) < after.seq))
          yield `${at(after)}: rescued from ${before.owner}, which had not been struck off`;
      }
      for (const { replica, at: when, leaseUntil, seq } of evidence.struckOff) {
        // One that goes in order ends its lease itself, and holds nothing by then.
        const holds = leaseUntil > when && holdsAt(evidence, replica, seq);
        if (holds)
          yield `replica ${replica} was struck off ${leaseUntil - when} ms before its lease ended, holding tasks`;
      }
    },
  },
  {
    id: 'I4',
    says: 'a handler that heeds its signal has stopped when another one begins, unless its process stood still',
    *violations(evidence) {
      for (const entries of evidence.handlersOf.values()) {
        for (const begin of entries.filter(({ what }) => what === 'begin')) {
          const late = entries.find(
            (entry) => isLate(entry, begin) && !evidence.stoodStill(entry.process, begin.at - 4000, entry.at),
          );
          if (late !== undefined)
            yield `task ${begin.task}: epoch ${late.epoch} was at work ${Math.round(late.at - begin.at)} ms after epoch ${begin.epoch} had begun`;
        }
      }
    },
  },
  {
    id: 'I5',
    says: 'an acknowledged report is never lost',
    *violations(evidence) {
      for (const [task, entries] of evidence.handlersOf) {
        let most = 0;
        for (const { what, step = 0, epoch } of entries) {
          if (what === 'acked') most = Math.max(most, step);
          if ((what === 'begin' || what === 'cleaning') && step < reachedBefore(entries, epoch))
            yield `task ${task}: epoch ${epoch} went on from ${step}, and ${reachedBefore(entries, epoch)} had been acknowledged`;
        }
        const stored = evidence.last(task)?.context?.step ?? 0;
        if (stored < most) yield `task ${task}: ${most} was acknowledged, and ${stored} is stored`;
      }
      for (const { task, step } of evidence.handlers.filter(
        ({ what, type }) => what === 'acked' && type === 'exact',
      ))
        if (!evidence.findings.numbers.some((row) => row.task === task && row.step === step))
          yield `task ${task}: transaction ${step} was acknowledged, and its row is not there`;
    },
  },
  {
    id: 'I6',
    says: 'no context goes back, and no transaction is done twice',
    *violations(evidence) {
      for (const [before, after] of evidence.changes()) {
        const [old, new_] = [before?.context?.step ?? 0, after.context?.step ?? 0];
        if (new_ < old) yield `${at(after)}: from step ${old} back to ${new_}`;
      }
      const rows = Map.groupBy(evidence.findings.numbers, ({ task, step }) => `${task}, step ${step}`);
      for (const [row, found] of rows) if (found.length > 1) yield `task ${row}: ${found.length} rows`;
    },
  },
  {
    id: 'I7',
    says: 'what has ended changes by an order only',
    *violations(evidence) {
      for (const [before, after] of evidence.changes()) {
        if (
          before === undefined ||
          !WAITING_FOR_NOTHING.includes(stateOf(before.status)) ||
          after.status === before.status
        )
          continue;
        if (markOf(before.status) === 'delete') continue;
        const order = markOf(after.status) === 'delete' ? 'delete' : 'run';
        const asked = evidence.orders.some((entry) => entry.task === after.task && entry.order === order);
        if (!asked) yield `${at(after)}: it was ${before.status}, and nobody had asked for "${order}"`;
      }
    },
  },
  {
    id: 'I8',
    says: 'nothing is stuck: once the faults are over, every task comes to rest',
    *violations(evidence) {
      for (const [task] of evidence.histories) {
        const last = evidence.last(task);
        if (last === undefined || last.kind === 'gone') continue;
        const rests = ['finished/run', 'failed/run', 'paused/pause', 'init/none'].includes(last.status);
        if (!rests) yield `task ${task} is ${last.status} in the end`;
      }
    },
  },
  {
    id: 'I9',
    says: 'every change is one of the table of statuses, and there are as many tasks as were created and not removed',
    *violations(evidence) {
      let left = 0;
      for (const [before, after] of evidence.changes()) {
        left += Number(after.kind === 'created') - Number(after.kind === 'gone');
        if (before === undefined) continue;
        const to = after.kind === 'gone' ? 'removed' : after.status;
        const allowed =
          to === before.status || EVENTS.some((event) => transition(before.status, event) === to);
        if (!allowed) yield `${at(after)}: from ${before.status} to ${to}`;
      }
      if (left !== evidence.findings.tasksLeft)
        yield `${evidence.findings.tasksLeft} tasks are there, and there should be ${left}`;
    },
  },
  {
    id: 'I10',
    says: 'no order is lost: what was acknowledged last can be seen in the end',
    *violations(evidence) {
      const done = evidence.orders.filter(({ what, task }) => what === 'done' && task !== undefined);
      for (const [task, orders] of Map.groupBy(done, (entry) => entry.task ?? 0)) {
        const last = evidence.last(task);
        if (last === undefined) {
          yield `task ${task} was acknowledged and never existed`;
          continue;
        }
        const asked = (order: string): boolean => orders.some((entry) => entry.order === order);
        if (asked('delete') && last.kind !== 'gone')
          yield `task ${task} was to be deleted, and is ${last.status}`;
        if (!asked('delete') && last.kind === 'gone')
          yield `task ${task} is gone, and nobody had asked for it`;
        const final = orders.findLast(({ order }) => order === 'run' || order === 'pause')?.order;
        if (final === 'run' && last.status === 'paused/pause') yield `task ${task} was to run, and is paused`;
        if (
          final === 'pause' &&
          !['paused', 'finished', 'failed'].includes(stateOf(last.status)) &&
          last.kind !== 'gone'
        )
          yield `task ${task} was to pause, and is ${last.status}`;
        if (asked('move') && last.group === 'here') yield `task ${task} was to be moved, and was not`;
      }
    },
  },
  {
    id: 'I11',
    says: `an order reaches a handler that nothing befell within ${HEARD_WITHIN} ms (99 of 100; all but one of fewer)`,
    *violations(evidence) {
      const waits = hearingTimes(evidence);
      const late = waits.filter((ms) => ms > HEARD_WITHIN);
      if (late.length > Math.max(1, waits.length / 100))
        yield `${late.length} of ${waits.length} orders took longer, one of them ${Math.round(Math.max(...late))} ms`;
    },
  },
  {
    id: 'I12',
    says: 'a task that had run goes only after its cleanup has succeeded, and no cleanup begins after that',
    *violations(evidence) {
      for (const [task, history] of evidence.histories) {
        const gone = history.findIndex(({ kind }) => kind === 'gone');
        if (gone < 0) continue;
        const entries = evidence.handlersOf.get(task) ?? [];
        const epoch = history[gone]?.epoch ?? 0;
        const cleaned = entries.some((entry) => entry.what === 'cleaned' && entry.epoch === epoch);
        if (!cleaned) yield `task ${task} went in epoch ${epoch} without a cleanup that succeeded`;
        if (gone < history.length - 1) yield `task ${task} was written after it had gone`;
        if (entries.some((entry) => entry.what === 'cleaning' && entry.epoch > epoch))
          yield `task ${task} was cleaned up after it had gone`;
      }
    },
  },
  {
    id: 'I13',
    says: 'a task survives as many crashes as it may, then fails, and takes nobody with it',
    *violations(evidence) {
      for (const [before, after] of evidence.changes()) {
        if (before === undefined || after.crashes <= before.crashes || stateOf(before.status) !== 'running')
          continue;
        const over = before.crashes >= before.budget;
        if (over && markOf(before.status) === 'run' && after.status !== 'failed/run')
          yield `${at(after)}: crash ${after.crashes} of ${before.budget}, and it is ${after.status}`;
        if (!over && after.status === 'failed/run')
          yield `${at(after)}: it failed at crash ${after.crashes} of ${before.budget}`;
      }
      for (const { process, why } of evidence.processes.filter(({ what }) => what === 'stumbled'))
        yield `process ${process} stumbled: ${why}`;
    },
  },
  {
    id: 'I14',
    says: 'no limit is exceeded, of the group or of a process',
    *violations(evidence) {
      const running = new Set<number>();
      const records = evidence.findings.records.filter(
        (record): record is TaskRecord => record.kind !== 'struck off',
      );
      for (const record of records.filter(({ group }) => group === LIMITED_GROUP)) {
        if (record.kind !== 'gone' && stateOf(record.status) === 'running') running.add(record.task);
        else running.delete(record.task);
        if (running.size > GROUP_LIMIT) yield `${at(record)}: ${running.size} tasks of the group run`;
      }
      for (const [process, entries] of Map.groupBy(evidence.handlers, (entry) => entry.process)) {
        const most = mostAtOnce(entries);
        if (most > CONCURRENCY) yield `process ${process} had ${most} handlers at work`;
      }
    },
  },
  {
    id: 'I15',
    says: `first come, first served: nobody is passed over for more than ${PATIENCE} ms`,
    violations: passedOver,
  },
  {
    id: 'I16',
    says: 'whoever stops in order fails no task and costs none an attempt',
    *violations(evidence) {
      for (const { process, at: told } of evidence.processes.filter(({ what }) => what === 'told to go')) {
        const end = evidence.processes.find((entry) => entry.what === 'ended' && entry.process === process);
        const struck = evidence.faults.some(
          (fault) =>
            !fault.fault.startsWith('stopped') &&
            (fault.process ?? process) === process &&
            fault.since < (end?.at ?? Infinity) &&
            fault.until > told - 4000,
        );
        if (struck || evidence.stoodStill(process, told, end?.at ?? told)) continue;
        // Nobody can go in order who doesn't listen yet.
        const listened = evidence.processes.some(
          (entry) => entry.what === 'started' && entry.process === process,
        );
        if (end?.why !== '0' && (listened || end?.why !== 'SIGTERM'))
          yield `process ${process} was told to go and ended with ${end?.why ?? 'nothing'}`;
        for (const { task, epoch } of atWork(evidence, process, told))
          if (crashedIn(evidence, task, epoch, told))
            yield `task ${task} crashed when ${process} went in order`;
      }
    },
  },
];

function at({ task, seq, epoch, status, kind }: TaskRecord): string {
  return `task ${task}, record ${seq} (epoch ${epoch}, ${kind === 'gone' ? 'gone' : status})`;
}

function holdsAt(evidence: Evidence, replica: string, seq: number): boolean {
  for (const history of evidence.histories.values()) {
    const last = history.findLast((record) => record.seq < seq);
    if (last?.owner === replica && last.kind !== 'gone' && LEASED.includes(last.status)) return true;
  }
  return false;
}

/** Work of an older epoch after a newer one had begun. */
function isLate(entry: Entry<HandlerEntry>, begin: Entry<HandlerEntry>): boolean {
  return (
    entry.epoch < begin.epoch &&
    entry.at > begin.at + TOLERANCE &&
    (entry.what === 'did' || entry.what === 'acked') &&
    !UNRULY.includes(entry.type)
  );
}

function reachedBefore(entries: readonly Entry<HandlerEntry>[], epoch: number): number {
  const acked = entries.filter((entry) => entry.what === 'acked' && entry.epoch < epoch);
  return Math.max(0, ...acked.map(({ step = 0 }) => step));
}

/** How long handlers that were at work took to hear of an order to stop, where nothing befell their process. */
export function hearingTimes(evidence: Evidence): readonly number[] {
  const found: number[] = [];
  for (const order of evidence.orders) {
    if (order.what !== 'done' || (order.order !== 'pause' && order.order !== 'delete')) continue;
    const entries = evidence.handlersOf.get(order.task ?? 0) ?? [];
    const begin = entries.findLast((entry) => entry.what === 'begin' && entry.at < order.at);
    if (begin === undefined) continue;
    const heard = entries.find(
      (entry) =>
        entry.epoch === begin.epoch &&
        (entry.what === 'signal' || entry.what === 'end') &&
        entry.at > begin.at,
    );
    if (
      heard === undefined ||
      heard.at < order.at ||
      evidence.wasStruck(begin.process, order.at - HEARING_CLEAR, heard.at)
    )
      continue;
    found.push(heard.at - order.at);
  }
  return found;
}

/** How many handlers of a process held a slot at once: one that goes on after its signal for longer than its grace has none. */
function mostAtOnce(entries: readonly Entry<HandlerEntry>[]): number {
  const slotUntil = new Map<string, number>();
  let most = 0;
  for (const { what, task, epoch, at: when } of entries) {
    const key = `${task}/${epoch}`;
    if (what === 'begin') slotUntil.set(key, Infinity);
    if (what === 'signal' && slotUntil.has(key)) slotUntil.set(key, when + STOP_GRACE - TOLERANCE);
    if (what === 'end') slotUntil.delete(key);
    most = Math.max(most, [...slotUntil.values()].filter((until) => until > when).length);
  }
  return most;
}

/** The handlers of `process` that had begun and not ended at `when`. */
function atWork(evidence: Evidence, process: string, when: number): readonly Entry<HandlerEntry>[] {
  const entries = evidence.handlers.filter((entry) => entry.process === process && entry.at <= when);
  const ended = new Set(
    entries.filter(({ what }) => what === 'end').map(({ task, epoch }) => `${task}/${epoch}`),
  );
  return entries.filter(({ what, task, epoch }) => what === 'begin' && !ended.has(`${task}/${epoch}`));
}

/** Whether a crash in this epoch was counted at `since` or later. */
function crashedIn({ histories, findings }: Evidence, task: number, epoch: number, since: number): boolean {
  const history = histories.get(task) ?? [];
  return history.some((record, index) => {
    const before = history[index - 1];
    if (before === undefined || record.at < since + findings.clockOffset) return false;
    return before.epoch === epoch && record.crashes > before.crashes;
  });
}
