/**
 * Our tables, and the numbered steps that make them. Steps are only ever added, run once, in order, under a lock, and
 * must leave the release before this one working. Nothing else in the library does DDL.
 */
import type { Connection, Database } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import { AT_REST } from './at-rest.ts';
import { DIALECTS, type Dialect } from './dialect.ts';

/** Which tables, as they stand in SQL. */
export interface Tables {
  readonly prefix: string;
  readonly schema: string | undefined;
  readonly task: string;
  readonly replica: string;
  /**
   * Whether each replica may claim. Claims under way hold its row, so that it is not struck off in between: apart from its lease,
   * which is renewed meanwhile, however long a claim is under way.
   */
  readonly claimant: string;
  /** By which version of the rules each replica goes: apart from its lease, which no change of rules must hold up. */
  readonly ruleVersion: string;
  readonly migration: string;
  /** One row: what all replicas must agree on about who is next, and the lock under which that is decided. */
  readonly control: string;
  /** Limits and pauses set at run time. */
  readonly rule: string;
  /** Waiting tasks in order of their scopes; only where limits or fair shares are. */
  readonly lane: string;
  /** Running tasks as limits and fair shares count them. */
  readonly slot: string;
  /** Recurring tasks. */
  readonly schedule: string;
  /** What happened to tasks. */
  readonly history: string;
  /** The name of the channel for hints; on SQLite also the table that carries them. */
  readonly wake: string;
}

export function tablesOf(prefix: string, schema: string | undefined): Tables {
  const qualified = `${schema === undefined ? '' : `${schema}.`}${prefix}`;
  return {
    prefix,
    schema,
    task: `${qualified}task`,
    replica: `${qualified}replica`,
    claimant: `${qualified}claimant`,
    ruleVersion: `${qualified}rule_version`,
    migration: `${qualified}migration`,
    control: `${qualified}control`,
    rule: `${qualified}rule`,
    lane: `${qualified}lane`,
    slot: `${qualified}slot`,
    schedule: `${qualified}schedule`,
    history: `${qualified}history`,
    wake: `${qualified}wake`,
  };
}

/** Every one of them, the one that says which there are last. */
export function allTables({
  prefix: _prefix,
  schema: _schema,
  migration,
  ...others
}: Tables): readonly string[] {
  return [...Object.values(others), migration];
}

type Step = (tables: Tables, dialect: Dialect) => readonly string[];

const STEPS: readonly Step[] = [
  (tables, dialect) => [
    ...createTask(tables, dialect),
    ...createReplica(tables, dialect),
    ...createScheduling(tables, dialect),
    ...createSchedule(tables, dialect),
    ...createHistory(tables, dialect),
  ],
];

/** The version these sources are written for. */
export const SCHEMA_VERSION: number = STEPS.length;

