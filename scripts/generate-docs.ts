/**
 * `npm run docs`: writes the pages that are made from the sources. With `--check` it writes nothing: it names the pages
 * that are stale, the examples that the compiler refuses and the links that lead nowhere, and exits with 1 if there
 * are any.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorsPage } from './docs/errors.ts';
import { deadLinks } from './docs/links.ts';
import { typeErrors } from './docs/snippets.ts';
import { statesPage } from './docs/states.ts';

const ROOT = join(import.meta.dirname, '..');

const GENERATED: ReadonlyMap<string, () => string> = new Map([
  ['docs/states.md', statesPage],
  ['docs/errors.md', errorsPage],
]);

const stale = [...GENERATED].filter(([page, make]) => stored(page) !== make());
if (process.argv.includes('--check')) check();
else write();

function stored(page: string): string | undefined {
  const path = join(ROOT, page);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function write(): void {
  for (const [page, make] of stale) {
    writeFileSync(join(ROOT, page), make());
    console.log(`wrote ${page}`);
  }
  if (stale.length === 0) console.log('all pages were up to date');
}

function check(): void {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).toSorted();
  const problems = [
    ...stale.map(([page]) => `${page} is stale: run npm run docs`),
    ...typeErrors(pages),
    ...pages.flatMap(deadLinks),
  ];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
