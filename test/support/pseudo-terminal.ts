/**
 * The program in a pseudo-terminal of a known size, made by `script` (of util-linux): what it draws can be read, keys can
 * be pressed, the size can be changed. Tests wait for what is to be seen, never for time.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { CLEAN, PROGRAM } from './cli.ts';

const DEADLINE = 60_000;
const SOURCES = join(import.meta.dirname, 'use-sources.ts');
const ESCAPE = '\u001B';
/** Sequences that colour, move, clear or switch, which aren't to be read. */
const SEQUENCES = new RegExp(`${ESCAPE}\\[[?\\d;]*[A-Za-z]`, 'g');
const FRAME = '\u001B[?2026h';
const END_OF_FRAME = '\u001B[?2026l';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export class PseudoTerminal {
  readonly exited: Promise<number | null>;
  /** Everything that was written, sequences and all. */
  output = '';
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  readonly #deadline: number;
  #ended = false;

  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    { columns, rows }: Size,
    context: TestContext,
    deadline: number = DEADLINE,
  ) {
    this.#deadline = deadline;
    const words = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      '--import',
      SOURCES,
      PROGRAM,
      ...args,
    ];
    const line = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
    const command = `stty cols ${columns} rows ${rows}; tty; echo process $$; exec ${line}`;
    // Whatever would keep Node.js from colours, or make it use them.
    const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env;
    this.#child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...inherited, ...CLEAN, TERM: 'xterm-256color', SHELL: '/bin/sh', TZ: 'UTC', ...env },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      for (const listener of this.#listeners) listener();
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        this.#ended = true;
        resolve(code);
        for (const listener of this.#listeners) listener();
      });
    });
    context.after(async () => {
      this.#child.kill('SIGKILL');
      await this.exited;
    });
  }

  /** What was written, as it is read. */
  get text(): string {
    return this.output.replaceAll(SEQUENCES, '').replaceAll('\r', '');
  }

  /** The lines of the last complete picture of a live view. */
  get picture(): readonly string[] {
    const end = this.output.lastIndexOf(END_OF_FRAME);
    const begin = this.output.lastIndexOf(FRAME, end);
    const frame = this.output.slice(begin, end).replaceAll(SEQUENCES, '').replaceAll('\r', '');
    return end < 0 ? [] : frame.split('\n');
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  resize({ columns, rows }: Size): void {
    const tty = /\/dev\/pts\/\d+/.exec(this.output)?.[0];
    if (tty === undefined) throw new Error('the terminal has not said its name');
    execFileSync('stty', ['-F', tty, 'cols', `${columns}`, 'rows', `${rows}`]);
  }

  /** The process that was started in it. */
  get pid(): number {
    return Number(/process (\d+)/.exec(this.output)?.[1]);
  }

  /** Resolves once `fact` is seen, with what it returns. */
  until<Fact>(what: string, fact: () => Fact | undefined | false): Promise<Fact> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
      };
      const fail = (why: string): void => {
        end();
        reject(new Error(`waited in vain for ${what}: ${why}\n${this.picture.join('\n') || this.text}`));
      };
      const timer = setTimeout(() => fail(`not within ${this.#deadline} ms`), this.#deadline);
      const look = (): void => {
        const found = fact();
        if (found === undefined || found === false) {
          if (this.#ended) fail('it has ended');
          return;
        }
        end();
        resolve(found);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Resolves once a line of the picture matches. */
  shows(pattern: RegExp): Promise<string> {
    return this.until(`${pattern}`, () => this.picture.find((line) => pattern.test(line)));
  }

  says(pattern: RegExp): Promise<string> {
    return this.until(`${pattern}`, () => pattern.exec(this.text)?.[0]);
  }
}