function createTask(
  { task, prefix }: Tables,
  { types, partialIndexes, listsAtRest, busyTableOptions, busyIndexOptions }: Dialect,
): readonly string[] {
  const where = whereOf(partialIndexes);
  const [ofType, ofStatus] = [whereOf(listsAtRest.type), whereOf(listsAtRest.status)];
  return [
    // What a claim and an end change stands together, and what has a length that varies behind what has not: PostgreSQL logs of a
    // row's next version what lies between the first byte that differs and the last. `queue`, `lane`, `precedence` and `turn` follow from
    // `status` and `priority`: one index is in the order of claims. Whoever is in no queue keeps the place that it had.
    `CREATE TABLE ${task} (
      id ${types.identity} ${busyIndexOptions},
      created_at ${types.integer} NOT NULL,
      lane ${types.integer} NOT NULL,
      precedence ${types.integer},
      turn ${types.integer},
      worked_before ${types.integer} NOT NULL,
      version INTEGER NOT NULL DEFAULT 1,
      priority INTEGER NOT NULL,
      has_children INTEGER NOT NULL DEFAULT 0,
      attempt INTEGER NOT NULL,
      crashes INTEGER NOT NULL,
      retries INTEGER NOT NULL,
      parent ${types.integer},
      type ${types.name} NOT NULL,
      task_user ${types.name} NOT NULL,
      task_group ${types.name} NOT NULL,
      task_key ${types.name},
      paused_by VARCHAR(8),
      epoch ${types.integer} NOT NULL,
      worked ${types.integer} NOT NULL,
      reports ${types.integer} NOT NULL DEFAULT 0,
      revision ${types.integer} NOT NULL DEFAULT 0,
      started_at ${types.integer},
      done_at ${types.integer},
      held_until ${types.integer},
      progress ${types.real},
      crash_budget INTEGER NOT NULL,
      status VARCHAR(16) NOT NULL,
      queue VARCHAR(8),
      owner VARCHAR(36),
      options ${types.text},
      input ${types.text},
      context ${types.text},
      message ${types.text},
      error ${types.text},
      errors ${types.text}
    ) ${busyTableOptions}`,
    `CREATE INDEX ${prefix}task_claim ON ${task} (queue, lane, precedence, turn, id, type, version)${where('queue IS NOT NULL')}`,
    `CREATE UNIQUE INDEX ${prefix}task_key ON ${task} (type, task_key)${where('task_key IS NOT NULL')}`,
    // Those that have not ended come together, whatever their number.
    `CREATE INDEX ${prefix}task_parent ON ${task} (parent, done_at)${where('parent IS NOT NULL')}`,
    `CREATE INDEX ${prefix}task_owner ON ${task} (owner, id)${where('owner IS NOT NULL')}`,
    `CREATE INDEX ${prefix}task_done ON ${task} (type, done_at)${where('done_at IS NOT NULL')}`,
    // Those of nobody in particular are in no list, and cost nothing.
    `CREATE INDEX ${prefix}task_user ON ${task} (task_user, id) ${busyIndexOptions}${where("task_user <> ''")}`,
    `CREATE INDEX ${prefix}task_group ON ${task} (task_group, id) ${busyIndexOptions}${where("task_group <> ''")}`,
    `CREATE INDEX ${prefix}task_type ON ${task} (type, id) ${busyIndexOptions}${ofType(AT_REST)}`,
    `CREATE INDEX ${prefix}task_status ON ${task} (status, id) ${busyIndexOptions}${ofStatus(AT_REST)}`,
  ];
}

function createReplica(
  { replica, claimant, ruleVersion, wake }: Tables,
  { types, tableOptions }: Dialect,
): readonly string[] {
  return [
    `CREATE TABLE ${replica} (
      id VARCHAR(36) PRIMARY KEY,
      name ${types.name} NOT NULL,
      started_at ${types.integer} NOT NULL,
      renewed_at ${types.integer} NOT NULL,
      lease_until ${types.integer} NOT NULL,
      types ${types.text} NOT NULL,
      concurrency INTEGER NOT NULL,
      blocked INTEGER NOT NULL DEFAULT 0,
      blocked_by ${types.integer}
    ) ${tableOptions}`,
    `CREATE TABLE ${claimant} (
      replica VARCHAR(36) PRIMARY KEY,
      draining INTEGER NOT NULL DEFAULT 0,
      drained_by ${types.name},
      drain_reason ${types.name}
    ) ${tableOptions}`,
    `CREATE TABLE ${ruleVersion} (
      replica VARCHAR(36) PRIMARY KEY,
      version ${types.integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE TABLE ${wake} (topic VARCHAR(8) PRIMARY KEY, counter ${types.integer} NOT NULL) ${tableOptions}`,
    `INSERT INTO ${wake} (topic, counter) VALUES ('run', 0), ('cleanup', 0), ('tick', 0), ('due', 0)`,
  ];
}

