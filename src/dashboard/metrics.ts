/**
 * Figures for Prometheus: what this process has done, heard at the engine's doorway, and what the whole system is like, from
 * counts that are kept for all who ask.
 */
import type { Clock } from '../core/clock.ts';
import type { Replica } from '../core/replica.ts';
import type { EngineEvent, Taskbaton } from '../index.ts';
import type { EventStreams } from './event-streams.ts';
import { DATA_HEADERS } from './guard.ts';
import { Counter, type Family, gauge, Histogram, type Sample, textOf } from './prometheus.ts';

const SECOND = 1000;
/** So many groups and types have figures of their own: those with the most tasks. */
const MOST_NAMES = 200;

export class Metrics {
  readonly #baton: Taskbaton;
  readonly #streams: EventStreams;
  readonly #claims = new Histogram('taskbaton_claim_seconds', 'How long asking for tasks took here.');
  readonly #reports = new Histogram(
    'taskbaton_checkpoint_seconds',
    'How long handlers here waited for a report.',
  );
  readonly #started = new Counter('taskbaton_stints_total', 'Tasks begun or gone on with here.');
  readonly #ended = new Counter('taskbaton_stints_ended_total', 'How stints here ended.');
  readonly #refused = new Counter(
    'taskbaton_stale_writes_total',
    'Writes refused here, for others owned the task.',
  );
  readonly #abandoned = new Counter(
    'taskbaton_abandoned_total',
    'Handlers here that ignored their stop signal.',
  );
  readonly #rescued = new Counter('taskbaton_rescued_total', 'Tasks taken here from dead replicas.');
  readonly #lag: LoopLag;

  constructor(
    baton: Taskbaton,
    { clock, streams }: { readonly clock: Clock; readonly streams: EventStreams },
  ) {
    this.#baton = baton;
    this.#streams = streams;
    this.#lag = new LoopLag(clock);
    baton.on('*', (event) => this.#hear(event));
  }

  async response(): Promise<Response> {
    const headers = { ...DATA_HEADERS, 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
    return new Response(textOf([...(await this.#system()), ...this.#process()]), { headers });
  }

  #hear(event: EngineEvent): void {
    if (event.name === 'tasks.claimed') this.#claims.observe(event.took / SECOND, { queue: event.queue });
    else if (event.name === 'task.reported' && event.took !== undefined)
      this.#reports.observe(event.took / SECOND, { type: event.type });
    else if (event.name === 'task.started') this.#started.add(1, { type: event.type });
    else if (event.name === 'task.ended') this.#ended.add(1, { type: event.type, event: event.event });
    else if (event.name === 'task.lost') this.#refused.add(1, { type: event.type });
    else if (event.name === 'task.abandoned') this.#abandoned.add(1, { type: event.type });
    else if (event.name === 'tasks.rescued') this.#rescued.add(event.count, {});
  }

  async #system(): Promise<readonly Family[]> {
    const { states, oldestWaiting = 0, slots, replicas, problems } = await this.#baton.overview();
    const { groups, types } = await this.#baton.queues();
    const tasksOf = (label: string, scopes: typeof groups): readonly Sample[] =>
      scopes
        .toSorted((one, other) => sum(other.states) - sum(one.states))
        .slice(0, MOST_NAMES)
        .flatMap(({ name, states: counts }) =>
          Object.entries(counts).map(([state, value]) => ({ labels: { [label]: name, state }, value })),
        );
    const ages = (label: string, scopes: typeof groups): readonly Sample[] =>
      scopes
        .slice(0, MOST_NAMES)
        .flatMap(({ name, oldestWaiting: age }) =>
          age === undefined ? [] : [{ labels: { [label]: name }, value: age / SECOND }],
        );
    return [
      gauge('taskbaton_tasks', 'Tasks by state.', samples('state', states)),
      gauge('taskbaton_type_tasks', 'Tasks by type and state.', tasksOf('type', types)),
      gauge('taskbaton_group_tasks', 'Tasks by group and state.', tasksOf('group', groups)),
      gauge('taskbaton_oldest_waiting_seconds', 'Age of the oldest task that waits for a slot.', [
        { labels: {}, value: oldestWaiting / SECOND },
      ]),
      gauge('taskbaton_group_oldest_waiting_seconds', 'The same for each group.', ages('group', groups)),
      gauge('taskbaton_slots', 'Slots of all replicas.', samples('kind', { ...slots })),
      gauge('taskbaton_replicas', 'Replicas that are alive.', [{ labels: {}, value: replicas.length }]),
      gauge(
        'taskbaton_lease_left_seconds',
        'How much of its lease each replica has left.',
        replicas.map(lease),
      ),
      gauge(
        'taskbaton_problems',
        'What somebody should look at.',
        problems.map(({ kind, severity, subject, count }) => ({
          labels: { kind, severity, subject },
          value: count,
        })),
      ),
    ];
  }

  #process(): readonly Family[] {
    const one = (value: number): readonly Sample[] => [{ labels: {}, value }];
    return [
      this.#claims.family,
      this.#reports.family,
      this.#started.family,
      this.#ended.family,
      this.#refused.family,
      this.#abandoned.family,
      this.#rescued.family,
      gauge(
        'taskbaton_loop_lag_seconds',
        'By how much a timer here was late at worst, lately.',
        one(this.#lag.worst / SECOND),
      ),
      gauge('taskbaton_dashboard_streams', 'Streams of events that are open here.', one(this.#streams.open)),
    ];
  }
}

function samples(label: string, counts: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

function lease({ name, id, leaseLeft }: Replica): Sample {
  return { labels: { replica: id, name }, value: leaseLeft / SECOND };
}

function sum(states: Readonly<Record<string, number>>): number {
  return Object.values(states).reduce((total, count) => total + count, 0);
}

/** Every second it sees how late its timer comes; it remembers the worst of the last minute. */
class LoopLag {
  readonly #clock: Clock;
  #lags: readonly number[] = [0];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#measure();
  }

  get worst(): number {
    return Math.max(...this.#lags);
  }

  #measure(): void {
    const due = this.#clock.monotonic() + SECOND;
    this.#clock.after(SECOND, () => {
      this.#lags = [...this.#lags.slice(-59), Math.max(0, this.#clock.monotonic() - due)];
      this.#measure();
    });
  }
}
