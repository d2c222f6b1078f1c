/**
 * A Redis for the test of a queue that lives outside the database: the one that TASKBATON_REDIS_URL names, one that
 * answers at the standard port, or a private server on a free port, which keeps nothing.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { serverProgram } from './server-program.ts';

export interface TestRedis {
  readonly url: string;
  /** Where it was found, for people. */
  readonly source: string;
  close(): Promise<void>;
}

const VARIABLE = 'TASKBATON_REDIS_URL';
const STANDARD = 'redis://127.0.0.1:6379';
const START_TIMEOUT = 20_000;

export async function ensureRedis(): Promise<TestRedis> {
  const close = async (): Promise<void> => undefined;
  const named = process.env[VARIABLE] ?? '';
  if (named !== '') {
    if (!(await answers(named))) throw new Error(`No Redis answers at ${VARIABLE}=${named}.`);
    return { url: named, source: VARIABLE, close };
  }
  if (await answers(STANDARD)) return { url: STANDARD, source: '127.0.0.1:6379', close };
  return startPrivateRedis();
}

/** `settings` prevail over those of tests, which keep nothing. */
export function startPrivateRedis(settings: readonly string[] = []): Promise<TestRedis> {
  const program = serverProgram({
    server: 'Redis',
    programs: ['redis-server'],
    debianPackages: ['redis-server'],
    variable: VARIABLE,
  });
  return start(program, settings);
}

async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null, connectTimeout: 3000 });
  // Without a listener the client prints what also rejects.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

async function start(program: string, settings: readonly string[]): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-redis-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn(program, [...args, '--dir', folder, ...settings], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const close = async (): Promise<void> => {
    server.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `redis://127.0.0.1:${port}`;
  const deadline = Date.now() + START_TIMEOUT;
  while (!(await answers(url))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Error(`The private Redis (${program}) did not come up.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, source: `a private server (${program})`, close };
}
