/** Hooks an instance up with OpenTelemetry: its tracer for spans, and listeners at the engine's doorway for the rest. */
import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import { errorShown } from '../core/codec.ts';
import type { Tracer } from '../core/trace.ts';
import { checkParts } from '../core/name.ts';
import { internalsOf } from '../runtime/internals.ts';
import type { Taskbaton } from '../taskbaton.ts';
import { SYSTEM } from './conventions.ts';
import { Measures } from './measures.ts';
import { Spans } from './spans.ts';

export interface OpenTelemetryOptions {
  /** Where spans go; by default wherever the process sends them. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Where measurements go; by default wherever the process sends them. */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * Traces and measures what the instance does from now on, until the returned function is called. Inputs, contexts and
 * messages are in none of it; of errors there is what a log may hold. Throws INVALID_ARGUMENT.
 *
 * Names are those of OpenTelemetry's semantic conventions for messaging.
 */
export function openTelemetry(baton: Taskbaton, options: OpenTelemetryOptions = {}): () => void {
  const { clock, settings, observer, tracing } = internalsOf(baton);
  checkParts('options', options, ['tracerProvider', 'meterProvider']);
  const { tracerProvider = trace, meterProvider = metrics } = options;
  const spans = new Spans(tracerProvider.getTracer(SYSTEM), errorShown(settings));
  const measures = new Measures(meterProvider.getMeter(SYSTEM), clock);
  const tracer: Tracer = {
    created(task) {
      measures.created(task);
      return spans.created(task);
    },
    begin: (claim, stored) => spans.begin(claim, stored),
  };
  tracing.tracer = tracer;
  const end = observer.on('*', (event) => {
    spans.note(event);
    measures.note(event);
  });
  return () => {
    if (tracing.tracer === tracer) tracing.tracer = undefined;
    end();
  };
}
