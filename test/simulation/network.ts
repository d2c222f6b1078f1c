/**
 * What lies between processes and their database: every statement takes a way there and a way back, and on both it may be
 * late or lost. Statements of different connections overtake each other. A transaction keeps all others waiting, and goes
 * back by itself when its connection breaks.
 */
import { hostname } from 'node:os';
import type { Database, QueryResult, SqlValue, WakeListener, WakeTopic } from '../../src/core/connection.ts';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { busy, Conflict, failed, retryConflicts, unavailable } from '../../src/database/retry.ts';
import { runInSession, type Session } from '../../src/database/transaction.ts';
import { isHandlersWrite } from '../../src/store/settlement.ts';
import { Random } from './random.ts';
import { NOW, type SharedDatabase } from './shared-database.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Occurrence, Timeline } from './timeline.ts';

/**
 * What becomes of one statement: it never arrives; its answer doesn't; it is carried out after the client gave up; it takes
 * long to arrive, or its answer does; the database refuses it for now; its process dies before or after it is carried out.
 */
export const STATEMENT_FAULTS = [
  'request lost',
  'reply lost',
  'late',
  'slow request',
  'slow reply',
  'conflict',
  'crash before',
  'crash after',
] as const;

export type StatementFaultKind = (typeof STATEMENT_FAULTS)[number];

/** Statements that are counted apart: what handlers write, what takes tasks, ends of transactions, and all together. */
export const STATEMENTS = ['any', 'handler', 'claim', 'commit'] as const;
export type StatementClass = (typeof STATEMENTS)[number];

export interface StatementFault {
  /** Which one of a class it befalls. */
  readonly of: StatementClass;
  readonly nth: number;
  readonly kind: StatementFaultKind;
  /** How long it takes, or until the client gives up. */
  readonly ms: number;
}

/** How hints go: none arrive, some do, late and doubled, or they are sent by the database with the commit. */
export type HintMode = 'none' | 'lossy' | 'committed';

export interface NetworkOptions {
  readonly seed: number;
  /** The usual time of a way, in milliseconds. */
  readonly latency: number;
  readonly hints: HintMode;
}

interface Request {
  readonly process: SimulatedProcess;
  readonly label: string;
  readonly execute: () => QueryResult;
  readonly session: ServerSession | undefined;
  readonly fault: StatementFault | undefined;
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: unknown) => void;
  /** The client has its answer, or has given up. */
  settled: boolean;
  /** It never arrives. */
  lost: boolean;
  /** The database has nothing more to do with it. */
  over: boolean;
}

/** The database's side of a connection in a transaction. */
interface ServerSession {
  readonly process: SimulatedProcess;
  state: 'opening' | 'open' | 'over';
  /** To be sent with the commit. */
  readonly hints: WakeTopic[];
}

interface Hearing {
  readonly process: SimulatedProcess;
  readonly listener: WakeListener;
}

/** A way of a process that is slow takes about so many milliseconds. */
const SLOW = 200;
/** What no other statement says. */
const CLAIM = 'epoch = epoch + 1';
/** As `sqlite` has it for files that others hold locked. */
const PATIENCE = { retries: 5, ms: 10_000 };
/** Until the database notices that a client is gone, at most; most of the time it's a few milliseconds. */
const NOTICED = 800;

export class Network {
  /** Faults of single statements, by place. */
  readonly faults = new Map<number, readonly StatementFault[]>();
  /** How often each kind of fault came to pass. */
  readonly counts = new Map<string, number>();
  onExecute: ((process: SimulatedProcess, sql: string) => void) | undefined;
  readonly #timeline: Timeline;
  readonly #shared: SharedDatabase;
  readonly #options: NetworkOptions;
  readonly #random: Random;
  readonly #requests = new Map<SimulatedProcess, Set<Request>>();
  readonly #sent = new Map<string, number>();
  readonly #hearing = new Set<Hearing>();
  #holder: ServerSession | undefined;
  #waiting: { readonly request: Request; readonly deadline: Occurrence }[] = [];
  /** Nothing takes any time, for the beginning of a run. */
  #instant = true;
  #healed = false;
  /** Statements from before that. */
  readonly #early = new Set<Request>();

  constructor(timeline: Timeline, shared: SharedDatabase, options: NetworkOptions) {
    this.#timeline = timeline;
    this.#shared = shared;
    this.#options = options;
    this.#random = new Random(options.seed, 2);
  }

