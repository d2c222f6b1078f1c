/**
 * Makes one module of the files of the built page, so that the server finds them wherever it is bundled or installed,
 * with no file system. Refuses a page that has become too large to be called small.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** As the browser asks for it, relative to where the page is mounted. */
export interface BuiltFile {
  readonly path: string;
  readonly content: Buffer;
}

/** Of all files together, gzipped. */
export const BUDGET = 60 * 1024;

/** Exactly so: the server puts in its place what leads from the address asked for to where the page is mounted. */
export const BASE = '<base href="./">';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
};

export function gzippedSize(files: readonly BuiltFile[]): number {
  return files.reduce((total, { content }) => total + gzipSync(content, { level: 9 }).length, 0);
}

/** Throws if the page is larger than its budget. */
export function checkBudget(files: readonly BuiltFile[], budget: number = BUDGET): void {
  const size = gzippedSize(files);
  if (size <= budget) return;
  const list = files.map((file) => `  ${file.path}: ${gzippedSize([file])} bytes`).join('\n');
  throw new Error(
    `The page has ${size} bytes gzipped; at most ${budget} are allowed.\n${list}\nMake it smaller.`,
  );
}

export function embeddingModule(files: readonly BuiltFile[]): string {
  const entries = files.map((file) => `  ${JSON.stringify(file.path)}: ${JSON.stringify(describe(file))},\n`);
  return [
    '/** Written by `npm run build` from page/. */\n',
    "import type { PageFile } from './page-file.ts';\n\n",
    'export const files: Readonly<Record<string, PageFile>> = {\n',
    ...entries,
    '};\n',
  ].join('');
}

function describe({ path, content }: BuiltFile): Record<string, string> {
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  return { type: mediaType(path), encoding: 'utf8', body: content.toString('utf8'), etag };
}

function mediaType(path: string): string {
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
  if (type === undefined) throw new Error(`${path} has a type that nobody knows how to serve.`);
  return type;
}
