/**
 * A system that isn't there: three replicas and some hundred tasks in memory that behave as real ones do, for working
 * on the page without a database. Its tasks move; whatever is asked of it happens.
 */
import type {
  Action,
  BulkRequest,
  HistoryView,
  Overview,
  Problem,
  Queues,
  ReplicaView,
  ScheduleView,
  ScopeView,
  State,
  TaskView,
} from '../../src/dashboard/api.ts';
import { Chance } from './chance.ts';

export const STEP = 250;

const LEASE = 30_000;
const AWAY = 8_000;
const SLOTS = 6;
const BUCKET = 60_000;
const USERS = ['ada', 'grace', 'linus', 'mei'];
const GROUPS = ['imports', 'nightly', 'reports', ''];
const TYPES = ['import-csv', 'transcode-video', 'train-model', 'send-invoices', 'rebuild-index'];
const MESSAGES: Readonly<Record<string, string>> = {
  'import-csv': 'Row {n} of 120,000',
  'transcode-video': 'Frame {n}',
  'train-model': 'Epoch {n}, loss 0.0{n}',
  'send-invoices': 'Invoice {n}',
  'rebuild-index': 'Shard {n}',
};

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
export type MadeUpTask = Mutable<TaskView>;

export class MadeUpSystem {
  readonly #tasks = new Map<number, MadeUpTask>();
  readonly #history = new Map<number, HistoryView[]>();
  readonly #replicas: Mutable<ReplicaView>[];
  readonly #limits = new Map<string, number>();
  readonly #paused = new Set<string>(['group nightly']);
  /** Until when a replica that is started anew takes nothing. */
  readonly #away = new Map<string, number>();
  readonly #chance = new Chance(7);
  readonly #listeners = new Set<(event: string, data: unknown) => void>();
  readonly schedules: Mutable<ScheduleView>[];
  #now: number;
  #cursor = 0;
  #lastId = 4000;