  /** From now on statements take their time. */
  begin(): void {
    this.#instant = false;
  }

  /** From now on nothing goes wrong any more. */
  heal(): void {
    this.#healed = true;
  }

  /** Whether nothing is under way any more that something may have gone wrong with. */
  get isCalm(): boolean {
    for (const request of this.#early) {
      const { process, settled, lost, over } = request;
      if (process.state === 'crashed' ? lost || over : settled && (lost || over)) this.#early.delete(request);
    }
    return this.#early.size === 0 && this.#holder === undefined;
  }

  /** How many statements of `process` are under way. */
  pending(process: SimulatedProcess): number {
    return this.#requests.get(process)?.size ?? 0;
  }

  listeners(process: SimulatedProcess): number {
    return [...this.#hearing].filter((hearing) => hearing.process === process).length;
  }

  /** The database as `process` sees it. */
  databaseFor(process: SimulatedProcess): Database {
    const query = (sql: string, values: readonly SqlValue[] = []): Promise<QueryResult> =>
      retryConflicts(process.clock, PATIENCE, () => this.#send(process, sql, values));
    const database: Database = {
      dialect: 'sqlite',
      now: NOW,
      query,
      transaction: (work) =>
        retryConflicts(process.clock, PATIENCE, async () =>
          runInSession(await this.#open(process), work, { statement: toError, commit: toError }),
        ),
      listen: async (_channel, listener) => {
        const hearing = { process, listener };
        this.#hearing.add(hearing);
        listener.health(true);
        return { close: async () => void this.#hearing.delete(hearing) };
      },
      notify: async (_channel, topic) => this.#spread(topic),
      close: async () => undefined,
    };
    if (this.#options.hints === 'committed')
      database.notifyIn = async ({ native }, _channel, topic) =>
        void (native as ServerSession).hints.push(topic);
    return database;
  }

  /** Its connections break: what was on its way is lost or not, and its transaction goes back. */
  disconnect(process: SimulatedProcess): void {
    for (const request of this.#requests.get(process) ?? []) {
      if (this.#random.chance(0.5)) request.lost = true;
      if (request.session !== undefined) this.#break(request.session);
      if (process.state !== 'crashed') this.#giveUp(request, this.#random.between(1, 400));
    }
    if (this.#holder?.process === process) this.#break(this.#holder);
  }

  // Statements

  #send(
    process: SimulatedProcess,
    sql: string,
    values: readonly SqlValue[],
    session?: ServerSession,
    execute = (): QueryResult => this.#shared.execute(sql, values),
  ): Promise<QueryResult> {
    if (this.#instant) return Promise.resolve().then(() => this.#execute(process, sql, values, execute));
    return new Promise((resolve, reject) => {
      const fault = this.#healed ? undefined : this.#faultOf(process, sql);
      const request: Request = {
        process,
        label: sql,
        execute: () => this.#execute(process, sql, values, execute),
        session,
        fault,
        resolve,
        reject,
        settled: false,
        lost: false,
        over: false,
      };
      if (!this.#healed) this.#early.add(request);
      this.#timeline.trace?.(() => `${process.name} sends ${shorten(sql, values)}`);
      this.#track(request);
      this.#launch(request);
    });
  }

  /** What befalls the next statement from its place. */
  #faultOf({ place }: SimulatedProcess, sql: string): StatementFault | undefined {
    const faults = this.faults.get(place);
    if (faults === undefined) return undefined;
    const numbers = classesOf(sql).map((of) => {
      const key = `${place} ${of}`;
      const nth = (this.#sent.get(key) ?? 0) + 1;
      this.#sent.set(key, nth);
      return { of, nth };
    });
    return faults.find((fault) => numbers.some(({ of, nth }) => of === fault.of && nth === fault.nth));
  }

  #execute(
    process: SimulatedProcess,
    sql: string,
    values: readonly SqlValue[],
    execute: () => QueryResult,
  ): QueryResult {
    this.onExecute?.(process, sql);
    this.#shared.fences = isHandlersWrite(sql) ? fencesOf(values) : undefined;
    return execute();
  }

  #launch(request: Request): void {
    const { process, fault, session } = request;
    const way = this.#way(process);
    const { cutOffUntil } = process;
    if (cutOffUntil > this.#timeline.now) {
      // Refused at once, or nobody answers until the network is there again.
      const wait = process.random.chance(0.5)
        ? process.random.between(1, 50)
        : cutOffUntil - this.#timeline.now + process.random.between(1, 50);
      request.lost = true;
      if (session !== undefined) this.#break(session);
      return this.#giveUp(request, wait);
    }
    if (fault !== undefined) {
      this.#count(fault.kind);
      this.#timeline.trace?.(() => `${process.name} meets a fault: ${fault.kind}, ${fault.ms} ms`);
    }
    switch (fault?.kind) {
      case 'request lost':
        request.lost = true;
        this.#giveUp(request, fault.ms);
        if (session !== undefined) this.#break(session);
        return;
      case 'late': {
        this.#giveUp(request, fault.ms);
        const isEnd = request.label === 'COMMIT';
        if (session !== undefined && !isEnd) {
          request.lost = true;
          return this.#break(session);
        }
        return this.#arriveAfter(
          fault.ms + process.random.between(1, process.random.pick([100, 400, 1500])),
          request,
        );
      }
      case 'slow request':
        return this.#arriveAfter(fault.ms, request);
      default:
        return this.#arriveAfter(way, request);
    }
  }

  #arriveAfter(ms: number, request: Request): void {
    this.#timeline.after(ms, 'arrive', undefined, () => this.#arrive(request));
  }

  #arrive(request: Request): void {
    const { process, fault, session } = request;
    if (fault?.kind === 'crash before' && !this.#healed) {
      request.lost = true;
      return process.crash();
    }
    if (request.lost) return;
    if (this.#holder !== undefined && this.#holder !== session) {
      const deadline = this.#timeline.after(PATIENCE.ms, 'deadline', undefined, () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting.request !== request);
        request.over = true;
        this.#reply(request, () => request.reject(busy(new Error('another transaction does not end'))));
      });
      this.#waiting.push({ request, deadline });
      return;
    }
    this.#carryOut(request);
  }

  #carryOut(request: Request): void {
    const { process, fault, session, execute } = request;
    request.over = true;
    // With what is taken back nothing can be at odds.
    if (fault?.kind === 'conflict' && request.label !== 'ROLLBACK') {
      if (request.label === 'COMMIT' && session?.state === 'open') {
        this.#end(session);
        this.#shared.rollback();
        this.#timeline.after(0, 'next', undefined, () => this.#next());
      }
      return this.#reply(request, () => request.reject(new Conflict(new Error('a deadlock'))));
    }
    try {
      const result = execute();
      this.#timeline.trace?.(
        () =>
          `database did ${process.name}'s ${shorten(request.label)}: ${result.changes} changed, ${result.rows.length} rows`,
      );
      if (fault?.kind === 'crash after' && !this.#healed) process.crash();
      this.#reply(request, () => request.resolve(result));
    } catch (error) {
      this.#timeline.trace?.(
        () => `database refused ${process.name}'s ${shorten(request.label)}: ${String(error)}`,
      );
      this.#reply(request, () => request.reject(error));
    }
    this.#next();
  }

  #reply(request: Request, answer: () => void): void {
    const { process, fault, session } = request;
    if (fault?.kind === 'reply lost' || process.cutOffUntil > this.#timeline.now) {
      if (session !== undefined) this.#break(session);
      return this.#giveUp(request, fault?.ms ?? 100);
    }
    const way = fault?.kind === 'slow reply' ? fault.ms : this.#way(process);
    this.#timeline.after(way, 'reply', process, () => {
      if (request.settled) return;
      this.#settle(request);
      answer();
    });
  }

  /** The client hears nothing, and after so many milliseconds doesn't wait any longer. */
  #giveUp(request: Request, ms: number): void {
    const { process } = request;
    this.#timeline.after(ms, 'reply', process, () => {
      if (request.settled) return;
      this.#settle(request);
      this.#timeline.trace?.(() => `${process.name} gets no answer to ${shorten(request.label)}`);
      request.reject(unavailable(new Error('the connection was lost')));
    });
  }

  #track(request: Request): void {
    const requests = this.#requests.get(request.process) ?? new Set();
    this.#requests.set(request.process, requests.add(request));
  }

  #settle(request: Request): void {
    request.settled = true;
    this.#requests.get(request.process)?.delete(request);
  }

  /** Most ways take the usual time, some ten times as long. */
  #way({ random, slowUntil }: SimulatedProcess): number {
    const latency = slowUntil > this.#timeline.now ? SLOW : this.#options.latency;
    return 0.1 + random.next() * latency * (random.chance(0.03) ? 10 : 1);
  }

  // Transactions

  async #open(process: SimulatedProcess): Promise<Session> {
    const session: ServerSession = { process, state: 'opening', hints: [] };
    const send = (
      sql: string,
      values: readonly SqlValue[],
      execute: () => QueryResult,
    ): Promise<QueryResult> =>
      this.#send(process, sql, values, session, () => {
        if (session.state !== 'open') throw unavailable(new Error('the connection was closed'));
        return execute();
      });
    await this.#send(process, 'BEGIN', [], session, () => {
      if (process.state === 'crashed' || session.state === 'over')
        throw unavailable(new Error('the connection was closed'));
      this.#shared.begin();
      session.state = 'open';
      if (!this.#instant) this.#holder = session;
      return NOTHING;
    });
    return {
      native: session,
      query: (sql, values) => send(sql, values, () => this.#shared.execute(sql, values)),
      commit: async () => {
        await send('COMMIT', [], () => {
          this.#end(session);
          this.#shared.commit();
          for (const topic of session.hints) this.#spread(topic);
          return NOTHING;
        });
      },
      rollback: async () => {
        if (session.state !== 'open') return;
        await send('ROLLBACK', [], () => {
          this.#end(session);
          this.#shared.rollback();
          return NOTHING;
        }).catch(() => undefined);
      },
    };
  }

  /** The connection is gone, which the database notices by and by. */
  #break(session: ServerSession): void {
    const wait = this.#random.chance(0.7) ? this.#random.between(0, 20) : this.#random.between(20, NOTICED);
    this.#timeline.after(wait, 'break', undefined, () => {
      if (session.state === 'open') {
        this.#timeline.trace?.(() => `database rolls back the transaction of ${session.process.name}`);
        this.#end(session);
        this.#shared.rollback();
      }
      session.state = 'over';
      this.#next();
    });
  }

  #end(session: ServerSession): void {
    session.state = 'over';
    if (this.#holder === session) this.#holder = undefined;
  }

  /** Those that waited for a transaction go on, in any order. */
  #next(): void {
    while (this.#holder === undefined && this.#waiting.length > 0) {
      const [next] = this.#waiting.splice(this.#random.below(this.#waiting.length), 1);
      if (next === undefined) return;
      next.deadline.run = undefined;
      if (!next.request.lost) this.#carryOut(next.request);
    }
  }

  // Hints

  #spread(topic: WakeTopic): void {
    const { hints } = this.#options;
    if (hints === 'none') return;
    for (const { process, listener } of this.#hearing) {
      if (process.cutOffUntil > this.#timeline.now || (hints === 'lossy' && this.#random.chance(0.3)))
        continue;
      const copies = this.#random.chance(0.05) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++)
        this.#timeline.after(this.#way(process), 'hint', process, () => {
          if ([...this.#hearing].some((hearing) => hearing.listener === listener)) listener.wake(topic);
        });
    }
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}

