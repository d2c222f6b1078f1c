/**
 * The few things that databases say differently. The store's SQL is written once over this record; a new database is
 * one more record here and one more connection file.
 */
import type { Database, DialectName } from '../core/connection.ts';

/** A column of rows that are handed over. Its name begins with `v_`, so that it is nobody else's. */
export interface GivenColumn {
  readonly name: string;
  readonly type: 'integer' | 'real' | 'text';
  /** Where in each row it stands; `shared` if all have it in common; undefined if it is null in all of them. */
  readonly place: number | 'shared' | undefined;
}

export interface Dialect {
  /** The database's own time as whole milliseconds since 1970. */
  readonly now: string;
  /** A new identity, unique for ever, of at most 36 characters. */
  readonly uuid: string;
  /** Ends a SELECT that picks rows to change: others' locked rows are passed over, not waited for. */
  readonly skipLocked: string;
  /** Ends a SELECT of a row that must not change before the transaction ends; others may read and hold it too. */
  readonly shareLock: string;
  /** Ends a SELECT of a row that nobody else may hold before the transaction ends. */
  readonly exclusiveLock: string;
  /**
   * Selected at the beginning of a round, so that the rest of its transaction goes by indexes: for the few rows that a round is
   * about, a planner would rather read the lanes and slots of a thousand groups.
   */
  readonly byIndexes?: string;
  /**
   * How rows picked by a locking SELECT are named in an UPDATE. PostgreSQL must evaluate the SELECT exactly once: as a
   * plain IN the planner may run it again for each row and lock more than its limit.
   */
  readonly among: (select: string) => string;
  /**
   * Rows handed over in one parameter, JSON of an array of arrays, as a table called `given`. Its text is the same however
   * many they are, so it is prepared once and keeps its plan.
   */
  readonly given: (columns: readonly GivenColumn[]) => string;
  /** Whether it takes what rows have in common as parameters of their own, before that of the rows. */
  readonly sharing?: true;
  /** The same for a single row, each of its values a parameter; left out where that is no faster. */
  readonly givenOne?: (columns: readonly GivenColumn[]) => string;
  /** An UPDATE of the rows of a table that match those of another. */
  readonly updateMatching: (table: string, other: string, set: string, where: string) => string;
  /** A DELETE of the rows of a table that match those of another. */
  readonly deleteMatching: (table: string, other: string, where: string) => string;
  /** The rows of a table and of another together, found by those of the other: what a SELECT is from. */
  readonly matching: (table: string, other: string) => string;
  /**
   * How changes are noted in the history: within the statement that makes them, by one before it, or apart, by writing what was
   * read.
   */
  readonly notes: 'within' | 'before' | 'apart';
  /**
   * What becomes of numbers that are missing among entries: `never` if none comes later, `horizon` if the database knows which
   * transactions are over, `void` if only a row put there can tell.
   */
  readonly gaps: 'never' | 'horizon' | 'void';
  /** Says in `oldest` and `next` which transactions are over: all below the one; all that have begun are below the other. */
  readonly horizon?: string;
  /** Sent in a transaction before it writes entries of which nothing else was written: whoever reads them goes by its number. */
  readonly beforeEntries?: string;
  /**
   * Rows that are given, each with what a SELECT of a row that goes by it finds, which is locked; those for which it finds nothing, or what
   * somebody else has locked, are left out. As a table called `given`.
   */
  readonly unlocked?: (other: string, select: string) => string;
  /**
   * What a SELECT finds for each row of another table, in columns called `found.`: looked for row by row, whatever is believed of what it
   * reads. Left out where a list of values in a condition is always looked for one by one.
   */
  readonly findEach?: (other: string, select: string) => string;
  /** Where a row lies: the shortest way to one that the same statement has locked. */
  readonly address?: string;
  /** Where that can't stand in an UPDATE: a SELECT that locks them and says in `unlocked` how many there are. */
  readonly countUnlocked?: (table: string, other: string) => string;
  /** A column as no index is read along it; left out where the database has statistics to choose by. */
  readonly unindexed?: (column: string) => string;
  /** Rows of a table as one JSON, where the table may be a SELECT that goes by the row of the query around it. */
  readonly jsonRows?: (columns: string) => string;
  /** Whether DISTINCT goes along an index from each name to the next, and doesn't read what lies between. */
  readonly distinctSkips?: true;
  /** Whether INSERT and UPDATE can return rows; if not, how to read the ids that were just inserted. */
  readonly returning:
    | true
    | {
        /** The first id of the last INSERT, and how far its ids are apart. */
        readonly insertedIds: string;
        /** Ends an INSERT that changes nothing where a row with the same key is, whose id it then gives. */
        readonly unlessKeyExists: string;
      };
  /**
   * Whether the entries of tasks that were claimed stay in the claim index until it is vacuumed, so that whoever begins at its start
   * steps over all of them.
   */
  readonly leavesEntries?: true;
  /** Partial indexes keep the index of waiting tasks as small as the queue is. */
  readonly partialIndexes: boolean;
  readonly types: {
    readonly identity: string;
    readonly integer: string;
    readonly real: string;
    /** Up to 255 bytes of UTF-8, compared exactly. */
    readonly name: string;
    /** Of any length. */
    readonly text: string;
  };
  /** Ends a CREATE TABLE; the other one, that of a table whose rows are changed again and again. */
  readonly tableOptions: string;
  readonly busyTableOptions: string;
  /** Ends a CREATE INDEX, or a primary key, that has an entry for each version of a row. */
  readonly busyIndexOptions: string;
  /**
   * The columns by which tasks at rest alone are listed: where a claim would make an entry. It also makes those indexes useless to whoever
   * looks for an id. After a vacuum of a table in which nothing was left, PostgreSQL takes reading a whole index for reading a
   * page, until the next vacuum, however many tasks have come since.
   */
  readonly listsAtRest: Readonly<Record<'type' | 'status', boolean>>;
  /** Whether DDL commits at once, so that a migration can break off half way. */
  readonly ddlCommits: boolean;
  /** Taken first in the transaction that migrates, so that replicas that start together take turns; `?` is its name. */
  readonly migrationLock: string | undefined;
  /** Gives the migration lock back, where the end of the transaction doesn't; `?` as above. */
  readonly migrationUnlock?: string;
  /** Counts the tables called `?`; `schema` as in the options. */
  readonly tableExists: (schema: string | undefined) => string;
}

