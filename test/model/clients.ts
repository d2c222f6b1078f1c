/**
 * Clients that call at the same time for one task, and the history of what they were told. Statement by statement they go
 * on in an order that the seed decides, or as the database has it.
 */
import fc from 'fast-check';
import type { Connection, Database } from '../../src/core/connection.ts';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { STATUSES } from '../../src/core/status.ts';
import { openDatabase } from '../../src/database/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { Store } from '../../src/store/store.ts';
import { runnable } from '../../src/testing/bench.ts';
import type { TestBackend } from '../backends.ts';
import type { Call } from './linearizability.ts';
import { type Ending, type Operation, type Result, RUN_BUDGET, seen } from './one-task.ts';

export const CLIENTS = 4;
export const CALLS = 8;

/** What a client is to call; with what fence it writes is known when it does. */
export type Plan =
  | Exclude<Operation['call'], 'move' | 'claim' | 'report' | 'end'>
  | 'claim'
  | 'cleanup'
  | 'report'
  | `move to ${string}`
  | Ending;

/** Deletes are few, or most histories would be over soon. */
const PLANS: readonly (readonly [weight: number, plan: Plan])[] = [
  [8, 'claim'],
  [4, 'cleanup'],
  [6, 'report'],
  [4, 'yield'],
  [2, 'finish'],
  [2, 'fail'],
  [2, 'snooze'],
  [5, 'run'],
  [3, 'pause'],
  [1, 'delete'],
  [2, 'move to night'],
  [1, 'move to day'],
  [5, 'get'],
  [3, 'die'],
  [4, 'rescue'],
];

/** For each client, what it calls one after another. */
export const plans: fc.Arbitrary<readonly (readonly Plan[])[]> = fc.array(
  fc.array(fc.oneof(...PLANS.map(([weight, plan]) => ({ weight, arbitrary: fc.constant(plan) }))), {
    minLength: CALLS,
    maxLength: CALLS,
  }),
  { minLength: CLIENTS, maxLength: CLIENTS },
);

const TYPE = 'linearized';
const LEASE = 3_600_000;
const CRASHED = JSON.stringify({ name: 'Error', message: 'crashed' });
const NOTHING = { context: null, progress: null, message: null };

/** Lets one statement or transaction after another through, in the order of a scheduler. */
class Turns {
  readonly #scheduler: fc.Scheduler;
  #busy: Promise<unknown> = Promise.resolve();
  #playing = false;

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  async take<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (!this.#playing) return work();
    await this.#scheduler.schedule(Promise.resolve());
    const answer = work();
    this.#busy = answer.catch(() => undefined);
    return answer;
  }

  /** Until all are done whom `begin` sets going. */
  async play(begin: () => Promise<unknown>): Promise<void> {
    this.#playing = true;
    let done = false;
    const ended = begin().finally(() => (done = true));
    ended.catch(() => undefined);
    while (!done) {
      await this.#busy;
      // Whoever was answered comes to its next statement before it is decided who is next.
      await systemClock.turn();
      if (this.#scheduler.count() > 0) await this.#scheduler.waitOne();
    }
    await ended;
  }
}

export class World {
  readonly #database: Database;
  readonly #place: TestBackend;
  readonly #store: Store;
  #replicas = 0;

  private constructor(database: Database, place: TestBackend, store: Store) {
    this.#database = database;
    this.#place = place;
    this.#store = store;
  }

  static async open(place: TestBackend): Promise<World> {
    const database = await openDatabase(place.url, { clock: systemClock });
    const store = new Store(quiet(database), place.prefix);
    await store.prepare(true);
    return new World(database, place, store);
  }

  /** Lets clients call what they plan, all at once, and says what came of it. */
  async play(
    planned: readonly (readonly Plan[])[],
    scheduler: fc.Scheduler | undefined,
  ): Promise<readonly Call<Operation, Result>[]> {
    const { task, replica } = this.#store.tables;
    for (const table of [task, replica]) await this.#database.query(`DELETE FROM ${table}`);
    const id = await this.#store.create({
      type: TYPE,
      user: '',
      group: '',
      priority: 0,
      input: null,
      context: null,
      autoRun: true,
    });
    const turns = scheduler === undefined ? undefined : new Turns(scheduler);
    const store = turns === undefined ? this.#store : await this.#store.on(inTurn(this.#database, turns));
    const history: Call<Operation, Result>[] = [];
    const moment = counter();
    const clients = await Promise.all(
      planned.map(async (calls) => new Client({ id, store, replica: await this.#register(), calls })),
    );
    const all = (): Promise<unknown> => Promise.all(clients.map((client) => client.play(history, moment)));
    await (turns === undefined ? all() : turns.play(all));
    const last = new Client({ id, store: this.#store, replica: '', calls: ['get'] });
    await last.play(history, moment);
    return history;
  }

  async close(): Promise<void> {
    await this.#database.close();
    await this.#place.close();
  }

  async #register(): Promise<string> {
    const id = `client-${++this.#replicas}`;
    await this.#store.register({
      id,
      name: id,
      lease: LEASE,
      types: runnable([TYPE, RUN_BUDGET]),
      concurrency: 1,
    });
    return id;
  }
}

interface ClientOptions {
  readonly id: number;
  readonly store: Store;
  readonly replica: string;
  readonly calls: readonly Plan[];
}

class Client {
  readonly #options: ClientOptions;
  /** Of its last claim: it goes on writing by it whatever has become of the task. */
  #epoch = 0;
  #reports = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async play(history: Call<Operation, Result>[], moment: () => number): Promise<void> {
    for (const plan of this.#options.calls) {
      const operation = this.#operation(plan);
      const begin = moment();
      const result = await this.#perform(operation);
      history.push({ operation, result, begin, end: moment() });
    }
  }