function classesOf(sql: string): readonly StatementClass[] {
  if (isHandlersWrite(sql)) return ['any', 'handler'];
  if (sql.includes(CLAIM)) return ['any', 'claim'];
  return sql === 'COMMIT' ? ['any', 'commit'] : ['any'];
}

/** A handler's write hands over rows, one as values and several as JSON, that begin with task, owner and epoch. */
function fencesOf(values: readonly SqlValue[]): ReadonlyMap<number, number> {
  const [first] = values;
  const rows = typeof first === 'string' ? (JSON.parse(first) as readonly (readonly SqlValue[])[]) : [values];
  return new Map(rows.map(([id, , epoch]) => [Number(id), Number(epoch)]));
}

const NOTHING: QueryResult = { rows: [], changes: 0 };

function toError(error: unknown): Error {
  if (isTaskbatonError(error) || error instanceof Conflict) return error;
  return failed(error);
}

/** What replicas call themselves is not the same on every machine. */
const HOST = new RegExp(`${hostname().replace(/\W/g, '\\$&')}:${process.pid}`, 'g');

/** A statement for people. */
function shorten(sql: string, values: readonly SqlValue[] = []): string {
  const text = sql.replace(/\s+/g, ' ');
  const given = values.length === 0 ? '' : ` ← ${JSON.stringify(values).replace(HOST, 'host').slice(0, 160)}`;
  return `${text.length > 110 ? `${text.slice(0, 109)}…` : text}${given}`;
}
