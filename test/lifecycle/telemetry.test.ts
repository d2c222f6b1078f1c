/** Traces and metrics through OpenTelemetry's own SDK, into its exporters in memory. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { context, type SpanContext, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { defineTask, type Payload, type Taskbaton } from '../../src/index.ts';
import { storedTrace } from '../../src/core/trace.ts';
import { openTelemetry } from '../../src/otel/index.ts';
import { internalsOf } from '../../src/runtime/internals.ts';
import { eachBackend } from '../backends.ts';
import { gate, openSystem, reaches, until, vanishes } from '../support/system.ts';

const FAST = { lease: 1000, pollInterval: 50 };

before(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
after(() => context.disable());

eachBackend((backend) => {
  it('each stint is a trace of its own, linked to the task’s creation and to the stint before, in whichever replica', async (t) => {
    const system = await openSystem(backend, t);
    const entered = [gate(), gate()];
    let stints = 0;
    const task = defineTask<undefined, { step: number }>({
      type: 'steps',
      async *run({ signal }) {
        yield { context: { step: 1 } };
        entered[stints++]?.open();
        if (stints === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const first = traced(system.instance({ ...FAST, tasks: [task] }));
    await first.baton.start();
    const id = await first.baton.createTask(task, undefined, { user: 'ada', group: 'g' });
    await entered[0]!.opened;
    await first.baton.pauseTask(id);
    await reaches(first.baton, id, 'paused');
    await first.baton.stop();
    const other = traced(system.instance({ ...FAST, tasks: [task] }));
    await other.baton.start();
    await other.baton.runTask(id);
    await other.baton.taskDone(id);
    const [created, paused] = await first.spans(2);
    const [finished] = await other.spans(1);
    assert.deepEqual(
      [created!.name, paused!.name, finished!.name],
      ['create steps', 'process steps', 'process steps'],
    );
    assert.deepEqual(targetsOf(paused!), [created!.spanContext().spanId]);
    assert.deepEqual(targetsOf(finished!), [created!.spanContext().spanId, paused!.spanContext().spanId]);
    const traces = [created, paused, finished].map((span) => span!.spanContext().traceId);
    assert.equal(new Set(traces).size, 3);
    assert.deepEqual(
      [paused!.attributes['taskbaton.outcome'], finished!.attributes['taskbaton.outcome']],
      ['yield', 'finish'],
    );
    assert.deepEqual(
      ['messaging.system', 'messaging.destination.name', 'messaging.message.id', 'taskbaton.task.user'].map(
        (name) => finished!.attributes[name],
      ),
      ['taskbaton', 'steps', String(id), 'ada'],
    );
    assert.deepEqual(
      paused!.events.map(({ name }) => name),
      ['checkpoint', 'stop'],
    );
  });

  it('a stint says which one it is with the first report that it stores, so that the next finds it whatever happens', async (t) => {
    const system = await openSystem(backend, t);
    const [stored, leave] = [gate(), gate()];
    const task = defineTask<undefined, number>({
      type: 'crash',
      timeout: '1h',
      async *run() {
        yield { context: 1 };
        stored.open();
        await leave.opened;
        yield { context: 2 };
      },
    });
    const { baton, spans } = traced(system.instance({ ...FAST, tasks: [task] }));
    await baton.start();
    const id = await baton.createTask(task, undefined);
    await stored.opened;
    const { database, tables } = await internalsOf(baton).stores.open();
    const { rows } = await database.query(`SELECT options FROM ${tables.task} WHERE id = ?`, [id]);
    const options = rows[0]?.['options'] as string;
    leave.open();
    await baton.taskDone(id);
    const found = await spans(2);
    assert.deepEqual(
      storedTrace(options),
      Object.fromEntries(
        (['created', 'stint'] as const).map((part, index) => {
          const { traceId, spanId } = found[index]!.spanContext();
          return [part, { traceparent: `00-${traceId}-${spanId}-01` }];
        }),
      ),
    );
  });

  it('a handler runs within its span, and what it creates there is a child of it', async (t) => {
    const system = await openSystem(backend, t);
    let inside: SpanContext | undefined;
    const child = defineTask({ type: 'child', run: async () => undefined });
    const parent = defineTask({
      type: 'parent',
      async *run({ children }) {
        yield { progress: 0.5 };
        inside = trace.getActiveSpan()?.spanContext();
        await children.create([{ task: child }]);
      },
    });
    const { baton, spans } = traced(system.instance({ ...FAST, tasks: [parent, child] }));
    await baton.start();
    await baton.taskDone(await baton.createTask(parent, undefined));
    const ended = await until('all spans', async () => {
      const found = await spans(3);
      return (
        found.some(({ name }) => name === 'create child') &&
        found.some(({ name }) => name === 'process parent') &&
        found
      );
    });
    const stint = ended.find(({ name }) => name === 'process parent');
    assert.equal(inside?.spanId, stint?.spanContext().spanId);
    const creation = ended.find(({ name }) => name === 'create child');
    assert.equal(creation?.parentSpanContext?.spanId, inside?.spanId);
  });

  it('a failure is told with what a log may hold of it, and nothing more', async (t) => {
    const system = await openSystem(backend, t);
    const task = defineTask<string>({
      type: 'failing',
      async run({ input }) {
        throw new RangeError(`no ${input}`);
      },
    });
    for (const [redact, message] of [
      [undefined, undefined],
      [(payload: Payload) => payload, 'no secret'],
      [
        () => ({ input: undefined, context: undefined, message: undefined, error: undefined, errors: [] }),
        undefined,
      ],
    ] as const) {
      const { baton, spans } = traced(system.instance({ ...FAST, tasks: [task], redact }));
      await baton.start();
      await assert.rejects(baton.taskDone(await baton.createTask(task, 'secret')));
      const stint = (await spans(2)).find(({ name }) => name === 'process failing');
      assert.equal(stint!.status.code, SpanStatusCode.ERROR);
      assert.equal(stint!.attributes['taskbaton.outcome'], 'fail');
      if (message === undefined)
        assert.ok(!JSON.stringify([stint!.events, stint!.status]).includes('secret'));
      else assert.equal(stint!.status.message, message);
      await baton.stop();
    }
  });

  it('counts what is created, started, stored and ended, and forgets it when it is told to stop', async (t) => {
    const system = await openSystem(backend, t);
    const task = defineTask<undefined, number>({
      type: 'counted',
      async *run() {
        yield { context: 1 };
        yield { context: 2 };
      },
      cleanup: async () => undefined,
    });
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const baton = system.instance({ ...FAST, tasks: [task] });
    const end = openTelemetry(baton, { meterProvider });
    await baton.start();
    const ids = await Promise.all([1, 2, 3].map(() => baton.createTask(task, undefined)));
    await Promise.all(ids.map((id) => baton.taskDone(id)));
    await baton.deleteTask(ids[0]!);
    await vanishes(baton, ids[0]!);
    const counts = await until('all measurements', async () => {
      await reader.forceFlush();
      const found = countsOf(exporter);
      return found['taskbaton.tasks.running'] === 0 && found['messaging.process.duration'] === 4 && found;
    });
    assert.deepEqual(counts, {
      'messaging.client.sent.messages': 3,
      'messaging.client.consumed.messages': 4,
      'messaging.process.duration': 4,
      'taskbaton.tasks.running': 0,
      'taskbaton.tasks.checkpoints': 6,
    });
    end();
    await baton.taskDone(await baton.createTask(task, undefined));
    await reader.forceFlush();
    assert.deepEqual(countsOf(exporter), counts);
    await meterProvider.shutdown();
  });

  it('without an SDK, or with one that throws, tasks run as ever', async (t) => {
    const system = await openSystem(backend, t);
    const task = defineTask<undefined, number>({
      type: 'plain',
      async *run() {
        yield { context: 1 };
      },
    });
    const throwing = { getTracer: () => ({ startSpan: thrown, startActiveSpan: thrown }) };
    for (const options of [{}, { tracerProvider: throwing }]) {
      const baton = system.instance({ ...FAST, tasks: [task] });
      openTelemetry(baton, options);
      await baton.start();
      assert.equal((await baton.taskDone(await baton.createTask(task, undefined))).context, 1);
      await baton.stop();
    }
    assert.throws(() => openTelemetry({} as Taskbaton), { code: 'INVALID_ARGUMENT' });
  });
});

interface Recorder {
  readonly tracerProvider: BasicTracerProvider;
  /** The spans that have ended, in that order, once there are so many. */
  readonly spans: (count: number) => Promise<readonly ReadableSpan[]>;
}

function recorder(): Recorder {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return {
    tracerProvider,
    spans: (count) =>
      until(`${count} spans`, () => {
        const found = exporter.getFinishedSpans();
        return found.length >= count && found;
      }),
  };
}

function traced(baton: Taskbaton): Recorder & { readonly baton: Taskbaton } {
  const recorded = recorder();
  openTelemetry(baton, { tracerProvider: recorded.tracerProvider });
  return { baton, ...recorded };
}

function targetsOf({ links }: ReadableSpan): readonly string[] {
  return links.map(({ context: { spanId } }) => spanId);
}

/** What each metric says in all, or how often it was recorded, as it was exported last. */
function countsOf(exporter: InMemoryMetricExporter): Readonly<Record<string, number>> {
  const measured =
    exporter
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  return Object.fromEntries(
    measured.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0),
    ]),
  );
}

function thrown(): never {
  throw new Error('no spans today');
}
