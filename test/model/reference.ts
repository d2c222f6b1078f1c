/**
 * The whole system in a few hundred lines: what users see once everything has come to rest. It knows no replica that holds
 * a task, no lease, no statement; only who has asked for what, who may start, and who is next.
 */
import type { PublicState } from '../../src/core/status.ts';

/** How many tasks one replica runs at once. */
export const SLOTS = 2;

export interface ReferenceTask {
  readonly id: number;
  readonly type: string;
  readonly parent: number | undefined;
  /** It has children, or had some. */
  parental: boolean;
  user: string;
  group: string;
  /** While it exists, it is the only one of its type with this key. */
  key: string | undefined;
  state: PublicState;
  /** It has a slot. */
  held: boolean;
  /** It had one before, for whatever time. */
  started: boolean;
  /** It was running already, and goes before all others. */
  ahead: boolean;
  /** It is pending, and the time at which it begins to wait is still to come. */
  later: boolean;
  /** When it began to wait, as a count of what happened. */
  since: number;
  /** The pause that stopped it was one of its group, user or type as a whole. */
  pausedBy: PausedKind | undefined;
  context: number | undefined;
  crashes: number;
}

export type Answer = 'done' | 'TASK_NOT_FOUND' | 'STATE_CONFLICT' | 'SCHEDULE_NOT_FOUND';
export type Ask = 'run' | 'pause' | 'delete';

export const PAUSED_KINDS = ['group', 'user', 'type'] as const;
export type PausedKind = (typeof PAUSED_KINDS)[number];
export type LimitedKind = PausedKind | 'user/group';
/** Which tasks: `['group', 'night']`, or `['user/group', 'ada', 'night']`. */
export type ReferenceScope = readonly [kind: LimitedKind, ...names: string[]];

export interface NewReferenceTask {
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly autoRun: boolean;
  readonly later: boolean;
  readonly key?: string | undefined;
  readonly parent?: number | undefined;
}

export interface ReferenceReplica {
  drained: boolean;
}

export interface ReferenceSchedule {
  type: string;
  user: string;
  group: string;
  paused: boolean;
}

const CRASHES_SURVIVED = 3;
const RUNNABLE: readonly PublicState[] = ['init', 'paused', 'failed'];
const PAUSABLE: readonly PublicState[] = ['init', 'pending', 'running', 'waiting'];

export class Reference {
  readonly tasks = new Map<number, ReferenceTask>();
  /** All that there ever were, the last one last. */
  readonly created: number[] = [];
  /** By the text of their scopes. */
  readonly limits = new Map<string, number>();
  readonly pauses = new Set<string>();
  readonly schedules = new Map<string, ReferenceSchedule>();
  /** Those that are alive, the oldest first. */
  readonly replicas: ReferenceReplica[] = [];
  /** Those that went after their cleanup. */
  readonly cleaned = new Set<number>();
  #now = 0;

  /** Of all replicas that take tasks; cleanups have their own, and are over at once. */
  get slots(): number {
    return this.replicas.filter(({ drained }) => !drained).length * SLOTS;
  }

  get all(): readonly ReferenceTask[] {
    return [...this.tasks.values()];
  }

  create(id: number, { autoRun, later, parent, key, ...names }: NewReferenceTask): void {
    const above = parent === undefined ? undefined : this.tasks.get(parent);
    // It goes after its children, and so can't go at once.
    if (above?.state === 'init') above.state = 'paused';
    if (above !== undefined) above.parental = true;
    this.created.push(id);
    this.tasks.set(id, {
      ...names,
      id,
      parent,
      parental: false,
      key,
      state: autoRun ? 'pending' : 'init',
      held: false,
      started: false,
      ahead: false,
      later: autoRun && later,
      since: ++this.#now,
      pausedBy: undefined,
      context: undefined,
      crashes: 0,
    });
  }

  withKey(type: string, key: string): ReferenceTask | undefined {
    return this.all.find((task) => task.type === type && task.key === key);
  }

  /** Makes a task that has never started what a new one would have been. */
  replace(task: ReferenceTask, { user, group, autoRun, later }: NewReferenceTask): void {
    Object.assign(task, {
      user,
      group,
      state: autoRun ? 'pending' : task.parental ? 'paused' : 'init',
      later: autoRun && later,
      since: ++this.#now,
      pausedBy: undefined,
    });
  }

