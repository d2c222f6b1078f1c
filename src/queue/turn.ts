/**
 * Who is next, out of the tree: tasks in their order within a lane and between the lanes of one parent; between sharers
 * whoever has used least, by the start-time fair queueing of Goyal, Vin and Cheng (SIGCOMM 1996), with time in slots
 * for bytes on the wire. It reads ahead a page at a time and writes nothing before the end of the round.
 */
import type { ScopeName } from '../core/limit.ts';
import type { Admission } from './admission.ts';
import { Lane, type Reach } from './lane.ts';
import {
  type LaneRow,
  levelsOf,
  readAllLanes,
  readLanes,
  readSharers,
  readTasks,
  byOrder,
  type WaitingTask,
  type WideScope,
} from './lanes.ts';
import type { Round } from './round.ts';
import { isWeighted, START_CHARGE } from './slots.ts';

export interface Picked {
  readonly id: number;
  readonly lane: Lane;
}

const FIRST_PAGE = 16;
const LARGEST_FIRST_PAGE = 256;
/** The lanes of a page of sharers are read at once if they are no more than these. */
const READ_AHEAD = 512;
const GROWTH = 4;
/** So many lanes are read on at once, each by so much at least. */
const READ_TOGETHER = 64;
const SHORTEST_PAGE = 4;
/** A round that finds so many lanes without room has done enough: it closes them, and the next one sees who is behind. */
const CLOSED_AT_ONCE = 250;
/** If so many lanes of a page lack room in the same scope, the scope is left out of further pages, not each lane. */
const WIDE = 8;

/** Something that gives tasks in order. */
interface Source {
  /** The lane whose task is next; undefined if there is none that may start. */
  next(): Promise<Lane | undefined>;
  /** Called when the task of `next` was taken. */
  taken(): void;
}

/** What a round has found out, to be written at its end. */
export class Findings {
  readonly lanes: Lane[] = [];
  /** Lanes without room, and in which scope there is none. */
  readonly blocked: Map<number, ScopeName> = new Map();
  readonly charges: Map<number, number> = new Map();
  readonly virtualTimes: Map<number, number> = new Map();
  /** Whether it was broken off, for there is enough to write. */
  more = false;
}

/** Reads a lane on, and with it others that will soon need it, so that lanes taken from in turn aren't read one by one. */
async function readOn(round: Round, lane: Lane, others: readonly Lane[]): Promise<void> {
  const lanes = [lane];
  for (const other of others) {
    if (lanes.length === READ_TOGETHER) break;
    if (other !== lane && other.short) lanes.push(other);
  }
  const limit =
    lanes.length === 1
      ? Math.max(FIRST_PAGE, lane.known * GROWTH)
      : Math.max(SHORTEST_PAGE, Math.ceil(round.limit / lanes.length) + 1);
  const places = lanes.map((each) => ({ lane: each.row.id, passed: each.known }));
  const tasks = await readTasks(round, places, limit);
  for (const each of lanes) each.add(tasks.get(each.row.id) ?? [], limit);
}

/** The next tasks, in order, as many as may start. */
export async function pickTurns(
  round: Round,
  root: number,
  admission: Admission,
): Promise<{ readonly picked: readonly Picked[]; readonly findings: Findings }> {
  const findings = new Findings();
  const source = sourceOf(round, root, levelsOf(round).length, admission, findings);
  const picked: Picked[] = [];
  while (picked.length < round.limit) {
    const lane = await source.next();
    if (lane?.head === undefined) break;
    picked.push({ id: lane.head.id, lane });
    lane.take();
    admission.take(lane.row);
    source.taken();
  }
  return { picked, findings };
}

function sourceOf(
  round: Round,
  node: number,
  levels: number,
  admission: Admission,
  findings: Findings,
): Source {
  return levels === 0
    ? new LaneSource(round, node, admission, findings)
    : new SharerSource(round, node, levels, admission, findings);
}

function firstPage({ limit }: Round): number {
  return Math.min(Math.max(limit, FIRST_PAGE), LARGEST_FIRST_PAGE);
}

