/**
 * Replicas as processes of their own, for tests that kill, freeze and stop them. A child tells all that happens in it
 * as lines of JSON with a time that is comparable between processes; tests wait for such facts, never for time to
 * pass. No child outlives its test, and each must have gone without a word on stderr.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext } from 'node:test';
import { type PrivatePostgres, startPrivatePostgres } from '../../scripts/private-postgres.ts';
import { type EngineEvent, type EventName, Taskbaton, type TaskbatonOptions } from '../../src/index.ts';
import { type BackendName, backends, type TestBackend } from '../backends.ts';
import { type Entry, type Kind, type Line, monotonic, type ReplicaConfig } from '../chaos/protocol.ts';

const PROGRAM = join(import.meta.dirname, '..', 'chaos', 'replica-process.ts');
const DEADLINE = 60_000;
export const MOST_LOGS_PER_SECOND = 10;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiter {
  look(line: Line): void;
  fail(): void;
}

/**
 * Declares `suite` once for each database, on a PostgreSQL server of its own: so many processes may need more
 * connections than a shared one has left. `open` makes a fresh place for a test.
 */
export function eachDatabase(suite: (open: () => Promise<TestBackend>, name: BackendName) => void): void {
  for (const backend of backends) {
    describe(`${backend.name}:`, () => {
      if (backend.name !== 'postgres') return suite(() => backend.open(), backend.name);
      const server = ownPostgres();
      let places = 0;
      suite(async () => placeOn(server(), `place${++places}`), backend.name);
    });
  }
}

/** A PostgreSQL server for the suite it is called in. */
export function ownPostgres(): () => PrivatePostgres {
  let server: PrivatePostgres;
  before(async () => {
    server = await startPrivatePostgres();
  });
  after(() => server.close());
  return () => server;
}

/** A place that goes with its server. */
export function placeOn({ url }: PrivatePostgres, name: string): TestBackend {
  return { url, prefix: `${name}_`, close: async () => undefined };
}

export class ReplicaProcess {
  readonly lines: Line[] = [];
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  stderr = '';
  readonly #child: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  #requests = 0;

  /** `env` is added to the environment. */
  constructor(place: TestBackend, config: ReplicaConfig, env: NodeJS.ProcessEnv = {}) {
    const { url, prefix } = place;
    const given = JSON.stringify({ url, prefix, ...config });
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, given], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => void (this.stderr += chunk.toString()));
    createInterface({ input: this.#child.stdout! }).on('line', (text) => this.#read(text));
    this.exited = new Promise((resolve) => {
      // Not `exit`: what it said last may still be on its way then.
      this.#child.once('close', (code, signal) => {
        this.exit = { code, signal };
        for (const waiter of this.#waiters) waiter.fail();
        resolve(this.exit);
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Sends a signal, and says when. */
  signal(signal: NodeJS.Signals): number {
    const at = monotonic();
    this.#child.kill(signal);
    return at;
  }

  /** Freezes it as SIGSTOP does, though never inside a statement: SQLite's file would stay locked for all. */
  async freeze(): Promise<void> {
    this.#child.send({ freeze: true });
    await this.said('freezing');
  }

  /** Calls a method of its Taskbaton (or `leave`, which lets the process end when nothing holds it any more). */
  async call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const request = ++this.#requests;
    this.#child.send({ request, method, args });
    const answer = await this.said('answer', (line) => line.request === request, method);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.code} ${answer.error}`);
    return answer.value;
  }

  /** The first line of this kind, from the past or the future, that `fits`; `what` names it should it never come. */
  said<K extends Kind>(
    kind: K,
    fits: (line: Line<K>) => boolean = () => true,
    what: string = kind,
  ): Promise<Line<K>> {
    const matches = (line: Line): boolean => line.kind === kind && fits(line as Line<K>);
    const found = this.lines.find(matches);
    if (found !== undefined) return Promise.resolve(found as Line<K>);
    // The place of the caller belongs into the message.
    const vain = new Error();
    return new Promise((resolve, reject) => {
      const end = (why: string): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        if (why === '') return;
        vain.message = `waited for "${what}" in vain: ${why}\n${this.#lastWords()}`;
        reject(vain);
      };
      const timer = setTimeout(() => end(`not within ${DEADLINE} ms`), DEADLINE);
      const waiter: Waiter = {
        look: (line) => {
          if (!matches(line)) return;
          end('');
          resolve(line as Line<K>);
        },
        fail: () => end(`the process ended with ${JSON.stringify(this.exit)}`),
      };
      if (this.exit === undefined) this.#waiters.add(waiter);
      else waiter.fail();
    });
  }

  event<Name extends EventName>(
    name: Name,
    fits: (event: Extract<EngineEvent, { name: Name }>) => boolean = () => true,
  ): Promise<Line<'event'>> {
    const matches = (event: EngineEvent): event is Extract<EngineEvent, { name: Name }> =>
      event.name === name;
    return this.said('event', ({ event }) => matches(event) && fits(event), name);
  }

  /** The first entry of `task` that says `what`. */
  entry(
    task: number,
    what: Entry['what'],
    fits: (entry: Line<'ledger'>) => boolean = () => true,
  ): Promise<Line<'ledger'>> {
    const matches = (line: Line<'ledger'>): boolean => line.task === task && line.what === what && fits(line);
    return this.said('ledger', matches, `${what} of task ${task}`);
  }

  /** All that its handlers have put down, of one task and one kind if given. */
  ledger(what?: Entry['what'], task?: number): readonly Line<'ledger'>[] {
    return this.all('ledger').filter(
      (line) => (what === undefined || line.what === what) && (task === undefined || line.task === task),
    );
  }

  all<K extends Kind>(kind: K): readonly Line<K>[] {
    return this.lines.filter((line) => line.kind === kind) as Line<K>[];
  }

  #read(text: string): void {
    const line = JSON.parse(text) as Line;
    this.lines.push(line);
    for (const waiter of this.#waiters) waiter.look(line);
  }

  #lastWords(): string {
    const last = this.lines.slice(-15).map((line) => `  ${JSON.stringify(line)}`);
    return [`Process ${this.pid} said last:`, ...last, this.stderr].join('\n');
  }
}

