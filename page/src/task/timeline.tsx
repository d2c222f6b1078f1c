/**
 * A task's way through the replicas: a lane for each, a bar for each stint, filled as far as the task had come, and a
 * line where it was handed over.
 */
import type { HistoryView } from '../../../src/dashboard/api.ts';
import { now } from '../live/clock.ts';
import { replicaName } from '../live/replica-names.ts';
import { Empty } from '../parts/feedback.tsx';
import { timesBetween } from '../parts/scale.ts';
import { useWidth } from '../parts/width.ts';
import { clockTime, duration, percent } from '../text/format.ts';
import { text } from '../text/text.ts';
import { lanesOf, type Stint, stintsOf } from './stints.ts';

const LANE = 46;
const BAR = 24;
const TOP = 6;
const AXIS = 26;
/** Room for a tick's words. */
const TICK = 86;
const NARROW = 560;

interface Frame {
  readonly width: number;
  readonly left: number;
  readonly lanes: readonly string[];
  readonly from: number;
  readonly to: number;
}

export function Timeline({ entries, created }: { entries: readonly HistoryView[]; created: string }) {
  const words = text().timeline;
  const [frame, width] = useWidth();
  const stints = stintsOf(entries);
  const runs = stints.some(({ to }) => to === undefined);
  const last = entries.at(-1);
  const from = Date.parse(entries[0]?.at ?? created);
  const to = Math.max(runs ? now.value : Date.parse(last?.at ?? created), from + 1_000);
  const lanes = lanesOf(stints);
  return (
    <div class="timeline" ref={frame}>
      {stints.length === 0 ? (
        <Empty icon="handover" title={words.none} />
      ) : width === 0 ? null : (
        <Drawing
          stints={stints}
          frame={{ width, left: width < NARROW ? 0 : Math.min(190, width / 4), lanes, from, to }}
        />
      )}
      <ol class="visually-hidden">
        {stints.map((stint) => (
          <li key={stint.epoch}>{describe(stint)}</li>
        ))}
      </ol>
    </div>
  );
}

function Drawing({ stints, frame }: { stints: readonly Stint[]; frame: Frame }) {
  const { width, lanes, from, to } = frame;
  const height = TOP + lanes.length * LANE + AXIS;
  const room = width - frame.left;
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {timesBetween(from, to, Math.max(1, Math.floor(room / TICK))).map((at) => (
        <g key={at}>
          <line class="tick" x1={x(frame, at)} x2={x(frame, at)} y1={0} y2={height - AXIS + 4} />
          <text class="tick-words" x={x(frame, at)} y={height - 8} text-anchor={anchor(frame, at)}>
            {clockTime(at)}
          </text>
        </g>
      ))}
      {lanes.map((lane, index) => (
        <text
          class="lane-words"
          x={0}
          y={frame.left === 0 ? y(index) - 6 : y(index) + BAR / 2 + 4}
          key={lane}
        >
          {shorten(replicaName(lane), frame.left === 0 ? 40 : Math.floor(frame.left / 7.6))}
        </text>
      ))}
      {stints.slice(1).map((stint, index) => (
        <Passing from={stints[index] ?? stint} to={stint} frame={frame} key={stint.epoch} />
      ))}
      {stints.map((stint) => (
        <StintBar stint={stint} frame={frame} key={stint.epoch} />
      ))}
    </svg>
  );
}

/** From where one stint ended to where the next began. */
function Passing({ from, to, frame }: { from: Stint; to: Stint; frame: Frame }) {
  const start = x(frame, from.to ?? to.from);
  const end = x(frame, to.from);
  const above = y(frame.lanes.indexOf(from.replica)) + BAR / 2;
  const below = y(frame.lanes.indexOf(to.replica)) + BAR / 2;
  const bend = Math.max(14, (end - start) / 2);
  const path =
    above === below
      ? `M${start} ${above}H${end}`
      : `M${start} ${above}C${start + bend} ${above} ${end - bend} ${below} ${end} ${below}`;
  return <path class={`passing passing-${from.end ?? 'lost'}`} d={path} />;
}

function StintBar({ stint, frame }: { stint: Stint; frame: Frame }) {
  const start = x(frame, stint.from);
  const end = Math.max(start + 3, x(frame, stint.to ?? frame.to));
  const top = y(frame.lanes.indexOf(stint.replica));
  const width = end - start;
  const shape = { x: start, y: top, width, height: BAR, rx: Math.min(5, width / 2) };
  return (
    <g class={`stint stint-${stint.end ?? 'running'}`}>
      <title>{describe(stint)}</title>
      <rect class="stint-ground" {...shape} />
      <path class="stint-progress" d={progressPath(stint, frame, top, end)} />
      <rect class="stint-edge" {...shape} />
      {isBadEnd(stint) ? (
        <path class="stint-cross" d={`M${end - 4} ${top + BAR / 2 - 4}l8 8m0 -8l-8 8`} />
      ) : (
        <circle class="stint-end" cx={end} cy={top + BAR / 2} r={stint.end === undefined ? 4.5 : 3.5} />
      )}
    </g>
  );
}

function isBadEnd({ end }: Stint): boolean {
  return end === 'recover' || end === 'expire' || end === 'fail';
}

/** Steps: what was reported holds until the next report. */
function progressPath(stint: Stint, frame: Frame, top: number, end: number): string {
  const floor = top + BAR;
  const level = (progress: number | null): number => floor - BAR * Math.min(1, Math.max(0, progress ?? 0));
  const steps = stint.reports.map(({ at, progress }) => `H${x(frame, at)}V${level(progress)}`);
  const start = x(frame, stint.from);
  const first = level(stint.reports[0]?.progress ?? 0);
  return `M${start} ${floor}V${first}${steps.join('')}H${end}V${floor}Z`;
}

function x(frame: Frame, at: number): number {
  const margin = 8;
  const room = frame.width - frame.left - 2 * margin;
  const share = (at - frame.from) / (frame.to - frame.from);
  return Math.round((frame.left + margin + room * Math.min(1, Math.max(0, share))) * 10) / 10;
}

function y(lane: number): number {
  return TOP + lane * LANE + (LANE - BAR) / 2 + 4;
}

function anchor(frame: Frame, at: number): 'start' | 'middle' | 'end' {
  const place = x(frame, at);
  if (place < frame.left + TICK / 2) return 'start';
  return place > frame.width - TICK / 2 ? 'end' : 'middle';
}

/** Both ends of a name tell replicas apart. */
function shorten(name: string, most: number): string {
  if (name.length <= most) return name;
  const half = Math.max(2, Math.floor((most - 1) / 2));
  return `${name.slice(0, half)}…${name.slice(-half)}`;
}

function describe(stint: Stint): string {
  const words = text().timeline;
  const end = stint.to ?? now.value;
  const progress = stint.reports.at(-1)?.progress;
  return words.stint(
    replicaName(stint.replica),
    `${clockTime(stint.from)}–${stint.to === undefined ? words.still : clockTime(stint.to)}`,
    duration(end - stint.from),
    progress === null || progress === undefined ? '' : percent(progress),
    stint.end === undefined ? '' : (eventWords()[stint.end] ?? stint.end),
  );
}

function eventWords(): Readonly<Record<string, string>> {
  return text().events;
}
