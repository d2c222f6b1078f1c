/**
 * A pgbouncer in transaction mode, in front of a PostgreSQL server: on a free port, with its settings in a temporary folder.
 * The program is installed first where Debian's package can be had.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.ts';
import { serverProgram } from './server-program.ts';

export interface Pgbouncer {
  /** The same database by way of the pooler. */
  readonly url: string;
  close(): Promise<void>;
}

const START_TIMEOUT = 20_000;

/** `url` names the server, which must let its user in without a password. */
export async function startPgbouncer(url: string): Promise<Pgbouncer> {
  const program = serverProgram({
    server: 'pgbouncer',
    programs: ['pgbouncer'],
    debianPackages: ['pgbouncer'],
    variable: 'PATH',
  });
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-pgbouncer-'));
  const port = await freePort();
  const settings = join(folder, 'pgbouncer.ini');
  writeFileSync(settings, settingsFor(new URL(url), port));
  // It refuses to run as root.
  chmodSync(folder, 0o755);
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const server = spawn(program, ['-q', ...user, settings], { stdio: 'ignore' });
  const close = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const through = new URL(url);
  through.host = `127.0.0.1:${port}`;
  for (const deadline = Date.now() + START_TIMEOUT; !(await answers(through.href)); await pause(50)) {
    if (server.exitCode === null && Date.now() < deadline) continue;
    await close();
    throw new Error('pgbouncer did not come up.');
  }
  return { url: through.href, close };
}

function settingsFor({ hostname, port, username }: URL, listenOn: number): string {
  return [
    '[databases]',
    `* = host=${hostname} port=${port === '' ? 5432 : port} user=${decodeURIComponent(username)}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${listenOn}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 10',
    'max_client_conn = 200',
    // What drivers say when they connect, and a pooler of transactions can't keep.
    'ignore_startup_parameters = extra_float_digits,options',
    '',
  ].join('\n');
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
