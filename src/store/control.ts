/**
 * What all replicas must agree on about who is next: the order of each queue, limits and pauses. It is one row with a
 * version, and a table of rules. Whoever changes any of it raises the version in a row of every replica, so that a
 * claim, which holds that row, is either over before the change or goes by it. It is not the row of the lease: a change
 * may be part of a long transaction of the user's, and nobody can be kept from renewing a lease meanwhile.
 */
import type { Connection, Database, TransactionOptions } from '../core/connection.ts';
import { type CheckedLimits, Rules, type ScopeKind, type StoredRule } from '../core/limit.ts';
import { type CheckedPolicy, FIFO, type Order } from '../core/policy.ts';
import type { OwnQueues } from '../core/queue.ts';
import { type QueueName, QUEUES } from '../core/status.ts';
import { FOREMOST, precedence } from '../queue/precedence.ts';
import type { Dialect } from './dialect.ts';
import type { HistoryTerms } from './entry.ts';
import type { Tables } from './schema.ts';
import type { Terms } from './transition.ts';

export type Orders = Readonly<Record<QueueName, Order>>;

/** The control row, locked. */
export interface LockedControl {
  readonly version: number;
  readonly sweptAt: number;
  /** The database's time. */
  readonly now: number;
}

const FIFO_ORDERS: Orders = { run: FIFO.order, cleanup: FIFO.order };
/** Everybody waits for whoever holds the lock, so the server gives up on those that stand still or are no more, this soon. */
const BRIEF: TransactionOptions = { idle: 2000 };
/** How many ids are gone through at once when the order of a queue has changed. */
const REORDERED_AT_ONCE = 2000;
/** So many times at once by whoever changed it; then it goes on in the background. */
const REORDERED_INLINE = 10;

export class Control {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #dialect: Dialect;
  readonly #limits: CheckedLimits;
  readonly #ownQueues: OwnQueues;
  readonly #history: HistoryTerms | undefined;
  /** Told of what a queue of the user's own threw. */
  onQueueError: Terms['onQueueError'] = () => undefined;
  #rules: Rules;
  readonly #roots = new Map<QueueName, number>();
  #orders: Orders = FIFO_ORDERS;
  #terms: Terms;

  constructor(
    database: Database,
    tables: Tables,
    dialect: Dialect,
    {
      limits,
      ownQueues,
      history,
    }: {
      readonly limits: CheckedLimits;
      readonly ownQueues: OwnQueues;
      readonly history: HistoryTerms | undefined;
    },
  ) {
    this.#history = history;
    this.#ownQueues = ownQueues;
    this.#database = database;
    this.#tables = tables;
    this.#dialect = dialect;
    this.#limits = limits;
    this.#rules = new Rules(-1, limits, []);
    this.#terms = this.#termsOf(FIFO_ORDERS);
  }

  /** As last read. */
  get rules(): Rules {
    return this.#rules;
  }

  /** The root of the tree of `queue`, once a round by these rules is committed: no lane lasts longer than the rules do. */
  rootOf(queue: QueueName): number | undefined {
    return this.#roots.get(queue);
  }

