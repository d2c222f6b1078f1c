/** A program that some command needs: where it lies, or Debian's package of it installed, where that can be done. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const FOLDERS = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

export function debianProgram(program: string, debianPackages: readonly string[]): string {
  const found = find(program);
  if (found !== undefined) return found;
  const packages = debianPackages.join(' ');
  if (userInfo().uid !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(`${program} is not installed. Install it (apt-get install ${packages}).`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: readonly string[]): unknown =>
    execFileSync('apt-get', [...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  apt('update', '-q');
  apt('install', '-y', '-q', '--no-install-recommends', ...debianPackages);
  const installed = find(program);
  if (installed === undefined) throw new Error(`Installing ${packages} brought no ${program}.`);
  return installed;
}

function find(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find(existsSync);
}
