/**
 * A system at a glance, counted once for all who look in this process. It remembers what the database doesn't keep: the
 * flow of the last hour, in so far as somebody looked, and since when tasks are seen to be stopping.
 */
import type { Clock } from '../core/clock.ts';
import {
  type Flow,
  type Overview,
  type Problem,
  type ProblemKind,
  type Queues,
  SEVERITIES,
} from '../core/overview.ts';
import { type PublicState, STATUS, type Status } from '../core/status.ts';
import type { Replica } from '../core/replica.ts';
import { type FlowCount, readFlow } from '../store/flow.ts';
import {
  countBehindPauses,
  countCells,
  countStatuses,
  findLateReplicas,
  findNewest,
  findOldest,
  findStopping,
  findWaiting,
} from '../store/overview.ts';
import { listReplicas } from '../store/replicas.ts';
import { countScopes } from '../store/scope.ts';
import type { Store } from '../store/store.ts';
import { countVersions } from '../store/versions.ts';
import { Cache } from './cache.ts';

type Owner = string | undefined;
type Scopes = Store['scopes'];

const BUCKET = 60_000;
const BUCKETS = 60;
const SPAN = BUCKET * BUCKETS;
/** So many users' views are kept. */
const MOST_VIEWS = 200;
const SAMPLE = 5;

/** What is remembered of the flow, for one user or for all. */
interface Memory {
  readonly flow: Map<number, FlowCount>;
  lookedAt: number;
  firstId: number;
}

export class Overviews {
  readonly #store: () => Promise<Store>;
  readonly #clock: Clock;
  /** A task should have stopped after so many ms. */
  readonly #patience: number;
  readonly #overviews: Cache<Owner, Overview>;
  readonly #queues: Cache<Owner, Queues>;
  readonly #memories = new Map<Owner, Memory>();
  /** Since when, by the monotonic clock, each claim is seen to be stopping. */
  #stopping = new Map<string, number>();

  constructor(store: () => Promise<Store>, clock: Clock, patience: number) {
    this.#store = store;
    this.#clock = clock;
    this.#patience = patience;
    this.#overviews = new Cache(clock, MOST_VIEWS);
    this.#queues = new Cache(clock, MOST_VIEWS);
  }

  overview(owner: Owner): Promise<Overview> {
    return this.#overviews.get(owner, () => this.#read(owner));
  }

