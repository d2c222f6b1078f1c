/**
 * What must hold in every run, whatever happens, checked at each commit and at each thing that a handler does. The numbers are
 * those of the proof page. It reads rows and the ledger, and knows nothing of how the engine comes to write what it writes.
 */
import { EVENTS, type Event, markOf, STATUS, type Status, type UserEvent } from '../../src/core/status.ts';
import { isLive, type Ledger, type Stint, type Watcher } from './ledger.ts';
import { causes, isOpen, type LoggedOperation, type Moment } from './operation-log.ts';
import { LEASE } from './schedule.ts';
import { CRASH_BUDGETS, type Progress, type Script, type ScriptedType } from './script.ts';
import type { Change, ReplicaChange, RuleChange, TaskChange, TaskColumns } from './shared-database.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Timeline } from './timeline.ts';

export interface Violation {
  readonly invariant: string;
  readonly text: string;
  readonly at: number;
}

/** A task as the last commit left it. */
export interface Known {
  readonly script: Script;
  readonly moments: Moment[];
  row: TaskColumns | undefined;
  progress: Progress | undefined;
  /** Since when a mark asks its handler to stop. */
  markedAt: number | undefined;
}

/** After standing still, a process has so many milliseconds to notice. */
const WAKING = 10;
/** A mark reaches its handler in a lease and so many milliseconds, or the lease is lost. */
const MARKED = LEASE + 2000;
const USER_EVENTS: ReadonlySet<Event> = new Set(['run', 'pause', 'delete']);

export class Invariants implements Watcher {
  /** The first one. */
  violation: Violation | undefined;
  commits = 0;
  readonly tasks = new Map<number, Known>();
  readonly operations: LoggedOperation[] = [];
  /** Whose statement is carried out. */
  executing: SimulatedProcess | undefined;
  /** Claims are in the order in which tasks wait: nobody shares. */
  readonly ordered: boolean;
  readonly rules = new Map<string, NonNullable<RuleChange['after']>>();
  readonly #timeline: Timeline;
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #began: () => number;
  readonly #leases = new Map<string, number>();
  readonly #everLeased = new Set<string>();
  /** There were limits or pauses: until all tasks are sorted anew, some wait behind others. */
  #ruled = false;

  constructor(
    timeline: Timeline,
    ledger: Ledger,
    {
      now,
      began,
      ordered,
    }: { readonly now: () => number; readonly began: () => number; readonly ordered: boolean },
  ) {
    this.#began = began;
    this.#timeline = timeline;
    this.#ledger = ledger;
    this.#now = now;
    this.ordered = ordered;
  }

  fail(invariant: string, text: string): void {
    this.violation ??= { invariant, text, at: this.#timeline.now };
    this.#timeline.trace?.(() => `VIOLATION of ${invariant}: ${text}`);
  }

  /** The id of the task with this script, once it is there. */
  idOf(name: number): number | undefined {
    for (const [id, { script }] of this.tasks) if (script.name === name) return id;
    return undefined;
  }

  /** What the task was like at any time since a commit. */
  since(id: number, commit: number): readonly Moment[] {
    const moments = this.tasks.get(id)?.moments ?? [];
    const first = moments.findLastIndex((moment) => moment.commit <= commit);
    return moments.slice(Math.max(0, first));
  }

  // What is committed

  committed(changes: readonly Change[]): void {
    this.commits += 1;
    const claimed: TaskChange[] = [];
    for (const change of changes) {
      if (change.table === 'replica') this.#checkLease(change);
      else if (change.table === 'rule') this.#setRule(change);
      else if (this.#checkTask(change)) claimed.push(change);
    }
    if (claimed.length > 0) this.#checkOrder(claimed);
  }

  /** A lease that has ended never comes back, and nobody ends a live one but its own process. */
  #checkLease({ id, before, after }: ReplicaChange): void {
    const now = this.#now();
    const mine = this.executing?.leases.has(id) === true;
    if (before === undefined) {
      if (this.#everLeased.has(id)) this.fail('I3', `the lease ${id} is taken a second time`);
      this.#everLeased.add(id);
    } else if (after !== undefined && after.until > before.until && before.until <= now) {
      this.fail('I3', `the lease ${id} was over for ${now - before.until} ms and was renewed`);
    } else if (after === undefined && before.until > now && !mine) {
      this.fail('I3', `the lease ${id} was struck off ${before.until - now} ms before its end`);
    }
    if (after !== undefined && after.until > now + LEASE)
      this.fail('I3', `the lease ${id} is to last for ${after.until - now} ms, and leases last for ${LEASE}`);
    if (after === undefined) this.#leases.delete(id);
    else this.#leases.set(id, after.until);
  }

  #setRule({ id, after }: RuleChange): void {
    this.#ruled = true;
    if (after === undefined) this.rules.delete(id);
    else this.rules.set(id, after);
  }

  /** True for a claim. */
  #checkTask(change: TaskChange): boolean {
    const { id, before, after } = change;
    const known = before === undefined ? this.#create(change) : this.tasks.get(id);
    if (known === undefined) {
      this.fail('I9', `task ${id} was never created`);
      return false;
    }
    known.row = after;
    if (change.epoch !== undefined && change.epoch !== before?.['epoch'])
      this.fail(
        'I2',
        `a write of epoch ${change.epoch} was accepted for task ${id}, which is in epoch ${String(before?.['epoch'])}`,
      );
    if (before?.['status'] !== after?.['status'] || before?.['task_group'] !== after?.['task_group'])
      known.moments.push({
        commit: this.commits,
        status: after?.['status'] as Status | undefined,
        group: String((after ?? before)?.['task_group']),
      });
    if (before === undefined) return false;
    if (after !== undefined) {
      this.#checkQueue(id, after);
      this.#checkContext(known, change);
    }
    if (before['status'] === after?.['status']) {
      if (before['epoch'] !== after?.['epoch'] || before['owner'] !== after?.['owner'])
        this.fail('I1', `task ${id} changed hands and stayed ${String(before['status'])}`);
      return false;
    }
    return this.#checkMove(known, change, before);
  }