function createScheduling(
  { control, rule, lane, slot, prefix }: Tables,
  { types, tableOptions, busyTableOptions, partialIndexes, uuid }: Dialect,
): readonly string[] {
  const where = whereOf(partialIndexes);
  return [
    `CREATE TABLE ${control} (
      id INTEGER PRIMARY KEY,
      version ${types.integer} NOT NULL,
      orders ${types.text},
      reordered_to ${types.integer},
      swept_at ${types.integer} NOT NULL,
      identity VARCHAR(36) NOT NULL
    ) ${tableOptions}`,
    `INSERT INTO ${control} (id, version, swept_at, identity) VALUES (1, 0, 0, ${uuid})`,
    `CREATE TABLE ${rule} (
      kind VARCHAR(10) NOT NULL,
      name ${types.name} NOT NULL,
      name_2 ${types.name} NOT NULL,
      most INTEGER,
      paused INTEGER NOT NULL,
      PRIMARY KEY (kind, name, name_2)
    ) ${tableOptions}`,
    // A tree: below the root of a queue its sharers, if it is fair, and below those the lanes with the tasks.
    `CREATE TABLE ${lane} (
      id ${types.identity},
      queue VARCHAR(8) NOT NULL,
      kind VARCHAR(8) NOT NULL,
      type ${types.name} NOT NULL,
      version INTEGER NOT NULL,
      task_user ${types.name} NOT NULL,
      task_group ${types.name} NOT NULL,
      parent ${types.integer} NOT NULL,
      ready INTEGER NOT NULL,
      closed VARCHAR(10),
      closed_name ${types.name},
      used ${types.real} NOT NULL,
      virtual_time ${types.real} NOT NULL,
      precedence ${types.integer} NOT NULL,
      turn ${types.integer} NOT NULL
    ) ${busyTableOptions}`,
    `CREATE UNIQUE INDEX ${prefix}lane_name ON ${lane} (queue, kind, type, version, task_user, task_group)`,
    // A lane is in one of these two, for it moves from one to the other with nearly every task.
    `CREATE INDEX ${prefix}lane_next ON ${lane} (parent, ready, used, precedence, turn, id)${where('ready = 1')}`,
    `CREATE INDEX ${prefix}lane_closed ON ${lane} (closed, closed_name)${where('closed IS NOT NULL')}`,
    `CREATE TABLE ${slot} (
      task_id ${types.integer} PRIMARY KEY,
      epoch ${types.integer} NOT NULL,
      queue VARCHAR(8) NOT NULL,
      type ${types.name} NOT NULL,
      task_user ${types.name} NOT NULL,
      task_group ${types.name} NOT NULL,
      sharer ${types.integer} NOT NULL,
      started_at ${types.integer} NOT NULL,
      charged ${types.integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE INDEX ${prefix}slot_user ON ${slot} (task_user, task_group)`,
    // Of a type there are so many that an index would find them no sooner.
    `CREATE INDEX ${prefix}slot_group ON ${slot} (task_group)`,
  ];
}

function createSchedule({ schedule, prefix }: Tables, { types, tableOptions }: Dialect): readonly string[] {
  return [
    `CREATE TABLE ${schedule} (
      name ${types.name} PRIMARY KEY,
      rule_json ${types.text} NOT NULL,
      template ${types.text} NOT NULL,
      paused INTEGER NOT NULL,
      anchor ${types.integer} NOT NULL,
      next_at ${types.integer},
      last_at ${types.integer},
      last_task ${types.integer}
    ) ${tableOptions}`,
    `CREATE INDEX ${prefix}schedule_next ON ${schedule} (paused, next_at)`,
  ];
}

/** Nothing in it is ever changed, and it goes from its beginning: whoever has seen an entry can go on behind it. */
function createHistory({ history, prefix }: Tables, { types, tableOptions }: Dialect): readonly string[] {
  return [
    `CREATE TABLE ${history} (
      id ${types.identity},
      task ${types.integer},
      at ${types.integer} NOT NULL,
      event VARCHAR(8) NOT NULL,
      from_status VARCHAR(16),
      to_status VARCHAR(16),
      type ${types.name} NOT NULL,
      task_user ${types.name} NOT NULL,
      task_group ${types.name} NOT NULL,
      scope VARCHAR(10),
      actor ${types.name},
      reason ${types.text},
      replica VARCHAR(36),
      epoch ${types.integer},
      attempt INTEGER,
      progress ${types.real},
      bytes INTEGER,
      context ${types.text},
      error ${types.text},
      level VARCHAR(5),
      detail ${types.text}
    ) ${tableOptions}`,
    `CREATE INDEX ${prefix}history_task ON ${history} (task, id)`,
  ];
}

