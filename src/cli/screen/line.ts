/**
 * What is shown, before it is shown: lines of coloured pieces. All texts go through here on their way to a terminal, so
 * here whatever could steer one (escape sequences, line breaks, changes of direction) becomes something to read.
 */
import { styleText } from 'node:util';
import { cut, widthOf } from './width.ts';

export type Format = Parameters<typeof styleText>[0];
export type Piece = string | readonly [text: string, format: Format];
export type Line = readonly Piece[];

/** Controls, the separators of lines and paragraphs, and what overrides the direction of text. */
const STEERING = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** With everything that could steer a terminal written out. */
export function visible(text: string): string {
  return text.replaceAll(STEERING, (character) => SHORT[character] ?? escaped(character));
}

function escaped(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}

/** JSON in which nothing steers a terminal either; it means the same. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent) ?? 'null';
  // Line breaks are JSON's own here: those of texts are written out already.
  return text.replaceAll(STEERING, (character) =>
    character === '\n' ? character : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** The only piece that stays what it is: it stands between the values of a row for programs. */
export const TAB: Piece = ['\t', []];

export function textOf(piece: Piece): string {
  if (piece === TAB) return '\t';
  return visible(typeof piece === 'string' ? piece : piece[0]);
}

export function widthOfLine(line: Line): number {
  return line.reduce((sum, piece) => sum + widthOf(textOf(piece)), 0);
}

/** A line as text of at most `width` columns, with colours if `stream` shows any. */
export function paint(line: Line, stream: NodeJS.WritableStream, width: number = Infinity): string {
  let room = width;
  let painted = '';
  for (const piece of line) {
    const text = cut(textOf(piece), room);
    room -= widthOf(text);
    painted += typeof piece === 'string' || text === '' ? text : styleText(piece[1], text, { stream });
  }
  return painted;
}

/** The words of a text in as many lines of at most `width` columns as they take. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** A line that goes on below where it began to speak, at `indent` columns. */
export function hanging(begin: Line, text: string, indent: number, width: number): readonly Line[] {
  return wrap(text, Math.max(20, width - indent)).map((words, index): Line =>
    index === 0 ? [...begin, words] : [' '.repeat(indent), words],
  );
}
