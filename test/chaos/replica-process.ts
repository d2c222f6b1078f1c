/**
 * One replica as a process of its own, driven by a test (`test/support/process.ts`): it opens the database it is given,
 * runs the types of `tasks.ts`, and tells what happens as lines of JSON. They're written at once, so that a process
 * that is killed has said all that it knew. SIGTERM stops it as a service would be stopped.
 */
import { writeSync } from 'node:fs';
import { isTaskbatonError, type Logger, Taskbaton } from '../../src/index.ts';
import { type Line, monotonic, type ReplicaConfig } from './protocol.ts';
import { testTasks } from './tasks.ts';

interface Given extends ReplicaConfig {
  readonly url: string;
  readonly prefix: string;
}

type Request =
  | { readonly freeze: true }
  | { readonly request: number; readonly method: string; readonly args: readonly unknown[] };

type Method = (...args: readonly unknown[]) => unknown;

const { url, prefix, start = true, ...options } = JSON.parse(process.argv[2] ?? '{}') as Given;

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

function tell<L extends Line>(line: Omit<L, 'at'>): void {
  let rest = Buffer.from(`${JSON.stringify({ at: monotonic(), ...line })}\n`);
  while (rest.length > 0) rest = rest.subarray(write(rest));
}

/** How many bytes were taken: none by a pipe that is full, until its reader has caught up. */
function write(bytes: Buffer): number {
  try {
    return writeSync(1, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(PAUSE, 0, 0, 1);
    return 0;
  }
}

const log = (level: string) => (message: string) => tell<Line<'log'>>({ kind: 'log', level, message });
const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: log('warn'),
  error: log('error'),
};

for (const trouble of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(trouble, (error: unknown) => {
    tell<Line<'unhandled'>>({
      kind: 'unhandled',
      error: error instanceof Error ? `${error.stack}` : String(error),
    });
    process.exit(70);
  });
}

const tasks = testTasks((entry) => tell<Line<'ledger'>>({ kind: 'ledger', ...entry }));
const baton = new Taskbaton({ db: url, prefix, tasks, logger, ...options });
baton.on('*', (event) => tell<Line<'event'>>({ kind: 'event', event }));

/** From here on only what the library holds keeps the process alive. */
function leave(): void {
  process.channel?.unref();
}

async function answer(request: number, method: string, args: readonly unknown[]): Promise<void> {
  try {
    const methods = baton as unknown as Readonly<Record<string, Method>>;
    const value = method === 'leave' ? leave() : await methods[method]?.call(baton, ...args);
    tell<Line<'answer'>>({ kind: 'answer', request, value });
  } catch (error) {
    const code = isTaskbatonError(error) ? error.code : 'NO_CODE';
    tell<Line<'answer'>>({ kind: 'answer', request, error: String(error), code });
  }
}

process.on('message', (message: Request) => {
  if ('request' in message) return void answer(message.request, message.method, message.args);
  tell<Line<'freezing'>>({ kind: 'freezing' });
  process.kill(process.pid, 'SIGSTOP');
});
// The test is gone, so nobody needs this process.
process.on('disconnect', () => process.exit());
process.once('SIGTERM', () => void baton.stop().then(leave));

if (start) await baton.start();
tell<Line<'ready'>>({ kind: 'ready' });