/** The lanes below one parent, their tasks merged by precedence and turn. */
class LaneSource implements Source {
  readonly #round: Round;
  readonly #parent: number;
  readonly #admission: Admission;
  readonly #findings: Findings;
  #lanes: Lane[] = [];
  readonly #known = new Set<number>();
  #chosen: Lane | undefined;
  #taken: Lane | undefined;
  readonly #reach: Reach = { last: undefined, whole: false };
  #passed = 0;
  #page: number;
  /** Scopes that have no room and are wide. */
  readonly #without: WideScope[] = [];

  /** All its lanes may have been read already, and loaded for admission. */
  constructor(
    round: Round,
    parent: number,
    admission: Admission,
    findings: Findings,
    all?: readonly LaneRow[],
  ) {
    this.#round = round;
    this.#parent = parent;
    this.#admission = admission;
    this.#findings = findings;
    this.#page = firstPage(round);
    if (all === undefined) return;
    this.#reach.whole = true;
    this.#add(all);
  }

  async next(): Promise<Lane | undefined> {
    await this.#readTaken();
    for (;;) {
      const first = this.#lanes.reduce<Lane | undefined>(
        (best, lane) => (isBefore(lane.head, best?.head) ? lane : best),
        undefined,
      );
      const { last, whole } = this.#reach;
      // Those not read yet stand behind the last one that was.
      if (!whole && (first?.head === undefined || mayPrecede(last, first.head))) {
        if (this.#findings.blocked.size >= CLOSED_AT_ONCE) {
          this.#findings.more = true;
          return undefined;
        }
        await this.#readOn();
      } else if (first === undefined || this.#admission.blocker(first.row) === undefined)
        return (this.#chosen = first);
      else this.#drop(this.#lanes);
    }
  }

  taken(): void {
    this.#taken = this.#chosen;
  }

  /** Only the lane that a task was taken from may have no task read, or none at all; one without room isn't read. */
  async #readTaken(): Promise<void> {
    const lane = this.#taken;
    if (lane === undefined) return;
    this.#taken = undefined;
    const blocker = this.#admission.blocker(lane.row);
    if (blocker !== undefined) this.#setAside(lane, blocker);
    else if (lane.head === undefined && !lane.empty) await readOn(this.#round, lane, this.#companions());
    if (blocker !== undefined || lane.empty) this.#lanes = this.#lanes.filter((other) => other !== lane);
  }

  /** Lanes that tasks may be taken from next. */
  #companions(): readonly Lane[] {
    const { lanes, blocked } = this.#findings;
    return lanes.filter(
      ({ short, row }) => short && !blocked.has(row.id) && this.#admission.blocker(row) === undefined,
    );
  }

  /** Forgets lanes that can start nothing more in this round. */
  #drop(lanes: readonly Lane[]): void {
    const blockers = new Map<string, { blocker: ScopeName; lanes: Lane[] }>();
    this.#lanes = lanes.filter((lane) => {
      if (lane.empty) return false;
      const blocker = this.#admission.blocker(lane.row);
      if (blocker === undefined) return true;
      const key = JSON.stringify(blocker);
      const entry = blockers.get(key) ?? { blocker, lanes: [] };
      entry.lanes.push(lane);
      blockers.set(key, entry);
      return false;
    });
    for (const { blocker, lanes: blocked } of blockers.values()) {
      const { kind, name } = blocker;
      if (blocked.length >= WIDE && kind !== 'user/group') this.#leaveOut({ kind, name });
      else for (const lane of blocked) this.#setAside(lane, blocker);
    }
  }

  #setAside(lane: Lane, blocker: ScopeName): void {
    if (lane.comesSoon) this.#findings.blocked.set(lane.row.id, blocker);
  }

  async #readOn(): Promise<void> {
    const limit = this.#page;
    const rows = await readLanes(this.#round, this.#parent, {
      limit,
      passed: this.#passed,
      without: this.#without,
    });
    this.#page *= GROWTH;
    this.#reach.whole = rows.length < limit;
    this.#passed += rows.length;
    this.#reach.last = rows.at(-1) ?? this.#reach.last;
    await this.#admission.load(rows);
    this.#add(rows);
  }

  #add(rows: readonly LaneRow[]): void {
    const lanes = rows.filter(({ id }) => !this.#known.has(id)).map((row) => new Lane(row, this.#reach));
    for (const { row } of lanes) this.#known.add(row.id);
    this.#findings.lanes.push(...lanes);
    this.#drop([...this.#lanes, ...lanes]);
  }

  /** What is left out no longer counts as passed, so reading begins anew; lanes that are known are not taken twice. */
  #leaveOut(scope: WideScope): void {
    this.#without.push(scope);
    this.#passed = 0;
    this.#reach.whole = false;
  }
}

