/** The section about a long life in `docs/performance.md`: what `npm run bench:life` stored, five minutes to a line. */
import { grown, type Life, type Minute, readLife } from '../../bench/life/result.ts';
import { median, shown } from '../../bench/statistics.ts';
import { table } from './markdown.ts';

const TOGETHER = 5;
const MEBIBYTE = 2 ** 20;

export function lifeSection(): string {
  const life = readLife();
  const { peak, rate, held, first, last, minutes, date, machine } = life;
  return `### A long life (PostgreSQL)

Half as many tasks a second as can be created and worked off at the same time (${shown(rate)} of ${shown(peak)}, rows removed) are, for ${minutes.length}
minutes. The server vacuums by itself, and somebody holds a snapshot for ${shown(held * 60)} seconds of each minute, during which nothing can be
vacuumed and what is done lies before what waits. Claims of up to a thousand tasks take ${shown(last)} ms in the last five minutes and ${shown(first)} ms in the first
ones (p99, medians of the minutes: ${shown(last / first)} ×, asked at most 1.5 ×); the table and its indexes are ${shown(grown(minutes))} times as large at the end as halfway.

${table(['Minutes', 'Worked off, tasks/s', 'Claims, p50 (ms)', 'p99 (ms)', 'Table (MiB)', 'Indexes (MiB)', 'Waiting'], rowsOf(life))}

${date}, ${machine}.`;
}

function rowsOf({ minutes }: Life): readonly string[][] {
  const parts = Array.from({ length: Math.ceil(minutes.length / TOGETHER) }, (_, part) =>
    minutes.slice(part * TOGETHER, (part + 1) * TOGETHER),
  );
  return parts.map((part) => {
    const of = (figure: (minute: Minute) => number): string => shown(median(part.map(figure)));
    return [
      `${part[0]?.minute}–${part.at(-1)?.minute}`,
      of(({ ended }) => ended / 60),
      of(({ half }) => half),
      of(({ late }) => late),
      of((minute) => minute.table / MEBIBYTE),
      of(({ indexes }) => indexes / MEBIBYTE),
      of(({ waiting }) => waiting),
    ];
  });
}
