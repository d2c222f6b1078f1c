/**
 * What a handler logs: lines that gather for a moment and go into the history together, in their order among its reports. It is
 * bounded, and whatever is wrong with a line costs nobody the task.
 */
import type { Clock, Timer } from '../core/clock.ts';
import { messageFrom, show } from '../core/errors.ts';
import type { HandlerLog } from '../core/handler.ts';
import type { LogLevel } from '../core/history.ts';
import { encodeJson } from '../core/json.ts';
import type { LogLine } from '../store/history.ts';

export interface TaskLogOptions {
  readonly clock: Clock;
  /** Writes lines, with how long ago each was logged. */
  readonly write: (lines: readonly LogLine[]) => Promise<void>;
  /** Told of each line, whether it is kept or not. */
  readonly onLine: (line: {
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: unknown;
  }) => void;
  /** Told why lines could not be written; they are gone. */
  readonly onRefused: (problem: string) => void;
}

const LONGEST_MESSAGE = 1000;
const LONGEST_FIELDS = 4000;
/** So many lines of one claim are kept. */
const MOST_LINES = 1000;
/** So many wait at most until they are written, and for so many milliseconds. */
const GATHERED = 100;
const PATIENCE = 1000;

interface Waiting {
  readonly level: LogLevel;
  /** JSON. */
  readonly text: string;
  readonly at: number;
}

/** What a handler is given; the log is opened with the first line. */
export function handlerLog(open: () => TaskLog): HandlerLog {
  const at =
    (level: LogLevel): HandlerLog[LogLevel] =>
    (message, fields) =>
      open().take(level, message, fields);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export class TaskLog {
  readonly #options: TaskLogOptions;
  #waiting: Waiting[] = [];
  #taken = 0;
  #left = 0;
  #timer: Timer | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(options: TaskLogOptions) {
    this.#options = options;
  }

  /** Writes what waits, in order; never rejects. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#written = this.#written.then(() => this.#write());
    return this.#written;
  }

  /** The same at the end, where it is said how many lines were left out. */
  end(): Promise<void> {
    if (this.#left > 0) this.#add('warn', `${this.#left} more lines were not kept`, undefined);
    this.#left = 0;
    return this.isEmpty ? this.#written : this.flush();
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** What the handler says, whatever that is. */
  take(level: LogLevel, said: unknown, given: unknown): void {
    const message = clipped(typeof said === 'string' ? said : show(said));
    this.#options.onLine({ level, message, fields: given });
    if (this.#taken === MOST_LINES) this.#left += 1;
    else this.#add(level, message, given);
  }

  #add(level: LogLevel, message: string, given: unknown): void {
    this.#taken += 1;
    const text = JSON.stringify({ message, fields: fieldsFrom(given) });
    this.#waiting.push({ level, text, at: this.#options.clock.monotonic() });
    if (this.#waiting.length >= GATHERED) void this.flush();
    else this.#timer ??= this.#options.clock.after(PATIENCE, () => void this.flush());
  }

  async #write(): Promise<void> {
    const lines = this.#waiting.splice(0);
    if (lines.length === 0) return;
    const { clock, write, onRefused } = this.#options;
    const now = clock.monotonic();
    try {
      await write(lines.map(({ level, text, at }) => ({ level, text, age: Math.round(now - at) })));
    } catch (error) {
      onRefused(`${lines.length} lines of its log were not kept: ${messageFrom(error)}`);
    }
  }
}

/** As it can be stored: what is no JSON, or too much of it, says so instead. */
function fieldsFrom(given: unknown): unknown {
  if (given === undefined) return undefined;
  try {
    const fields: unknown = JSON.parse(encodeJson(given, () => 'the fields of a line', LONGEST_FIELDS));
    return typeof fields === 'object' && fields !== null && !Array.isArray(fields)
      ? fields
      : { value: fields };
  } catch (error) {
    return { refused: clipped(messageFrom(error)) };
  }
}

function clipped(text: string): string {
  return text.length <= LONGEST_MESSAGE ? text : `${text.slice(0, LONGEST_MESSAGE - 1)}…`;
}
