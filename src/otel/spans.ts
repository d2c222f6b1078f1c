/**
 * Spans: a short one where a task is created, and one for each stint, a trace of its own that is linked to its creation
 * and to the stint before. A task that runs for days in many replicas is so a chain of traces, none of which has no end.
 */
import {
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer as SpanMaker,
} from '@opentelemetry/api';
import type { StoredError } from '../core/task.ts';
import type { TaskTrace, TraceCarrier, TracedClaim, TracedStint, TracedTask, Tracer } from '../core/trace.ts';
import type { EngineEvent } from '../runtime/observer.ts';
import { claimOf, ERROR_TYPE, operation, OUTCOME, ownerOf, STOP_REASON } from './conventions.ts';
import { carrierOf, contextOf } from './traceparent.ts';

export class Spans implements Tracer {
  readonly #maker: SpanMaker;
  /** What may be shown of an error. */
  readonly #shown: (error: StoredError, claim: TracedClaim) => StoredError;
  readonly #open = new Map<string, { readonly span: Span; readonly claim: TracedClaim }>();

  constructor(maker: SpanMaker, shown: (error: StoredError, claim: TracedClaim) => StoredError) {
    this.#maker = maker;
    this.#shown = shown;
  }

  created(task: TracedTask): TraceCarrier | undefined {
    const span = this.#maker.startSpan(`create ${task.type}`, {
      kind: SpanKind.PRODUCER,
      attributes: { ...operation('create', task.type), ...ownerOf(task) },
    });
    span.end();
    return carrierOf(span.spanContext());
  }

  begin(claim: TracedClaim, { created, stint }: TaskTrace): TracedStint {
    const span = this.#maker.startSpan(
      `process ${claim.type}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: { ...operation('process', claim.type), ...ownerOf(claim), ...claimOf(claim) },
        links: [...linksTo('creation', created), ...linksTo('previous stint', stint)],
      },
      ROOT_CONTEXT,
    );
    const key = keyOf(claim);
    this.#open.set(key, { span, claim });
    const within = trace.setSpan(ROOT_CONTEXT, span);
    return {
      carrier: carrierOf(span.spanContext()),
      run: (call) => context.with(within, call),
      end: () => {
        this.#open.delete(key);
        span.end();
      },
    };
  }

  /** Adds to the span of the stint what is told about it. */
  note(event: EngineEvent): void {
    if (!('epoch' in event) || event.name === 'loop.blocked') return;
    const open = this.#open.get(keyOf(event));
    if (open === undefined) return;
    const { span, claim } = open;
    switch (event.name) {
      case 'task.reported':
        span.addEvent('checkpoint');
        break;
      case 'task.stopping':
        span.addEvent('stop', { [STOP_REASON]: event.why });
        break;
      case 'task.lost':
        fail(span, 'lost', { name: 'LEASE_LOST', message: 'the task was lost to another owner' });
        break;
      case 'task.abandoned':
        span.addEvent('abandoned');
        break;
      case 'task.ended':
        span.setAttribute(OUTCOME, event.event);
        if (event.error !== undefined) fail(span, event.event, this.#shown(event.error, claim));
        break;
      default:
    }
  }
}

function linksTo(what: string, carrier: TraceCarrier | undefined): Link[] {
  const target = contextOf(carrier);
  return target === undefined ? [] : [{ context: target, attributes: { 'taskbaton.link': what } }];
}

function fail(span: Span, outcome: string, { name, message, stack, code }: StoredError): void {
  span.setAttribute(OUTCOME, outcome);
  span.setAttribute(ERROR_TYPE, code ?? name);
  span.recordException({ name, message, ...(stack === undefined ? {} : { stack }) });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

function keyOf({ id, epoch }: { readonly id: number; readonly epoch: number }): string {
  return `${id}/${epoch}`;
}
