/**
 * Every view on a real system, in both languages, in light and in dark, on a phone, a tablet and a desk: it shows what there
 * is, nothing sticks out, and nothing keeps anybody away. The pictures are left in artefacts/browser.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { english } from '../../page/src/text/en.ts';
import { chinese } from '../../page/src/text/zh-CN.ts';
import { openBrowser, openSite, visit } from '../support/site.ts';
import { importCsv, openScenery } from './scenery.ts';

const PICTURES = join(import.meta.dirname, '..', '..', 'artefacts', 'browser');
const WIDTHS = [360, 768, 1440];

/** Both lights and both languages at each width, without going through all pairs of them. */
const LOOKS = [
  { locale: 'en', words: english, colorScheme: 'light' },
  { locale: 'zh-CN', words: chinese, colorScheme: 'dark' },
] as const;

describe('every view of the page', () => {
  let browser: Browser;
  before(async () => {
    mkdirSync(PICTURES, { recursive: true });
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const { locale, words, colorScheme } of LOOKS) {
    test(`is readable and reachable for everybody, whatever the screen, in ${locale} and ${colorScheme}`, async (context) => {
      const { control, ids } = await openScenery(context);
      const site = await openSite(control, context, { tasks: [importCsv] });
      const flaws: string[] = [];
      const { page, check } = await visit(browser, context, { locale, colorScheme });
      const views = [
        { path: '', title: words.nav.overview, fact: words.states.running },
        { path: 'tasks', title: words.nav.tasks, fact: `#${ids.failed}` },
        { path: 'tasks?state=deleting', title: words.nav.tasks, fact: words.tasks.noMatch },
        { path: `tasks/${ids.paused}`, title: `import-csv #${ids.paused}`, fact: 'part-5.csv' },
        {
          path: `tasks/${ids.failed}`,
          title: `transcode-video #${ids.failed}`,
          fact: 'ffmpeg ended with code 187',
        },
        {
          path: 'tasks',
          picture: 'tasks-create',
          title: undefined,
          press: words.create.open,
          fact: words.create.begins.soon,
        },
        { path: 'queues', title: words.nav.queues, fact: 'imports' },
        { path: 'replicas', title: words.nav.replicas, fact: words.replicas.drain },
        { path: 'schedules', title: words.nav.schedules, fact: 'monthly-invoices' },
        { path: 'tasks/999999', title: undefined, fact: words.feedback.notFound },
      ];
      for (const { path, picture, title, press, fact } of views) {
        await page.goto(site.url + path);
        if (press !== undefined) await page.getByRole('button', { name: press }).click();
        await page.getByText(fact, { exact: false }).first().waitFor({ state: 'attached' });
        if (title !== undefined) await page.getByRole('heading', { level: 1, name: title }).waitFor();
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: width < 500 ? 780 : 900 });
          flaws.push(...(await stickingOut(page, `${path} at ${width} px`)));
          const name = `${picture ?? (path.replaceAll(/\W+/g, '-') || 'overview')}-${width}-${colorScheme}-${locale}.png`;
          await page.screenshot({ path: join(PICTURES, name), fullPage: true });
          if (width === 1440 || (width === 360 && colorScheme === 'light'))
            flaws.push(...(await barriers(page, `${path} at ${width} px in ${colorScheme}`)));
        }
      }
      check();
      assert.deepEqual(flaws, []);
    });
  }
});

async function stickingOut(page: Page, where: string): Promise<readonly string[]> {
  const elements = await page.evaluate<string[]>(`
    document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth)
      .map((element) => element.outerHTML.slice(0, 120))`);
  return elements.map((element) => `${where}: ${element} sticks out`);
}

/** What keeps somebody away, by axe-core; run as a debugger runs code, for the page's own policy lets in no foreign script. */
async function barriers(page: Page, where: string): Promise<readonly string[]> {
  await page.evaluate(`'axe' in window || (() => { ${axe.source} })()`);
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, { resultTypes: ['violations'] })`,
  );
  return violations.map(
    ({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}