  queues(owner: Owner): Promise<Queues> {
    return this.#queues.get(owner, async () => {
      const { scopes } = await this.#store();
      return {
        users: await countScopes(scopes, 'user', owner),
        groups: await countScopes(scopes, 'group', owner),
        types: await countScopes(scopes, 'type', owner),
        matrix: await countCells(scopes, owner),
      };
    });
  }

  async #read(owner: Owner): Promise<Overview> {
    const { scopes } = await this.#store();
    const { at, tasks } = await countStatuses(scopes, owner);
    const oldest = await findOldest(scopes, owner);
    const replicas = await listReplicas(scopes, owner);
    const flow = await this.#flow(scopes, owner, at);
    const used = replicas.reduce((sum, { running }) => sum + running.length, 0);
    const total = replicas.reduce((sum, { concurrency }) => sum + concurrency, 0);
    return {
      at: new Date(at),
      states: statesOf(tasks),
      oldestWaiting: oldest === undefined ? undefined : Math.max(0, at - oldest),
      slots: { total, used },
      bucket: BUCKET,
      throughput: throughputOf(flow, at),
      waiting: waitingOf(flow),
      replicas,
      problems: await this.#problems(scopes, owner, { tasks, replicas }),
    };
  }

  /** What happened since it was last looked at, added to what is remembered; the bucket of that time is counted anew. */
  async #flow(scopes: Scopes, owner: Owner, at: number): Promise<readonly FlowCount[]> {
    const none: Memory = { flow: new Map(), lookedAt: 0, firstId: 0 };
    const memory = this.#memories.get(owner) ?? none;
    this.#remember(owner, memory);
    const first = at - (at % BUCKET) - SPAN + BUCKET;
    const since = Math.max(first, memory.lookedAt - (memory.lookedAt % BUCKET));
    const { counts, firstId } = await readFlow(scopes, {
      since,
      bucket: BUCKET,
      owner,
      firstId: memory.firstId,
    });
    memory.lookedAt = at;
    memory.firstId = firstId;
    for (const count of counts) memory.flow.set(count.at, larger(count, memory.flow.get(count.at)));
    for (const bucket of memory.flow.keys()) if (bucket < first) memory.flow.delete(bucket);
    return [...memory.flow.values()].toSorted((one, other) => one.at - other.at);
  }

  #remember(owner: Owner, memory: Memory): void {
    this.#memories.delete(owner);
    this.#memories.set(owner, memory);
    const [oldest] = this.#memories.keys();
    if (this.#memories.size > MOST_VIEWS) this.#memories.delete(oldest);
  }

  async #problems(
    scopes: Scopes,
    owner: Owner,
    {
      tasks,
      replicas,
    }: { readonly tasks: ReadonlyMap<Status, number>; readonly replicas: readonly Replica[] },
  ): Promise<readonly Problem[]> {
    const problems = [
      ...(await unreadable(scopes, owner, replicas)),
      ...(await inStatus(scopes, owner, tasks, 'failed/delete', 'failed-cleanup')),
      ...(await this.#stoppingTooLong(scopes, owner)),
      ...(owner === undefined ? await ofReplicasAndPauses(scopes, replicas) : []),
      ...(await inStatus(scopes, owner, tasks, 'failed/run', 'failed-tasks')),
    ];
    const order = Object.keys(SEVERITIES);
    return problems.toSorted((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
  }

  async #stoppingTooLong(scopes: Scopes, owner: Owner): Promise<readonly Problem[]> {
    const now = this.#clock.monotonic();
    const found = await findStopping(scopes, owner);
    const seen = found.map(({ id, epoch }) => [`${owner}/${id}/${epoch}`, id] as const);
    const since = new Map(seen.map(([key]) => [key, this.#stopping.get(key) ?? now]));
    const others = Array.from(this.#stopping).filter(([key]) => !key.startsWith(`${owner}/`));
    this.#stopping = new Map([...others.slice(-MOST_STOPPING), ...since]);
    const late = seen.filter(([key]) => now - (since.get(key) ?? now) > this.#patience).map(([, id]) => id);
    return problem('stopping-too-long', late.length, '', late.slice(0, SAMPLE));
  }
}

const MOST_STOPPING = 10_000;

/** None, if there are no such tasks. */
function problem(
  kind: ProblemKind,
  count: number,
  subject: string,
  tasks: readonly number[],
): readonly Problem[] {
  return count === 0 ? [] : [{ kind, severity: SEVERITIES[kind], count, subject, tasks }];
}

async function inStatus(
  scopes: Scopes,
  owner: Owner,
  tasks: ReadonlyMap<Status, number>,
  status: Status,
  kind: ProblemKind,
): Promise<readonly Problem[]> {
  const count = tasks.get(status) ?? 0;
  return count === 0 ? [] : problem(kind, count, '', await findNewest(scopes, status, owner, SAMPLE));
}

/** Tasks that no live replica can run: nobody knows the type, or nobody reads this version of it. */
async function unreadable(
  scopes: Scopes,
  owner: Owner,
  replicas: readonly Replica[],
): Promise<readonly Problem[]> {
  const versions = await countVersions(scopes, owner);
  const known = new Set(replicas.flatMap(({ types }) => types));
  const found = await Promise.all(
    versions
      .filter(({ replicas: able }) => able === 0)
      .map(async ({ type, version, tasks }) => {
        const some = await findWaiting(scopes, { type, version }, owner, SAMPLE);
        // Nobody is needed for those that wait for nothing.
        if (some.length === 0) return [];
        return known.has(type)
          ? problem('no-replica-for-version', tasks, `${type}@${version}`, some)
          : problem('no-replica-for-type', tasks, type, some);
      }),
  );
  return found.flat();
}

async function ofReplicasAndPauses(
  scopes: Scopes,
  replicas: readonly Replica[],
): Promise<readonly Problem[]> {
  const late = await findLateReplicas(scopes);
  const paused = await countBehindPauses(scopes);
  return [
    ...replicas.flatMap(({ id, blocked, blockedBy }) =>
      problem('blocked-loop', blocked > 0 ? 1 : 0, id, blockedBy === undefined ? [] : [blockedBy]),
    ),
    ...late.flatMap((id) => problem('lease-ending', 1, id, [])),
    ...paused.flatMap(({ kind, name, tasks }) =>
      problem('paused-scope-with-waiting', tasks, `${kind}:${name}`, []),
    ),
  ];
}

function statesOf(tasks: ReadonlyMap<Status, number>): Overview['states'] {
  const states: Partial<Record<PublicState, number>> = {};
  for (const [status, count] of tasks) {
    const { shows } = STATUS[status];
    states[shows] = (states[shows] ?? 0) + count;
  }
  return states;
}

/** Counts of one bucket only ever grow, but for tasks that are gone or go on. */
function larger(count: FlowCount, before: FlowCount | undefined): FlowCount {
  if (before === undefined) return count;
  return {
    at: count.at,
    created: Math.max(count.created, before.created),
    started: Math.max(count.started, before.started),
    finished: Math.max(count.finished, before.finished),
    failed: Math.max(count.failed, before.failed),
    waits: count.waits.length >= before.waits.length ? count.waits : before.waits,
  };
}

/** A point for each bucket of the span, up to the one that is under way. */
function throughputOf(flow: readonly FlowCount[], at: number): readonly Flow[] {
  const found = new Map(flow.map((count) => [count.at, count]));
  return Array.from({ length: BUCKETS }, (_, index) => {
    const bucket = at - (at % BUCKET) - (BUCKETS - 1 - index) * BUCKET;
    const { created = 0, started = 0, finished = 0, failed = 0 } = found.get(bucket) ?? {};
    return { at: new Date(bucket), created, started, finished, failed };
  });
}

function waitingOf(flow: readonly FlowCount[]): Overview['waiting'] {
  return flow
    .filter(({ waits }) => waits.length > 0)
    .map(({ at, waits }) => {
      const sorted = waits.toSorted((one, other) => one - other);
      const percentile = (part: number): number =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
      return { at: new Date(at), p50: percentile(0.5), p95: percentile(0.95) };
    });
}
