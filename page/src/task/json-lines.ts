/**
 * JSON as lines to be read, alone or as what became of another: the lines that are the same, gone and new. Pure, so that
 * it is tested without a browser.
 */
export type Kind = 'same' | 'gone' | 'new';

export interface JsonLine {
  readonly kind: Kind;
  readonly depth: number;
  readonly key: string | undefined;
  readonly value: string;
  /** What colours the value. */
  readonly look: 'text' | 'number' | 'word' | 'bracket';
}

interface Position {
  readonly depth: number;
  readonly key?: string | undefined;
  /** What follows it. */
  readonly comma: boolean;
}

export function jsonLines(
  value: unknown,
  kind: Kind = 'same',
  position: Position = START,
): readonly JsonLine[] {
  const entries = childrenOf(value);
  if (entries === undefined) return [leaf(value, kind, position)];
  const [open, close] = brackets(value);
  if (entries.length === 0) return [bracket(`${open}${close}`, kind, position)];
  return [
    bracket(open, kind, { ...position, comma: false }),
    ...entries.flatMap(([key, child], index) =>
      jsonLines(child, kind, inside(position, value, key, index < entries.length - 1)),
    ),
    bracket(close, kind, { ...position, key: undefined }),
  ];
}

/** Objects and arrays are compared part by part, everything else as a whole. */
export function compareJson(
  before: unknown,
  after: unknown,
  position: Position = START,
): readonly JsonLine[] {
  if (sameJson(before, after)) return jsonLines(after, 'same', position);
  const past = childrenOf(before);
  const present = childrenOf(after);
  if (past === undefined || present === undefined || Array.isArray(before) !== Array.isArray(after)) {
    return [...jsonLines(before, 'gone', position), ...jsonLines(after, 'new', position)];
  }
  const [open, close] = brackets(after);
  const old = new Map(past);
  const keys = [...new Set([...old.keys(), ...present.map(([key]) => key)])];
  const now = new Map(present);
  return [
    bracket(open, 'same', { ...position, comma: false }),
    ...keys.flatMap((key, index) => {
      const place = inside(position, after, key, index < keys.length - 1);
      if (!now.has(key)) return jsonLines(old.get(key), 'gone', place);
      if (!old.has(key)) return jsonLines(now.get(key), 'new', place);
      return compareJson(old.get(key), now.get(key), place);
    }),
    bracket(close, 'same', { ...position, key: undefined }),
  ];
}

/** A run of lines that nothing happened to, left out of a comparison. */
export interface Gap {
  readonly kind: 'gap';
  readonly lines: number;
}

/** Keeps so many lines around each change. */
export function withoutSame(lines: readonly JsonLine[], around = 2): readonly (JsonLine | Gap)[] {
  const changed = lines.flatMap(({ kind }, index) => (kind === 'same' ? [] : [index]));
  const near = new Set(
    changed.flatMap((index) =>
      Array.from({ length: 2 * around + 1 }, (_, offset) => index - around + offset),
    ),
  );
  const result: (JsonLine | Gap)[] = [];
  for (const [index, line] of lines.entries()) {
    const last = result.at(-1);
    if (near.has(index)) result.push(line);
    else if (last?.kind === 'gap') result[result.length - 1] = { kind: 'gap', lines: last.lines + 1 };
    else result.push({ kind: 'gap', lines: 1 });
  }
  return result;
}

function sameJson(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  const ones = childrenOf(one);
  const others = childrenOf(other);
  if (ones === undefined || others === undefined) return false;
  if (ones.length !== others.length || Array.isArray(one) !== Array.isArray(other)) return false;
  const found = new Map(others);
  return ones.every(([key, value]) => found.has(key) && sameJson(value, found.get(key)));
}

const START: Position = { depth: 0, comma: false };

function childrenOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  return typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
}

function brackets(value: unknown): readonly [string, string] {
  return Array.isArray(value) ? ['[', ']'] : ['{', '}'];
}

function inside(position: Position, parent: unknown, key: string, comma: boolean): Position {
  return { depth: position.depth + 1, key: Array.isArray(parent) ? undefined : key, comma };
}

function bracket(text: string, kind: Kind, { depth, key, comma }: Position): JsonLine {
  return { kind, depth, key, value: comma ? `${text},` : text, look: 'bracket' };
}

function leaf(value: unknown, kind: Kind, { depth, key, comma }: Position): JsonLine {
  const text = JSON.stringify(value) ?? 'undefined';
  const looks = { string: 'text', number: 'number' } as const;
  const look = looks[typeof value as keyof typeof looks] ?? 'word';
  return { kind, depth, key, value: comma ? `${text},` : text, look };
}
