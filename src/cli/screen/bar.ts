/** Progress as a bar of lines, and shares of a whole as one bar of many colours. */
import type { Format, Line, Piece } from './line.ts';

export interface Share {
  readonly count: number;
  readonly format: Format;
}

/** `progress` is from 0 to 1, or undefined where nothing was reported. */
export function bar(progress: number | undefined, width: number, format: Format): Line {
  const halves = Math.round(Math.min(1, Math.max(0, progress ?? 0)) * width * 2);
  const full = '━'.repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? '╸' : '');
  return [
    [full, format],
    ['─'.repeat(Math.max(0, width - full.length)), 'dim'],
  ];
}

/** Whatever there is at all is seen: no share is narrower than one column. */
export function shares(parts: readonly Share[], width: number): Line {
  const present = parts.filter(({ count }) => count > 0).slice(0, width);
  const total = present.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return [['─'.repeat(width), 'dim']];
  const room = width - present.length;
  let [passed, drawn] = [0, 0];
  return present.map(({ count, format }): Piece => {
    passed += count;
    const end = Math.round((passed / total) * room);
    const size = 1 + end - drawn;
    drawn = end;
    return ['━'.repeat(size), format];
  });
}

/** Whole percent, rounded down: 100 % is what has finished. */
export function percent(progress: number | undefined): string {
  return progress === undefined ? '' : `${Math.floor(progress * 100)}%`;
}
