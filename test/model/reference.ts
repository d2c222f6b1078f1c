/**
 * The whole system in some hundred lines: what users see once everything has come to rest. It knows no replica that holds
 * a task, no lease, no statement; only who has asked for what, who may start, and who is next.
 */
import type { PublicState } from '../../src/core/status.ts';

export interface ReferenceTask {
  readonly id: number;
  readonly user: string;
  group: string;
  state: PublicState;
  /** It has a slot. */
  held: boolean;
  /** It was running already, and goes before all others. */
  ahead: boolean;
  /** When it began to wait, as a count of commands. */
  since: number;
  /** A pause of its group stopped it. */
  pausedByGroup: boolean;
  context: number | undefined;
  crashes: number;
  readonly parent: number | undefined;
}

export type Answer = 'done' | 'TASK_NOT_FOUND' | 'STATE_CONFLICT';

interface NewReferenceTask {
  readonly user: string;
  readonly group: string;
  readonly autoRun: boolean;
  readonly parent: number | undefined;
}

const CRASHES_SURVIVED = 3;
const PAUSABLE: readonly PublicState[] = ['init', 'pending', 'running', 'waiting'];

export class Reference {
  readonly tasks = new Map<number, ReferenceTask>();
  /** All that there ever were, the last one last. */
  readonly created: number[] = [];
  readonly limits = new Map<string, number>();
  readonly pausedGroups = new Set<string>();
  /** Those that went after their cleanup. */
  readonly cleaned = new Set<number>();
  /** Slots of all replicas; cleanups have their own, and are over at once. */
  slots = 0;
  #now = 0;

  create(id: number, { user, group, autoRun, parent }: NewReferenceTask): void {
    const state = autoRun ? 'pending' : 'init';
    const since = ++this.#now;
    const fresh = { held: false, ahead: false, pausedByGroup: false, context: undefined, crashes: 0 };
    const above = parent === undefined ? undefined : this.tasks.get(parent);
    // It goes after its children, and so can't go at once.
    if (above?.state === 'init') above.state = 'paused';
    this.created.push(id);
    this.tasks.set(id, { id, user, group, parent, state, since, ...fresh });
  }

  /** Gives its slot back, unless all its children have ended. */
  wait(id: number): void {
    if (this.#isAwaiting(id)) this.#leave(this.tasks.get(id), 'waiting');
  }

  /** Whether a task that may start can't for want of a slot: then one that is woken may find none, or another one. */
  get isContested(): boolean {
    return [...this.tasks.values()].some(
      ({ state, held, ahead, group }) =>
        !held && (state === 'pending' || ahead) && !this.pausedGroups.has(group),
    );
  }

  get waiting(): readonly ReferenceTask[] {
    return [...this.tasks.values()].filter(({ state }) => state === 'waiting');
  }

  run(id: number): Answer {
    const held = ['pending', 'running', 'waiting'] as const;
    return this.#ask(id, ['init', 'paused', 'failed'], held, (task) => this.#queue(task));
  }

  pause(id: number): Answer {
    return this.#ask(id, PAUSABLE, ['paused'], (task) => {
      this.#leave(task, 'paused');
      task.pausedByGroup = false;
    });
  }

  delete(id: number): Answer {
    return this.#ask(
      id,
      ['init', 'pending', 'running', 'waiting', 'paused', 'finished', 'failed'],
      ['deleting'],
      (task) => {
        if (task.state === 'init') this.tasks.delete(id);
        else this.#leave(task, 'deleting');
      },
    );
  }

  move(id: number, group: string): Answer {
    const task = this.tasks.get(id);
    if (task === undefined) return 'TASK_NOT_FOUND';
    task.group = group;
    return 'done';
  }

  /** Of those for whom it makes no difference, or no sense, none is touched. */
  many(ask: 'run' | 'pause' | 'delete', group: string): number {
    const changing: Record<typeof ask, readonly PublicState[]> = {
      run: ['init', 'paused', 'failed'],
      pause: PAUSABLE,
      delete: [],
    };
    const now = this.#now + 1;
    const chosen = this.of(group).filter(({ state }) =>
      ask === 'delete' ? state !== 'deleting' : changing[ask].includes(state),
    );
    for (const task of chosen) {
      this[ask](task.id);
      task.since = now;
    }
    this.#now = now;
    return chosen.length;
  }

  pauseGroup(group: string, running: boolean): void {
    this.pausedGroups.add(group);
    for (const task of this.of(group).filter(({ held }) => running && held)) {
      this.#leave(task, 'paused');
      task.pausedByGroup = true;
    }
  }

  resumeGroup(group: string): void {
    this.pausedGroups.delete(group);
    const now = ++this.#now;
    for (const task of this.of(group).filter(
      ({ state, pausedByGroup }) => state === 'paused' && pausedByGroup,
    )) {
      this.#queue(task);
      task.since = now;
    }
  }

  end(id: number, state: 'finished' | 'failed'): void {
    this.#leave(this.tasks.get(id), state);
  }

  /** Those that a stopped replica held are given back, and those of a crashed one taken from it. */
  release(ids: readonly number[], crashed: boolean): void {
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
    const waiting = [...this.tasks.values()].filter(({ state, ahead }) => state === 'pending' || ahead);
    waiting.sort(
      (one, other) =>
        Number(other.ahead) - Number(one.ahead) ||
        (one.ahead ? 0 : one.since - other.since) ||
        one.id - other.id,
    );
    for (const task of waiting) {
      if (this.#held().length >= this.slots) break;
      if (this.#mayStart(task)) Object.assign(task, { state: 'running', held: true, ahead: false });
    }
  }

  /** With all that is below them. */
  #removeDeleted(): void {
    const deleted = [...this.tasks.values()].filter(({ state }) => state === 'deleting');
    for (const { id } of deleted) {
      for (const child of this.#childrenOf(id)) this.delete(child.id);
      this.tasks.delete(id);
      this.cleaned.add(id);
    }
    if (deleted.length > 0) this.#removeDeleted();
  }

  #childrenOf(id: number): readonly ReferenceTask[] {
    return [...this.tasks.values()].filter(({ parent }) => parent === id);
  }

  #isAwaiting(id: number): boolean {
    return this.#childrenOf(id).some(({ state }) => state !== 'finished' && state !== 'failed');
  }

  of(group: string): readonly ReferenceTask[] {
    return [...this.tasks.values()].filter((task) => task.group === group);
  }

  #held(group?: string): readonly ReferenceTask[] {
    return [...this.tasks.values()].filter(
      (task) => task.held && (group === undefined || task.group === group),
    );
  }

  #mayStart({ group }: ReferenceTask): boolean {
    return !this.pausedGroups.has(group) && this.#held(group).length < (this.limits.get(group) ?? Infinity);
  }

  #ask(
    id: number,
    from: readonly PublicState[],
    held: readonly PublicState[],
    change: (task: ReferenceTask) => void,
  ): Answer {
    const task = this.tasks.get(id);
    if (task === undefined) return 'TASK_NOT_FOUND';
    if (from.includes(task.state)) change(task);
    else if (!held.includes(task.state)) return 'STATE_CONFLICT';
    else if (task.state === 'paused') task.pausedByGroup = false;
    return 'done';
  }

  #queue(task: ReferenceTask): void {
    if (task.state === 'failed') task.crashes = 0;
    Object.assign(task, { state: 'pending', since: ++this.#now, pausedByGroup: false });
  }

  #leave(task: ReferenceTask | undefined, state: PublicState): void {
    if (task !== undefined) Object.assign(task, { state, held: false, ahead: false });
  }
}
