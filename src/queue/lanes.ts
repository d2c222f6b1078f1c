/**
 * The tree of waiting tasks: below the root of a queue its sharers, if it is fair, and below those the lanes, each for
 * the tasks of one type, version, user and group. Tasks begin to wait outside of it; rounds sort them in. A node is `ready` while
 * something below it may start; a lane without room is closed for the scope that has none, until a slot comes free there.
 *
 * A lane's `precedence` and `turn` are never above those of its first task: they say when to look at it, not who is in.
 */
import type { Row, SqlValue } from '../core/connection.ts';
import type { Fragment } from '../core/fragment.ts';
import type { ScopeName } from '../core/limit.ts';
import type { Sharers } from '../core/policy.ts';
import { readable } from './readable.ts';
import { marks, type Round, select, type Wording } from './round.ts';

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
  /** Its first two tasks, or as many as there are: after one is taken, it is known what comes then. */
  readonly first: readonly WaitingTask[];
}

export interface SharerRow {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly used: number;
}

/** The kinds of nodes between the root and the lanes, with the columns that name each. */
const LEVELS: Readonly<Record<Sharers, readonly (readonly [kind: string, columns: readonly string[]])[]>> = {
  user: [['user', ['task_user']]],
  group: [['group', ['task_group']]],
  'user/group': [
    ['user', ['task_user']],
    ['group', ['task_user', 'task_group']],
  ],
};
/** What tells lanes apart. */
export const NAMES: readonly string[] = ['type', 'version', 'task_user', 'task_group'];

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
  const found = round.root ?? (await find());
  if (found !== undefined) return found;
  await connection.query(
    `INSERT INTO ${tables.lane} (queue, kind, type, version, task_user, task_group, parent, ready, used, virtual_time, precedence, turn)
     VALUES (?, 'root', '', 0, '', '', 0, 1, 0, 0, 0, 0)`,
    [queue],
  );
  return (await find()) ?? 0;
}

/** Where lanes are opened: in a round, or by whoever changes what rounds go by. */
type Place = Wording & Pick<Round, 'connection' | 'tables'> & Partial<Pick<Round, 'root'>>;

/** Lets lanes that were closed for these scopes be looked at again: there may be room. */
export async function openLanes(place: Place, scopes: readonly ScopeName[]): Promise<void> {
  if (scopes.length === 0) return;
  const names = Map.groupBy(scopes, ({ kind }) => kind);
  const kinds = Array.from(names, ([kind, of]) => [kind, [...new Set(of.map(({ name }) => name))]] as const);
  const { findEach } = place;
  const closed = findEach === undefined ? closedFor(kinds) : foundClosed(place, findEach, kinds);
  await openWhere(place, closed);
}

type NamesByKind = readonly (readonly [kind: string, names: readonly string[]])[];

function closedFor(kinds: NamesByKind): Fragment {
  const closed = kinds.map(([, names]) => `closed = ? AND closed_name IN (${marks(names)})`).join(' OR ');
  return {
    sql: `closed IS NOT NULL AND (${closed})`,
    values: kinds.flatMap(([kind, names]) => [kind, ...names]),
  };
}

/** By lists of names PostgreSQL would read whatever is closed, as long as it believes that to be little. */
function foundClosed(
  { tables, given, among }: Place,
  findEach: NonNullable<Place['findEach']>,
  kinds: NamesByKind,
): Fragment {
  const named = given(
    { v_kind: 'text', v_name: 'text' },
    kinds.flatMap(([kind, names]) => names.map((name) => [kind, name])),
  );
  const find = `SELECT id FROM ${tables.lane} WHERE closed = v_kind AND closed_name = v_name`;
  const ids = `SELECT found.id FROM ${findEach(named.sql, find)}`;
  return { sql: `id ${among(ids)}`, values: named.values };
}

/** The same for lanes that were closed while other kinds of scopes were limited. */
export async function openUnlimited(round: Round): Promise<void> {
  const kinds = ['', ...round.rules.kinds];
  await openWhere(round, {
    sql: `closed IS NOT NULL AND closed NOT IN (${marks(kinds)})`,
    values: kinds,
  });
}

async function openWhere(place: Place, which: Fragment): Promise<void> {
  const { connection, tables, root } = place;
  const parents = new Set(await openClosed(place, which));
  if (root !== undefined) parents.delete(root);
  // Whoever is ready stands below those that are.
  while (parents.size > 0) {
    const rows = await select(
      place,
      `SELECT id, parent FROM ${tables.lane} WHERE ready = 0 AND id IN (${marks([...parents])})`,
      [...parents],
    );
    parents.clear();
    if (rows.length === 0) return;
    const ids = rows.map((row) => Number(row['id']));
    await connection.query(`UPDATE ${tables.lane} SET ready = 1 WHERE id IN (${marks(ids)})`, ids);
    for (const row of rows) parents.add(Number(row['parent']));
  }
}

