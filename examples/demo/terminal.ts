/**
 * Drawing: lines are made of coloured pieces and cut to the width of the terminal, and a frame is written over the last
 * one at once, so that nothing flickers or wraps. Colours follow NO_COLOR and the like, as node:util's styleText does.
 */
import { styleText } from 'node:util';

export type Format = Parameters<typeof styleText>[0];
export type Piece = string | readonly [text: string, format: Format];
export type Line = readonly Piece[];

/** A line as text that takes at most `width` columns. All characters in use are one column wide. */
export function paint(line: Line, width = Infinity): string {
  let room = width;
  let painted = '';
  for (const piece of line) {
    const [text, format] = typeof piece === 'string' ? [piece, undefined] : piece;
    const fits = text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`.slice(0, room);
    room -= fits.length;
    painted += format === undefined || fits === '' ? fits : styleText(format, fits);
  }
  return painted;
}

/** Text in a column of `width`, and a gap behind it. */
export function column(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return `${align === 'left' ? cut.padEnd(width) : cut.padStart(width)}  `;
}

/** The words of a text in as many lines of at most `width` as they take. */
export function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const BEGIN_FRAME = '\u001B[?2026h';
const END_FRAME = '\u001B[?2026l';
const CLEAR_REST_OF_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';
const CLEAR_ALL = '\u001B[2J\u001B[H';

/** The part of a terminal in which frames are drawn, from the cursor's line downwards. */
export class Canvas {
  readonly #stream: NodeJS.WriteStream;
  #height = 0;
  #resized = false;
  #open = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('resize', () => {
      this.#resized = true;
    });
  }

  get width(): number {
    return this.#stream.columns;
  }

  get height(): number {
    return this.#stream.rows;
  }

  draw(lines: readonly Line[]): void {
    const shown = lines.slice(0, this.height - 1).map((line) => paint(line, this.width - 1));
    // A terminal that changed its width has broken the old lines anew: nobody knows how many there are now.
    const start = this.#resized ? CLEAR_ALL : this.#height === 0 ? '' : `\u001B[${this.#height}A`;
    const body = shown.map((line) => `${line}${CLEAR_REST_OF_LINE}\n`).join('');
    this.#stream.write(`${BEGIN_FRAME}${HIDE_CURSOR}\r${start}${body}${CLEAR_BELOW}${END_FRAME}`);
    this.#height = shown.length;
    this.#resized = false;
    this.#open = true;
  }

  /** Leaves the last frame where it is, and the terminal as it was. */
  close(): void {
    if (this.#open) this.#stream.write(SHOW_CURSOR);
    this.#open = false;
  }
}
