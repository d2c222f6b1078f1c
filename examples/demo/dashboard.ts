/**
 * The dashboard of the play: `taskbaton dashboard`, as anybody would start it, as a process beside those that play. What
 * happens on the stage is seen there too, and goes by the same database alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Place } from '../support/place.ts';

/** In our sources, or among what is built of them. */
const PROGRAM = fileURLToPath(
  new URL(
    extname(import.meta.filename) === '.ts' ? '../../src/cli/main.ts' : '../../cli/main.js',
    import.meta.url,
  ),
);

export class Dashboard {
  /** Lets in once. */
  readonly link: string;
  readonly #process: ChildProcess;

  private constructor(link: string, child: ChildProcess) {
    this.link = link;
    this.#process = child;
  }

  /** Resolves once it can be looked at. */
  static async open({ url, prefix }: Place): Promise<Dashboard> {
    const args = [...process.execArgv, PROGRAM, 'dashboard', '--json'];
    const env = { ...process.env, TASKBATON_DB: url, TASKBATON_PREFIX: prefix };
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
    const [line] = (await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      once(child, 'exit').then(() => [undefined]),
    ])) as [string | undefined];
    if (line === undefined) throw new Error('The dashboard did not start; --headless plays without it.');
    return new Dashboard((JSON.parse(line) as { readonly url: string }).url, child);
  }

  /** Resolves when somebody has seen enough. */
  async stay(): Promise<void> {
    const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => once(process, signal));
    await Promise.race([...signals, once(this.#process, 'exit')]);
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exit;
  }

  /** For whatever way the demo ends: no process outlives it. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
