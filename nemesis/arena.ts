/**
 * Where a nemesis takes place: a database of its own, five replica processes, each with a network of its own, and whatever is
 * needed to strike one of them and to put everything right again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fakedClock, findFaketime, turnClock } from '../scripts/libfaketime.ts';
import { startPrivateMariadb } from '../scripts/mariadb.ts';
import { startPrivatePostgres } from '../scripts/private-postgres.ts';
import { TcpProxy } from '../test/support/tcp-proxy.ts';
import { LedgerFile } from './ledger.ts';
import type { Assignment } from './replica.ts';

export const LEASE = 3000;
const POLL = 500;
export const CONCURRENCY = 6;
const REPLICAS = 5;
export const PREFIX = 'nemesis_';
/** The handlers' own rows. */
export const TABLE = `${PREFIX}numbers`;
const FAKETIME = findFaketime();
/** In memory, where that can be had: no fault takes the machine away, and how fast its disk is proves nothing. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** How a database of our own is taken away and brought back. */
interface Power {
  down(how: 'stop' | 'crash' | 'kill'): Promise<void>;
  up(): Promise<void>;
}

export interface Place {
  readonly url: string;
  /** Undefined for a server that isn't ours, and for a file. */
  readonly power: Power | undefined;
  close(): Promise<void>;
}

/** `sqlite`, `postgres` and `mysql` are new ones of our own; a URL is a server that others may use too. */
export async function openPlace(db: string): Promise<Place> {
  if (db === 'sqlite') {
    const folder = mkdtempSync(join(FOLDER, 'taskbaton-nemesis-'));
    return {
      url: `sqlite:${join(folder, 'tasks.db')}`,
      power: undefined,
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  }
  if (db === 'postgres') {
    const server = await startPrivatePostgres();
    const down: Power['down'] = (how) => server.stop(how === 'stop' ? 'fast' : 'immediate');
    return { url: server.url, power: { down, up: () => server.start() }, close: () => server.close() };
  }
  if (db === 'mysql') {
    // What was committed must outlive the server's process.
    const server = await startPrivateMariadb(['--innodb-flush-log-at-trx-commit=2']);
    const down: Power['down'] = (how) => server.stop(how === 'stop' ? 'SIGTERM' : 'SIGKILL');
    return { url: server.url, power: { down, up: () => server.start() }, close: () => server.close() };
  }
  return { url: db, power: undefined, close: async () => undefined };
}

/** One of the five: its processes come and go, its network and its clock stay. */
export class Seat {
  readonly name: string;
  readonly proxy: TcpProxy | undefined;
  readonly clock: string | undefined;
  readonly #arena: Arena;
  #child: ChildProcess | undefined;
  #lives = 0;
  #gone: Promise<void> = Promise.resolve();

  constructor(arena: Arena, name: string, proxy: TcpProxy | undefined) {
    this.#arena = arena;
    this.name = name;
    this.proxy = proxy;
    this.clock =
      proxy !== undefined && FAKETIME !== undefined ? join(arena.folder, `${name}.clock`) : undefined;
    this.turnClock(0);
  }

  /** The name of its present process. */
  get process(): string {
    return `${this.name}.${this.#lives}`;
  }

  start(): void {
    this.#lives += 1;
    const { place, folder, ledger } = this.#arena;
    const assignment: Assignment = {
      url: this.proxy?.through(place.url) ?? place.url,
      prefix: PREFIX,
      process: this.process,
      ledger: folder,
      table: TABLE,
      lease: LEASE,
      pollInterval: POLL,
      concurrency: CONCURRENCY,
    };
    const faked = this.clock === undefined ? {} : fakedClock(FAKETIME ?? '', this.clock);
    const program = join(import.meta.dirname, 'replica.ts');
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, JSON.stringify(assignment)],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        env: { ...process.env, ...faked },
      },
    );
    this.#child = child;
    const name = this.process;
    ledger.write({ kind: 'process', what: 'spawned', process: name, pid: child.pid });
    this.#gone = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        ledger.write({ kind: 'process', what: 'ended', process: name, why: signal ?? String(code) });
        if (this.#child === child) this.#child = undefined;
        resolve();
      });
    });
  }

  /** Whether there is a process; a handler may have killed it. */
  get alive(): boolean {
    return this.#child !== undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  freeze(): void {
    if (this.#child?.connected === true) this.#child.send('freeze');
  }

  /** In seconds, against the others' time of day. */
  turnClock(seconds: number): void {
    if (this.clock !== undefined) turnClock(this.clock, seconds);
  }

  /** Resolves once the process has gone, by itself or after `grace` by force. */
  async leave(grace: number): Promise<void> {
    const timer = setTimeout(() => this.signal('SIGKILL'), grace);
    await this.#gone;
    clearTimeout(timer);
  }
}

export class Arena {
  readonly place: Place;
  readonly folder: string;
  readonly ledger: LedgerFile;
  readonly seats: readonly Seat[];
  #open = true;
  readonly #attendant: Promise<void>;

  private constructor(place: Place, folder: string, proxies: readonly (TcpProxy | undefined)[]) {
    this.place = place;
    this.folder = folder;
    this.ledger = new LedgerFile(folder, 'nemesis');
    this.seats = proxies.map((proxy, index) => new Seat(this, `r${index + 1}`, proxy));
    for (const seat of this.seats) seat.start();
    this.#attendant = this.#attend();
  }

  static async open(place: Place): Promise<Arena> {
    const folder = join(mkdtempSync(join(FOLDER, 'taskbaton-ledger-')), 'ledger');
    mkdirSync(folder);
    const hasNetwork = !place.url.startsWith('sqlite:');
    const proxies: (TcpProxy | undefined)[] = [];
    for (let index = 0; index < REPLICAS; index++)
      proxies.push(hasNetwork ? await TcpProxy.to(place.url) : undefined);
    return new Arena(place, folder, proxies);
  }

  /** No more faults: everybody is awake, connected and on time. */
  async heal(): Promise<void> {
    await this.place.power?.up();
    for (const seat of this.seats) {
      seat.signal('SIGCONT');
      seat.turnClock(0);
      seat.proxy?.resume();
    }
  }

  /** All processes stop in order; says nothing of those that did not. */
  async dismiss(): Promise<void> {
    this.#open = false;
    await this.#attendant;
    for (const seat of this.seats) {
      this.ledger.write({ kind: 'process', what: 'told to go', process: seat.process });
      seat.signal('SIGTERM');
    }
    await Promise.all(this.seats.filter(({ alive }) => alive).map((seat) => seat.leave(10_000)));
    for (const seat of this.seats) await seat.proxy?.takeAway();
    this.ledger.close();
  }

  /** Whoever died is replaced, as any orchestrator would do. */
  async #attend(): Promise<void> {
    while (this.#open) {
      for (const seat of this.seats) if (!seat.alive) seat.start();
      await pause(200);
    }
  }
}
