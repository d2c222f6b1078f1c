/**
 * A MariaDB (or MySQL) for the tests: the one that TASKBATON_MYSQL_URL names, one that answers at the standard port, or
 * a private server in a temporary folder, whose programs are installed first where Debian's packages can be had.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { freePort } from './free-port.ts';
import { serverProgram } from './server-program.ts';

export interface TestMariadb {
  readonly url: string;
  /** Where it was found, for people. */
  readonly source: string;
  close(): Promise<void>;
}

/** One of our own, to be stopped, killed and started again at will; `start` brings it back with its data. */
export interface PrivateMariadb extends TestMariadb {
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
}

const DATABASE = 'taskbaton_test';
const STANDARD_PORT = 3306;
const START_TIMEOUT = 60_000;

export async function ensureMariadb(): Promise<TestMariadb> {
  const named = process.env['TASKBATON_MYSQL_URL'];
  if (named !== undefined && named !== '') {
    await connectable(named);
    return { url: named, source: 'TASKBATON_MYSQL_URL', close: async () => undefined };
  }
  const standard = `mysql://root@127.0.0.1:${STANDARD_PORT}`;
  if (await answers(standard)) {
    return {
      url: await withDatabase(standard),
      source: `127.0.0.1:${STANDARD_PORT}`,
      close: async () => undefined,
    };
  }
  return startPrivateMariadb();
}

/** `settings` prevail over those that make a server of tests fast; `env` is added to its environment. */
export function startPrivateMariadb(
  settings: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<PrivateMariadb> {
  const program = serverProgram({
    server: 'MariaDB',
    programs: ['mariadbd', 'mysqld'],
    debianPackages: ['mariadb-server'],
    variable: 'TASKBATON_MYSQL_URL',
  });
  return start(program, settings, env);
}

async function answers(url: string): Promise<boolean> {
  return connectable(url).then(
    () => true,
    () => false,
  );
}

async function connectable(url: string): Promise<void> {
  const connection = await createConnection({ uri: url, connectTimeout: 3000 });
  await connection.query('SELECT 1');
  await connection.end();
}

async function withDatabase(server: string): Promise<string> {
  const connection = await createConnection({ uri: server });
  // Not utf8mb4 on purpose: our tables bring their own character set.
  await connection.query(`CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET latin1`);
  await connection.end();
  return `${server}/${DATABASE}`;
}

async function start(
  program: string,
  settings: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<PrivateMariadb> {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-mariadb-'));
  const data = join(folder, 'data');
  const user = userInfo().username;
  const port = await freePort();
  const common = ['--no-defaults', `--datadir=${data}`, `--user=${user}`];
  if (program.endsWith('mysqld') && !existsSync(program.replace('mysqld', 'mariadbd'))) {
    execFileSync(program, [...common, '--initialize-insecure'], { stdio: 'pipe' });
  } else {
    execFileSync('mariadb-install-db', [...common, '--auth-root-authentication-method=normal'], {
      stdio: 'pipe',
    });
  }
  const options = [
    ...common,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'socket')}`,
    '--max-connections=300',
    '--innodb-flush-log-at-trx-commit=0',
    ...settings,
  ];
  const url = `mysql://root@127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> => {
    const running = server;
    server = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(signal);
    await exited;
  };
  const launch = async (): Promise<void> => {
    server = spawn(program, options, { stdio: 'ignore', env: { ...process.env, ...env } });
    const deadline = Date.now() + START_TIMEOUT;
    while (!(await answers(url))) {
      if (server?.exitCode === null && Date.now() < deadline) await pause(100);
      else throw new Error(`The private MariaDB (${program}) did not come up.`);
    }
  };
  const close = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await launch();
    const source = `a private server (${program})`;
    return { url: await withDatabase(url), source, close, stop, start: launch };
  } catch (error) {
    await close();
    throw error;
  }
}
