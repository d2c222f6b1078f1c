/** The peers are packages of their own, which nobody gets with this repository: installed when they are first needed. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const FOLDER = new URL('./peers/', import.meta.url);

/** By the name of the package. */
export function peerVersions(): Readonly<Record<string, string>> {
  return (read('package.json') as { dependencies: Record<string, string> }).dependencies;
}

export function installPeers(): void {
  const missing = Object.entries(peerVersions()).filter(([name, version]) => installed(name) !== version);
  if (missing.length === 0) return;
  console.log(`installing ${missing.map(([name, version]) => `${name} ${version}`).join(', ')}`);
  // None of them needs to be built here.
  execFileSync('npm', ['install', '--ignore-scripts', '--silent', '--prefix', '.'], {
    cwd: FOLDER,
    stdio: 'inherit',
  });
}

function installed(name: string): string | undefined {
  const file = `node_modules/${name}/package.json`;
  return existsSync(new URL(file, FOLDER)) ? (read(file) as { version: string }).version : undefined;
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}
