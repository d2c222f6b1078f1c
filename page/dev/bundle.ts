/** The files of the page as a browser gets them, made by Vite. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'vite';
import { config } from './config.ts';
import { BASE, type BuiltFile } from './embed.ts';

const BUNDLED = ['preact', '@preact/signals', '@preact/signals-core'];
const SOURCE_BASE = /<base href=".\/" ?\/?>/;

export async function builtFiles(): Promise<readonly BuiltFile[]> {
  const result = [await build({ ...config, build: { ...config.build, write: false } })].flat()[0];
  if (result === undefined || !('output' in result)) throw new Error('Vite made no bundle.');
  const files = result.output.map((output) => {
    const content = output.type === 'chunk' ? output.code : output.source;
    return { path: output.fileName, content: Buffer.from(content) };
  });
  return [...files.map((file) => (file.path === 'index.html' ? withBase(file) : file)), licences()].toSorted(
    (one, other) => one.path.localeCompare(other.path),
  );
}

/** What others wrote is part of the page, and goes with their terms. */
function licences(): BuiltFile {
  const texts = BUNDLED.map((name) => {
    const description = findPackageJSON(name, import.meta.url);
    if (description === undefined) throw new Error(`${name} is not installed.`);
    return `${name}\n\n${readFileSync(join(dirname(description), 'LICENSE'), 'utf8').trim()}\n`;
  });
  return { path: 'assets/licences.txt', content: Buffer.from(texts.join('\n')) };
}

function withBase({ path, content }: BuiltFile): BuiltFile {
  const text = content.toString('utf8');
  if (!SOURCE_BASE.test(text)) throw new Error(`${path} has no base.`);
  return { path, content: Buffer.from(text.replace(SOURCE_BASE, BASE)) };
}
