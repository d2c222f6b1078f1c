/**
 * How traces follow a task through the database and from replica to replica: what is stored with the task, and what the
 * engine asks of whoever traces. Nothing here knows OpenTelemetry; `taskbaton/otel` is the tracer that does.
 */
import { decodeJson } from './json.ts';
import type { QueueName } from './status.ts';

/** The headers of a span's context, as the W3C recommendation "Trace Context" names them. */
export type TraceCarrier = Readonly<Record<string, string>>;

/** What a task remembers of its traces. */
export interface TaskTrace {
  /** The span in which it was created. */
  readonly created?: TraceCarrier | undefined;
  /** Its last stint that has stored anything. */
  readonly stint?: TraceCarrier | undefined;
}

export interface TracedTask {
  readonly type: string;
  readonly user: string;
  readonly group: string;
}

export interface TracedClaim extends TracedTask {
  readonly id: number;
  readonly epoch: number;
  readonly attempt: number;
  readonly replica: string;
  readonly queue: QueueName;
}

/** One stint of a task on a replica, from its claim to the write that ends it. */
export interface TracedStint {
  /** Stored with the first thing that the stint stores; undefined if nobody is to know. */
  readonly carrier: TraceCarrier | undefined;
  /** Calls the handler within the span. */
  run<Result>(call: () => Result): Result;
  /** Nothing of it is left: what it came to has been told by the observer, or nobody knows. */
  end(): void;
}

export interface Tracer {
  /** A task is about to be created. The carrier is stored with it. */
  created(task: TracedTask): TraceCarrier | undefined;
  /** Its handler is about to be called. */
  begin(claim: TracedClaim, trace: TaskTrace): TracedStint;
}

/** The longest carrier that is believed, in characters: it comes from a database that others write to. */
const LONGEST_HEADER = 1024;

/** What is stored for a task beside its policy, in the same JSON. Whatever isn't a trace is none. */
export function storedTrace(options: string | null): TaskTrace {
  const trace = partsOf(parsed(options)['trace']);
  return { created: carrierOf(trace['created']), stint: carrierOf(trace['stint']) };
}

/** The same JSON with a trace in it. */
export function withTrace(options: string | null, trace: TaskTrace): string {
  return JSON.stringify({ ...parsed(options), trace: { ...storedTrace(options), ...trace } });
}

function parsed(options: string | null): Readonly<Record<string, unknown>> {
  try {
    return partsOf(decodeJson(options));
  } catch {
    // Whoever runs the task refuses it for that; a trace is no reason to.
    return {};
  }
}

function carrierOf(value: unknown): TraceCarrier | undefined {
  const headers = Object.entries(partsOf(value)).filter(
    (header): header is [string, string] =>
      typeof header[1] === 'string' && header[1].length <= LONGEST_HEADER,
  );
  return headers.length === 0 ? undefined : Object.fromEntries(headers);
}

function partsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
