/** Round numbers and round times along an axis. Pure, so that it is tested without a browser. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The spans that people count time in. */
const SPANS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 30].map((days) => days * DAY),
];

/** Round times between two, at most so many. */
export function timesBetween(from: number, to: number, most: number): readonly number[] {
  // Words for them tell seconds.
  const step = spanStep(Math.max(SECOND, (to - from) / Math.max(1, most)));
  const first = Math.ceil(from / step) * step;
  const length = Math.max(0, Math.floor((to - first) / step) + 1);
  return Array.from({ length }, (_, index) => first + index * step);
}

/** From 0 in round steps to the first at or above the greatest value. */
export function levels(greatest: number, most: number, kind: 'count' | 'span'): readonly number[] {
  const least = Math.max(greatest, 1) / most;
  const step = kind === 'span' ? spanStep(least) : Math.max(1, decimalStep(least));
  return Array.from({ length: Math.max(1, Math.ceil(greatest / step)) + 1 }, (_, index) => index * step);
}

function spanStep(least: number): number {
  if (least < SECOND) return decimalStep(least);
  return SPANS.find((span) => span >= least) ?? decimalStep(least / DAY) * DAY;
}

/** 1, 2 or 5 times a power of ten. */
function decimalStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((digit) => digit * power >= least) ?? 10) * power;
}