  run(id: number, later = false): Answer {
    return this.#ask(
      id,
      RUNNABLE,
      ['pending', 'running', 'waiting'],
      (task) => this.#queue(task, later),
      later,
    );
  }

  pause(id: number): Answer {
    return this.#ask(id, PAUSABLE, ['paused'], (task) => this.#leave(task, 'paused'));
  }

  delete(id: number): Answer {
    const from = ['init', 'pending', 'running', 'waiting', 'paused', 'finished', 'failed'] as const;
    return this.#ask(id, from, ['deleting'], (task) => {
      if (task.state === 'init') this.tasks.delete(id);
      else this.#leave(task, 'deleting');
      task.key = undefined;
    });
  }

  move(id: number, group: string): Answer {
    const task = this.tasks.get(id);
    if (task === undefined) return 'TASK_NOT_FOUND';
    task.group = group;
    return 'done';
  }

  /** Those for whom it makes no difference, or no sense, are left alone; says how many were not. */
  many(ask: Ask, tasks: readonly ReferenceTask[]): number {
    const changing = { run: RUNNABLE, pause: PAUSABLE };
    const chosen = tasks.filter(({ state }) =>
      ask === 'delete' ? state !== 'deleting' : changing[ask].includes(state),
    );
    const now = this.#now + 1;
    for (const task of chosen) {
      this[ask](task.id);
      task.since = now;
    }
    this.#now = now;
    return chosen.length;
  }

  /** A task, and its children for whom it makes sense. */
  family(ask: 'run' | 'pause', id: number): Answer {
    const answer = this[ask](id);
    if (answer === 'done') this.many(ask, this.#childrenOf(id));
    return answer;
  }

  hasGrandchildren(id: number): boolean {
    return this.#childrenOf(id).some((child) => this.#childrenOf(child.id).length > 0);
  }

  /** With `running`, those that run are stopped too, and come back with a resume. */
  hold(scope: readonly [PausedKind, string], running: boolean): void {
    this.pauses.add(String(scope));
    for (const task of this.of(scope).filter(({ held }) => running && held)) {
      this.#leave(task, 'paused');
      task.pausedBy = scope[0];
    }
  }

  release(scope: readonly [PausedKind, string]): void {
    this.pauses.delete(String(scope));
    const now = ++this.#now;
    for (const task of this.of(scope).filter(
      ({ state, pausedBy }) => state === 'paused' && pausedBy === scope[0],
    )) {
      this.#queue(task, false);
      task.since = now;
    }
  }

  /** Gives its slot back, unless all its children have ended. */
  wait(id: number): void {
    if (this.#isAwaiting(id)) this.#leave(this.tasks.get(id), 'waiting');
  }

  /** Gives its slot back, and asks for one later. */
  snooze(id: number): void {
    const task = this.tasks.get(id);
    this.#leave(task, 'pending');
    if (task !== undefined) task.later = true;
  }

  /** For all whose time was to come, it has. */
  becomeDue(): void {
    const now = ++this.#now;
    for (const task of this.all.filter(({ later }) => later))
      Object.assign(task, { later: false, since: now });
  }

  end(id: number, state: 'finished' | 'failed'): void {
    this.#leave(this.tasks.get(id), state);
  }

  /** Those that a stopped or drained replica held are given back, and those of a crashed one taken from it. */
  giveBack(ids: readonly number[], crashed: boolean): void {
    for (const task of ids.map((id) => this.tasks.get(id))) {
      if (task === undefined) continue;
      this.#leave(task, crashed && task.crashes >= CRASHES_SURVIVED ? 'failed' : 'running');
      task.ahead = task.state === 'running';
      task.crashes += crashed ? 1 : 0;
    }
  }

  /** Lets everything happen that will happen by itself. */
  rest(): void {
    // With no replica there is nobody who could look after either.
    if (this.slots > 0) this.#removeDeleted();
    for (const task of this.slots > 0 ? this.waiting : [])
      if (!this.#isAwaiting(task.id)) Object.assign(task, { state: 'running', ahead: true });
    const waiting = this.all.filter(isInQueue);
    waiting.sort(
      (one, other) =>
        Number(other.ahead) - Number(one.ahead) ||
        (one.ahead ? 0 : one.since - other.since) ||
        one.id - other.id,
    );
    for (const task of waiting) {
      if (this.held.length >= this.slots) break;
      if (!this.#isPaused(task) && this.#hasRoom(task))
        Object.assign(task, { state: 'running', held: true, started: true, ahead: false });
    }
  }

  /** Whether a task that may start can't for want of a slot: then one that is woken may find none, or another one. */
  get isContested(): boolean {
    return this.all.some((task) => isInQueue(task) && !this.#isPaused(task));
  }

  /**
   * Whether some task waits for want of a slot and another one because of a limit: then it depends on moments which of them follows
   * one that leaves, for its slot is free a little sooner than its place within the limit.
   */
  get isDisputed(): boolean {
    const rooms = this.all
      .filter((task) => isInQueue(task) && !this.#isPaused(task))
      .map((task) => this.#hasRoom(task));
    return rooms.includes(true) && rooms.includes(false);
  }

  get waiting(): readonly ReferenceTask[] {
    return this.all.filter(({ state }) => state === 'waiting');
  }

  get held(): readonly ReferenceTask[] {
    return this.all.filter(({ held }) => held);
  }

  of(scope: ReferenceScope): readonly ReferenceTask[] {
    return this.all.filter((task) => isIn(task, scope));
  }

  /** With all that is below them. */
  #removeDeleted(): void {
    const deleted = this.all.filter(({ state }) => state === 'deleting');
    for (const { id } of deleted) {
      for (const child of this.#childrenOf(id)) this.delete(child.id);
      this.tasks.delete(id);
      this.cleaned.add(id);
    }
    if (deleted.length > 0) this.#removeDeleted();
  }

  #childrenOf(id: number): readonly ReferenceTask[] {
    return this.all.filter(({ parent }) => parent === id);
  }

  #isAwaiting(id: number): boolean {
    return this.#childrenOf(id).some(({ state }) => state !== 'finished' && state !== 'failed');
  }

  #isPaused(task: ReferenceTask): boolean {
    return PAUSED_KINDS.some((kind) => this.pauses.has(String([kind, task[kind]])));
  }

  #hasRoom(task: ReferenceTask): boolean {
    return scopesOf(task).every((scope) => {
      const taken = this.of(scope).filter(({ held }) => held).length;
      return taken < (this.limits.get(String(scope)) ?? Infinity);
    });
  }

  #ask(
    id: number,
    from: readonly PublicState[],
    held: readonly PublicState[],
    change: (task: ReferenceTask) => void,
    later = false,
  ): Answer {
    const task = this.tasks.get(id);
    if (task === undefined) return 'TASK_NOT_FOUND';
    if (from.includes(task.state)) change(task);
    else if (!held.includes(task.state)) return 'STATE_CONFLICT';
    else if (task.state === 'paused') task.pausedBy = undefined;
    // It waits already, but not for then.
    else if (task.state === 'pending' && (later || task.later)) this.#queue(task, later);
    return 'done';
  }

  #queue(task: ReferenceTask, later: boolean): void {
    if (task.state === 'failed') task.crashes = 0;
    Object.assign(task, { state: 'pending', since: ++this.#now, pausedBy: undefined, later });
  }

  #leave(task: ReferenceTask | undefined, state: PublicState): void {
    if (task !== undefined)
      Object.assign(task, { state, held: false, ahead: false, later: false, pausedBy: undefined });
  }
}

function isInQueue({ state, held, ahead, later }: ReferenceTask): boolean {
  return !held && !later && (state === 'pending' || ahead);
}

function isIn(task: ReferenceTask, [kind, name, second]: ReferenceScope): boolean {
  return kind === 'user/group' ? task.user === name && task.group === second : task[kind] === name;
}

function scopesOf({ type, user, group }: ReferenceTask): readonly ReferenceScope[] {
  return [
    ['type', type],
    ['user', user],
    ['group', group],
    ['user/group', user, group],
  ];
}
