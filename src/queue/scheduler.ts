/**
 * A round from its beginning to its end: take back the slots of claims that are over, sort in who came, pick whose turn
 * it is, start them, and leave the tree as the next round should find it.
 */
import { Admission } from './admission.ts';
import { closeEmpty, openUnlimited, rootOf } from './lanes.ts';
import { sortIn } from './newcomers.ts';
import { addToEach, marks, type Round, updateEach } from './round.ts';
import { adoptRunning, chargeRunning, SLOT_PARTS, type Suspects, takeBackSlots, takeSlots } from './slots.ts';
import type { Lane } from './lane.ts';
import { type Findings, type Picked, pickTurns } from './turn.ts';

/** A task that was started: no longer waiting, and claimed under this epoch. */
export interface Started {
  readonly id: number;
  readonly epoch: number;
}

/** In how many ms all slots are looked through; those of tasks that ended in this process are looked at at once. */
const SWEPT_WITHIN = 250;
/**
 * In how many ms all running tasks are looked through for some without a slot: those of replicas that know of no limits. A
 * multiple of the other, for only when slots are looked through it is noted when that was.
 */
const ADOPTED_WITHIN = 1000;

const ALL_PARTS = Array.from({ length: SLOT_PARTS }, (_, part) => part);

/** What a round does before it looks who is next. */
export interface Tidying extends Suspects {
  /** Parts of the running tasks that are looked through for some without a slot. */
  readonly adopt: readonly number[];
}

/** What is due at `now`, if it was last tidied up at `tidiedAt`. */
export function tidyingDue(now: number, tidiedAt: number): Omit<Tidying, 'ended'> {
  return {
    parts: partsDue(now, tidiedAt, SWEPT_WITHIN),
    adopt: partsDue(now, tidiedAt, ADOPTED_WITHIN),
  };
}

/** The parts whose turn has come since `before`, if each has one in `period` ms. */
function partsDue(now: number, before: number, period: number): readonly number[] {
  const turnAt = (ms: number): number => Math.floor((ms * SLOT_PARTS) / period);
  const newest = turnAt(now);
  const due = newest - turnAt(before);
  // A clock that was set back says nothing of what was looked through.
  if (due < 0 || due >= SLOT_PARTS) return ALL_PARTS;
  return ALL_PARTS.slice(0, due).map((back) => (newest - back) % SLOT_PARTS);
}

export interface Played<Task> {
  readonly started: readonly Task[];
  /** Whether another round is worth while: there is more to sort in, or who is behind others has not been seen. */
  readonly more: boolean;
  readonly root: number;
}

export async function playRound<Task extends Started>(
  round: Round,
  tidying: Tidying,
  start: (ids: readonly number[]) => Promise<readonly Task[]>,
): Promise<Played<Task>> {
  const root = await rootOf(round);
  await (round.root === undefined ? begin(round) : tidySlots(round, tidying));
  const more = await sortIn(round, root);
  if (round.limit < 1 || round.types.size === 0) return { started: [], more, root };
  const admission = new Admission(round);
  const { picked, findings } = await pickTurns(round, root, admission);
  const started = picked.length === 0 ? [] : await start(picked.map(({ id }) => id));
  await takeSlots(round, slotsOf(picked, started, root));
  await leave(round, root, new Set(started.map(({ id }) => id)), admission, findings);
  return { started, more: more || findings.more, root };
}

/** Before there were these rules, tasks may have started without slots, and lanes been closed that are limited no longer. */
async function begin(round: Round): Promise<void> {
  await tidySlots(round, { parts: ALL_PARTS, adopt: ALL_PARTS, ended: [] });
  await openUnlimited(round);
}

export async function tidySlots(round: Round, { ended, parts, adopt }: Tidying): Promise<void> {
  await takeBackSlots(round, { ended, parts });
  if (adopt.length > 0) await adoptRunning(round, adopt);
  if (round.policy.order.sharers !== null && parts.includes(0)) await chargeRunning(round);
}

function slotsOf(
  picked: readonly Picked[],
  started: readonly Started[],
  root: number,
): Parameters<typeof takeSlots>[1] {
  const lanes = new Map(picked.map(({ id, lane }) => [id, lane.row]));
  return started.flatMap(({ id, epoch }) => {
    const lane = lanes.get(id);
    if (lane === undefined) return [];
    const { type, user, group, parent } = lane;
    return [{ id, epoch, type, user, group, sharer: parent === root ? 0 : parent }];
  });
}

/** Writes what was found out. A task that was picked and not started, for somebody else changed it, may still be in. */
async function leave(
  round: Round,
  root: number,
  started: ReadonlySet<number>,
  admission: Admission,
  { lanes, blocked, charges, virtualTimes }: Findings,
): Promise<void> {
  const empty = new Set<number>();
  const closed = new Map(blocked);
  const precedences = new Map<number, number>();
  const turns = new Map<number, number>();
  for (const lane of lanes) {
    const { id, precedence, turn } = lane.row;
    const kept = lane.picked.some((task) => !started.has(task.id));
    const blocker = lane.picked.length > 0 ? admission.blocker(lane.row) : undefined;
    if (lane.empty && !kept) empty.add(id);
    else if (blocker !== undefined && lane.comesSoon) closed.set(id, blocker);
    // What comes after the last one that was picked may not have been read: it isn't before that one.
    const head = kept ? undefined : (lane.head ?? lane.picked.at(-1));
    if (head === undefined || (head.precedence === precedence && head.turn === turn)) continue;
    precedences.set(id, head.precedence);
    turns.set(id, head.turn);
  }
  const closing = [...closed].filter(([id]) => !empty.has(id));
  await updateEach(round, {
    precedence: precedences,
    turn: turns,
    ready: new Map(closing.map(([id]) => [id, 0])),
    closed: new Map(closing.map(([id, { kind }]) => [id, kind])),
    closed_name: new Map(closing.map(([id, { name }]) => [id, name])),
  });
  const { connection, tables } = round;
  if (empty.size > 0) {
    await connection.query(`DELETE FROM ${tables.lane} WHERE id IN (${marks([...empty])})`, [...empty]);
  }
  await addToEach(round, { used: charges });
  for (const [node, time] of virtualTimes) {
    await connection.query(`UPDATE ${tables.lane} SET virtual_time = ? WHERE id = ? AND virtual_time < ?`, [
      time,
      node,
      time,
    ]);
  }
  await closeEmpty(round, parentsOf(lanes, [...empty, ...closed.keys()], root));
}

function parentsOf(lanes: readonly Lane[], ids: readonly number[], root: number): readonly number[] {
  const gone = new Set(ids);
  return lanes.filter(({ row }) => gone.has(row.id) && row.parent !== root).map(({ row }) => row.parent);
}