  #create({ id, after }: TaskChange): Known {
    const script = JSON.parse(String(after?.['input'])) as Script;
    if (this.idOf(script.name) !== undefined)
      this.fail('I17', `the task ${script.name} was created twice, at last as ${id}`);
    const asked = this.operations.some(
      (logged) =>
        logged.operation.kind === 'create' && logged.operation.script.name === script.name && isOpen(logged),
    );
    if (!asked) this.fail('I10', `task ${id} was created and nobody asked for it`);
    const status = after?.['status'];
    if (status !== (script.autoRun ? 'pending/run' : 'init/none'))
      this.fail('I9', `task ${id} began as ${String(status)}`);
    const known: Known = { script, moments: [], row: after, progress: undefined, markedAt: undefined };
    this.tasks.set(id, known);
    if (after !== undefined) this.#checkQueue(id, after);
    return known;
  }

  /** What waits is in the queue of its status, and nothing else is. */
  #checkQueue(id: number, { status, queue }: TaskColumns): void {
    const wanted = STATUS[status as Status].waits?.queue ?? null;
    const later = queue === 'later' && status === 'pending/run';
    if (queue !== wanted && !later)
      this.fail('I9', `task ${id} is ${String(status)} and in the queue ${String(queue)}`);
  }

  /** Every stored context is of the claim that holds the task, and none goes back. */
  #checkContext(known: Known, { id, before, after }: TaskChange): void {
    const context = after?.['context'];
    if (typeof context !== 'string' || context === before?.['context']) return;
    const progress = JSON.parse(context) as Progress;
    if (progress.epoch !== before?.['epoch'] || progress.replica !== before?.['owner'])
      this.fail(
        'I2',
        `a context of ${progress.replica} in epoch ${progress.epoch} was stored for task ${id}, which ${String(before?.['owner'])} holds in epoch ${String(before?.['epoch'])}`,
      );
    const last = known.progress;
    if (last !== undefined && (progress.step < last.step || progress.epoch < last.epoch))
      this.fail('I6', `the context of task ${id} went back from step ${last.step} to ${progress.step}`);
    known.progress = progress;
  }

  #checkMove(known: Known, change: TaskChange, before: TaskColumns): boolean {
    const { id, after } = change;
    const [from, to] = [before['status'] as Status, (after?.['status'] ?? 'removed') as Status | 'removed'];
    const events = EVENTS.filter((event) => {
      const target = STATUS[from].on[event];
      // An end that removes the record would otherwise have kept it.
      return target === to || (to === 'removed' && (target === 'finished/run' || target === 'failed/run'));
    });
    if (events.length === 0) {
      this.fail('I7', `task ${id} went from ${from} to ${to}, which nothing can cause`);
      return false;
    }
    this.#checkMark(id, from, to);
    known.markedAt = to === 'running/pause' || to === 'running/delete' ? this.#timeline.now : undefined;
    if (events.includes('claim')) {
      this.#checkClaim(change, before);
      return true;
    }
    if (after !== undefined && after['epoch'] !== before['epoch'])
      this.fail('I1', `the epoch of task ${id} changed without a claim`);
    const leased = STATUS[from].leased === true;
    const stays = to !== 'removed' && STATUS[to].leased === true;
    if (to === 'removed') this.#checkRemoval(known, id, before);
    if (leased && !stays) this.#checkEnd(change, before, events);
    else this.#checkAsked(change, before, events);
    return false;
  }

  /** What was asked for stays asked for, until the user asks for something else: it isn't the table that says so here. */
  #checkMark(id: number, from: Status, to: Status | 'removed'): void {
    const [before, after] = [markOf(from), to === 'removed' ? 'delete' : markOf(to)];
    if (before === 'delete' && after !== 'delete') this.fail('I10', `task ${id} was to go, and is ${to}`);
    if (before !== 'pause' || after !== 'run' || to === 'finished/run' || to === 'failed/run') return;
    const group = String(this.tasks.get(id)?.row?.['task_group']);
    const asked = this.operations.some((logged) => isOpen(logged) && causes(logged, 'run', { id, group }));
    if (!asked) this.fail('I10', `task ${id} was to pause, and is ${to}`);
  }

  #checkClaim({ id, after }: TaskChange, before: TaskColumns): void {
    const owner = String(after?.['owner']);
    if (Number(after?.['epoch']) !== Number(before['epoch']) + 1)
      this.fail(
        'I1',
        `task ${id} was claimed in epoch ${String(after?.['epoch'])} after ${String(before['epoch'])}`,
      );
    // It must have lived at the beginning of the claim's transaction, and can't be struck off before its end.
    if ((this.#leases.get(owner) ?? 0) <= this.#began())
      this.fail('I3', `task ${id} was claimed by ${owner}, which has no lease`);
    if (after?.['status'] !== 'running/run') return;
    const group = String(after['task_group']);
    const rule = this.rules.get(`group ${group}`);
    if (rule?.paused === true)
      this.fail('I14', `task ${id} was started in the group ${group}, which is paused`);
    if (rule === undefined || rule.most === null) return;
    const running = [...this.tasks.values()].filter(
      ({ row }) =>
        row?.['task_group'] === group && row['owner'] !== null && row['status'] !== 'deleting/delete',
    ).length;
    if (running > rule.most)
      this.fail('I14', `${running} tasks run in the group ${group}, and at most ${rule.most} may`);
  }

  /** A claim ends by its own process once the handler has ended, or by whoever finds its lease over. */
  #checkEnd({ id, after }: TaskChange, before: TaskColumns, events: readonly Event[]): void {
    const owner = String(before['owner']);
    const left = (this.#leases.get(owner) ?? 0) - this.#now();
    const mine = this.executing?.leases.has(owner) === true;
    const stint = this.#ledger.find(id, Number(before['epoch']));
    if (after !== undefined && after['owner'] !== null)
      this.fail('I9', `task ${id} has ended and has an owner`);
    if (left > 0 && !mine)
      this.fail('I3', `task ${id} was taken from ${owner} ${left} ms before the end of its lease`);
    if (left > 0 && stint?.state === 'working' && !stint.abandoned)
      this.fail(
        'I2',
        `the claim ${String(before['epoch'])} of task ${id} was ended while its handler worked`,
      );
    if (Number(after?.['crashes'] ?? 0) > Number(before['crashes']))
      this.#checkCrash(id, before, events, left);
  }

  /** A crash is counted once, and what has no crashes left fails. */
  #checkCrash(id: number, before: TaskColumns, events: readonly Event[], left: number): void {
    if (left > 0) this.fail('I16', `a crash of task ${id} was counted while its replica lived`);
    const running = before['status'] !== 'deleting/delete';
    const budget = running ? CRASH_BUDGETS[before['type'] as ScriptedType] : 3;
    const resumed = Number(before['crashes']) < budget;
    if (!events.includes(resumed ? 'recover' : 'expire'))
      this.fail(
        'I13',
        `task ${id} crashed ${String(before['crashes'])} times before, and ${budget} are allowed`,
      );
  }

  /** A record goes when its cleanup has succeeded, when its handler said so, or when nothing ever came of it. */
  #checkRemoval({ script }: Known, id: number, before: TaskColumns): void {
    if (before['status'] === 'init/none') return;
    const stint = this.#ledger.find(id, Number(before['epoch']));
    const cleaned =
      before['status'] === 'deleting/delete' && stint?.kind === 'cleanup' && stint.state === 'finished';
    const said =
      (before['status'] === 'running/run' || before['status'] === 'running/pause') &&
      stint?.kind === 'run' &&
      ((script.end === 'remove' && stint.state === 'finished') ||
        (script.end === 'fail and remove' && stint.state === 'failed'));
    if (!cleaned && !said)
      this.fail('I12', `task ${id} was removed from ${String(before['status'])} without a cleanup`);
  }

  /** Whatever isn't the engine's own doing was asked for. */
  #checkAsked({ id, after }: TaskChange, before: TaskColumns, events: readonly Event[]): void {
    if (events.some((event) => !USER_EVENTS.has(event))) return;
    const task = { id, group: String(before['task_group']) };
    const asked = this.operations.some(
      (logged) => isOpen(logged) && events.some((event) => causes(logged, event as UserEvent, task)),
    );
    if (!asked)
      this.fail(
        'I7',
        `task ${id} went from ${String(before['status'])} to ${String(after?.['status'] ?? 'removed')} and nobody asked for it`,
      );
  }

  /** Nobody who could have been claimed stands before whoever was. */
  #checkOrder(claimed: readonly TaskChange[]): void {
    if (!this.ordered || this.#ruled) return;
    const place = (id: number, row: TaskColumns): readonly number[] => [
      Number(row['precedence']),
      Number(row['turn']),
      id,
    ];
    const last = claimed
      .map(({ id, before }) => ({ queue: before?.['queue'], place: place(id, before as TaskColumns) }))
      .toSorted((one, other) => compare(one.place, other.place))
      .at(-1);
    if (last === undefined) return;
    for (const [id, { row }] of this.tasks)
      if (row !== undefined && row['queue'] === last.queue && compare(place(id, row), last.place) < 0)
        this.fail('I15', `task ${id} was passed over`);
  }

  // What handlers do

  begun(stint: Stint): void {
    const { task, epoch, process } = stint;
    this.#timeline.trace?.(
      () => `${process.name} begins to ${stint.kind} task ${task} in epoch ${epoch} from step ${stint.from}`,
    );
    // What was answered while it stood still may be out of date.
    if (this.#timeline.now - process.awakeSince < WAKING && process.awakeSince > 0) return;
    for (const other of this.#ledger.of(task)) {
      const waking = this.#timeline.now - other.process.awakeSince < WAKING;
      if (isLive(other) && !waking)
        this.fail('I4', `two handlers of task ${task} are at work, in epochs ${other.epoch} and ${epoch}`);
      if (stint.kind === 'run' && other.kind === 'run' && other.acked > stint.from)
        this.fail(
          'I5',
          `task ${task} goes on from step ${stint.from}, and step ${other.acked} was acknowledged`,
        );
      if (other.epoch >= epoch)
        this.fail('I1', `task ${task} is begun in epoch ${epoch} after ${other.epoch}`);
    }
    const known = this.tasks.get(task);
    if (known?.row === undefined && !this.#isStale(stint))
      this.fail('I12', `a handler of task ${task} begins, and the task is gone`);
  }

  /** Who is not told to stop still has the lease it works under, and no mark for long. */
  acted(stint: Stint): void {
    const { task, epoch, replica, process, signal } = stint;
    if (signal.aborted) return;
    const { now } = this.#timeline;
    const until = this.#leases.get(replica) ?? 0;
    if (until <= this.#now() && now - process.awakeSince > WAKING)
      this.fail(
        'I4',
        `a handler of task ${task} in epoch ${epoch} works on, and the lease ${replica} is over`,
      );
    const known = this.tasks.get(task);
    const marked = known?.markedAt ?? Infinity;
    if (known?.row?.['epoch'] === epoch && now - Math.max(marked, process.awakeSince) > MARKED)
      this.fail(
        'I11',
        `task ${task} is ${String(known.row['status'])} since ${marked}, and its handler isn't told`,
      );
  }

  /** What is acknowledged is stored. */
  acknowledged({ task, epoch, process }: Stint, step: number): void {
    this.#timeline.trace?.(() => `${process.name} is told that step ${step} of task ${task} is stored`);
    const known = this.tasks.get(task);
    if (known === undefined || known.row === undefined) return;
    const stored = known.progress;
    if (stored === undefined || stored.epoch < epoch || (stored.epoch === epoch && stored.step < step))
      this.fail(
        'I5',
        `step ${step} of task ${task} in epoch ${epoch} was acknowledged, and step ${stored?.step ?? 0} of epoch ${stored?.epoch ?? 0} is stored`,
      );
  }

  #isStale({ replica }: Stint): boolean {
    return (this.#leases.get(replica) ?? 0) <= this.#now();
  }
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [index, value] of one.entries()) if (value !== other[index]) return value - (other[index] ?? 0);
  return 0;
}