  keepRoot(queue: QueueName, root: number, version: number): void {
    if (version === this.#rules.version) this.#roots.set(queue, root);
  }

  /** Whether any limit or pause holds, which claims of runs must go by. */
  get limits(): boolean {
    return this.#rules.kinds.length > 0;
  }

  get terms(): Terms {
    return this.#terms;
  }

  orderOf(queue: QueueName): Order {
    return this.#orders[queue];
  }

  /** The precedence of a new task that waits to be run, as SQL; so is its priority. */
  newPrecedence(priority: string): string {
    return precedence(this.#orders.run, this.#dialect.now).replace('priority', priority);
  }

  /** Whether tasks of `queue` are claimed through lanes: where slots are limited or shared. */
  usesLanes(queue: QueueName): boolean {
    return this.#orders[queue].sharers !== null || (queue === 'run' && this.#rules.kinds.length > 0);
  }

  /** Whether it is decided in rounds who may take tasks of `queue`. */
  playsRounds(queue: QueueName): boolean {
    return this.#ownQueues[queue] !== undefined || this.usesLanes(queue);
  }

  /** Reads what holds now, unless it's known to be of `version`. */
  async refresh(version?: number, connection: Connection = this.#database): Promise<void> {
    if (version !== undefined && version === this.#rules.version) return;
    const { control, rule } = this.#tables;
    const [row] = (await connection.query(`SELECT version, orders FROM ${control} WHERE id = 1`)).rows;
    const { rows } = await connection.query(`SELECT kind, name, name_2, most, paused FROM ${rule}`);
    const stored = rows.map((entry): StoredRule => ({
      kind: entry['kind'] as ScopeKind,
      name: String(entry['name']),
      second: String(entry['name_2']),
      most: entry['most'] === null ? null : Number(entry['most']),
      paused: Number(entry['paused']) === 1,
    }));
    const rules = new Rules(Number(row?.['version']), this.#limits, stored);
    if (rules.version !== this.#rules.version) this.#roots.clear();
    this.#rules = rules;
    this.#orders = ordersFrom(row?.['orders']);
    this.#terms = this.#termsOf(this.#orders);
  }

  /** Runs `work` in a transaction that takes the lock first. */
  locked<Result>(
    work: (connection: Connection, control: LockedControl) => Promise<Result>,
    options: TransactionOptions = BRIEF,
  ): Promise<Result> {
    return this.#database.transaction(
      async (connection) => work(connection, await this.lock(connection)),
      options,
    );
  }

  /** Takes the lock under which it is decided who is next. Whoever changes lanes or slots must hold it. */
  async lock(connection: Connection): Promise<LockedControl> {
    const { rows } = await connection.query(
      `SELECT version, swept_at, ${this.#dialect.now} AS at_ms FROM ${this.#tables.control} WHERE id = 1 ${this.#dialect.exclusiveLock}`,
    );
    const [row] = rows;
    return {
      version: Number(row?.['version']),
      sweptAt: Number(row?.['swept_at']),
      now: Number(row?.['at_ms']),
    };
  }

  /** Makes the policies the system's own; `keep` leaves those alone that were stored before. */
  async adopt(policies: Readonly<Record<QueueName, CheckedPolicy>>, keep: boolean): Promise<void> {
    const orders: Orders = { run: policies.run.order, cleanup: policies.cleanup.order };
    const text = JSON.stringify(orders);
    const { control, lane } = this.#tables;
    await this.locked(async (connection) => {
      const { rows } = await connection.query(`SELECT orders FROM ${control} WHERE id = 1`);
      const before = rows[0]?.['orders'];
      if (before === text || (keep && typeof before === 'string')) return;
      const reorders = text !== (typeof before === 'string' ? before : JSON.stringify(FIFO_ORDERS));
      if (reorders) await connection.query(`DELETE FROM ${lane}`);
      await connection.query(
        `UPDATE ${control} SET orders = ?${reorders ? ', reordered_to = 0' : ''} WHERE id = 1`,
        [text],
      );
      await this.#raise(connection);
    });
    await this.refresh();
  }

  /** Sets a limit (null for none) or a pause, for everybody at once. */
  async rule(
    { kind, name, second }: { readonly kind: ScopeKind; readonly name: string; readonly second: string },
    change: { readonly most?: number | null; readonly paused?: boolean },
    also: (connection: Connection) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const { rule } = this.#tables;
    const names = [kind, name, second];
    await this.locked(async (connection) => {
      const { rows } = await connection.query(
        `SELECT most, paused FROM ${rule} WHERE kind = ? AND name = ? AND name_2 = ? ${this.#dialect.exclusiveLock}`,
        names,
      );
      const before = rows[0];
      const stored = before?.['most'];
      const most =
        change.most === undefined
          ? stored === undefined || stored === null
            ? null
            : Number(stored)
          : change.most;
      const paused = change.paused ?? Number(before?.['paused'] ?? 0) === 1;
      await connection.query(`DELETE FROM ${rule} WHERE kind = ? AND name = ? AND name_2 = ?`, names);
      if (most !== null || paused) {
        await connection.query(
          `INSERT INTO ${rule} (kind, name, name_2, most, paused) VALUES (?, ?, ?, ?, ?)`,
          [...names, most, paused ? 1 : 0],
        );
      }
      await also(connection);
      await this.#freeLanes(connection);
      await this.#raise(connection);
    });
    await this.refresh();
    for (let rounds = 0; rounds < REORDERED_INLINE && (await this.reorder()); rounds++);
    await this.#tell();
  }

  /**
   * Where the last rule has gone and nobody shares, claims need no lanes: what waits in them is let out, those who came first
   * before anybody can claim without lanes, or who came later would go before them.
   */
  async #freeLanes(connection: Connection): Promise<void> {
    const { control, lane, rule, task } = this.#tables;
    if (this.#orders.run.sharers !== null || this.#limits.kinds.length > 0) return;
    const { rows } = await connection.query(`SELECT kind FROM ${rule} LIMIT 1 ${this.#dialect.shareLock}`);
    if (rows.length > 0) return;
    await connection.query(`DELETE FROM ${lane} WHERE queue = 'run'`);
    const inLanes = await connection.query(
      `SELECT MIN(id) AS first_id FROM ${task} WHERE queue = 'run' AND lane > 0`,
    );
    const first = inLanes.rows[0]?.['first_id'] ?? null;
    if (first === null) return;
    const from = Number(first) - 1;
    // A change of order under way goes on from where it is.
    await connection.query(
      `UPDATE ${control} SET reordered_to = CASE WHEN reordered_to < ? THEN reordered_to ELSE ? END WHERE id = 1`,
      [from, from],
    );
    await this.#reorderSome(connection);
  }

  /**
   * Brings tasks that wait since before the last change of order into the new one, some at a time; true if there is
   * more to do. Which are done is stored, so that any replica goes on where another stopped.
   */
  async reorder(): Promise<boolean> {
    const { control } = this.#tables;
    const { rows } = await this.#database.query(`SELECT reordered_to FROM ${control} WHERE id = 1`);
    if (typeof (rows[0]?.['reordered_to'] ?? null) === 'object') return false;
    return this.locked((connection) => this.#reorderSome(connection));
  }

  /** Under the lock; true if there is more to do. */
  async #reorderSome(connection: Connection): Promise<boolean> {
    const { control, task } = this.#tables;
    const [row] = (
      await connection.query(
        `SELECT reordered_to, orders, (SELECT MAX(id) FROM ${task}) AS last_id FROM ${control} WHERE id = 1`,
      )
    ).rows;
    if (row === undefined || row['reordered_to'] === null) return false;
    const from = Number(row['reordered_to']);
    const orders = ordersFrom(row['orders']);
    for (const queue of QUEUES) {
      await connection.query(
        `UPDATE ${task} SET lane = 0, precedence = CASE WHEN turn = 0 THEN ${FOREMOST} ELSE ${precedence(orders[queue], 'turn')} END
         WHERE queue = '${queue}' AND id > ? AND id <= ?`,
        [from, from + REORDERED_AT_ONCE],
      );
    }
    const done = from + REORDERED_AT_ONCE >= Number(row['last_id'] ?? 0);
    await connection.query(`UPDATE ${control} SET reordered_to = ? WHERE id = 1`, [
      done ? null : from + REORDERED_AT_ONCE,
    ]);
    return !done;
  }

  #termsOf(orders: Orders): Terms {
    const { now } = this.#dialect;
    return {
      dialect: this.#dialect,
      now,
      precedence: { run: precedence(orders.run, now), cleanup: precedence(orders.cleanup, now) },
      history: this.#history,
      ownQueues: this.#ownQueues,
      onQueueError: (queue, error) => this.onQueueError(queue, error),
    };
  }

  async #tell(): Promise<void> {
    for (const topic of ['tick', ...QUEUES] as const) await this.#database.notify(this.#tables.wake, topic);
  }

  async #raise(connection: Connection): Promise<void> {
    const { control, ruleVersion } = this.#tables;
    await connection.query(`UPDATE ${control} SET version = version + 1 WHERE id = 1`);
    const { rows } = await connection.query(`SELECT version FROM ${control} WHERE id = 1`);
    await connection.query(`UPDATE ${ruleVersion} SET version = ?`, [Number(rows[0]?.['version'])]);
  }
}

function ordersFrom(text: unknown): Orders {
  return typeof text === 'string' ? (JSON.parse(text) as Orders) : FIFO_ORDERS;
}
