/**
 * A terminal that a live view has to itself: a second screen that is drawn over and over, and keys as they are pressed.
 * However the program ends, the first screen, the cursor and the keyboard are as they were before.
 */
import { emitKeypressEvents, type Key } from 'node:readline';
import type { Host } from '../host.ts';
import { type Line, paint } from './line.ts';

const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l';
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l';
/** Between these two a terminal that knows them shows nothing, so that no half of a picture is seen. */
const BEGIN_FRAME = '\u001B[?2026h\u001B[H';
const END_FRAME = '\u001B[J\u001B[?2026l';
const CLEAR_REST_OF_LINE = '\u001B[K';

/** What a key is called: `q`, `up`, `return`, `ctrl-c`. */
export type KeyName = string;

export interface TerminalListener {
  key(name: KeyName): void;
  resized(): void;
}

export class Terminal {
  readonly #host: Host;
  readonly #closers: (() => void)[] = [];

  constructor(host: Host, listener: TerminalListener) {
    this.#host = host;
    const { stdin, stdout } = host;
    const onKey = (text: string | undefined, key: Key): void => listener.key(nameOf(text, key));
    const onResize = (): void => listener.resized();
    emitKeypressEvents(stdin);
    stdin.on('keypress', onKey);
    stdout.on('resize', onResize);
    this.#closers.push(
      () => stdin.off('keypress', onKey).pause(),
      () => stdout.off('resize', onResize),
      host.onExit(() => this.close()),
    );
    if (stdin.isTTY) {
      stdin.setRawMode(true);
      this.#closers.push(() => stdin.setRawMode(false));
    }
    stdin.resume();
    stdout.write(ENTER);
    this.#closers.push(() => stdout.write(LEAVE));
  }

  get width(): number {
    return this.#host.stdout.columns;
  }

  get height(): number {
    return this.#host.stdout.rows;
  }

  /** Shows `lines` and nothing else; what has no room is left out. */
  draw(lines: readonly Line[]): void {
    const { stdout } = this.#host;
    const shown = lines.slice(0, this.height).map((line) => paint(line, stdout, this.width));
    const body = shown.map((line) => `${line}${CLEAR_REST_OF_LINE}`).join('\r\n');
    stdout.write(`${BEGIN_FRAME}${body}${END_FRAME}`);
  }

  /** Gives the terminal back; doing so again is fine. */
  close(): void {
    for (const close of this.#closers.splice(0).toReversed()) close();
  }
}

function nameOf(text: string | undefined, { name, ctrl }: Key): KeyName {
  if (ctrl === true) return `ctrl-${name ?? ''}`;
  return name ?? text ?? '';
}