/** Narrows an index to the rows it is for, where the database can. */
function whereOf(partialIndexes: boolean): (condition: string) => string {
  return (condition) => (partialIndexes ? ` WHERE ${condition}` : '');
}

/** Brings the tables to this release's version; safe when many replicas do it at once. */
export async function migrate(database: Database, tables: Tables): Promise<void> {
  const found = await readVersion(database, database, tables);
  if (found >= SCHEMA_VERSION) return check(found);
  const dialect = DIALECTS[database.dialect];
  await database.transaction(async (connection) => {
    if (dialect.migrationLock !== undefined) await connection.query(dialect.migrationLock, [tables.task]);
    try {
      await takeSteps(database, connection, tables, dialect);
    } finally {
      if (dialect.migrationUnlock !== undefined)
        await connection.query(dialect.migrationUnlock, [tables.task]);
    }
  });
  await checkVersion(database, tables);
}

async function takeSteps(
  database: Database,
  connection: Connection,
  tables: Tables,
  dialect: Dialect,
): Promise<void> {
  const version = await readVersion(database, connection, tables);
  for (const statement of stepsFrom(version, tables, dialect)) await connection.query(statement);
}

/** All statements that bring tables of `version` (0 for none) to this release's, in their order. */
export function stepsFrom(version: number, tables: Tables, dialect: Dialect): readonly string[] {
  const { types, tableOptions, now, ddlCommits } = dialect;
  const { migration } = tables;
  const steps = STEPS.slice(version).flatMap((step, index) => [
    ...step(tables, dialect),
    `INSERT INTO ${migration} (version, applied_at) VALUES (${version + index + 1}, ${now})`,
  ]);
  if (version > 0) return steps;
  return [
    // Tables without a version are what is left of a first step that broke off: nothing was ever stored in them.
    ...(ddlCommits ? allTables(tables).map((table) => `DROP TABLE IF EXISTS ${table}`) : []),
    `CREATE TABLE ${migration} (version ${types.integer} PRIMARY KEY, applied_at ${types.integer} NOT NULL) ${tableOptions}`,
    ...steps,
  ];
}

/** Throws SCHEMA_OUTDATED or SCHEMA_TOO_NEW; tables that are newer by one version are fine. */
export async function checkVersion(database: Database, tables: Tables): Promise<void> {
  check(await readVersion(database, database, tables));
}

function check(actual: number): void {
  const details = { actual, expected: SCHEMA_VERSION };
  if (actual < SCHEMA_VERSION) throw new TaskbatonError('SCHEMA_OUTDATED', details);
  if (actual > SCHEMA_VERSION + 1) throw new TaskbatonError('SCHEMA_TOO_NEW', details);
}

/** What tells this system from all others. */
export async function readIdentity(connection: Connection, { control }: Tables): Promise<string> {
  const { rows } = await connection.query(`SELECT identity FROM ${control} WHERE id = 1`);
  return String(rows[0]?.['identity']);
}

/** Of the tables that are there; 0 if there are none. */
export async function readVersion(
  database: Database,
  connection: Connection,
  tables: Tables,
): Promise<number> {
  const { tableExists } = DIALECTS[database.dialect];
  const { rows } = await connection.query(tableExists(tables.schema), [`${tables.prefix}migration`]);
  if (Number(rows[0]?.['found']) === 0) return 0;
  const versions = await connection.query(`SELECT MAX(version) AS version FROM ${tables.migration}`);
  return Number(versions.rows[0]?.['version'] ?? 0);
}