  constructor(now: number) {
    const longAgo = 70 * 60_000;
    this.#now = now - longAgo;
    this.#replicas = ['web-7d9f-a', 'web-7d9f-b', 'worker-2'].map((name, index) => ({
      id: `${name}-${1000 + index}`,
      name,
      startedAt: this.#iso(-index * 3_600_000 * 7),
      leaseUntil: this.#iso(LEASE),
      leaseLeft: LEASE,
      draining: false,
      types: TYPES.filter((_, type) => index === 2 || type !== 2),
      concurrency: SLOTS,
      running: [],
      blocked: 0,
    }));
    this.schedules = [
      this.#schedule('nightly-index', 'rebuild-index', '0 3 * * *', 'Europe/Berlin', 9),
      this.#schedule('invoices', 'send-invoices', '0 8 1 * *', null, 400),
      this.#schedule('sync-videos', 'transcode-video', 'every 15 min', null, 0.2),
    ];
    for (let step = 0; step < longAgo / 2_000; step += 1) this.step(2_000);
  }

  listen(listener: (event: string, data: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  step(milliseconds: number): void {
    this.#now += milliseconds;
    if (this.#chance.below(milliseconds / 14_000)) this.#create();
    for (const replica of this.#replicas) {
      if (Date.parse(replica.leaseUntil) - this.#now < LEASE * 0.66) replica.leaseUntil = this.#iso(LEASE);
      replica.leaseLeft = Date.parse(replica.leaseUntil) - this.#now;
      this.#work(replica, milliseconds);
      if (!replica.draining && this.#now > (this.#away.get(replica.id) ?? 0)) this.#claim(replica);
    }
    if (this.#chance.below(milliseconds / 150_000)) this.#handOver();
    if (this.#chance.below(milliseconds / 300_000)) this.#crash();
  }

  tick(): void {
    this.#tell('tick', { at: this.#iso() });
    for (const task of this.#tasks.values()) if (task.replica !== null) this.#tell('task', this.#view(task));
  }

  task(id: number): TaskView | undefined {
    const task = this.#tasks.get(id);
    return task === undefined ? undefined : this.#view(task);
  }

  tasks(): readonly TaskView[] {
    return [...this.#tasks.values()].toReversed().map((task) => this.#view(task));
  }

  history(id: number): readonly HistoryView[] {
    return this.#history.get(id) ?? [];
  }

  change(id: number, action: Action, given: { group?: string; reason?: string }): TaskView | undefined {
    const task = this.#tasks.get(id);
    if (task === undefined || !actionsOf(task).includes(action)) return undefined;
    const to = this.#targetOf(task, action);
    if (action === 'move') task.group = given.group ?? '';
    this.#record(task, action, to, { actor: 'ada@example.org', reason: given.reason ?? null });
    if (to === 'deleting') this.#tasks.delete(id);
    return this.#view(task);
  }

  bulk(request: BulkRequest): number {
    const { filter = {}, ids } = request;
    const meant = [...this.#tasks.values()].filter(
      (task) =>
        (ids === undefined || ids.includes(task.id)) &&
        (filter.user === undefined || filter.user === task.user) &&
        (filter.group === undefined || filter.group === task.group) &&
        (filter.types === undefined || filter.types.includes(task.type)) &&
        (filter.states === undefined || filter.states.includes(task.state)),
    );
    return meant.filter((task) => this.change(task.id, request.change, request) !== undefined).length;
  }

  replicas(): readonly ReplicaView[] {
    return this.#replicas.map((replica) => ({ ...replica, running: this.#held(replica) }));
  }

  drain(id: string): boolean {
    const replica = this.#replicas.find((other) => other.id === id);
    if (replica === undefined) return false;
    replica.draining = true;
    for (const task of this.#tasks.values()) if (task.replica === id) this.#yield(task);
    return true;
  }

  pause(kind: string, name: string, paused: boolean): void {
    if (paused) this.#paused.add(`${kind} ${name}`);
    else this.#paused.delete(`${kind} ${name}`);
  }

  limit(kind: string, name: string | readonly [string, string], limit: number | null): void {
    const key = `${kind} ${[name].flat().join('/')}`;
    if (limit === null) this.#limits.delete(key);
    else this.#limits.set(key, limit);
  }

  queues(): Queues {
    const tasks = [...this.#tasks.values()];
    const scopes = (kind: 'user' | 'group' | 'type'): ScopeView[] =>
      [...Map.groupBy(tasks, (task) => task[kind])].map(([name, members]) => ({
        name,
        states: countStates(members),
        limit: this.#limits.get(`${kind} ${name}`) ?? null,
        paused: this.#paused.has(`${kind} ${name}`),
        oldestWaiting: this.#oldest(members),
        used: null,
      }));
    const pairs = Map.groupBy(tasks, ({ user, group }) => JSON.stringify([user, group]));
    const matrix = [...pairs.values()].map((members) => {
      const { user, group } = members[0] as MadeUpTask;
      const states = countStates(members);
      const limit = this.#limits.get(`user/group ${user}/${group}`) ?? null;
      return { user, group, running: states.running ?? 0, waiting: states.pending ?? 0, limit };
    });
    return { users: scopes('user'), groups: scopes('group'), types: scopes('type'), matrix };
  }

  overview(): Overview {
    const tasks = [...this.#tasks.values()];
    const buckets = Array.from({ length: 60 }, (_, index) => this.#bucket(index - 59));
    return {
      at: this.#iso(),
      states: countStates(tasks),
      oldestWaiting: this.#oldest(tasks),
      slots: {
        total: this.#replicas.length * SLOTS,
        used: tasks.filter(({ replica }) => replica !== null).length,
      },
      throughput: buckets.map(({ at, created, started, finished, failed }) => ({
        at,
        created,
        started: started.length,
        finished,
        failed,
      })),
      bucket: BUCKET,
      waiting: buckets.map(({ at, started }) => ({
        at,
        p50: quantile(started, 0.5),
        p95: quantile(started, 0.95),
      })),
      replicas: [...this.replicas()],
      problems: this.#problems(tasks),
    };
  }

  #bucket(distance: number) {
    const from = Math.floor(this.#now / BUCKET + distance) * BUCKET;
    const entries = [...this.#history.values()]
      .flat()
      .filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < from + BUCKET);
    const count = (event: string): number => entries.filter((entry) => entry.event === event).length;
    const started = entries
      .filter(({ event, epoch }) => event === 'claim' && epoch === 1)
      .map(({ task, at }) => Date.parse(at) - Date.parse(this.#history.get(task)?.[0]?.at ?? at));
    return {
      at: new Date(from).toISOString(),
      created: count('create'),
      finished: count('finish'),
      failed: count('fail'),
      started,
    };
  }

  #problems(tasks: readonly MadeUpTask[]): Problem[] {
    const failed = tasks.filter(({ state, type }) => state === 'failed' && type === 'transcode-video');
    const held = tasks.filter(
      ({ state, group }) => state === 'pending' && this.#paused.has(`group ${group}`),
    );
    const problems: Problem[] = [];
    if (failed.length > 0) {
      const ids = failed.map(({ id }) => id);
      problems.push({
        kind: 'failed-tasks',
        severity: 'error',
        count: ids.length,
        subject: 'transcode-video',
        tasks: ids,
      });
    }
    if (held.length > 0) {
      const ids = held.map(({ id }) => id);
      problems.push({
        kind: 'paused-scope-with-waiting',
        severity: 'warning',
        count: ids.length,
        subject: 'nightly',
        tasks: ids,
      });
    }
    return problems;
  }

  #create(): void {
    this.#lastId += 1;
    const type = this.#chance.of(TYPES);
    const task: MadeUpTask = {
      id: this.#lastId,
      type,
      version: 1,
      user: this.#chance.of(USERS),
      group: this.#chance.of(GROUPS),
      state: 'pending',
      input: { file: `${type}-${this.#lastId}.dat`, options: { batch: 100, dryRun: false } },
      context: undefined,
      progress: null,
      message: null,
      error: null,
      errors: [],
      priority: 0,
      attempt: 1,
      crashes: 0,
      retries: 0,
      key: null,
      parent: null,
      dueAt: null,
      worked: 0,
      epoch: 0,
      replica: null,
      createdAt: this.#iso(),
      startedAt: null,
      doneAt: null,
      actions: [],
    };
    this.#tasks.set(task.id, task);
    this.#record(task, 'create', 'pending', { from: null, actor: task.user });
  }

  #claim(replica: ReplicaView): void {
    const free = SLOTS - this.#held(replica).length;
    const waiting = [...this.#tasks.values()].filter(
      (task) =>
        task.replica === null &&
        (task.state === 'pending' || task.state === 'running') &&
        replica.types.includes(task.type) &&
        !['user', 'group', 'type'].some((kind) => this.#paused.has(`${kind} ${task[kind as 'user']}`)),
    );
    const handedOver = waiting.filter(({ state }) => state === 'running');
    const others = waiting.filter(({ state }) => state === 'pending');
    for (const task of [...handedOver, ...others].slice(0, free)) {
      task.replica = replica.id;
      task.epoch += 1;
      task.startedAt = this.#iso();
      this.#record(task, 'claim', 'running', { replica: replica.id });
    }
  }

  #work(replica: ReplicaView, milliseconds: number): void {
    for (const task of this.#tasks.values()) {
      if (task.replica !== replica.id) continue;
      if (task.state === 'canceling') {
        this.#yield(task);
        continue;
      }
      const speed = milliseconds / (60_000 + (task.id % 7) * 55_000);
      const before = task.progress ?? 0;
      task.progress = Math.min(1, before + speed * (0.5 + this.#chance.next()));
      const rows = Math.floor(task.progress * 120_000);
      task.message = (MESSAGES[task.type] ?? '{n}').replaceAll('{n}', rows.toLocaleString('en'));
      if (Math.floor(before * 14) < Math.floor(task.progress * 14)) this.#report(task, rows);
      if (task.progress >= 1) this.#end(task, 'finish', 'finished');
      else if (task.type === 'transcode-video' && this.#chance.below(milliseconds / 700_000))
        this.#fail(task);
    }
  }

  #report(task: MadeUpTask, rows: number): void {
    const context = {
      row: rows,
      bytes: rows * 83,
      last: {
        file: `part-${Math.floor(rows / 9_000)}.csv`,
        checksum: (rows * 2_654_435_761).toString(36).slice(0, 9),
      },
      rejected:
        rows > 60_000
          ? ['row 41,207: no date', 'row 58,001: no price']
          : rows > 30_000
            ? ['row 41,207: no date']
            : [],
    };
    task.context = context;
    const bytes = JSON.stringify(context).length;
    this.#record(task, 'report', null, { progress: task.progress, bytes, context });
    if (this.#chance.below(0.3)) {
      this.#record(task, 'log', null, {
        level: this.#chance.below(0.2) ? 'warn' : 'info',
        message: `Loaded up to row ${rows}`,
      });
    }
  }

  #fail(task: MadeUpTask): void {
    const message = 'ffmpeg ended with code 187: invalid data found when processing input';
    const stack = `EncodingError: ${message}\n    at encode (file:///app/video.js:88:11)\n    at async run (file:///app/tasks.js:31:5)`;
    task.error = { name: 'EncodingError', message, stack };
    task.errors = [
      { name: 'EncodingError', message, at: this.#iso(), attempt: task.attempt, replica: task.replica ?? '' },
    ];
    this.#end(task, 'fail', 'failed');
  }

  #end(task: MadeUpTask, event: string, state: State): void {
    this.#settle(task);
    task.doneAt = this.#iso();
    this.#record(task, event, state, {
      replica: task.replica,
      ...(task.error === null ? {} : { message: task.error.message }),
    });
    task.replica = null;
  }

  #yield(task: MadeUpTask): void {
    this.#settle(task);
    this.#record(task, 'yield', task.state === 'canceling' ? 'paused' : 'running', { replica: task.replica });
    task.replica = null;
  }

  #settle(task: MadeUpTask): void {
    if (task.startedAt !== null) task.worked += this.#now - Date.parse(task.startedAt);
  }

  /** A deploy: one replica gives its tasks back and begins anew. */
  #handOver(): void {
    const replica = this.#chance.of(this.#replicas);
    for (const task of this.#tasks.values()) if (task.replica === replica.id) this.#yield(task);
    this.#away.set(replica.id, this.#now + AWAY);
  }

  #crash(): void {
    const replica = this.#chance.of(this.#replicas);
    for (const task of this.#tasks.values()) {
      if (task.replica !== replica.id) continue;
      task.crashes += 1;
      this.#record(task, 'recover', 'running', { replica: replica.id });
      task.replica = null;
    }
    this.#away.set(replica.id, this.#now + AWAY);
  }

  #targetOf(task: MadeUpTask, action: Action): State {
    if (action === 'run') return task.state === 'canceling' ? 'running' : 'pending';
    if (action === 'pause') return task.replica === null ? 'paused' : 'canceling';
    return action === 'delete' ? 'deleting' : task.state;
  }

  #held(replica: ReplicaView): { id: number; type: string; epoch: number }[] {
    return [...this.#tasks.values()]
      .filter((task) => task.replica === replica.id)
      .map(({ id, type, epoch }) => ({ id, type, epoch }));
  }

  #oldest(tasks: readonly MadeUpTask[]): number | null {
    const waiting = tasks
      .filter(({ state }) => state === 'pending')
      .map(({ createdAt }) => Date.parse(createdAt));
    return waiting.length === 0 ? null : this.#now - Math.min(...waiting);
  }

  #view(task: MadeUpTask): TaskView {
    return { ...task, actions: actionsOf(task) };
  }

  #record(task: MadeUpTask, event: string, to: State | null, more: Partial<HistoryView>): void {
    this.#cursor += 1;
    const entry: HistoryView = {
      cursor: String(this.#cursor),
      task: task.id,
      at: this.#iso(),
      event,
      from: task.state,
      to,
      mark: null,
      actor: null,
      reason: null,
      replica: task.replica,
      epoch: task.epoch,
      attempt: task.attempt,
      progress: null,
      bytes: null,
      ...more,
    };
    if (to !== null) task.state = to;
    const entries = this.#history.get(task.id) ?? [];
    this.#history.set(task.id, entries);
    entries.push(entry);
    this.#tell('change', entry);
  }

  #tell(event: string, data: unknown): void {
    for (const listener of this.#listeners) listener(event, data);
  }

  #schedule(name: string, type: string, rule: string, zone: string | null, hours: number): ScheduleView {
    const day = 70 * 60_000;
    return {
      name,
      type,
      rule,
      zone,
      user: '',
      group: 'nightly',
      paused: name === 'invoices',
      nextAt: this.#iso(day + hours * 3_600_000),
      lastAt: this.#iso(day - hours * 1_800_000),
      lastTask: 4001,
    };
  }

  #iso(later = 0): string {
    return new Date(this.#now + later).toISOString();
  }
}

function actionsOf({ state }: TaskView): Action[] {
  const actions: Readonly<Partial<Record<State, Action[]>>> = {
    init: ['run', 'pause', 'move', 'delete'],
    pending: ['pause', 'move', 'delete'],
    running: ['pause', 'move', 'delete'],
    canceling: ['run', 'delete'],
    paused: ['run', 'move', 'delete'],
    finished: ['delete'],
    failed: ['run', 'delete'],
  };
  return actions[state] ?? [];
}

function countStates(tasks: readonly TaskView[]): Partial<Record<State, number>> {
  const counts: Partial<Record<State, number>> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}
