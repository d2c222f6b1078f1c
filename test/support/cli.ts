/** The program `taskbaton` as its users run it: as a process, with its streams apart, on the sources as they are. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Taskbaton, type TaskbatonOptions } from '../../src/index.ts';
import type { Backend, TestBackend } from '../backends.ts';

export const PROGRAM: string = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input. */
  readonly input?: string;
  readonly folder?: string;
}

export interface CliEnded {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout, each split at its tabs. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * What would be found in the environment of whoever runs the tests must not matter. The program is started hundreds of
 * times; what Node.js has made of its sources once is kept.
 */
export const CLEAN: Readonly<Record<string, string>> = {
  TASKBATON_DB: '',
  TASKBATON_PREFIX: '',
  TASKBATON_SCHEMA: '',
  TASKBATON_CONFIG: '',
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'taskbaton-cli'),
};

export function cliProcess(args: readonly string[], { env, folder }: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder ?? import.meta.dirname,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...CLEAN, ...env },
  });
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliEnded> {
  const child = cliProcess(args, options);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => void (texts[name] += text));
  }
  child.stdin?.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const rows = texts.stdout.split('\n').map((line) => line.split('\t'));
      resolve({ code, ...texts, rows: texts.stdout.endsWith('\n') ? rows.slice(0, -1) : rows });
    });
  });
}

/** A system of a test, with tables unless it's said otherwise, and the program on it. */
export class CliBench {
  readonly place: TestBackend;
  readonly env: Readonly<Record<string, string>>;
  readonly #context: TestContext;

  private constructor(place: TestBackend, context: TestContext) {
    this.place = place;
    this.env = { TASKBATON_DB: place.url, TASKBATON_PREFIX: place.prefix };
    this.#context = context;
  }

  static async open(backend: Backend, context: TestContext, { tables = true } = {}): Promise<CliBench> {
    const place = await backend.open();
    context.after(() => place.close());
    const bench = new CliBench(place, context);
    if (tables) await bench.instance().migrate();
    return bench;
  }

  /** An instance on the same tables; one with tasks can be started. It is stopped with the test. */
  instance(options: Partial<TaskbatonOptions> = {}): Taskbaton {
    const baton = new Taskbaton({ db: this.place.url, prefix: this.place.prefix, logger: null, ...options });
    this.#context.after(() => baton.stop());
    return baton;
  }

  run(...args: readonly string[]): Promise<CliEnded> {
    return runCli(args, { env: this.env });
  }

  /** What a command says as JSON, once it has succeeded. */
  async json<Value>(...args: readonly string[]): Promise<Value> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Value;
  }
}
