/**
 * A span's context as text and back, as the W3C recommendation "Trace Context" has it. It is done here and not by the
 * propagator of the process, for a service may have none, or one that writes headers which the next release can't read.
 */
import { createTraceState, isSpanContextValid, type SpanContext } from '@opentelemetry/api';
import type { TraceCarrier } from '../core/trace.ts';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Undefined for a span that is recorded nowhere, as where no SDK is set up. */
export function carrierOf(span: SpanContext): TraceCarrier | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const flags = span.traceFlags.toString(16).padStart(2, '0');
  const traceparent = `00-${span.traceId}-${span.spanId}-${flags}`;
  const tracestate = span.traceState?.serialize() ?? '';
  return tracestate === '' ? { traceparent } : { traceparent, tracestate };
}

/** Undefined for whatever is no context. */
export function contextOf(carrier: TraceCarrier | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(carrier?.['traceparent'] ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  if (!isSpanContextValid(context)) return undefined;
  const state = carrier?.['tracestate'];
  return state === undefined ? context : { ...context, traceState: createTraceState(state) };
}
