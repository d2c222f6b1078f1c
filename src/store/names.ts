/**
 * The different names in an indexed column, in their order: from each it is one step along the index to the next, so it costs
 * as much as there are names, however many tasks bear them.
 */
import type { Connection } from '../core/connection.ts';
import type { Fragment } from '../core/fragment.ts';
import { AT_REST, HELD } from './at-rest.ts';
import type { Dialect } from './dialect.ts';
import type { Tables } from './schema.ts';

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
}

export type NameColumn = 'type' | 'task_user' | 'task_group';

/** The first `most` names that begin with `prefix`; the empty one is no name. */
export async function readNames(
  { connection, tables, dialect }: Context,
  column: NameColumn,
  prefix: string,
  most: number,
): Promise<readonly string[]> {
  const range = beginsWith(column, prefix);
  const distinct = `SELECT DISTINCT ${column} AS name FROM ${tables.task} WHERE ${range.sql}`;
  if (dialect.distinctSkips === true) {
    const { rows } = await connection.query(`${distinct} ORDER BY name LIMIT ${most}`, range.values);
    return rows.map((row) => String(row['name']));
  }
  const atRest = column === 'type' && dialect.listsAtRest.type;
  const indexed = atRest ? AT_REST : `${column} <> ''`;
  const next = (after: string): string =>
    `(SELECT MIN(${column}) FROM ${tables.task} WHERE ${indexed} AND ${after} AND ${range.sql})`;
  const held = atRest ? `UNION ${distinct} AND ${HELD}` : '';
  const sql = `WITH RECURSIVE names (name, place) AS (
      SELECT ${next('1 = 1')}, 1
      UNION ALL
      SELECT ${next(`${column} > name`)}, place + 1 FROM names WHERE name IS NOT NULL AND place < ${most}
    ) SELECT name FROM names WHERE name IS NOT NULL ${held} ORDER BY name LIMIT ${most}`;
  const { rows } = await connection.query(sql, [
    ...range.values,
    ...range.values,
    ...(atRest ? range.values : []),
  ]);
  return rows.map((row) => String(row['name']));
}

/** As a range, so that the index serves it: names are compared by their bytes. */
export function beginsWith(column: string, prefix: string): Fragment {
  if (prefix === '') return { sql: `${column} <> ''`, values: [] };
  const end = textAfter(prefix);
  const from = `${column} >= ?`;
  if (end === undefined) return { sql: from, values: [prefix] };
  return { sql: `${from} AND ${column} < ?`, values: [prefix, end] };
}

const LAST = 0x10ffff;
const SURROGATES = { first: 0xd800, after: 0xe000 };

/** The first text after all that begin with `prefix`, in the order of UTF-8; undefined if there is none. */
function textAfter(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  const next = last + 1 === SURROGATES.first ? SURROGATES.after : last + 1;
  return String.fromCodePoint(...points, next);
}
