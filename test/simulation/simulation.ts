/**
 * One run: the real engine in several simulated processes on one database, with everything that its schedule says befalling
 * it. Then nothing goes wrong any more, and all must come to rest, and stop.
 */
import { Taskbaton } from '../../src/index.ts';
import type { Status } from '../../src/core/status.ts';
import { Invariants, type Known, type Violation } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { takeOverTime } from './machine-time.ts';
import { Network } from './network.ts';
import { type LoggedOperation, stateAfter, wrongAcknowledgement, wrongRefusal } from './operation-log.ts';
import { GRACE, GROUPS, type Item, LEASE, type Operation, POLL, type Schedule } from './schedule.ts';
import { scriptedTasks } from './script.ts';
import { EFFECT, type SharedDatabase } from './shared-database.ts';
import { type ClockError, SimulatedProcess } from './simulated-process.ts';
import { rest, Timeline } from './timeline.ts';

export interface Outcome {
  readonly violation: Violation | undefined;
  /** Of all that happened: the same for the same schedule. */
  readonly digest: number;
  readonly events: number;
  readonly statements: number;
  /** How often what came to pass: faults, and what the engine did about them. */
  readonly counts: ReadonlyMap<string, number>;
}

interface Member {
  readonly process: SimulatedProcess;
  readonly baton: Taskbaton;
  readonly clock: ClockError;
  readonly concurrency: number;
  stopped: boolean;
}

/** By the database's clock, 2030. */
const START = 1_893_456_000_000;
/** What isn't at rest so long after the last fault is stuck. */
const STUCK = 45_000;
/** So long after the last fault everything that it delayed has come to its end. */
const CALM = 20_000;
/** Stopping takes no longer. */
const STOPPED = GRACE + LEASE + 5000;
const MOST_EVENTS = 40_000;
/** Every replica says something so often, as long as nothing keeps it from it. */
const SILENCE = 5000;

export async function simulate(
  schedule: Schedule,
  shared: SharedDatabase,
  trace?: (line: string) => void,
): Promise<Outcome> {
  const run = new Run(schedule, shared, trace);
  return run.play();
}

class Run {
  readonly #schedule: Schedule;
  readonly #shared: SharedDatabase;
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #ledger = new Ledger();
  readonly #invariants: Invariants;
  /** Who runs in each place now; whoever is started anew takes the place of the one before. */
  readonly #members = new Map<number, Member>();
  readonly #all: Member[] = [];
  readonly #counts: Map<string, number>;
  readonly #heard = new Map<SimulatedProcess, number>();
  #statements = 0;
  #healed = false;