/** Opens the lanes; says below which nodes they are. */
async function openClosed(
  { connection, tables, returning }: Place,
  { sql: where, values }: Fragment,
): Promise<readonly number[]> {
  const open = `UPDATE ${tables.lane} SET ready = 1, closed = NULL, closed_name = NULL`;
  if (returning) {
    const { rows } = await connection.query(`${open} WHERE ${where} RETURNING parent`, values);
    return rows.map((row) => Number(row['parent']));
  }
  const rows = await select({ connection }, `SELECT id, parent FROM ${tables.lane} WHERE ${where}`, values);
  const ids = rows.map((row) => Number(row['id']));
  if (ids.length > 0) await connection.query(`${open} WHERE id IN (${marks(ids)})`, ids);
  return rows.map((row) => Number(row['parent']));
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

const WIDE_COLUMNS = { user: 'task_user', group: 'task_group', type: 'type' } as const;

/** A scope that many lanes may be in. */
export interface WideScope extends Pick<ScopeName, 'name'> {
  readonly kind: keyof typeof WIDE_COLUMNS;
}

/** A page of the lanes below `parent`, in order, with the first tasks of each. */
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
    readonly without: readonly WideScope[];
  },
): Promise<readonly LaneRow[]> {
  const condition = readable(round.types, 'n.');
  const exclude = without.map(({ kind }) => `AND n.${WIDE_COLUMNS[kind]} <> ?`).join(' ');
  return selectLanes(
    round,
    `n.parent = ? AND n.ready = 1 AND ${condition.sql} ${exclude}
     ORDER BY n.used, n.precedence, n.turn, n.id LIMIT ${limit} OFFSET ${passed}`,
    [parent, ...condition.values, ...without.map(({ name }) => name)],
  );
}

/** All lanes below each of `parents`, in order; undefined if they are more than `most` together. */
export async function readAllLanes(
  round: Round,
  parents: readonly number[],
  most: number,
): Promise<ReadonlyMap<number, readonly LaneRow[]> | undefined> {
  const condition = readable(round.types, 'n.');
  const rows = await selectLanes(
    round,
    `n.parent IN (${marks(parents)}) AND n.ready = 1 AND ${condition.sql} LIMIT ${most + 1}`,
    [...parents, ...condition.values],
  );
  return rows.length > most ? undefined : Map.groupBy(rows, ({ parent }) => parent);
}

/** So many tasks come with each lane. */
export const FIRST_TASKS = 2;

/** Where the database can, both first tasks come from one look into the index, and their rows aren't read. */
async function selectLanes(
  round: Round,
  where: string,
  values: readonly SqlValue[],
): Promise<readonly LaneRow[]> {
  const { tables, queue, jsonRows } = round;
  const lane = 'n.id, n.parent, n.type, n.task_user, n.task_group, n.precedence, n.turn';
  const waiting = (columns: string, some: string): string =>
    `(SELECT ${columns} FROM ${tables.task} WHERE queue = '${queue}' AND lane = n.id ORDER BY precedence, turn, id LIMIT ${some})`;
  const task = (alias: string, name: string): string =>
    `${alias}.id AS ${name}_id, ${alias}.precedence AS ${name}_precedence, ${alias}.turn AS ${name}_turn`;
  const rows = await select(
    round,
    jsonRows === undefined
      ? `SELECT l.*, ${task('f', 'first')}, ${task('s', 'second')}
         FROM (SELECT ${lane}, ${waiting('id', '1')} AS a, ${waiting('id', '1 OFFSET 1')} AS b
           FROM ${tables.lane} n WHERE ${where}) l
         LEFT JOIN ${tables.task} f ON f.id = l.a LEFT JOIN ${tables.task} s ON s.id = l.b
         ORDER BY l.precedence, l.turn, l.id`
      : `SELECT ${lane}, (SELECT ${jsonRows('t.id, t.precedence, t.turn')} FROM ${waiting('id, precedence, turn', `${FIRST_TASKS}`)} t) AS tasks
         FROM (SELECT * FROM ${tables.lane} n WHERE ${where}) n ORDER BY n.precedence, n.turn, n.id`,
    values,
  );
  return rows.map((row) => ({
    id: Number(row['id']),
    parent: Number(row['parent']),
    type: String(row['type']),
    user: String(row['task_user']),
    group: String(row['task_group']),
    precedence: Number(row['precedence']),
    turn: Number(row['turn']),
    first: jsonRows === undefined ? ['first', 'second'].flatMap((name) => taskIn(row, name)) : tasksIn(row),
  }));
}

function taskIn(row: Row, name: string): readonly WaitingTask[] {
  const [id, precedence, turn] = ['id', 'precedence', 'turn'].map((column) => row[`${name}_${column}`]);
  return id === null ? [] : [{ id: Number(id), precedence: Number(precedence), turn: Number(turn) }];
}

function tasksIn({ tasks }: Row): readonly WaitingTask[] {
  const cells = typeof tasks === 'string' ? (JSON.parse(tasks) as [number, number, number][]) : [];
  return cells.map(([id, precedence, turn]) => ({ id, precedence, turn })).toSorted(byOrder);
}

/** Where in a lane to read on: after so many of its tasks. */
export interface LanePlace {
  readonly lane: number;
  readonly passed: number;
}

/** The next tasks of each lane in order, at most `limit` of each. */
export async function readTasks(
  round: Round,
  places: readonly LanePlace[],
  limit: number,
): Promise<ReadonlyMap<number, readonly WaitingTask[]>> {
  // A SELECT for each lane: no other form makes all three databases read only the beginnings.
  const branches = places.map(
    (_, index) =>
      `SELECT * FROM (SELECT lane, id, precedence, turn FROM ${round.tables.task} WHERE queue = '${round.queue}' AND lane = ?
       ORDER BY precedence, turn, id LIMIT ${limit} OFFSET ?) l${index}`,
  );
  const values = places.flatMap(({ lane, passed }) => [lane, passed]);
  const rows = await select(round, branches.join(' UNION ALL '), values);
  const tasks = Map.groupBy(rows, (row) => Number(row['lane']));
  return new Map(
    places.map(({ lane }) => [
      lane,
      (tasks.get(lane) ?? [])
        .map((row) => ({
          id: Number(row['id']),
          precedence: Number(row['precedence']),
          turn: Number(row['turn']),
        }))
        .toSorted(byOrder),
    ]),
  );
}

/** The order of tasks within a lane and between lanes. */
export function byOrder(one: WaitingTask, other: WaitingTask): number {
  return one.precedence - other.precedence || one.turn - other.turn || one.id - other.id;
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
