/** A chart over time, as SVG in the page's own colours; what is under the pointer is told above it, as text. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { clockMinutes, clockTime } from '../text/format.ts';
import { levels, timesBetween } from './scale.ts';
import { useWidth } from './width.ts';

export interface Line {
  readonly label: string;
  /** A colour of tokens.css. */
  readonly colour: string;
  /** Null where there is nothing to tell. */
  readonly values: readonly (number | null)[];
  readonly look: 'area' | 'dashed' | 'bars';
}

export interface ChartProps {
  readonly title: string;
  readonly note: ComponentChildren;
  /** Milliseconds, a point each. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly kind: 'count' | 'span';
  /** How a value is told. */
  readonly tell: (value: number) => string;
}

const HEIGHT = 196;
const TOP = 10;
const BOTTOM = 24;
/** Room for the words of the levels. */
const LEFT = 46;
const RIGHT = 10;
const TICK = 76;
const MOST_LEVELS = 4;
const BAR = 0.6;

export function Chart(props: ChartProps) {
  const { title, note, times, lines, tell } = props;
  const [frame, width] = useWidth();
  const [pointed, point] = useState<number | undefined>(undefined);
  const index = pointed ?? times.length - 1;
  const at = pointed === undefined ? undefined : times[pointed];
  return (
    <section class="card chart" aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
        <p class="card-note">{at === undefined ? note : clockTime(at)}</p>
      </header>
      <ul class="legend">
        {lines.map(({ label, look, colour, values }) => (
          <li key={label}>
            <span class={`legend-line legend-${look} colour-${colour}`} />
            <span>{label}</span>
            <b>{told(values[index], tell)}</b>
          </li>
        ))}
      </ul>
      <div class="plot" ref={frame}>
        {width === 0 ? null : <Plot {...props} width={width} pointed={pointed} point={point} />}
      </div>
    </section>
  );
}

interface PlotProps extends ChartProps {
  readonly width: number;
  readonly pointed: number | undefined;
  readonly point: (index: number | undefined) => void;
}

interface Scales {
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
  readonly floor: number;
}

function Plot({ times, lines, kind, tell, width, pointed, point }: PlotProps) {
  const steps = levels(
    Math.max(...lines.flatMap(({ values }) => values.map((value) => value ?? 0))),
    MOST_LEVELS,
    kind,
  );
  const scales = scalesOf(times.length, steps.at(-1) ?? 1, width);
  const { x, y } = scales;
  const [from, to] = [times[0] ?? 0, times.at(-1) ?? 0];
  const atTime = (time: number): number => x(((time - from) / Math.max(1, to - from)) * (times.length - 1));
  const move = (event: PointerEvent): void => {
    const { left } = (event.currentTarget as Element).getBoundingClientRect();
    const share = (event.clientX - left - x(0)) / Math.max(1, x(times.length - 1) - x(0));
    point(Math.min(times.length - 1, Math.max(0, Math.round(share * (times.length - 1)))));
  };
  return (
    <svg
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      aria-hidden="true"
      onPointerMove={move}
      onPointerLeave={() => point(undefined)}
    >
      {steps.map((value) => (
        <g key={value}>
          <line class="tick" x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} />
          <text class="tick-words" x={LEFT - 8} y={y(value) + 4} text-anchor="end">
            {tell(value)}
          </text>
        </g>
      ))}
      {timesBetween(from, to, Math.max(2, (width - LEFT) / TICK)).map((time) => (
        <text class="tick-words" x={atTime(time)} y={HEIGHT - 4} text-anchor="middle" key={time}>
          {clockMinutes(time)}
        </text>
      ))}
      {lines.map((line) => (
        <Curve line={line} scales={scales} key={line.label} />
      ))}
      {pointed === undefined ? null : <Pointed index={pointed} lines={lines} scales={scales} />}
    </svg>
  );
}

function scalesOf(points: number, top: number, width: number): Scales {
  const room = width - LEFT - RIGHT - 12;
  const floor = HEIGHT - BOTTOM;
  return {
    x: (index) => round(LEFT + 6 + (points < 2 ? room : (index / (points - 1)) * room)),
    y: (value) => round(floor - (value / top) * (floor - TOP)),
    floor,
  };
}

function Curve({ line, scales }: { line: Line; scales: Scales }) {
  const { look, colour, values } = line;
  const { x, y, floor } = scales;
  if (look === 'bars') {
    const wide = Math.max(2, Math.min(12, (x(1) - x(0)) * BAR));
    return (
      <path
        class={`curve-bars colour-${colour}`}
        d={values
          .map((value, index) =>
            value === null || value === 0
              ? ''
              : `M${round(x(index) - wide / 2)} ${floor}V${y(value)}h${round(wide)}V${floor}Z`,
          )
          .join('')}
      />
    );
  }
  return (
    <g class={`colour-${colour}`}>
      {runsOf(values).map(([from, run]) => {
        const path = run
          .map((value, step) => `${step === 0 ? 'M' : 'L'}${x(from + step)} ${y(value)}`)
          .join('');
        if (run.length === 1) return <path class="curve" d={`${path}h0.01`} key={from} />;
        return (
          <g key={from}>
            {look === 'area' ? <path class="curve-ground" d={`${path}V${floor}H${x(from)}Z`} /> : null}
            <path class={`curve curve-${look}`} d={path} />
          </g>
        );
      })}
    </g>
  );
}

/** The stretches without a gap, each with where it begins. */
function runsOf(values: readonly (number | null)[]): readonly (readonly [number, readonly number[]])[] {
  const runs: [number, number[]][] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1].length === index) last[1].push(value);
    else runs.push([index, [value]]);
  }
  return runs;
}

function told(value: number | null | undefined, tell: (value: number) => string): string {
  return value === null || value === undefined ? '–' : tell(value);
}

function Pointed({ index, lines, scales }: { index: number; lines: readonly Line[]; scales: Scales }) {
  const { x, y, floor } = scales;
  return (
    <g>
      <line class="pointer" x1={x(index)} x2={x(index)} y1={TOP} y2={floor} />
      {lines.map(({ label, look, colour, values }) =>
        look === 'bars' || typeof values[index] !== 'number' ? null : (
          <circle
            class={`pointer-dot colour-${colour}`}
            cx={x(index)}
            cy={y(values[index])}
            r={4}
            key={label}
          />
        ),
      )}
    </g>
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
