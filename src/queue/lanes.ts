/**
 * The tree of waiting tasks: below the root of a queue its sharers, if it is fair, and below those the lanes, each for
 * the tasks of one type, user and group. Tasks begin to wait outside of it; rounds sort them in. A node is `ready` while
 * something below it may start; a lane without room is not, until a slot in its scope comes free.
 *
 * A lane's `precedence` and `turn` are never above those of its first task: they say when to look at it, not who is in.
 */
import type { Row } from '../core/connection.ts';
import type { ScopeKind } from '../core/limit.ts';
import type { Sharers } from '../core/policy.ts';
import { marks, type Round, select } from './round.ts';

export interface WaitingTask {
  readonly id: number;
  readonly precedence: number;
  readonly turn: number;
}

export interface LaneRow {
  readonly id: number;
  readonly parent: number;
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly precedence: number;
  readonly turn: number;
  /** The first task in it; undefined if they have all left. */
  readonly first: WaitingTask | undefined;
}

export interface SharerRow {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly used: number;
}

/** How many tasks one round sorts in. */
const SORTED_AT_ONCE = 500;

/** The kinds of nodes between the root and the lanes, with the columns that name each. */
const LEVELS: Readonly<Record<Sharers, readonly (readonly [kind: string, columns: readonly string[]])[]>> = {
  user: [['user', ['task_user']]],
  group: [['group', ['task_group']]],
  'user/group': [
    ['user', ['task_user']],
    ['group', ['task_user', 'task_group']],
  ],
};
const NAMES = ['type', 'task_user', 'task_group'];

export function levelsOf({
  policy,
}: Pick<Round, 'policy'>): readonly (readonly [string, readonly string[]])[] {
  return policy.order.sharers === null ? [] : LEVELS[policy.order.sharers];
}

/** The id of the queue's root, made if need be. */
export async function rootOf(round: Round): Promise<number> {
  const { connection, tables, queue } = round;
  const find = async (): Promise<number | undefined> => {
    const rows = await select(round, `SELECT id FROM ${tables.lane} WHERE queue = ? AND kind = 'root'`, [
      queue,
    ]);
    return rows[0] === undefined ? undefined : Number(rows[0]['id']);
  };
  const found = await find();
  if (found !== undefined) return found;
  await connection.query(
    `INSERT INTO ${tables.lane} (queue, kind, type, task_user, task_group, parent, ready, used, virtual_time, precedence, turn)
     VALUES (?, 'root', '', '', '', 0, 1, 0, 0, 0, 0)`,
    [queue],
  );
  return (await find()) ?? 0;
}

/** Sorts tasks that came since into the tree, those first that are first in order; true if there may be more. */
export async function sortIn(round: Round, root: number): Promise<boolean> {
  const { connection, tables, queue, skipLocked } = round;
  const rows = await select(
    round,
    `SELECT id FROM ${tables.task} WHERE queue = ? AND lane = 0 ORDER BY precedence, turn, id LIMIT ${SORTED_AT_ONCE} ${skipLocked}`,
    [queue],
  );
  if (rows.length === 0) return false;
  const ids = rows.map((row) => Number(row['id']));
  let parentKind = 'root';
  let parentNames: readonly string[] = [];
  for (const [kind, names] of levelsOf(round)) {
    await addNodes(round, ids, root, { kind, names, parentKind, parentNames });
    parentKind = kind;
    parentNames = names;
  }
  await addNodes(round, ids, root, { kind: 'lane', names: NAMES, parentKind, parentNames });
  await connection.query(
    `UPDATE ${tables.task} SET lane = (SELECT l.id FROM ${tables.lane} l WHERE l.queue = ? AND l.kind = 'lane'
       AND l.type = ${tables.task}.type AND l.task_user = ${tables.task}.task_user AND l.task_group = ${tables.task}.task_group)
     WHERE id IN (${marks(ids)})`,
    [queue, ...ids],
  );
  return ids.length === SORTED_AT_ONCE;
}

interface Level {
  readonly kind: string;
  readonly names: readonly string[];
  readonly parentKind: string;
  readonly parentNames: readonly string[];
}

