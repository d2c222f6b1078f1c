/** Metrics of one process: what it creates, starts and ends, how long that takes, and what went wrong. */
import type { Attributes, Meter } from '@opentelemetry/api';
import type { Clock } from '../core/clock.ts';
import type { TracedTask } from '../core/trace.ts';
import type { EngineEvent } from '../runtime/observer.ts';
import { ERROR_TYPE, METRICS, operation, OUTCOME } from './conventions.ts';

/** Seconds: tasks run for moments or for days. */
const BUCKETS = [0.01, 0.05, 0.25, 1, 5, 30, 120, 600, 3600, 14_400, 86_400];

export class Measures {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #instruments: ReturnType<typeof instrumentsOf>;
  readonly #begun = new Map<string, number>();

  constructor(meter: Meter, clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#instruments = instrumentsOf(meter);
  }

  created({ type }: TracedTask): void {
    this.#instruments.created.add(1, operation('create', type));
  }

  note(event: EngineEvent): void {
    const { started, running, checkpoints, refused, abandoned, rescued, leasesLost } = this.#instruments;
    switch (event.name) {
      case 'task.started':
        this.#begun.set(keyOf(event), this.#clock.monotonic());
        started.add(1, attributesOf(event));
        running.add(1, attributesOf(event));
        break;
      case 'task.reported':
        checkpoints.add(1, attributesOf(event));
        break;
      case 'task.lost':
        refused.add(1, attributesOf(event));
        this.#end(event, { [OUTCOME]: 'lost' });
        break;
      case 'task.abandoned':
        abandoned.add(1, attributesOf(event));
        break;
      case 'task.ended': {
        const error = event.error === undefined ? {} : { [ERROR_TYPE]: event.error.code ?? event.error.name };
        this.#end(event, { [OUTCOME]: event.event, ...error });
        break;
      }
      case 'tasks.rescued':
        rescued.add(event.count);
        break;
      case 'replica.lost':
        leasesLost.add(1);
        break;
      default:
    }
  }

  #end(event: Claimed, outcome: Attributes): void {
    const begun = this.#begun.get(keyOf(event));
    if (begun === undefined) return;
    this.#begun.delete(keyOf(event));
    const { duration, running } = this.#instruments;
    duration.record((this.#clock.monotonic() - begun) / 1000, { ...attributesOf(event), ...outcome });
    running.add(-1, attributesOf(event));
  }
}

interface Claimed {
  readonly id: number;
  readonly epoch: number;
  readonly type: string;
  readonly queue: string;
}

function instrumentsOf(meter: Meter) {
  return {
    created: meter.createCounter(METRICS.created, { unit: '{task}', description: 'Tasks created here.' }),
    started: meter.createCounter(METRICS.started, { unit: '{task}', description: 'Stints begun here.' }),
    duration: meter.createHistogram(METRICS.duration, {
      unit: 's',
      description: 'How long stints lasted here.',
      advice: { explicitBucketBoundaries: BUCKETS },
    }),
    running: meter.createUpDownCounter(METRICS.running, {
      unit: '{task}',
      description: 'Tasks running here.',
    }),
    checkpoints: meter.createCounter(METRICS.checkpoints, {
      unit: '{report}',
      description: 'Reports stored.',
    }),
    refused: meter.createCounter(METRICS.refused, {
      unit: '{task}',
      description: 'Tasks lost to another owner, whose writes were refused.',
    }),
    abandoned: meter.createCounter(METRICS.abandoned, {
      unit: '{task}',
      description: 'Handlers that ignored their stop signal until their grace was over.',
    }),
    rescued: meter.createCounter(METRICS.rescued, {
      unit: '{task}',
      description: 'Tasks taken from the dead.',
    }),
    leasesLost: meter.createCounter(METRICS.leasesLost, {
      unit: '{lease}',
      description: 'Leases lost here.',
    }),
  };
}

function attributesOf({ type, queue }: Claimed): Attributes {
  return { ...operation('process', type), 'taskbaton.queue': queue };
}

function keyOf({ id, epoch }: Claimed): string {
  return `${id}/${epoch}`;
}
