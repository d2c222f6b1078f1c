/**
 * A PostgreSQL server of our own: new data in a temporary folder, on a port of its own, gone when it is stopped.
 * Whoever has it may crash and restart it as they like; nothing else uses it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';

/** `fast` ends every session in order; `immediate` is a crash, and the next start recovers from the log. */
export type ShutdownMode = 'fast' | 'immediate';

export interface PrivatePostgres {
  /** Its superuser, in the database `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Where its programs are from, for messages. */
  readonly source: string;
  restart(mode: ShutdownMode): Promise<void>;
  /** Resolves when the server is gone; `start` brings it back with its data. */
  stop(mode?: ShutdownMode): Promise<void>;
  start(): Promise<void>;
  /** Stops the server if it runs, and removes its data. */
  close(): Promise<void>;
}

const SHUTDOWN_SIGNAL = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;
const START_TIMEOUT = 60_000;
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'max_connections=300',
];

/** `settings` prevail over those that make a server of tests fast; `env` is added to its environment. */
export async function startPrivatePostgres(
  settings: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<PrivatePostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-postgres-'));
  try {
    return await startIn(folder, [...SETTINGS, ...settings], env);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(
  folder: string,
  settings: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<PrivatePostgres> {
  const user = serverUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o755);
  const binaries = findPostgresBinaries(folder);
  const data = join(folder, 'data');
  const account = { ...user, cwd: folder, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } };
  execFileSync(join(binaries.folder, 'initdb'), initdbOptions(data), { ...account, stdio: 'pipe' });
  const port = await freePort();
  const options = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];

  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const served = { ...account, env: { ...account.env, ...env } };
    server ??= await launch(join(binaries.folder, 'postgres'), options, served);
  };
  const stop = async (mode: ShutdownMode = 'fast'): Promise<void> => {
    if (server !== undefined) await shutDown(server, mode);
    server = undefined;
  };
  const restart = async (mode: ShutdownMode): Promise<void> => {
    await stop(mode);
    await start();
  };
  // For a process that ends without closing. The server removes its pid file last, and till then it may write.
  const abandon = (): void => {
    server?.kill(SHUTDOWN_SIGNAL.immediate);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 100 && existsSync(join(data, 'postmaster.pid')); i++) Atomics.wait(pause, 0, 0, 20);
    rmSync(folder, { recursive: true, force: true });
  };
  const close = async (): Promise<void> => {
    process.off('exit', abandon);
    await stop('immediate');
    // Whoever was also signalled may still be writing.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', abandon);
  await start();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return { url, port, source: binaries.source, restart, stop, start, close };
}

function initdbOptions(data: string): string[] {
  return ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
}

/** PostgreSQL refuses to run as root: then another account runs it, `postgres` or else `nobody`. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: identity('-u', name), gid: identity('-g', name) };
    } catch {
      continue;
    }
  }
  throw new Error(
    `PostgreSQL can't run as ${userInfo().username}, and there is no account postgres or nobody.`,
  );
}

function identity(option: '-u' | '-g', name: string): number {
  return Number(
    execFileSync('id', [option, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Resolves when the server says that it takes connections. */
function launch(program: string, options: string[], account: Account): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const server = spawn(program, options, { ...account, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    const fail = (reason: string): void => {
      clearTimeout(timer);
      server.kill('SIGKILL');
      reject(new Error(`The private PostgreSQL server did not start: ${reason}\n${log}`));
    };
    const timer = setTimeout(fail, START_TIMEOUT, `not ready after ${START_TIMEOUT / 1000} s`);
    const ended = (code: number | null): void => fail(`it ended with code ${code}`);
    server.once('exit', ended);
    server.once('error', (error) => fail(error.message));
    server.stderr.on('data', (chunk: Buffer) => {
      if (log.includes('ready to accept connections')) return;
      log += chunk.toString();
      if (!log.includes('ready to accept connections')) return;
      clearTimeout(timer);
      server.off('exit', ended);
      server.unref();
      (server.stderr as unknown as { unref(): void }).unref();
      resolve(server);
    });
  });
}

function shutDown(server: ChildProcess, mode: ShutdownMode): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve();
    server.ref();
    server.once('exit', () => resolve());
    server.kill(SHUTDOWN_SIGNAL[mode]);
  });
}