/** Makes the nodes of one level that these tasks need, and brings those that are there up to date. */
async function addNodes(round: Round, ids: readonly number[], root: number, level: Level): Promise<void> {
  const { connection, tables, queue } = round;
  const { kind, names, parentKind, parentNames } = level;
  const name = (column: string): string => (names.includes(column) ? `t.${column}` : `''`);
  const same = (alias: string, of: string, columns: readonly string[]): string =>
    [
      `${alias}.queue = '${queue}' AND ${alias}.kind = '${of}'`,
      ...NAMES.map((column) => `${alias}.${column} = ${columns.includes(column) ? `t.${column}` : `''`}`),
    ].join(' AND ');
  const among = `t.id IN (${marks(ids)})`;
  const parent = parentKind === 'root' ? String(root) : 'MIN(p.id)';
  const joined =
    parentKind === 'root' ? '' : `JOIN ${tables.lane} p ON ${same('p', parentKind, parentNames)}`;
  const lane = kind === 'lane';
  // A newcomer begins level with those who are served now.
  const served =
    parentKind === 'root'
      ? `(SELECT v.virtual_time FROM ${tables.lane} v WHERE v.id = ${root})`
      : 'MIN(p.virtual_time)';
  const found = await select(
    round,
    `SELECT n.id, n.ready, n.parent, n.used, n.precedence, n.turn, MIN(t.precedence) AS first_precedence, MIN(t.turn) AS first_turn
     FROM ${tables.task} t JOIN ${tables.lane} n ON ${same('n', kind, names)} WHERE ${among}
     GROUP BY n.id, n.ready, n.parent, n.used, n.precedence, n.turn`,
    ids,
  );
  await connection.query(
    `INSERT INTO ${tables.lane} (queue, kind, type, task_user, task_group, parent, ready, used, virtual_time, precedence, turn)
     SELECT '${queue}', '${kind}', ${NAMES.map(name).join(', ')}, ${parent}, 1, ${lane ? '0' : served}, 0, ${lane ? 'MIN(t.precedence), MIN(t.turn)' : '0, 0'}
     FROM ${tables.task} t ${joined} WHERE ${among}
       AND NOT EXISTS (SELECT 1 FROM ${tables.lane} n WHERE ${same('n', kind, names)})
     GROUP BY ${names.map((column) => `t.${column}`).join(', ')}`,
    ids,
  );
  if (lane) await bringForward(round, found);
  else await wake(round, found);
}

/** Lanes that got a task which goes before all that are in. */
async function bringForward({ connection, tables }: Round, lanes: readonly Row[]): Promise<void> {
  for (const row of lanes) {
    const precedence = Math.min(Number(row['precedence']), Number(row['first_precedence']));
    const turn = Math.min(Number(row['turn']), Number(row['first_turn']));
    if (precedence === Number(row['precedence']) && turn === Number(row['turn'])) continue;
    await connection.query(`UPDATE ${tables.lane} SET precedence = ?, turn = ? WHERE id = ?`, [
      precedence,
      turn,
      Number(row['id']),
    ]);
  }
}

/** Sharers that had nothing to start: they get no credit for that, unless they're still in debt. */
async function wake(round: Round, sharers: readonly Row[]): Promise<void> {
  for (const row of sharers) {
    if (Number(row['ready']) === 1) continue;
    const [parent] = await select(round, `SELECT virtual_time FROM ${round.tables.lane} WHERE id = ?`, [
      Number(row['parent']),
    ]);
    const used = Math.max(Number(row['used']), Number(parent?.['virtual_time'] ?? 0));
    await round.connection.query(`UPDATE ${round.tables.lane} SET ready = 1, used = ? WHERE id = ?`, [
      used,
      Number(row['id']),
    ]);
  }
}

const SCOPE_COLUMNS: Readonly<Record<ScopeKind, readonly string[]>> = {
  user: ['task_user'],
  group: ['task_group'],
  type: ['type'],
  'user/group': ['task_user', 'task_group'],
};

/** Lets lanes of these scopes be looked at again: there may be room. */
export async function openLanes(
  round: Pick<Round, 'connection' | 'tables'>,
  kind: ScopeKind,
  names: readonly (readonly [name: string, second: string])[],
): Promise<void> {
  const { connection, tables } = round;
  const columns = SCOPE_COLUMNS[kind];
  const [column = ''] = columns;
  const distinct = [...new Map(names.map((pair) => [pair.join('\0'), pair])).values()];
  const where =
    columns.length === 1
      ? `${column} IN (${marks(distinct)})`
      : `(${distinct.map(() => '(task_user = ? AND task_group = ?)').join(' OR ')})`;
  const values = distinct.flatMap((pair) => pair.slice(0, columns.length));
  const closed = await select(
    round,
    `SELECT id, parent FROM ${tables.lane} WHERE ready = 0 AND kind = 'lane' AND ${where}`,
    values,
  );
  if (closed.length === 0) return;
  const ids = closed.map((row) => Number(row['id']));
  await connection.query(`UPDATE ${tables.lane} SET ready = 1 WHERE id IN (${marks(ids)})`, ids);
  let parents = [...new Set(closed.map((row) => Number(row['parent'])))];
  while (parents.length > 0) {
    await connection.query(`UPDATE ${tables.lane} SET ready = 1 WHERE id IN (${marks(parents)})`, parents);
    const above = await select(
      round,
      `SELECT DISTINCT parent FROM ${tables.lane} WHERE parent <> 0 AND id IN (${marks(parents)})`,
      parents,
    );
    parents = above.map((row) => Number(row['parent']));
  }
}

