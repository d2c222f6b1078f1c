/**
 * The machine's own time and chance, taken over while a run lasts: whoever asks for the time of day gets that of the process
 * whose code runs, which may be wrong; whoever asks for anything else has escaped the clock, and the run says so.
 */
import type { Timeline } from './timeline.ts';

/** By how much the time of day of each process is off: a minute, to one side or the other. */
const WRONG = [0, 60_000, -60_000];

/** Until the returned function is called. */
export function takeOverTime(
  timeline: Timeline,
  start: number,
  onEscape: (what: string) => void,
): () => void {
  const kept = {
    now: Date.now,
    random: Math.random,
    setTimeout: globalThis.setTimeout,
    setInterval: globalThis.setInterval,
    performanceNow: performance.now,
  };
  const escaped = (what: string): never => {
    onEscape(what);
    throw new Error(`${what} was called in a simulation`);
  };
  Date.now = () =>
    Math.floor(start + timeline.now + (WRONG[(timeline.current?.place ?? 0) % WRONG.length] ?? 0));
  Math.random = () => escaped('Math.random');
  globalThis.setTimeout = (() => escaped('setTimeout')) as unknown as typeof setTimeout;
  globalThis.setInterval = (() => escaped('setInterval')) as unknown as typeof setInterval;
  performance.now = () => escaped('performance.now');
  return () => {
    Date.now = kept.now;
    Math.random = kept.random;
    globalThis.setTimeout = kept.setTimeout;
    globalThis.setInterval = kept.setInterval;
    performance.now = kept.performanceNow;
  };
}
