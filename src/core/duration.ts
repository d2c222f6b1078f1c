/** Lengths of time as people write them: milliseconds as a number, or `'500ms'`, `'30s'`, `'5m'`, `'2h'`, `'1d'`. */

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export type Duration = number | `${number}${keyof typeof UNITS}`;

/** Whole milliseconds in `duration`, which is what databases count in; undefined if it isn't one. */
export function milliseconds(duration: unknown): number | undefined {
  if (typeof duration === 'number')
    return Number.isFinite(duration) && duration >= 0 ? Math.round(duration) : undefined;
  const parts = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null;
  return parts === null ? undefined : Math.round(Number(parts[1]) * UNITS[parts[2] as keyof typeof UNITS]);
}
