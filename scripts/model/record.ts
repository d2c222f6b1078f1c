/** What a run of the models left for the page: figures, and the ways to go-async's violations. */
import type { Property } from './properties.ts';
import type { Bounds } from './searches.ts';
import type { Verdict } from './spin.ts';

export interface Recorded {
  readonly name: string;
  readonly model: string;
  readonly only?: Property;
  readonly bounds: Bounds;
  readonly expected: 'holds' | 'breaks';
  readonly states: number;
  readonly seconds: number;
  readonly megabytes: number;
  /** Kept of go-async only: `@from>to|words|number`. */
  readonly steps?: readonly string[];
}

export function recordOf(verdicts: readonly Verdict[]): readonly Recorded[] {
  return verdicts.map(({ search, states, seconds, megabytes, steps }) => ({
    name: search.name,
    model: search.model,
    ...(search.only === undefined ? {} : { only: search.only }),
    bounds: search.bounds,
    expected: search.expected,
    states,
    seconds,
    megabytes,
    ...(search.model === 'go-async' ? { steps } : {}),
  }));
}
