/**
 * `npm run docs`: writes the pages that are made from the sources. With `--check` it writes nothing: it names the pages
 * that are stale, the examples that the compiler refuses and the links that lead nowhere, and exits with 1 if there
 * are any.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cliPage } from './docs/cli.ts';
import { errorsPage } from './docs/errors.ts';
import { grafanaDashboard } from './docs/grafana.ts';
import { deadLinks } from './docs/links.ts';
import { typeErrors } from './docs/snippets.ts';
import { performanceCharts, performancePage } from './docs/performance.ts';
import { proofPage } from './docs/proof.ts';
import { statesPage } from './docs/states.ts';
import { turnPictures } from './docs/turns.ts';
import { statusModel } from './model/status-table.ts';

const ROOT = join(import.meta.dirname, '..');

const GENERATED = new Map<string, () => string | Promise<string>>([
  ['docs/states.md', statesPage],
  ['docs/errors.md', errorsPage],
  ['model/status.pml', statusModel],
  ['docs/proof.md', proofPage],
  ['docs/guide/cli.md', cliPage],
  ['docs/grafana.json', grafanaDashboard],
  ...turnPictures,
  ['docs/performance.md', performancePage],
  ...performanceCharts,
]);

const made = await Promise.all(Array.from(GENERATED, async ([page, make]) => ({ page, text: await make() })));
const stale = made.filter(({ page, text }) => stored(page) !== text);
if (process.argv.includes('--check')) check();
else write();

function stored(page: string): string | undefined {
  const path = join(ROOT, page);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function write(): void {
  for (const { page, text } of stale) {
    mkdirSync(dirname(join(ROOT, page)), { recursive: true });
    writeFileSync(join(ROOT, page), text);
    console.log(`wrote ${page}`);
  }
  if (stale.length === 0) console.log('all pages were up to date');
}

function check(): void {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).toSorted();
  const problems = [
    ...stale.map(({ page }) => `${page} is stale: run npm run docs`),
    ...typeErrors(pages),
    ...pages.flatMap(deadLinks),
  ];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
