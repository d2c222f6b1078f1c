/** The files of the page as a browser gets them, made by Vite. */
import { build } from 'vite';
import { config } from './config.ts';
import { BASE, type BuiltFile } from './embed.ts';

const SOURCE_BASE = /<base href=".\/" ?\/?>/;

export async function builtFiles(): Promise<readonly BuiltFile[]> {
  const result = [await build({ ...config, build: { ...config.build, write: false } })].flat()[0];
  if (result === undefined || !('output' in result)) throw new Error('Vite made no bundle.');
  return result.output
    .map((output) => {
      const content = output.type === 'chunk' ? output.code : output.source;
      return { path: output.fileName, content: Buffer.from(content) };
    })
    .map((file) => (file.path === 'index.html' ? withBase(file) : file))
    .toSorted((one, other) => one.path.localeCompare(other.path));
}

function withBase({ path, content }: BuiltFile): BuiltFile {
  const text = content.toString('utf8');
  if (!SOURCE_BASE.test(text)) throw new Error(`${path} has no base.`);
  return { path, content: Buffer.from(text.replace(SOURCE_BASE, BASE)) };
}