  constructor(schedule: Schedule, shared: SharedDatabase, trace: ((line: string) => void) | undefined) {
    const { seed, settings } = schedule;
    this.#schedule = schedule;
    this.#shared = shared;
    this.#timeline = new Timeline(trace);
    this.#network = new Network(this.#timeline, shared, { seed, ...settings });
    this.#counts = this.#network.counts;
    this.#invariants = new Invariants(this.#timeline, this.#ledger, {
      now: () => Math.floor(shared.now),
      began: () => Math.floor(shared.began),
      ordered: settings.policy !== 'fair',
    });
    this.#ledger.watcher = this.#invariants;
  }

  async play(): Promise<Outcome> {
    const giveBack = takeOverTime(this.#timeline, START, (what) =>
      this.#invariants.fail('I19', `${what} escaped`),
    );
    const rejected = (error: unknown): void => {
      this.#invariants.fail('I19', `a rejection that nobody handled: ${describe(error)}`);
    };
    process.on('unhandledRejection', rejected);
    try {
      await this.#playAll();
      await rest();
    } catch (error) {
      this.#invariants.fail('I19', `the run broke off: ${describe(error)}`);
    } finally {
      process.off('unhandledRejection', rejected);
      giveBack();
      for (const { process: simulated } of this.#all) simulated.state = 'crashed';
    }
    return {
      violation: this.#invariants.violation,
      digest: this.#timeline.digest,
      events: this.#timeline.events,
      statements: this.#statements,
      counts: this.#counts,
    };
  }

  async #playAll(): Promise<void> {
    this.#shared.reset(START);
    this.#shared.onCommit = (changes) => this.#invariants.committed(changes);
    this.#network.onExecute = (simulated) => {
      this.#shared.now = START + this.#timeline.now;
      this.#invariants.executing = simulated;
      this.#heard.set(simulated, this.#timeline.now);
      this.#statements += 1;
    };
    for (const [number, item] of this.#schedule.items) this.#plan(number, item);
    // Those that are there from the beginning are not what is looked at.
    for (const member of this.#members.values()) await member.baton.start();
    this.#network.begin();
    const end = this.#lastTime();
    await this.#until(end, () => false);
    this.#heal();
    await this.#until(end + CALM, () => this.#network.isCalm && !this.#isAsking);
    for (const group of GROUPS)
      if (this.#invariants.rules.get(`group ${group}`)?.paused === true)
        this.#operate(0, { kind: 'resume group', group });
    const healed = this.#timeline.now;
    await this.#until(healed + STUCK, () => this.#isAtRest());
    this.#checkRest(healed);
    await this.#stopAll();
  }

  /** Lets things happen until `end`, or until `done`, or until something is wrong. */
  async #until(end: number, done: () => boolean): Promise<void> {
    const { violation } = this.#invariants;
    while (violation === undefined && this.#invariants.violation === undefined && !done()) {
      if (!(await this.#timeline.step(end))) return;
      if (this.#timeline.events > MOST_EVENTS)
        this.#invariants.fail('I19', `${MOST_EVENTS} events and no end: somebody turns in circles`);
    }
  }

  // The schedule

  #plan(number: number, item: Item): void {
    const { faults } = this.#network;
    switch (item.kind) {
      case 'process':
        if (item.at === 0) this.#join(number, item.clock, item.concurrency);
        else this.#later(item.at, () => this.#start(number, item.clock, item.concurrency));
        return;
      case 'operation':
        this.#later(item.at, () => this.#operate(item.by, item.operation));
        return;
      case 'statement fault':
        faults.set(item.process, [...(faults.get(item.process) ?? []), item.fault]);
        return;
      case 'process fault':
        this.#later(item.at, () => this.#befall(item));
        return;
    }
  }

  #later(at: number, action: () => void): void {
    this.#timeline.at(at, 'plan', undefined, action);
  }

  /** When the last thing that is planned has happened. */
  #lastTime(): number {
    let last = 0;
    for (const item of this.#schedule.items.values())
      if ('at' in item)
        last = Math.max(last, item.at + (item.kind === 'process fault' ? Math.min(item.ms, 3000) : 10));
      // Long enough for the statement it is about, if there is one.
      else last = Math.max(last, 1500);
    return last;
  }

  #join(place: number, clock: ClockError, concurrency: number): Member {
    const { seed, settings } = this.#schedule;
    const life = this.#all.filter(({ process: earlier }) => earlier.place === place).length;
    const simulated = new SimulatedProcess(this.#timeline, seed, place, life, clock);
    simulated.awakeSince = this.#timeline.now === 0 ? 0 : this.#timeline.now;
    simulated.onCrash = () => this.#network.disconnect(simulated);
    const baton = new Taskbaton(
      {
        db: this.#network.databaseFor(simulated),
        tasks: scriptedTasks(simulated, this.#ledger),
        lease: LEASE,
        pollInterval: POLL,
        stopGrace: GRACE,
        concurrency,
        cleanupConcurrency: concurrency,
        queues: { run: settings.policy },
        history: settings.history,
        logger: null,
      },
      { clock: simulated.clock },
    );
    this.#observe(baton, simulated, concurrency);
    const member: Member = { process: simulated, baton, clock, concurrency, stopped: false };
    this.#members.set(place, member);
    this.#all.push(member);
    return member;
  }

  /** Until it succeeds or dies, as a program that is started by somebody who starts it again. */
  #start(place: number, clock: ClockError, concurrency: number): void {
    const member = this.#join(place, clock, concurrency);
    this.#timeline.trace?.(() => `${member.process.name} starts`);
    const attempt = (): void => {
      if (member.stopped || member.process.state === 'crashed') return;
      member.baton.start().catch(() => this.#timeline.after(100, 'action', member.process, attempt));
    };
    this.#within(member.process, attempt);
  }

  #within(simulated: SimulatedProcess, action: () => void): void {
    this.#timeline.after(0, 'action', simulated, action);
  }

  #observe(baton: Taskbaton, simulated: SimulatedProcess, concurrency: number): void {
    baton.on('*', (event) => {
      this.#timeline.trace?.(() => `${simulated.name} says ${JSON.stringify(event, withoutStack)}`);
      if (event.name === 'replica.started') simulated.leases.add(event.replica);
      if (event.name === 'task.abandoned') {
        const stint = this.#ledger.find(event.id, event.epoch);
        if (stint !== undefined) stint.abandoned = true;
      }
      if (COUNTED.has(event.name)) this.#count(event.name);
      if (event.name === 'tasks.claimed' && event.count > concurrency) this.#count('claimed ahead');
    });
  }

  #befall({ process: place, fault, ms }: Extract<Item, { kind: 'process fault' }>): void {
    const member = this.#members.get(place);
    if (member === undefined || member.stopped || member.process.state !== 'alive' || this.#healed) return;
    const { process: simulated, clock, concurrency } = member;
    this.#count(fault);
    this.#timeline.trace?.(() => `${simulated.name} meets a fault: ${fault}, ${ms} ms`);
    switch (fault) {
      case 'crash':
        simulated.crash();
        return this.#later(this.#timeline.now + ms, () => this.#start(place, clock, concurrency));
      case 'freeze':
        simulated.freeze();
        return this.#later(this.#timeline.now + ms, () => simulated.thaw());
      case 'slow':
        simulated.slowUntil = this.#timeline.now + ms;
        return;
      case 'cut off':
        simulated.cutOffUntil = this.#timeline.now + ms;
        return this.#network.disconnect(simulated);
      case 'stop':
        this.#stop(member);
        return this.#later(this.#timeline.now + ms, () => this.#start(place, clock, concurrency));
    }
  }

  #stop(member: Member, ended: () => void = () => undefined): void {
    member.stopped = true;
    const undisturbed = this.#healed;
    this.#within(member.process, () => {
      member.baton.stop().then(
        () => {
          this.#timeline.trace?.(() => `${member.process.name} has stopped`);
          if (undisturbed) this.#checkStopped(member);
          ended();
        },
        (error: unknown) => this.#invariants.fail('I16', `stopping rejects: ${describe(error)}`),
      );
    });
  }

  /** Nothing goes wrong from now on, and at least one replica is there. */
  #heal(): void {
    this.#healed = true;
    this.#network.heal();
    this.#timeline.trace?.(() => 'from here on nothing goes wrong');
    for (const { process: simulated } of this.#all) {
      simulated.cutOffUntil = 0;
      simulated.slowUntil = 0;
      simulated.thaw();
    }
    if (this.#alive.length === 0) this.#start(0, { offset: 0, drift: 0 }, 2);
  }

  get #alive(): readonly Member[] {
    return this.#all.filter((member) => member.process.state === 'alive' && !member.stopped);
  }

  // Operations

  #operate(by: number, operation: Operation): void {
    const wanted = this.#members.get(by);
    const member = wanted !== undefined && this.#alive.includes(wanted) ? wanted : this.#alive[0];
    if (member === undefined) return;
    const name = 'task' in operation ? operation.task : undefined;
    const id = name === undefined ? undefined : this.#invariants.idOf(name);
    if (name !== undefined && id === undefined) return;
    const logged: LoggedOperation = {
      operation,
      since: this.#invariants.commits,
      id,
      process: member.process,
      state: 'open',
    };
    this.#invariants.operations.push(logged);
    this.#timeline.trace?.(() => `a user asks ${member.process.name} for ${JSON.stringify(operation)}`);
    this.#within(member.process, () => {
      this.#ask(member.baton, operation, id).then(
        (answer) => this.#acknowledge(logged, answer),
        (error: unknown) => this.#refuse(logged, error),
      );
    });
  }

  async #ask(baton: Taskbaton, operation: Operation, id = 0): Promise<unknown> {
    switch (operation.kind) {
      case 'create': {
        const { type, script, group, priority, key } = operation;
        const options = { group, priority, autoRun: script.autoRun, user: `u${script.name % 2}` };
        return baton.createTask({ type }, script, key === undefined ? options : { ...options, key });
      }
      case 'run':
        return baton.runTask(id);
      case 'pause':
        return baton.pauseTask(id);
      case 'delete':
        return baton.deleteTask(id);
      case 'move':
        return baton.changeTaskGroup(id, operation.group);
      case 'run all':
        return baton.runTasks({ group: operation.group });
      case 'pause all':
        return baton.pauseTasks({ group: operation.group });
      case 'delete all':
        return baton.deleteTasks({ group: operation.group });
      case 'pause group':
        return baton.pauseGroup(operation.group, { running: operation.running });
      case 'resume group':
        return baton.resumeGroup(operation.group);
      case 'limit group':
        return baton.setLimit('group', operation.group, operation.most);
    }
  }

  #acknowledge(logged: LoggedOperation, answer: unknown): void {
    const { operation, id, since } = logged;
    this.#timeline.trace?.(() => `a user is told that ${operation.kind} is done: ${String(answer)}`);
    logged.state = 'done';
    if (operation.kind === 'create' && !this.#invariants.tasks.has(Number(answer)))
      this.#invariants.fail('I10', `task ${String(answer)} was acknowledged and never created`);
    if (id === undefined) return;
    const wrong = wrongAcknowledgement(logged, this.#invariants.since(id, since));
    if (wrong !== undefined) this.#invariants.fail('I10', `task ${id}: ${wrong}`);
  }

  #refuse(logged: LoggedOperation, error: unknown): void {
    const { operation, id, since } = logged;
    this.#timeline.trace?.(() => `a user is told that ${operation.kind} was not done: ${String(error)}`);
    logged.state = stateAfter(error);
    const moments = id === undefined ? [] : this.#invariants.since(id, since);
    const wrong = wrongRefusal(logged, moments, error);
    if (wrong !== undefined) this.#invariants.fail('I10', `task ${id}: ${wrong}`);
  }

  /** Somebody who can still be answered waits for an answer. */
  get #isAsking(): boolean {
    return this.#invariants.operations.some(
      ({ state, process: asked }) => state === 'open' && asked.state === 'alive',
    );
  }

  // The end

  #isAtRest(): boolean {
    for (const { row } of this.#invariants.tasks.values())
      if (row !== undefined && !AT_REST.has(row['status'] as Status)) return false;
    return true;
  }

  #checkRest(healed: number): void {
    if (this.#invariants.violation !== undefined) return;
    for (const [id, known] of this.#invariants.tasks) {
      const { row } = known;
      if (row === undefined) continue;
      if (!AT_REST.has(row['status'] as Status))
        this.#invariants.fail(
          'I8',
          `task ${id} is ${String(row['status'])} for ever: ${JSON.stringify(row)}`,
        );
      else this.#checkEffects(id, known);
    }
    for (const { process: simulated } of this.#alive) {
      const heard = Math.max(this.#heard.get(simulated) ?? 0, healed, simulated.awakeSince);
      if (this.#timeline.now - heard > SILENCE)
        this.#invariants.fail(
          'I19',
          `${simulated.name} has said nothing for ${this.#timeline.now - heard} ms`,
        );
    }
  }

  /** What was written together with a report is there once for each step. */
  #checkEffects(id: number, { script, progress }: Known): void {
    if (script.style !== 'transaction') return;
    const steps = this.#shared
      .read(`SELECT step FROM ${EFFECT} WHERE task = ? ORDER BY step`, [id])
      .map(({ step }) => Number(step));
    const expected = Array.from(
      { length: Math.min(progress?.step ?? 0, script.steps) },
      (_, index) => index + 1,
    );
    if (steps.join() !== expected.join())
      this.#invariants.fail(
        'I5',
        `task ${id} has the effects of steps ${steps.join()}, not of ${expected.join()}`,
      );
  }

  /** All stop at once, and leave nothing behind. */
  async #stopAll(): Promise<void> {
    if (this.#invariants.violation !== undefined) return;
    const members = this.#alive;
    await this.#until(this.#timeline.now + CALM, () => !this.#isAsking);
    let ended = 0;
    for (const member of members) this.#stop(member, () => void (ended += 1));
    await this.#until(this.#timeline.now + STOPPED, () => ended === members.length);
    if (this.#invariants.violation !== undefined) return;
    if (ended < members.length) this.#invariants.fail('I20', `${members.length - ended} replicas don't stop`);
    // What was on its way arrives.
    await this.#until(this.#timeline.now + 100, () => false);
    for (const { process: simulated } of members) {
      const { size } = simulated.timers;
      const left = [size, this.#network.pending(simulated), this.#network.listeners(simulated)];
      if (left.some((count) => count > 0))
        this.#invariants.fail(
          'I20',
          `${simulated.name} left ${left.join(', ')} timers, statements and listeners`,
        );
    }
  }

  /** Once a stop has nothing to wait for, nothing is held any more; whoever could not reach its database left all to rescue. */
  #checkStopped({ process: simulated }: Member): void {
    for (const [id, { row }] of this.#invariants.tasks)
      if (simulated.leases.has(String(row?.['owner'])))
        this.#invariants.fail('I16', `${simulated.name} has stopped and holds task ${id}`);
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

const AT_REST: ReadonlySet<Status> = new Set(['init/none', 'paused/pause', 'finished/run', 'failed/run']);
const COUNTED: ReadonlySet<string> = new Set([
  'task.started',
  'task.lost',
  'task.released',
  'task.abandoned',
  'tasks.rescued',
  'replica.lost',
]);

/** Where files lie is not the same on every machine. */
function withoutStack(key: string, value: unknown): unknown {
  return key === 'stack' ? undefined : value;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
