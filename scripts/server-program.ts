/** A program that tests need, mostly that of a server: where it lies, or Debian's package of it installed, where that can be done. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { userInfo } from 'node:os';

const FOLDERS = ['/usr/sbin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

interface Wanted {
  /** For people. */
  readonly server: string;
  /** What it may be called. */
  readonly programs: readonly string[];
  /** Debian's. */
  readonly debianPackage: string;
  /** The variable that names a running one. */
  readonly variable: string;
}

export function serverProgram(wanted: Wanted): string {
  const { server, debianPackage, variable } = wanted;
  const problem = `${server} neither answers at its standard port nor is it installed`;
  return debianProgram(wanted, problem, `Install it (apt-get install ${debianPackage}), or set ${variable}.`);
}

/** Any program, found or installed. */
export function debianProgram(
  wanted: Pick<Wanted, 'programs' | 'debianPackage'>,
  problem: string,
  remedy: string,
): string {
  return find(wanted) ?? install(wanted, problem, remedy);
}

function find({ programs }: Pick<Wanted, 'programs'>): string | undefined {
  return FOLDERS.flatMap((folder) => programs.map((program) => join(folder, program))).find(existsSync);
}

function install(
  wanted: Pick<Wanted, 'programs' | 'debianPackage'>,
  problem: string,
  remedy: string,
): string {
  if (userInfo().uid !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(`${problem}. ${remedy}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-q'], { stdio: 'inherit', env });
  const args = ['install', '-y', '-q', '--no-install-recommends', wanted.debianPackage];
  execFileSync('apt-get', args, { stdio: 'inherit', env });
  const program = find(wanted);
  if (program === undefined) throw new Error(`${problem}, and installing it brought no program. ${remedy}`);
  return program;
}