  #operation(plan: Plan): Operation {
    const { replica } = this.#options;
    const epoch = this.#epoch;
    switch (plan) {
      case 'claim':
        return { call: 'claim', replica, queue: 'run' };
      case 'cleanup':
        return { call: 'claim', replica, queue: 'cleanup' };
      case 'report':
        return { call: 'report', replica, epoch, context: JSON.stringify(`${replica} ${++this.#reports}`) };
      case 'finish':
      case 'fail':
      case 'yield':
      case 'snooze':
        return { call: 'end', replica, epoch, event: plan };
      case 'die':
        return { call: 'die', replica };
      case 'run':
      case 'pause':
      case 'delete':
      case 'get':
      case 'rescue':
        return { call: plan };
      default:
        return { call: 'move', group: plan.slice('move to '.length) };
    }
  }

  async #perform(operation: Operation): Promise<Result> {
    const { id, store } = this.#options;
    switch (operation.call) {
      case 'run':
      case 'pause':
      case 'delete':
        return answered(async () => ((await store.change(id, operation.call)) ? 'changed' : 'held'));
      case 'move':
        return answered(() => store.changeGroup(id, operation.group).then(() => 'moved'));
      case 'get':
        return answered(async () => {
          const { state, group, context } = await store.get(id, true);
          return seen(state, group, context === undefined ? null : JSON.stringify(context));
        });
      case 'claim': {
        const { replica, queue } = operation;
        const { claims } = await store.claim({
          replica,
          queue,
          types: runnable([TYPE, RUN_BUDGET]),
          limit: 1,
        });
        this.#epoch = claims[0]?.epoch ?? this.#epoch;
        return claims[0]?.epoch ?? 0;
      }
      case 'report': {
        const { replica: owner, epoch, context } = operation;
        return answered(() =>
          store.checkpoint({ id, owner, epoch }, { ...NOTHING, context }).then(() => 'stored'),
        );
      }
      case 'end': {
        const { replica: owner, epoch, event } = operation;
        const settlement = { event, checkpoint: NOTHING, error: null, remove: false };
        return answered(() => store.settle({ id, owner, epoch }, settlement).then(() => 'stored'));
      }
      case 'die':
        await store.unregister(operation.replica);
        return 'dead';
      case 'rescue':
        return store.rescue(CRASHED);
    }
  }
}

async function answered(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (isTaskbatonError(error, 'TASK_NOT_FOUND')) return 'missing';
    if (isTaskbatonError(error, 'LEASE_LOST')) return 'lost';
    if (!isTaskbatonError(error, 'STATE_CONFLICT')) throw error;
    const status = STATUSES.find((candidate) => error.message.includes(candidate));
    return `conflict in ${status}`;
  }
}

/** Hints are for replicas that wait, and here nobody does. */
function quiet(database: Database): Database {
  return { ...bound(database), notify: async () => undefined };
}

function inTurn(database: Database, turns: Turns): Database {
  return {
    ...quiet(database),
    query: (sql, values) => turns.take(() => database.query(sql, values)),
    transaction: <Answer>(work: (connection: Connection) => Promise<Answer>) =>
      turns.take(() => database.transaction(work)),
  };
}

function bound(database: Database): Omit<Database, 'notifyIn'> {
  return {
    dialect: database.dialect,
    query: (sql, values) => database.query(sql, values),
    transaction: (work) => database.transaction(work),
    listen: (channel, listener) => database.listen(channel, listener),
    notify: (channel, topic) => database.notify(channel, topic),
    close: () => database.close(),
  };
}

function counter(): () => number {
  let count = 0;
  return () => ++count;
}

/** A history for people: one line for each call, in the order of their begins. */
export function describeHistory(history: readonly Call<Operation, Result>[]): string {
  const lines = history
    .toSorted((one, other) => one.begin - other.begin)
    .map(
      ({ operation: { call, ...rest }, result, begin, end }) =>
        `${begin}–${end} ${call} ${JSON.stringify(rest)}: ${result}`,
    );
  return lines.join('\n');
}
