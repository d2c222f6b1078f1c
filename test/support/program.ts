/**
 * Runs a program of this repository as a process of its own, as a user would, on the sources as they are.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Ended {
  readonly code: number | null;
  /** All that it wrote to stdout and stderr. */
  readonly output: string;
}

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = join(import.meta.dirname, 'use-sources.ts');

export function runProgram(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', SOURCES, join(ROOT, path), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
