/**
 * Who waited while somebody else was taken. Two times must not be taken for what they seem: a task waits, for others, from when the transaction
 * that lets it wait was committed, however long before that its record was written; and whoever takes one may have been held up
 * between choosing it and writing that down.
 */
import type { Evidence } from './evidence.ts';
import { LIMITED_GROUP } from './tasks.ts';
import type { TaskRecord } from './witness.ts';

/** Whoever waits longer than this while a later one starts has been passed over. */
export const PATIENCE = 2500;

/** A later one of the same precedence was taken while an earlier one had long been waiting and nobody had touched it. */
export function* passedOver(evidence: Evidence): Generator<string> {
  const waiting = new Map<number, TaskRecord>();
  for (const record of evidence.findings.records) {
    if (record.kind === 'struck off') continue;
    const before = waiting.get(record.task);
    const claimed = before !== undefined && record.owner !== undefined;
    if (claimed) {
      const older = [...waiting.values()].find(
        (other) =>
          other.precedence === before.precedence &&
          before.turn > other.turn + PATIENCE &&
          chosenAfter(evidence, record, evidence.visibleAt(other)) > PATIENCE &&
          !isTakenTogether(evidence, record, other),
      );
      if (older !== undefined)
        yield `task ${record.task} (turn ${before.turn}) was taken in record ${record.seq} while task ${older.task} (turn ${older.turn}) had waited ${record.at - evidence.visibleAt(older)} ms`;
    }
    if (record.kind !== 'gone' && record.queue === 'run' && record.group !== LIMITED_GROUP)
      waiting.set(record.task, record);
    else waiting.delete(record.task);
  }
}

/** Whether the one who took `taken` took `other` as well, in one transaction: in which order it wrote them says nothing. */
function isTakenTogether(evidence: Evidence, taken: TaskRecord, other: TaskRecord): boolean {
  const history = evidence.histories.get(other.task) ?? [];
  const claim = history.find(({ epoch }) => epoch > other.epoch);
  return (
    claim !== undefined &&
    claim.owner === taken.owner &&
    evidence.visibleAt(claim) === evidence.visibleAt(taken)
  );
}

/** How long after `since` it was chosen whom to take, at the latest: whoever was held up may have chosen before that. */
function chosenAfter(evidence: Evidence, { owner = '', at }: TaskRecord, since: number): number {
  const offset = evidence.findings.clockOffset;
  const process = evidence.processOf(owner) ?? '';
  return at - since - evidence.heldUp(process, since - offset, at - offset);
}