const INNODB = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
/**
 * With room for the next versions' entries beside the first, so that a page is neither split nor searched for dead ones whenever a
 * task is claimed. No two entries are alike but those of one row, and looking for others that are is in vain.
 */
const POSTGRES_BUSY_INDEX = 'WITH (fillfactor = 50, deduplicate_items = off)';
const POSTGRES_TYPES = { integer: 'BIGINT', real: 'DOUBLE PRECISION', text: 'TEXT' } as const;

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  sqlite: {
    now: `CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
    uuid: 'lower(hex(randomblob(16)))',
    skipLocked: '',
    tableOptions: '',
    busyTableOptions: '',
    busyIndexOptions: '',
    listsAtRest: { type: false, status: true },
    ddlCommits: false,
    // BEGIN IMMEDIATE is lock enough, here and below.
    shareLock: '',
    exclusiveLock: '',
    among: (select) => `IN (${select})`,
    given: (columns) => {
      const list = columns.map(({ name, place }) => {
        const item = cell(place, `value ->> ${place}`);
        return `${item} AS ${name}`;
      });
      return `(SELECT ${list.join(', ')} FROM json_each(?)) given`;
    },
    sharing: true,
    givenOne: (columns) => {
      const list = columns.map(({ name, place }) => {
        const item = cell(place, '?');
        return `${item} AS ${name}`;
      });
      return `(SELECT ${list.join(', ')}) given`;
    },
    // Without statistics SQLite takes an index of a few statuses for a better way to a few rows than their ids.
    updateMatching: (table, other, set, where) => updateFrom(`${table} NOT INDEXED`, other, set, where),
    matching: (table, other) => `${other} CROSS JOIN ${table} NOT INDEXED`,
    unindexed: (column) => `+${column}`,
    jsonRows: (columns) => `json_group_array(json_array(${columns}))`,
    // Nobody else writes meanwhile.
    notes: 'before',
    gaps: 'never',
    // The order of a CROSS JOIN is kept: the few rows that were given come first.
    deleteMatching: (table, other, where) =>
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${other} CROSS JOIN ${table} WHERE ${where})`,
    returning: true,
    partialIndexes: true,
    types: {
      identity: 'INTEGER PRIMARY KEY AUTOINCREMENT',
      integer: 'INTEGER',
      real: 'REAL',
      name: 'TEXT',
      text: 'TEXT',
    },
    migrationLock: undefined,
    tableExists: () => `SELECT COUNT(*) AS found FROM sqlite_master WHERE type = 'table' AND name = ?`,
  },
  postgres: {
    // statement_timestamp() rather than now(): a transaction that waited must not act on the time it began at.
    now: `CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)`,
    uuid: 'CAST(gen_random_uuid() AS VARCHAR(36))',
    skipLocked: 'FOR UPDATE SKIP LOCKED',
    tableOptions: '',
    // In a page with room for it the next version of a row costs half the log, and a report no entry in any index. What versions
    // leave behind is vacuumed before it is a fifth of a large table, and as fast as the server can.
    busyTableOptions:
      'WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)',
    busyIndexOptions: POSTGRES_BUSY_INDEX,
    listsAtRest: { type: true, status: true },
    ddlCommits: false,
    shareLock: 'FOR SHARE',
    exclusiveLock: 'FOR UPDATE',
    // What is left to read whole would seem so dear that it had to be compiled.
    byIndexes: `set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`,
    among: (select) => `= ANY(ARRAY(${select}))`,
    given: (columns) => {
      const list = columns.map(({ name, type, place }) => {
        const item = cell(place, `item ->> ${place}`);
        return `CAST(${item} AS ${POSTGRES_TYPES[type]}) AS ${name}`;
      });
      // As a text first, for postgres.js would make JSON of what it knows to become JSON.
      return `(SELECT ${list.join(', ')} FROM jsonb_array_elements(CAST(CAST(? AS TEXT) AS JSONB)) item) given`;
    },
    sharing: true,
    givenOne: (columns) => {
      const list = columns.map(({ name, type, place }) => {
        const item = cell(place, '?');
        return `CAST(${item} AS ${POSTGRES_TYPES[type]}) AS ${name}`;
      });
      return `(SELECT ${list.join(', ')}) given`;
    },
    address: 'ctid',
    // One after the other, whatever is believed of the table: a join might begin with all that it holds.
    unlocked: (other, select) =>
      `(SELECT given.*, held.* FROM ${other} CROSS JOIN LATERAL (${select} LIMIT 1 FOR UPDATE SKIP LOCKED) held) given`,
    // What has an OFFSET is planned by itself.
    findEach: (other, select) => `${other} CROSS JOIN LATERAL (${select} OFFSET 0) found`,
    updateMatching: updateFrom,
    jsonRows: (columns) => `CAST(json_agg(json_build_array(${columns})) AS TEXT)`,
    deleteMatching: (table, other, where) => `DELETE FROM ${table} USING ${other} WHERE ${where}`,
    matching: (table, other) => `${other} CROSS JOIN ${table}`,
    notes: 'within',
    gaps: 'horizon',
    horizon: `SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) AS oldest,
      CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT) AS next`,
    beforeEntries: 'SELECT CAST(pg_current_xact_id() AS TEXT) AS number',
    returning: true,
    leavesEntries: true,
    partialIndexes: true,
    types: {
      identity: 'BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY',
      integer: 'BIGINT',
      real: 'DOUBLE PRECISION',
      // Whatever language the database sorts by.
      name: 'VARCHAR(255) COLLATE "C"',
      text: 'TEXT',
    },
    migrationLock: `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`,
    tableExists: (schema) =>
      `SELECT COUNT(*) AS found FROM information_schema.tables WHERE table_schema = ${
        schema === undefined ? 'current_schema()' : `'${schema}'`
      } AND table_name = ?`,
  },
  mysql: {
    now: 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)',
    uuid: 'UUID()',
    skipLocked: 'FOR UPDATE SKIP LOCKED',
    shareLock: 'LOCK IN SHARE MODE',
    exclusiveLock: 'FOR UPDATE',
    // MySQL takes no LIMIT right inside an IN, nor the table that it updates.
    among: (select) => `IN (SELECT id FROM (${select}) AS picked)`,
    given: (columns) => {
      // The database's own character set might not hold the texts, nor compare them as they are.
      const text = 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
      const types = { integer: 'BIGINT', real: 'DOUBLE', text };
      // Where nothing is, it finds null.
      const list = columns.map(
        ({ name, type, place = columns.length }) => `${name} ${types[type]} PATH '$[${place}]'`,
      );
      return `JSON_TABLE(?, '$[*]' COLUMNS (${list.join(', ')})) given`;
    },
    countUnlocked: (table, other) =>
      `SELECT COUNT(*) AS unlocked FROM ${byKey(table, other)} WHERE id = v_id FOR UPDATE SKIP LOCKED`,
    updateMatching: (table, other, set, where) => `UPDATE ${byKey(table, other)} SET ${set} WHERE ${where}`,
    matching: byKey,
    // A statement that selects what it inserts may hold the lock of the counter until its end, and wait for a task meanwhile.
    notes: 'apart',
    gaps: 'void',
    distinctSkips: true,
    deleteMatching: (table, other, where) => `DELETE ${table} FROM ${byKey(table, other)} WHERE ${where}`,
    returning: {
      insertedIds: 'SELECT LAST_INSERT_ID() AS first, @@auto_increment_increment AS step',
      unlessKeyExists: 'ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)',
    },
    partialIndexes: false,
    types: {
      identity: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
      integer: 'BIGINT',
      real: 'DOUBLE',
      // Bytes, since no collation that MySQL and MariaDB share compares texts as they are, trailing spaces included.
      name: 'VARBINARY(255)',
      text: 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
    },
    tableOptions: INNODB,
    busyTableOptions: INNODB,
    busyIndexOptions: '',
    listsAtRest: { type: false, status: false },
    ddlCommits: true,
    migrationLock: 'SELECT GET_LOCK(?, 60)',
    migrationUnlock: 'SELECT RELEASE_LOCK(?)',
    tableExists: () =>
      'SELECT COUNT(*) AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?',
  },
};

/** What a column of given rows is; `own` says it for one that stands in each of them. */
function cell(place: GivenColumn['place'], own: string): string {
  if (place === undefined) return 'NULL';
  return place === 'shared' ? '?' : own;
}

/**
 * MySQL locks whatever rows it reads, so those of the table are to be found by their key, each for a row of the other: of a small
 * table it would rather read all, wait for those that others hold, and have claims pass over those that wait.
 */
function byKey(table: string, other: string): string {
  return `${other} STRAIGHT_JOIN ${table} FORCE INDEX (PRIMARY)`;
}

function updateFrom(table: string, other: string, set: string, where: string): string {
  return `UPDATE ${table} SET ${set} FROM ${other} WHERE ${where}`;
}

export function dialectOf({ dialect, now }: Pick<Database, 'dialect' | 'now'>): Dialect {
  return now === undefined ? DIALECTS[dialect] : { ...DIALECTS[dialect], now };
}