/** The processes of a test, all on one database. */
export class Fleet {
  readonly place: TestBackend;
  readonly processes: ReplicaProcess[] = [];
  readonly #batons: Taskbaton[] = [];
  readonly #killAll = (): void => {
    for (const child of this.processes) child.signal('SIGKILL');
  };

  constructor(place: TestBackend, context: TestContext) {
    this.place = place;
    process.once('exit', this.#killAll);
    context.after(() => this.#close());
  }

  /** A process that is up: started, unless the config says otherwise. */
  async spawn(config: ReplicaConfig = {}, env: NodeJS.ProcessEnv = {}): Promise<ReplicaProcess> {
    const child = new ReplicaProcess(this.place, config, env);
    this.processes.push(child);
    await child.said('ready');
    return child;
  }

  /** An instance in the test's own process that runs nothing: it creates, controls and looks. */
  controller(options: Partial<TaskbatonOptions> = {}): Taskbaton {
    const { url, prefix } = this.place;
    const baton = new Taskbaton({ db: url, prefix, logger: null, ...options });
    this.#batons.push(baton);
    return baton;
  }

  async #close(): Promise<void> {
    this.#killAll();
    await Promise.all(this.processes.map(({ exited }) => exited));
    process.off('exit', this.#killAll);
    await Promise.allSettled(this.#batons.map((baton) => baton.stop()));
    await this.place.close();
    for (const child of this.processes) complainOf(child);
  }
}

/** It lives, and has not flooded anybody's log. */
export function assertCalm(replica: ReplicaProcess): void {
  assert.equal(replica.exit, undefined);
  const times = replica.all('log').map(({ at }) => at);
  for (const begin of times) {
    const count = times.filter((at) => at >= begin && at < begin + 1000).length;
    assert.ok(count <= MOST_LOGS_PER_SECOND, `${count} warnings within a second`);
  }
}

/** Whatever a test is about: a process that stumbled over itself fails it. */
function complainOf({ stderr, lines, pid }: ReplicaProcess): void {
  const unhandled = lines.find(({ kind }) => kind === 'unhandled');
  if (unhandled !== undefined) throw new Error(`process ${pid} stumbled: ${JSON.stringify(unhandled)}`);
  if (stderr !== '') throw new Error(`process ${pid} wrote to stderr: ${stderr}`);
}

/** The middle and the largest of some measurements, for people. */
export function figures(name: string, milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((one, other) => one - other).map(Math.round);
  return `${name}: median ${median(sorted)} ms, most ${sorted.at(-1)} ms of ${sorted.length}`;
}

export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}
