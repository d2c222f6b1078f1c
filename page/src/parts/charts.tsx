/** The two charts of the overview: how much is done, and how long tasks wait before they are begun. */
import type { Overview } from '../../../src/dashboard/api.ts';
import { count, duration } from '../text/format.ts';
import { text } from '../text/text.ts';
import { Chart } from './chart.tsx';
import { Empty } from './feedback.tsx';

export function ThroughputChart({ overview }: { overview: Overview }) {
  const words = text().charts;
  const { throughput, bucket } = overview;
  if (throughput.length === 0) return <NoChart title={words.throughput} />;
  const total = throughput.reduce((sum, { finished }) => sum + finished, 0);
  return (
    <Chart
      title={words.throughput}
      note={words.finishedIn(count(total), duration(throughput.length * bucket))}
      kind="count"
      times={throughput.map(({ at }) => Date.parse(at))}
      tell={(value) => count(value)}
      lines={[
        {
          label: words.finished,
          colour: 'finished',
          look: 'area',
          values: throughput.map(({ finished }) => finished),
        },
        {
          label: words.created,
          colour: 'pending',
          look: 'dashed',
          values: throughput.map(({ created }) => created),
        },
        {
          label: words.failed,
          colour: 'failed',
          look: 'bars',
          values: throughput.map(({ failed }) => failed),
        },
      ]}
    />
  );
}

export function WaitingChart({ overview }: { overview: Overview }) {
  const words = text().charts;
  const { throughput, waiting } = overview;
  if (waiting.length === 0) return <NoChart title={words.waiting} />;
  const found = new Map(waiting.map((point) => [point.at, point]));
  const points = throughput.map(({ at }) => found.get(at));
  return (
    <Chart
      title={words.waiting}
      note={words.waitingNote}
      kind="span"
      times={throughput.map(({ at }) => Date.parse(at))}
      tell={duration}
      lines={[
        {
          label: words.half,
          colour: 'accent',
          look: 'area',
          values: points.map((point) => point?.p50 ?? null),
        },
        {
          label: words.most,
          colour: 'paused',
          look: 'dashed',
          values: points.map((point) => point?.p95 ?? null),
        },
      ]}
    />
  );
}

function NoChart({ title }: { title: string }) {
  return (
    <section class="card chart" aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
      </header>
      <Empty icon="pending" title={text().charts.none}>
        {text().charts.noneWhy}
      </Empty>
    </section>
  );
}
