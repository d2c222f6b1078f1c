/** A program that tests need, most often a server: where it lies, or Debian's package of it installed, where that can be done. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { userInfo } from 'node:os';

const FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

interface Wanted {
  /** For people. */
  readonly server: string;
  /** What it may be called. */
  readonly programs: readonly string[];
  /** Debian's, with what else is needed. */
  readonly debianPackages: readonly string[];
  /** The variable that names one, if there is such. */
  readonly variable?: string;
  /** What is wrong where there is none; by default that none runs, and none is installed. */
  readonly problem?: string;
}

export function serverProgram(wanted: Wanted): string {
  return find(wanted) ?? install(wanted);
}

function find({ programs }: Wanted): string | undefined {
  return FOLDERS.flatMap((folder) => programs.map((program) => join(folder, program))).find(existsSync);
}

function install(wanted: Wanted): string {
  const { server, debianPackages, variable } = wanted;
  const problem = wanted.problem ?? `${server} neither answers at its standard port nor is it installed`;
  const otherwise = variable === undefined ? '' : `, or set ${variable}`;
  const remedy = `Install it (apt-get install ${debianPackages.join(' ')})${otherwise}.`;
  if (userInfo().uid !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(`${problem}. ${remedy}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-q'], { stdio: 'inherit', env });
  const args = ['install', '-y', '-q', '--no-install-recommends', ...debianPackages];
  execFileSync('apt-get', args, { stdio: 'inherit', env });
  const program = find(wanted);
  if (program === undefined) throw new Error(`${problem}, and installing it brought none. ${remedy}`);
  return program;
}
