/** A program that a command or a test needs: where it lies, or Debian's package of it installed, where that can be done. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const FOLDERS = ['/usr/sbin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

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

function aptGet(...args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', [...args], { stdio: ['ignore', 'inherit', 'inherit'], env });
}

function find({ programs }: Packaged): string | undefined {
  return FOLDERS.flatMap((folder) => programs.map((program) => join(folder, program))).find(existsSync);
}