/** Sharers that have nothing left to start are passed over until they have. */
export async function closeEmpty(round: Round, sharers: readonly number[]): Promise<void> {
  const { connection, tables } = round;
  let ids = [...new Set(sharers)];
  while (ids.length > 0) {
    const rows = await select(
      round,
      `SELECT id, parent FROM ${tables.lane} n WHERE n.kind <> 'root' AND n.id IN (${marks(ids)})
       AND NOT EXISTS (SELECT 1 FROM ${tables.lane} c WHERE c.parent = n.id AND c.ready = 1)`,
      ids,
    );
    if (rows.length === 0) return;
    const empty = rows.map((row) => Number(row['id']));
    await connection.query(`UPDATE ${tables.lane} SET ready = 0 WHERE id IN (${marks(empty)})`, empty);
    ids = [...new Set(rows.map((row) => Number(row['parent'])))];
  }
}

/** A page of the lanes below `parent`, in order, with the first task of each. */
export async function readLanes(
  round: Round,
  parent: number,
  {
    limit,
    passed,
    without,
  }: {
    readonly limit: number;
    readonly passed: number;
    readonly without: readonly { readonly kind: ScopeKind; readonly name: string }[];
  },
): Promise<readonly LaneRow[]> {
  const { tables, queue, types } = round;
  const exclude = without.map(({ kind }) => `AND n.${SCOPE_COLUMNS[kind][0]} <> ?`).join(' ');
  const rows = await select(
    round,
    `SELECT l.id, l.parent, l.type, l.task_user, l.task_group, l.precedence, l.turn, f.id AS task_id, f.precedence AS task_precedence, f.turn AS task_turn
     FROM (SELECT n.id, n.parent, n.type, n.task_user, n.task_group, n.precedence, n.turn,
         (SELECT t.id FROM ${tables.task} t WHERE t.queue = '${queue}' AND t.lane = n.id ORDER BY t.precedence, t.turn, t.id LIMIT 1) AS first_id
       FROM ${tables.lane} n WHERE n.parent = ? AND n.ready = 1 AND n.type IN (${marks(types)}) ${exclude}
       ORDER BY n.used, n.precedence, n.turn, n.id LIMIT ${limit} OFFSET ${passed}) l
     LEFT JOIN ${tables.task} f ON f.id = l.first_id ORDER BY l.precedence, l.turn, l.id`,
    [parent, ...types, ...without.map(({ name }) => name)],
  );
  return rows.map((row) => ({
    id: Number(row['id']),
    parent: Number(row['parent']),
    type: String(row['type']),
    user: String(row['task_user']),
    group: String(row['task_group']),
    precedence: Number(row['precedence']),
    turn: Number(row['turn']),
    first:
      row['task_id'] === null
        ? undefined
        : {
            id: Number(row['task_id']),
            precedence: Number(row['task_precedence']),
            turn: Number(row['task_turn']),
          },
  }));
}

/** The tasks of a lane in order, from the `passed`th. */
export async function readTasks(
  round: Round,
  lane: number,
  limit: number,
  passed: number,
): Promise<readonly WaitingTask[]> {
  const rows = await select(
    round,
    `SELECT id, precedence, turn FROM ${round.tables.task} WHERE queue = '${round.queue}' AND lane = ? ORDER BY precedence, turn, id LIMIT ${limit} OFFSET ${passed}`,
    [lane],
  );
  return rows.map((row) => ({
    id: Number(row['id']),
    precedence: Number(row['precedence']),
    turn: Number(row['turn']),
  }));
}

/** A page of the sharers below `parent`, those first that have used least. */
export async function readSharers(
  round: Round,
  parent: number,
  limit: number,
  passed: number,
): Promise<readonly SharerRow[]> {
  const rows = await select(
    round,
    `SELECT id, kind, task_user, task_group, used FROM ${round.tables.lane} WHERE parent = ? AND ready = 1
     ORDER BY used, precedence, turn, id LIMIT ${limit} OFFSET ${passed}`,
    [parent],
  );
  return rows.map((row) => ({
    id: Number(row['id']),
    kind: String(row['kind']),
    name: String(row['kind'] === 'user' ? row['task_user'] : row['task_group']),
    used: Number(row['used']),
  }));
}
