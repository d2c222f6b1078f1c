/**
 * How far somebody has read in the history. Entries are numbered before they are committed, so a smaller number may come to be
 * seen after a larger one: a position knows which numbers below its last one may still come.
 */
import { show, TaskbatonError } from './errors.ts';

/** Numbers from the first to the last. */
export type Range = readonly [from: number, to: number];

/** Everything up to `last` has been read, except what may still be committed in `gaps`, which are in order and apart. */
export interface Position {
  readonly last: number;
  readonly gaps: readonly Range[];
}

/** `1042`, or `1042-1038.1040_1041` where something below may still come. */
export function cursorOf({ last, gaps }: Position): string {
  const texts = gaps.map(([from, to]) => (from === to ? String(from) : `${from}_${to}`));
  return texts.length === 0 ? String(last) : `${last}-${texts.join('.')}`;
}

/** Throws INVALID_ARGUMENT for what `cursorOf` did not give. */
export function parseCursor(argument: string, cursor: unknown): Position {
  const refuse = (): never => {
    const problem = 'it must be the cursor of an entry';
    throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(cursor), problem });
  };
  const parts = typeof cursor === 'string' ? /^(\d{1,16})(?:-([\d._]+))?$/.exec(cursor) : null;
  if (parts === null) return refuse();
  const last = Number(parts[1]);
  const gaps = (parts[2]?.split('.') ?? []).map((text): Range => {
    const [from = 0, to = from, ...more] = text.split('_').map(Number);
    return more.length === 0 ? [from, to] : refuse();
  });
  let before = 0;
  for (const [from, to] of gaps) {
    if (!(from > before && to >= from && to <= last)) refuse();
    before = to;
  }
  return { last, gaps };
}

/** Whether the entry of this number has been read, or will never be. */
export function isRead({ last, gaps }: Position, id: number): boolean {
  return id <= last && !gaps.some(([from, to]) => from <= id && id <= to);
}

/** The position after an entry was read: what was passed over on the way may still come. */
export function readTo({ last, gaps }: Position, id: number): Position {
  if (id > last) return { last: id, gaps: id > last + 1 ? [...gaps, [last + 1, id - 1]] : gaps };
  return { last, gaps: gaps.flatMap((gap) => without(gap, id)) };
}

function without([from, to]: Range, id: number): readonly Range[] {
  if (id < from || id > to) return [[from, to]];
  const left: readonly Range[] = [
    [from, id - 1],
    [id + 1, to],
  ];
  return left.filter(([first, last]) => first <= last);
}

/** The position of somebody who has read what either has. */
export function together(one: Position, other: Position): Position {
  const last = Math.max(one.last, other.last);
  const gaps = unread(one, last).flatMap(([from, to]) =>
    unread(other, last).flatMap(([first, end]): readonly Range[] => {
      const both: Range = [Math.max(from, first), Math.min(to, end)];
      return both[0] <= both[1] ? [both] : [];
    }),
  );
  return { last, gaps };
}

/** What isn't read up to `end`: an empty range at last, if all is. */
function unread({ last, gaps }: Position, end: number): readonly Range[] {
  return [...gaps, [last + 1, end]];
}

/** The same position, with these numbers to be looked for as well, so far as they are below it. */
export function lookingFor({ last, gaps }: Position, more: readonly Range[]): Position {
  const sorted = [...gaps, ...more.map(([from, to]): Range => [from, Math.min(to, last)])]
    .filter(([from, to]) => from <= to)
    .toSorted((one, other) => one[0] - other[0]);
  const merged: Range[] = [];
  for (const [from, to] of sorted) {
    const before = merged.at(-1);
    if (before !== undefined && from <= before[1] + 1)
      merged[merged.length - 1] = [before[0], Math.max(before[1], to)];
    else merged.push([from, to]);
  }
  return { last, gaps: merged };
}
