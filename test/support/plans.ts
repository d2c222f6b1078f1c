/** How a database would carry out what a store sends: the steps of its plan, in the same words for every database. */
import assert from 'node:assert/strict';
import type { Database, Row } from '../../src/core/connection.ts';
import type { CheckedHistory } from '../../src/core/history.ts';
import { Store } from '../../src/store/store.ts';
import type { Bench } from '../../src/testing/bench.ts';
import { RecordingDatabase, type Statement } from '../../src/testing/recording.ts';

/** One step of a plan: how a table is reached, by which index, and how many rows are expected. */
export interface Step {
  readonly how: 'index' | 'scan' | 'sort' | 'other';
  readonly on: string;
  readonly rows: number;
  readonly text: string;
  /** Whether it is done anew for each row of another step, where the plan says so. */
  readonly again?: boolean;
  /** Whether an index is read from end to end, where the plan says so. */
  readonly whole?: boolean;
  /** Whether some of what it reads is thrown away, where the plan says so. */
  readonly sifted?: boolean;
}

const PAGE = 51;

/** The plans of all statements about tasks, what is told of them, or their lanes, that `act` sends to a table of `size` rows. */
export async function explain(
  { database, world, tables }: Bench,
  size: number,
  act: (store: Store) => Promise<unknown>,
  history?: CheckedHistory,
): Promise<readonly (readonly Step[])[]> {
  const recording = new RecordingDatabase(database);
  const { prefix, schema, dialect } = world;
  await act(new Store(recording, prefix, schema, dialect, undefined, undefined, history));
  const { task, history: entries, lane } = tables;
  const sent = recording.statements.filter(({ sql }) =>
    [task, entries, lane].some((table) => sql.includes(table)),
  );
  assert.ok(sent.length > 0, 'nothing was sent');
  return Promise.all(sent.map((statement) => planOf(database, size, statement)));
}

async function planOf(
  database: Database,
  size: number,
  { sql, values }: Statement,
): Promise<readonly Step[]> {
  if (database.dialect === 'sqlite') {
    const { rows } = await database.query(`EXPLAIN QUERY PLAN ${sql}`, values);
    const texts = rows.map((row) => String(row['detail']));
    return texts.map((text, index) =>
      sqliteStep(text, /^SCAN list\d+$|task_owner/.test(texts[index - 1] ?? '') ? PAGE : size),
    );
  }
  if (database.dialect === 'mysql') {
    const { rows } = await database.query(`EXPLAIN ${sql}`, values);
    return rows.flatMap(mysqlSteps);
  }
  const { rows } = await database.query(`EXPLAIN (FORMAT JSON) ${sql}`, values);
  const plan: unknown = rows[0]?.['QUERY PLAN'];
  const [{ Plan: root }] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as [{ Plan: PostgresNode }];
  return postgresSteps(root);
}

/** SQLite says nothing about rows: each sort counts as one of everything, unless it sorts lists that are cut already, or what is held. */
function sqliteStep(text: string, size: number): Step {
  if (text.includes('USE TEMP B-TREE')) return { how: 'sort', on: '', rows: size, text };
  const table = /^(?:SCAN|SEARCH) (\w+)/.exec(text)?.[1] ?? '';
  const index = /USING (?:COVERING )?INDEX (\w+)/.exec(text)?.[1];
  if (index !== undefined) return { how: 'index', on: index, rows: size, text };
  if (text.includes('INTEGER PRIMARY KEY')) return { how: 'index', on: 'task_pkey', rows: 1, text };
  return { how: text.startsWith('SCAN') ? 'scan' : 'other', on: table, rows: size, text };
}

/** A line of MySQL's: how one table is reached, and what has to be sorted on the way. */
function mysqlSteps(row: Row): readonly Step[] {
  // What is inserted is looked for nowhere.
  if (row['select_type'] === 'INSERT') return [];
  const [table, type, key, extra] = ['table', 'type', 'key', 'Extra'].map((column) => wordOf(row[column]));
  const rows = Number(row['rows'] ?? 0);
  const text = `${type} ${table} ${key} (${rows} rows) ${extra}`;
  const how = type === 'ALL' ? 'scan' : key === '' ? 'other' : 'index';
  const reach: Step = { how, on: (how === 'index' ? key : table) ?? '', rows, text };
  return extra?.includes('filesort') ? [{ how: 'sort', on: '', rows, text }, reach] : [reach];
}

interface PostgresNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly 'Relation Name'?: string;
  readonly 'Plan Rows': number;
  readonly Plans?: readonly PostgresNode[];
}

function postgresSteps(node: PostgresNode, again = false): readonly Step[] {
  const type = node['Node Type'];
  const on = node['Index Name'] ?? node['Relation Name'] ?? '';
  const how = /Seq Scan/.test(type)
    ? 'scan'
    : /Index/.test(type)
      ? 'index'
      : /Sort/.test(type)
        ? 'sort'
        : 'other';
  const inputs = node.Plans ?? [];
  // What a sort hands on may be cut by a limit; what it must sort is what it is given.
  const rows = how === 'sort' ? (inputs[0]?.['Plan Rows'] ?? 0) : node['Plan Rows'];
  const whole = how === 'index' && /Index (Only )?Scan/.test(type) && node['Index Cond'] === undefined;
  const sifted = node.Filter !== undefined;
  const text = `${type} ${on} (${rows} rows${again ? ', again and again' : ''}${whole ? ', all of it' : ''}${sifted ? ', sifted' : ''})`;
  return [
    { how, on, rows, text, again, whole, sifted },
    ...inputs.flatMap((input, index) => postgresSteps(input, again || (type === 'Nested Loop' && index > 0))),
  ];
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
