/**
 * Whoever traces, if anybody does: it can be set after an instance was made, and what it throws costs a span, never a
 * task.
 */
import type { QueueName } from '../core/status.ts';
import type { TracedClaim, TracedStint, TracedTask, Tracer } from '../core/trace.ts';
import { storedTrace, withTrace } from '../core/trace.ts';

const UNTRACED: TracedStint = { carrier: undefined, run: (call) => call(), end: () => undefined };

export class Tracing {
  /** At most one: a task has one trace. */
  tracer: Tracer | undefined;

  /** What a new task is stored with: `options`, and where it was created. */
  created(task: TracedTask, options: string | null): string | null {
    const { tracer } = this;
    if (tracer === undefined) return options;
    const carrier = unlessItThrows(() => tracer.created(task));
    return carrier === undefined ? options : withTrace(options, { created: carrier });
  }

  begin(claim: Omit<TracedClaim, 'queue'>, queue: QueueName, options: string | null): Stint {
    const { tracer } = this;
    if (tracer === undefined) return UNTRACED_STINT;
    const stint = unlessItThrows(() => tracer.begin({ ...claim, queue }, storedTrace(options)));
    return new Stint(stint ?? UNTRACED, options);
  }
}

/** A claim as it is traced: the handler runs within its span, and what it stores first says which one that is. */
export class Stint {
  readonly #traced: TracedStint;
  readonly #options: string | null;
  #stored = false;

  constructor(traced: TracedStint, options: string | null) {
    this.#traced = traced;
    this.#options = options;
  }

  run<Result>(call: () => Result): Result {
    return this.#traced.run(call);
  }

  end(): void {
    unlessItThrows(() => this.#traced.end());
  }

  /** The task's options with this stint in them, to be stored once; undefined if there is nothing to store. */
  get toStore(): string | undefined {
    const { carrier } = this.#traced;
    if (this.#stored || carrier === undefined) return undefined;
    this.#stored = true;
    return withTrace(this.#options, { stint: carrier });
  }
}

const UNTRACED_STINT = new Stint(UNTRACED, null);

function unlessItThrows<Result>(call: () => Result): Result | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
