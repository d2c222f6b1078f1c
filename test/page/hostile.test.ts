/** Whatever users put into their tasks is shown as text: nothing of it runs, opens a dialog, or is refused by the policy. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Browser, Page } from 'playwright-core';
import { defineTask, type Payload, typed } from '../../src/index.ts';
import { backends } from '../backends.ts';
import { HOSTILE_TEXTS, texts } from '../support/hostile.ts';
import { openBrowser, openSite, visit } from '../support/site.ts';
import { System, until } from '../support/system.ts';

const COUNT = 200;
const SEED = 20_261;
/** Names are bounded; this many bytes fit anywhere. */
const LONGEST_NAME = 60;

/** What has broken pages before. */
const MARKUP: readonly string[] = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  `'-alert(1)-'`,
  '<svg onload=alert(1)>',
  '</textarea><iframe srcdoc="<script>parent.alert(1)</script>">',
  'javascript:alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '<style>*{display:none}</style>',
  '<base href="https://example.org/">',
  '<form action="https://example.org"><button>go</button></form>',
  '&lt;b&gt;not bold&lt;/b&gt;',
  '<a href="https://example.org" target="_blank">here</a>',
];

describe('the page', () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  test(`shows ${COUNT} hostile texts in every part of a task as nothing but text`, async (context) => {
    const backend = backends.find(({ name }) => name === 'sqlite');
    assert.ok(backend !== undefined, 'The page is tested on SQLite; BACKENDS leaves it out.');
    const system = new System(await backend.open(), context);
    const strings = hostileTexts();
    const bad = defineTask({
      type: 'hostile',
      input: typed<{ text: string }>(),
      async *run({ input }) {
        yield { context: { [input.text]: [input.text] }, progress: 0.5, message: input.text.slice(0, 1000) };
        throw new Error(input.text);
      },
    });
    const redact = (payload: Payload): Payload => payload;
    const control = await system.replica({
      tasks: [bad],
      history: { level: 'all', contexts: true },
      redact,
      concurrency: 20,
    });
    const ids = await control.createTasks(
      strings.map((text) => ({ task: bad, input: { text }, user: nameFrom(text), group: nameFrom(text) })),
    );
    await until(
      'all have failed',
      async () => (await control.getTasks({ states: ['failed'], limit: COUNT })).tasks.length === COUNT,
    );
    const site = await openSite(control, context);
    const { page, check } = await visit(browser, context);
    await refusesToLeave(page, site.url);

    for (let rest = ''; ;) {
      await page.goto(`${site.url}tasks?${rest}`);
      await page.locator('tr[data-task]').first().waitFor();
      check();
      const older = page.getByRole('link', { name: 'Older' });
      if ((await older.count()) === 0) break;
      rest = new URL((await older.getAttribute('href')) ?? '', site.url).search.slice(1);
    }
    for (const view of ['', 'queues', 'replicas', 'schedules']) {
      await page.goto(site.url + view);
      await page.locator('h1').waitFor();
    }
    check();
    const known = strings.slice(0, MARKUP.length + HOSTILE_TEXTS.length);
    for (const [index, text] of known.entries()) {
      await follow(page, `tasks/${ids[index]}`);
      await page.locator('h1', { hasText: `hostile #${ids[index]}` }).waitFor();
      const shown = ((await page.locator('.error p').textContent()) ?? '').toWellFormed();
      const told = `${JSON.stringify(text)} is shown as ${JSON.stringify(shown.slice(0, 300))}`;
      // Of very long ones the beginning is kept.
      assert.ok(shown.startsWith(`Error ${text.toWellFormed().slice(0, 1000)}`), told);
    }
    check();
    const foreign = await page.evaluate<number>(
      `document.querySelectorAll('img, iframe, script:not([src]), style, form, base:not(:first-child)').length`,
    );
    assert.equal(foreign, 0);
  });
});

/** The known ones, those that look like markup, and more by chance; the same each time. */
function hostileTexts(): readonly string[] {
  const known = [...MARKUP, ...HOSTILE_TEXTS];
  return [...known, ...fc.sample(texts, { numRuns: COUNT - known.length, seed: SEED })];
}

/** A user's or a group's name may not be just anything; it is as hostile as it may be. */
function nameFrom(text: string): string {
  let name = '';
  for (const letter of text.toWellFormed().replaceAll('\0', '')) {
    if (Buffer.byteLength(name + letter) > LONGEST_NAME) break;
    name += letter;
  }
  return name;
}

/** As if a link had been followed, without loading the page anew. */
async function follow(page: Page, path: string): Promise<void> {
  const address = JSON.stringify(path);
  await page.evaluate(
    `history.pushState(null, '', new URL(${address}, document.baseURI)); dispatchEvent(new PopStateEvent('popstate'))`,
  );
}

/** Nothing on the page leads anywhere else. */
async function refusesToLeave(page: Page, url: string): Promise<void> {
  await page.route(
    (address) => !address.href.startsWith(url),
    (route) => {
      throw new Error(`The page asked for ${route.request().url()}.`);
    },
  );
}