interface Sharer {
  readonly id: number;
  readonly weight: number;
  readonly source: Source;
  used: number;
}

/** The sharers below one node: whoever has used least is next. */
class SharerSource implements Source {
  readonly #round: Round;
  readonly #node: number;
  readonly #levels: number;
  readonly #admission: Admission;
  readonly #findings: Findings;
  #sharers: Sharer[] = [];
  #chosen: Sharer | undefined;
  #passed = 0;
  #page: number;
  #lastUsed = -Infinity;
  #whole = false;

  constructor(round: Round, node: number, levels: number, admission: Admission, findings: Findings) {
    this.#round = round;
    this.#node = node;
    this.#levels = levels;
    this.#admission = admission;
    this.#findings = findings;
    this.#page = firstPage(round);
  }

  async next(): Promise<Lane | undefined> {
    for (;;) {
      this.#chosen = this.#sharers.reduce<Sharer | undefined>(
        (best, sharer) => (best === undefined || sharer.used < best.used ? sharer : best),
        undefined,
      );
      if (this.#chosen === undefined || this.#chosen.used > this.#lastUsed) {
        if (!this.#whole) {
          await this.#readOn();
          continue;
        }
        if (this.#chosen === undefined) return undefined;
      }
      const lane = await this.#chosen.source.next();
      if (lane !== undefined) return lane;
      this.#sharers = this.#sharers.filter((sharer) => sharer !== this.#chosen);
    }
  }

  taken(): void {
    const sharer = this.#chosen;
    if (sharer === undefined) return;
    const time = this.#findings.virtualTimes.get(this.#node) ?? -Infinity;
    this.#findings.virtualTimes.set(this.#node, Math.max(time, sharer.used));
    const charge = START_CHARGE / sharer.weight;
    sharer.used += charge;
    this.#findings.charges.set(sharer.id, (this.#findings.charges.get(sharer.id) ?? 0) + charge);
    sharer.source.taken();
  }

  async #readOn(): Promise<void> {
    const rows = await readSharers(this.#round, this.#node, this.#page, this.#passed);
    this.#whole = rows.length < this.#page;
    this.#page *= GROWTH;
    this.#passed += rows.length;
    this.#lastUsed = rows.at(-1)?.used ?? this.#lastUsed;
    const sources = await this.#sourcesOf(rows.map(({ id }) => id));
    for (const { id, kind, name, used } of rows) {
      const weight = isWeighted(this.#round, kind) ? this.#round.policy.weightOf(name) : 1;
      this.#sharers.push({ id, weight, used, source: sources(id) });
    }
  }

  async #sourcesOf(ids: readonly number[]): Promise<(id: number) => Source> {
    const [round, admission, findings] = [this.#round, this.#admission, this.#findings];
    const levels = this.#levels - 1;
    const lanes = levels > 0 || ids.length === 0 ? undefined : await readAllLanes(round, ids, READ_AHEAD);
    if (lanes === undefined) return (id) => sourceOf(round, id, levels, admission, findings);
    await admission.load([...lanes.values()].flat());
    return (id) => new LaneSource(round, id, admission, findings, lanes.get(id) ?? []);
  }
}

function isBefore(one: WaitingTask | undefined, other: WaitingTask | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return byOrder(one, other) < 0;
}

/** Whether lanes behind `last` may have a task that goes before `head`; between those of one millisecond it may not. */
function mayPrecede(last: LaneRow | undefined, head: WaitingTask): boolean {
  return last !== undefined && byOrder({ ...last, id: 0 }, { ...head, id: 0 }) < 0;
}
