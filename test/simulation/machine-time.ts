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
  const replaced: (() => void)[] = [];
  const replace = <Owner extends object, Name extends keyof Owner>(
    owner: Owner,
    name: Name,
    value: Owner[Name],
  ): void => {
    const kept = owner[name];
    Reflect.set(owner, name, value);
    replaced.push(() => void Reflect.set(owner, name, kept));
  };
  const escaped = (what: string): never => {
    onEscape(what);
    throw new Error(`${what} was called in a simulation`);
  };
  replace(Date, 'now', () => {
    const wrong = WRONG[(timeline.current?.place ?? 0) % WRONG.length] ?? 0;
    return Math.floor(start + timeline.now + wrong);
  });
  replace(Math, 'random', () => escaped('Math.random'));
  replace(performance, 'now', () => escaped('performance.now'));
  for (const name of ['setTimeout', 'setInterval'] as const)
    replace<Record<string, unknown>, string>(globalThis, name, () => escaped(name));
  return () => {
    for (const giveBack of replaced) giveBack();
  };
}
