/**
 * The library by which a process is given a time of day of its own: installed from Debian's package if it isn't there. It
 * leaves the monotonic clocks alone, as a real step of a clock does.
 */
import { execFileSync } from 'node:child_process';
import { globSync, renameSync, writeFileSync } from 'node:fs';

/** Where it lies; undefined if it is neither there nor to be had. */
export function findFaketime(): string | undefined {
  return find() ?? install();
}

/** What a process needs in its environment to have the clock that `file` says; see `turnClock`. */
export function fakedClock(library: string, file: string): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    // Read at each look, or the processes of one server would have different clocks for a while.
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

/** So many seconds ahead of everybody else, from now on; processes may be running. */
export function turnClock(file: string, seconds: number): void {
  // Nobody may find it half written.
  writeFileSync(`${file}.new`, seconds < 0 ? `${seconds}` : `+${seconds}`);
  renameSync(`${file}.new`, file);
}

function find(): string | undefined {
  return globSync('/usr/lib/*/faketime/libfaketime.so.1')[0];
}

function install(): string | undefined {
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['update', '-q'], { stdio: 'ignore', env });
    const args = ['install', '-y', '-q', '--no-install-recommends', 'libfaketime'];
    execFileSync('apt-get', args, { stdio: 'ignore', env });
  } catch {
    return undefined;
  }
  return find();
}
