/** What a run left behind, arranged for those who ask about one task or one process. */
import type { Entry, FaultEntry, HandlerEntry, OrderEntry, ProcessEntry } from './ledger.ts';
import type { HistoryRecord, ReplicaRecord, Sighting, TaskRecord } from './witness.ts';

export interface Findings {
  /** The history of the database. */
  readonly records: readonly HistoryRecord[];
  /** When each of its records was first seen. */
  readonly sightings: readonly Sighting[];
  /** The ledger. */
  readonly entries: readonly Entry[];
  /** How many tasks there were in the end. */
  readonly tasksLeft: number;
  /** The rows that handlers wrote in their transactions. */
  readonly numbers: readonly { readonly task: number; readonly step: number }[];
  /** What a time of the ledger is to be raised by to be one of the database. */
  readonly clockOffset: number;
}

export class Evidence {
  readonly findings: Findings;
  /** The history of each task. */
  readonly histories: ReadonlyMap<number, readonly TaskRecord[]>;
  readonly struckOff: readonly ReplicaRecord[];
  readonly handlers: readonly Entry<HandlerEntry>[];
  /** The same by task. */
  readonly handlersOf: ReadonlyMap<number, readonly Entry<HandlerEntry>[]>;
  readonly orders: readonly Entry<OrderEntry>[];
  readonly faults: readonly Entry<FaultEntry>[];
  readonly processes: readonly Entry<ProcessEntry>[];
  readonly #seen: ReadonlyMap<number, number>;
  readonly #processOf: ReadonlyMap<string, string>;

  constructor(findings: Findings) {
    const { records, entries } = findings;
    this.findings = findings;
    this.histories = Map.groupBy(
      records.filter((record) => record.kind !== 'struck off'),
      ({ task }) => task,
    );
    this.struckOff = records.filter((record) => record.kind === 'struck off');
    this.handlers = entries.filter((entry) => entry.kind === 'handler');
    this.handlersOf = Map.groupBy(this.handlers, ({ task }) => task);
    this.orders = entries.filter((entry) => entry.kind === 'order');
    this.faults = entries.filter((entry) => entry.kind === 'fault');
    this.processes = entries.filter((entry) => entry.kind === 'process');
    this.#seen = new Map(findings.sightings.map(({ seq, at }) => [seq, at]));
    const byPid = new Map(this.processes.map(({ pid, process }) => [String(pid), process]));
    this.#processOf = new Map(
      this.struckOff.map(({ replica, name }) => [replica, byPid.get(name.split(':').at(-1) ?? '') ?? '']),
    );
  }

  /** Each change of each task with the record before it, undefined where there is none. */
  *changes(): Generator<readonly [before: TaskRecord | undefined, after: TaskRecord]> {
    for (const history of this.histories.values())
      for (const [index, record] of history.entries()) yield [history[index - 1], record];
  }

  /** The last record of a task, which may say that it is gone. */
  last(task: number): TaskRecord | undefined {
    return this.histories.get(task)?.at(-1);
  }

  /** By when everybody could see what a record says, by the database's clock. */
  visibleAt({ seq, at }: HistoryRecord): number {
    return Math.max(at, this.#seen.get(seq) ?? at);
  }

  /** Of which process a replica was. */
  processOf(replica: string): string | undefined {
    return this.#processOf.get(replica);
  }

  /** For how long at a stretch `process` itself was kept from going on, from `since` to `until`. */
  heldUp(process: string, since: number, until: number): number {
    const standstills = this.processes.filter(({ what }) => what === 'stood still');
    const stretches = [
      ...this.faults.filter((fault) => fault.process === process),
      ...standstills
        .filter((entry) => entry.process === process)
        .map(({ since: from = 0, at }) => ({ since: from, until: at })),
    ];
    return Math.max(
      0,
      ...stretches.map((stretch) => Math.min(until, stretch.until) - Math.max(since, stretch.since)),
    );
  }

  /** Whether a process was frozen or its event loop stood still at any moment from `since` to `until`. */
  stoodStill(process: string, since: number, until: number): boolean {
    const frozen = this.faults.some(
      (fault) =>
        fault.process === process &&
        fault.fault.startsWith('frozen') &&
        fault.since < until &&
        fault.until > since,
    );
    const stuck = this.processes.some(
      (entry) =>
        entry.process === process &&
        entry.what === 'stood still' &&
        (entry.since ?? 0) < until &&
        entry.at > since,
    );
    return frozen || stuck;
  }

  /** Whether anything befell `process`, or everybody, from `since` to `until`. */
  wasStruck(process: string, since: number, until: number): boolean {
    return (
      this.stoodStill(process, since, until) ||
      this.faults.some(
        (fault) =>
          (fault.process === process || fault.process === undefined) &&
          fault.since < until &&
          fault.until > since,
      )
    );
  }
}

/** Reports that were refused after somebody else had taken the task: what must not get through. */
export function staleWrites(evidence: Evidence): number {
  return evidence.handlers.filter(({ what, why, task, epoch }) => {
    if (what !== 'refused' || why !== 'LEASE_LOST') return false;
    return (evidence.last(task)?.epoch ?? 0) > epoch;
  }).length;
}
