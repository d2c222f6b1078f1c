/**
 * The heartbeat's thread, as a program: it opens the database for itself and renews one lease, as long as the event loop of the
 * main thread has turned lately. When that is late it renews at each step, so that the last renewal comes right before the
 * bound, and a loop that comes back has as much of its lease left as can be.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { sleep } from '../core/clock.ts';
import type { Database } from '../core/connection.ts';
import { isTaskbatonError, messageFrom } from '../core/errors.ts';
import { openAddress } from '../database/open.ts';
import { DIALECTS } from '../store/dialect.ts';
import { renewLease } from '../store/lease.ts';
import { readIdentity, type Tables, tablesOf } from '../store/schema.ts';
import { systemClock } from './clock.ts';
import { RENEWED, type ThreadData, type ThreadMessage, type ThreadOrder } from './heartbeat-protocol.ts';
import { blockedLately, WATCHED } from './loop-watch.ts';
import { SharedCells } from './shared-cells.ts';

interface Kept {
  readonly replica: string;
  readonly renewed: SharedCells<(typeof RENEWED)[number]>;
}

class Renewer {
  readonly #data: ThreadData;
  readonly #tables: Tables;
  readonly #tell: (message: ThreadMessage) => void;
  readonly #watched: SharedCells<(typeof WATCHED)[number]>;
  #database: Database | undefined;
  #kept: Kept | undefined;
  #sentAt = -Infinity;
  #failures = 0;

  constructor(data: ThreadData, tell: (message: ThreadMessage) => void) {
    this.#data = data;
    this.#tables = tablesOf(data.prefix, data.schema);
    this.#tell = tell;
    this.#watched = new SharedCells(WATCHED, data.watch);
  }

  /** Whose lease it is from now on. It was taken just now, so it is not due at once. */
  keep({ replica, renewed }: Exclude<ThreadOrder, string>): void {
    this.#kept = replica === undefined ? undefined : { replica, renewed: new SharedCells(RENEWED, renewed) };
    this.#sentAt = systemClock.monotonic();
  }

  /** Does what is due; what fails is tried again at the next step. Rejects if it can never work. */
  async step(): Promise<void> {
    try {
      const database = (this.#database ??= await this.#open());
      const now = systemClock.monotonic();
      if (this.#kept === undefined || !this.#isDue(now)) return;
      await this.#renew(database, this.#kept, now);
      if (this.#failures > 0) this.#tell({ what: 'recovered', failures: this.#failures });
      this.#failures = 0;
    } catch (error) {
      const mayPass = isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY');
      if (this.#database === undefined && !mayPass) throw error;
      this.#failures += 1;
      if (this.#failures === 1) this.#tell({ what: 'failing', error: messageFrom(error) });
    }
  }

  async close(): Promise<void> {
    await this.#database?.close();
  }

  /** Opens the database, and makes sure that it is the one that the main thread means. */
  async #open(): Promise<Database> {
    const { address, timeout, identity } = this.#data;
    const database = await openAddress(address, { clock: systemClock, timeout });
    try {
      if ((await readIdentity(database, this.#tables)) !== identity)
        throw new Error('its own connection leads to the tables of another system');
    } catch (error) {
      await database.close();
      throw error;
    }
    this.#tell({ what: 'working' });
    return database;
  }

  #isDue(now: number): boolean {
    const { renewAfter, maxBlock, step } = this.#data;
    const late = now - this.#watched.read('beat');
    if (late > maxBlock) return false;
    return now - this.#sentAt >= (this.#failures > 0 || late > step ? 0 : renewAfter);
  }

  async #renew(connection: Database, kept: Kept, sentAt: number): Promise<void> {
    const { lease, threshold } = this.#data;
    const place = { connection, tables: this.#tables, dialect: DIALECTS[connection.dialect] };
    const blocked = blockedLately(this.#watched, sentAt, threshold);
    const alive = await renewLease(place, { id: kept.replica, lease, blocked });
    if (alive) kept.renewed.write('renewedAt', sentAt);
    if (this.#kept !== kept) return;
    this.#sentAt = sentAt;
    if (alive) return;
    this.#kept = undefined;
    this.#tell({ what: 'lost', replica: kept.replica });
  }
}

async function live(data: ThreadData, port: MessagePort): Promise<void> {
  const renewer = new Renewer(data, (message) => port.postMessage(message));
  const closing = new AbortController();
  port.on('message', (order: ThreadOrder) => {
    if (order === 'close') closing.abort();
    else renewer.keep(order);
  });
  while (!closing.signal.aborted) {
    await renewer.step();
    await sleep(systemClock, data.step, closing.signal);
  }
  await renewer.close();
  port.close();
}

// What it rejects with ends the thread, and the main thread is told.
if (parentPort !== null) void live(workerData as ThreadData, parentPort);
