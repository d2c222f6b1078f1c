/** A program that a command or a test needs: where it lies, or Debian's package of it installed, where that can be done. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const FOLDERS = ['/usr/sbin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/** Among our own processes, for the lists of packages have a lock that apt-get doesn't wait for. */
const LOCK = join(tmpdir(), 'taskbaton-apt.lock');
/** Seconds that others may keep Debian's lock. */
const OTHERS_AT_MOST = 300;

export interface Packaged {
  /** What it may be called. */
  readonly programs: readonly string[];
  /** Debian's, with what else is needed. */
  readonly debianPackages: readonly string[];
}

/** Where it lies. Throws what is wrong and what to do, where it can't be installed. */
export function debianProgram(wanted: Packaged, problem?: string, instead = ''): string {
  const found = find(wanted);
  if (found !== undefined) return found;
  const { programs, debianPackages } = wanted;
  const wrong = problem ?? `${programs.join(' or ')} is not installed`;
  const remedy = `Install it (apt-get install ${debianPackages.join(' ')})${instead}.`;
  if (userInfo().uid !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(`${wrong}. ${remedy}`);
  aptGet('update', '-q');
  aptGet('install', '-y', '-q', '--no-install-recommends', ...debianPackages);
  const installed = find(wanted);
  if (installed === undefined) throw new Error(`${wrong}, and installing it brought no program. ${remedy}`);
  return installed;
}

/** Of tests that install something at the same time, each waits for the one before: apt-get would fail instead. */
function aptGet(...args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const command = ['apt-get', '-o', `DPkg::Lock::Timeout=${OTHERS_AT_MOST}`, ...args];
  execFileSync('flock', [LOCK, ...command], { stdio: ['ignore', 'inherit', 'inherit'], env });
}

function find({ programs }: Packaged): string | undefined {
  return FOLDERS.flatMap((folder) => programs.map((program) => join(folder, program))).find(existsSync);
}
