/**
 * Tasks that began to wait since the last round, on their way into the tree: each goes into the lane of its type, version,
 * user and group, below its sharers, which are made if they aren't there. Many at once, level by level, a few statements for all.
 */
import type { Row, SqlValue } from '../core/connection.ts';
import { levelsOf, NAMES, type WaitingTask } from './lanes.ts';
import { marks, type Round, select, updateEach } from './round.ts';

/** How many tasks one round sorts in. */
const SORTED_AT_ONCE = 500;

/** A task on its way into the tree. */
interface Newcomer extends WaitingTask {
  readonly names: readonly SqlValue[];
}

/** A node that newcomers go below, and what those who are served there have used. */
interface Node {
  readonly id: number;
  readonly virtualTime: number;
}

/** Sorts tasks that came since into the tree, those first that are first in order; true if there may be more. */
export async function sortIn(round: Round, root: number): Promise<boolean> {
  const { connection, tables } = round;
  const { rows, more } = await readNewcomers(round);
  if (rows.length === 0) return false;
  const newcomers = rows.map((row) => ({
    id: Number(row['id']),
    precedence: Number(row['precedence']),
    turn: Number(row['turn']),
    names: namesFrom(row),
  }));
  const [top] = await select(round, `SELECT virtual_time FROM ${tables.lane} WHERE id = ?`, [root]);
  let above: NodeOf = () => ({ id: root, virtualTime: Number(top?.['virtual_time'] ?? 0) });
  for (const [kind, columns] of [...levelsOf(round), ['lane', NAMES] as const])
    above = await addNodes(round, newcomers, { kind, columns, above });
  const whens = newcomers.map(() => 'WHEN ? THEN ?').join(' ');
  const ids = newcomers.map(({ id }) => id);
  await connection.query(
    `UPDATE ${tables.task} SET lane = CASE id ${whens} ELSE lane END WHERE id IN (${marks(ids)})`,
    [...newcomers.flatMap((newcomer) => [newcomer.id, above(newcomer).id]), ...ids],
  );
  return more;
}

/**
 * The next in order. Where slots are shared out, half of them are those who came last, or whoever brings few tasks behind
 * somebody's very many would have to wait until all of those are sorted in.
 */
async function readNewcomers(
  round: Round,
): Promise<{ readonly rows: readonly Row[]; readonly more: boolean }> {
  const { tables, queue, skipLocked, policy } = round;
  const read = (direction: 'ASC' | 'DESC', limit: number): Promise<readonly Row[]> =>
    select(
      round,
      `SELECT id, precedence, turn, ${NAMES.join(', ')} FROM ${tables.task} WHERE queue = ? AND lane = 0
       ORDER BY ${['precedence', 'turn', 'id'].map((column) => `${column} ${direction}`).join(', ')} LIMIT ${limit} ${skipLocked}`,
      [queue],
    );
  const shared = policy.order.sharers !== null;
  const limit = shared ? SORTED_AT_ONCE / 2 : SORTED_AT_ONCE;
  const first = await read('ASC', limit);
  const more = first.length === limit;
  if (!more || !shared) return { rows: first, more };
  const known = new Set(first.map((row) => Number(row['id'])));
  const last = (await read('DESC', limit)).filter((row) => !known.has(Number(row['id'])));
  return { rows: [...first, ...last.toReversed()], more };
}

type NodeOf = (newcomer: Newcomer) => Node;

interface Level {
  readonly kind: string;
  /** Those that tell its nodes apart; the others are empty. */
  readonly columns: readonly string[];
  readonly above: NodeOf;
}

