/**
 * The two ways to show the play: on a terminal, a picture that is drawn over and over in place; elsewhere (a pipe, a log of
 * a CI), a line for each thing that happens, and one about the progress every now and then.
 */
import type { Member } from './fleet.ts';
import { count, type Display, type Entry, type Kind, type Part, type Stage } from './stage.ts';
import { Canvas, column, type Format, type Line, paint, type Piece } from './terminal.ts';

const PROGRESS_EVERY = 2;
const LONGEST_LOG = 50;
const SHORTEST_BAR = 8;
const FIXED_WIDTH = 67;

const LETTER_FORMATS: readonly Format[] = ['cyan', 'magenta', 'yellow', 'blue', 'green'];

const MARKS: Readonly<Record<Kind, readonly [mark: string, format: Format]>> = {
  start: ['+', 'green'],
  pause: ['‖', 'yellow'],
  run: ['▸', 'green'],
  move: ['→', 'cyan'],
  delete: ['×', 'red'],
  stop: ['■', 'yellow'],
  kill: ['†', 'redBright'],
  onward: ['↻', 'cyan'],
  done: ['✔', 'green'],
};

export function openDisplay(stream: NodeJS.WriteStream): Display {
  return stream.isTTY ? new LiveDisplay(new Canvas(stream)) : new PlainDisplay(stream);
}

export function letterFormat(letter: string): Format {
  return LETTER_FORMATS[(letter.codePointAt(0) ?? 65) % LETTER_FORMATS.length] ?? 'white';
}

class PlainDisplay implements Display {
  readonly #stream: NodeJS.WritableStream;
  #toldAt = 0;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  log(entry: Entry): void {
    this.#stream.write(`${paint(entryLine(entry))}\n`);
  }

  refresh(stage: Stage): void {
    const { seconds, parts } = stage;
    if (seconds - this.#toldAt < PROGRESS_EVERY || parts.length === 0) return;
    this.#toldAt = seconds;
    const tasks = parts.map((part) => `${part.id}${part.letter ?? ''} ${percentOf(part)}`).join(' · ');
    this.#stream.write(`${paint([secondsPiece(seconds), `    ${tasks}`])}\n`);
  }

  close(): void {}
}

class LiveDisplay implements Display {
  readonly #canvas: Canvas;
  readonly #entries: Entry[] = [];

  constructor(canvas: Canvas) {
    this.#canvas = canvas;
  }

  log(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > LONGEST_LOG) this.#entries.shift();
  }

  refresh(stage: Stage): void {
    const { width, height } = this.#canvas;
    const picture = [
      titleLine(stage, width - 1),
      [],
      fleetLine(stage),
      [],
      headLine(width),
      ...stage.parts.map((part) => partLine(stage, part, width)),
      [],
    ];
    const room = Math.max(0, Math.min(height - 2 - picture.length, 10));
    const entries = this.#entries.slice(-room);
    const blank = Array.from({ length: room - entries.length }, (): Line => []);
    this.#canvas.draw([...picture, ...entries.map(entryLine), ...blank]);
  }

  close(): void {
    this.#canvas.close();
  }
}

function titleLine({ title, seconds }: Stage, width: number): Line {
  const clock = `${seconds.toFixed(1)} s`;
  const [name, ...rest] = title.split(' · ');
  const about = ` · ${rest.join(' · ')}`.padEnd(Math.max(0, width - clock.length - (name ?? '').length - 1));
  return [' ', [name ?? '', 'bold'], [about, 'dim'], clock];
}

function fleetLine(stage: Stage): Line {
  const members = stage.fleet.members.flatMap((member): Piece[] => ['   ', ...memberPieces(stage, member)]);
  return [[' replicas', 'dim'], ...members];
}

function memberPieces(stage: Stage, member: Member): Piece[] {
  const { letter, state } = member;
  if (state === 'killed') return [[`${letter} † killed`, 'redBright']];
  if (state === 'stopped') return [[`${letter} ■ stopped`, 'dim']];
  if (state !== 'alive') return [[`${letter} … ${state}`, letterFormat(letter)]];
  const held = stage.parts.filter((part) => part.letter === letter).length;
  return [[`${letter} ●`, letterFormat(letter)], ` ${held} task${held === 1 ? ' ' : 's'}`];
}

function headLine(width: number): Line {
  const cells = [
    column(' task', 5),
    column('rows', 12),
    column('user', 5),
    column('group', 5),
    column('progress', barWidth(width) + 5),
    column('state', 11),
    column('on', 2),
    'epoch',
  ];
  return [[cells.join(''), 'dim']];
}

function barWidth(width: number): number {
  return Math.max(SHORTEST_BAR, Math.min(width - FIXED_WIDTH, 50));
}

function partLine(stage: Stage, part: Part, width: number): Line {
  const { id, range, task, letter, gone } = part;
  const rows = `${count(range.from)}–${count(range.to)}`;
  const [state, format] = stateOf(part);
  const dead = stage.fleet.members.some((member) => member.letter === letter && member.state === 'killed');
  return [
    column(`${id}`.padStart(4), 5),
    column(rows, 12),
    column(task.user, 5),
    [column(task.group, 5), task.group === 'night' ? 'cyan' : 'reset'],
    ...(gone ? [' '.repeat(barWidth(width))] : bar(part, barWidth(width), format)),
    `${(gone ? '' : percentOf(part)).padStart(5)}  `,
    [column(state, 11), format],
    letter === undefined
      ? column('–', 2)
      : [column(dead ? `${letter}†` : letter, 2), dead ? 'redBright' : letterFormat(letter)],
    `${task.epoch}`.padStart(5),
  ];
}

/** What to call the state of a part, and its colour. */
function stateOf({ task, letter, gone }: Part): [name: string, format: Format] {
  if (gone) return ['deleted', 'red'];
  switch (task.state) {
    case 'running':
      return letter === undefined ? ['handed over', 'yellow'] : ['running', letterFormat(letter)];
    case 'finished':
      return ['finished', 'green'];
    case 'failed':
    case 'deleting':
      return [task.state, 'red'];
    case 'canceling':
    case 'paused':
      return [task.state, 'yellow'];
    default:
      return [task.state, 'dim'];
  }
}

function bar({ task }: Part, width: number, format: Format): Piece[] {
  const halves = Math.round((task.progress ?? 0) * width * 2);
  const full = '━'.repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? '╸' : '');
  return [
    [full, format],
    ['─'.repeat(width - full.length), 'dim'],
  ];
}

function percentOf({ task, gone }: Part): string {
  return gone ? 'gone' : `${Math.floor((task.progress ?? 0) * 100)}%`;
}

function entryLine({ seconds, kind, text }: Entry): Line {
  const [mark, format] = MARKS[kind];
  return [secondsPiece(seconds), '  ', [mark, format], ' ', ...coloured(text)];
}

function secondsPiece(seconds: number): Piece {
  return [`${seconds.toFixed(1).padStart(6)} s`, 'dim'];
}

/** The letters of replicas in their colours: no other word of our texts is a single capital. */
export function coloured(text: string): Piece[] {
  return text
    .split(/\b([A-Z])\b/)
    .map((part, index): Piece => (index % 2 === 1 ? [part, letterFormat(part)] : part));
}