/** Makes the nodes of one level that newcomers need, and brings those that are there up to date. */
async function addNodes(round: Round, newcomers: readonly Newcomer[], level: Level): Promise<NodeOf> {
  const { kind, columns, above } = level;
  const namesOfNode = ({ names }: Newcomer): readonly SqlValue[] =>
    names.map((name, index) =>
      columns.includes(NAMES[index] ?? '') ? name : typeof name === 'number' ? 0 : '',
    );
  const keyOfNode = (newcomer: Newcomer): string => JSON.stringify(namesOfNode(newcomer));
  const firsts = new Map<string, Newcomer>();
  for (const newcomer of newcomers) {
    const key = keyOfNode(newcomer);
    if (!firsts.has(key)) firsts.set(key, newcomer);
  }
  const all = [...firsts.values()].map(namesOfNode);
  const found = await findNodes(round, kind, all);
  const missing = [...firsts].filter(([key]) => !found.has(key)).map(([, first]) => first);
  if (missing.length > 0) await insertNodes(round, kind, missing, namesOfNode, above);
  const known = [...firsts].flatMap(([key, first]) => {
    const row = found.get(key);
    return row === undefined ? [] : [{ row, first, parent: above(first) }];
  });
  if (kind === 'lane') await bringForward(round, known);
  else await wake(round, known);
  const nodes = missing.length === 0 ? found : await findNodes(round, kind, all);
  return (newcomer) => {
    const row = nodes.get(keyOfNode(newcomer));
    return { id: Number(row?.['id'] ?? 0), virtualTime: Number(row?.['virtual_time'] ?? 0) };
  };
}

/** Drivers disagree about numbers, so the only one among them is made one here. */
function namesFrom(row: Row): readonly SqlValue[] {
  return NAMES.map((column) => (column === 'version' ? Number(row[column]) : String(row[column])));
}

/** Those of a kind that have these names, by them. */
async function findNodes(
  round: Round,
  kind: string,
  names: readonly (readonly SqlValue[])[],
): Promise<ReadonlyMap<string, Row>> {
  // By column, for what is found beyond those asked for is little, and every database finds it by index.
  const among = NAMES.map((_, index) => [...new Set(names.map((each) => each[index] ?? ''))]);
  const rows = await select(
    round,
    `SELECT id, ${NAMES.join(', ')}, ready, used, virtual_time, precedence, turn FROM ${round.tables.lane}
     WHERE queue = '${round.queue}' AND kind = '${kind}' AND ${NAMES.map((column, index) => `${column} IN (${marks(among[index] ?? [])})`).join(' AND ')}`,
    among.flat(),
  );
  return new Map(rows.map((row) => [JSON.stringify(namesFrom(row)), row]));
}

/** A newcomer begins level with those who are served now. */
async function insertNodes(
  { connection, tables, queue }: Round,
  kind: string,
  firsts: readonly Newcomer[],
  namesOfNode: (newcomer: Newcomer) => readonly SqlValue[],
  above: NodeOf,
): Promise<void> {
  const lane = kind === 'lane';
  const rows = firsts.map(() => `('${queue}', '${kind}', ${marks(NAMES)}, ?, 1, ?, 0, ?, ?)`).join(', ');
  await connection.query(
    `INSERT INTO ${tables.lane} (queue, kind, ${NAMES.join(', ')}, parent, ready, used, virtual_time, precedence, turn) VALUES ${rows}`,
    firsts.flatMap((first) => {
      const { id, virtualTime } = above(first);
      return [
        ...namesOfNode(first),
        id,
        lane ? 0 : virtualTime,
        lane ? first.precedence : 0,
        lane ? first.turn : 0,
      ];
    }),
  );
}

interface Known {
  readonly row: Row;
  readonly first: Newcomer;
  readonly parent: Node;
}

/** Lanes that got a task which goes before all that are in. */
async function bringForward(round: Round, lanes: readonly Known[]): Promise<void> {
  const precedences = new Map<number, number>();
  const turns = new Map<number, number>();
  for (const { row, first } of lanes) {
    const id = Number(row['id']);
    if (first.precedence < Number(row['precedence'])) precedences.set(id, first.precedence);
    if (first.turn < Number(row['turn'])) turns.set(id, first.turn);
  }
  await updateEach(round, { precedence: precedences, turn: turns });
}

/** Sharers that had nothing to start: they get no credit for that, unless they're still in debt. */
async function wake(round: Round, sharers: readonly Known[]): Promise<void> {
  const used = new Map<number, number>();
  const ready = new Map<number, number>();
  for (const { row, parent } of sharers) {
    if (Number(row['ready']) === 1) continue;
    ready.set(Number(row['id']), 1);
    used.set(Number(row['id']), Math.max(Number(row['used']), parent.virtualTime));
  }
  await updateEach(round, { used, ready });
}
