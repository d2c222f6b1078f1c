/**
 * `npm run screenshots`: the two pictures of the README, light and dark, of a real system behind the real dashboard.
 *
 *   npm run screenshots                    docs/images/dashboard-light.png and dashboard-dark.png
 *   npm run screenshots -- artefacts/all   every view, at every width, in both lights and languages
 */
import { mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { buildPage } from '../page/dev/build-page.ts';
import { Stage } from '../page/dev/stage.ts';
import { PERMISSIONS } from '../src/dashboard/access.ts';
import { dashboard, toNodeHandler } from '../src/dashboard/index.ts';
import { CHROMIUM_OPTIONS, ensureChromium } from './chromium.ts';

const IMAGES = 'docs/images';
const WIDE = { width: 1440, height: 990 };
const WIDTHS = [360, 768, 1440];
/** Bytes; a README is no place for more. */
const MOST = 300_000;
/** In ms: bars and charts have found their places by then. */
const SETTLED = 1_500;

const { program } = ensureChromium();
await buildPage();
const stage = await Stage.open();
stage.goOn();
const server = createServer(
  toNodeHandler(dashboard(stage.baton, { access: () => ({ user: 'ada', can: PERMISSIONS, scope: null }) })),
);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const chrome = await chromium.launch({ executablePath: program, args: [...CHROMIUM_OPTIONS] });
const target = process.argv[2];
try {
  if (target === undefined) await takeTwo(chrome);
  else await takeAll(chrome, target);
} finally {
  await chrome.close();
  server.close();
  server.closeAllConnections();
  await stage.close();
}

async function takeTwo(browser: Browser): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  for (const light of ['light', 'dark'] as const) {
    const path = join(IMAGES, `dashboard-${light}.png`);
    await take(browser, { path: '', file: path, light, locale: 'en', size: WIDE, fullPage: false });
    const { size } = statSync(path);
    if (size > MOST) throw new Error(`${path} has ${size} bytes; at most ${MOST} are allowed.`);
    console.log(`${path}: ${size} bytes`);
  }
}

async function takeAll(browser: Browser, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { tasks } = await stage.baton.getTasks({ limit: 300 });
  const moved = tasks.find(({ epoch, state }) => epoch > 1 && state === 'running') ?? tasks[0];
  const failed = tasks.find(({ state }) => state === 'failed') ?? tasks[0];
  const views = ['', 'tasks', `tasks/${moved?.id}`, `tasks/${failed?.id}`, 'queues', 'replicas', 'schedules'];
  for (const light of ['light', 'dark'] as const) {
    for (const locale of ['en', 'zh-CN']) {
      for (const width of WIDTHS) {
        for (const path of views) {
          const name = `${path.replaceAll('/', '-') || 'overview'}-${width}-${light}-${locale}.png`;
          const size = { width, height: width < 500 ? 780 : 900 };
          await take(browser, { path, file: join(folder, name), light, locale, size, fullPage: true });
        }
      }
    }
  }
}

interface Picture {
  readonly path: string;
  readonly file: string;
  readonly light: 'light' | 'dark';
  readonly locale: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly fullPage: boolean;
}

async function take(browser: Browser, { path, file, light, locale, size, fullPage }: Picture): Promise<void> {
  const page = await browser.newPage({ viewport: size, colorScheme: light, locale, timezoneId: 'UTC' });
  await page.goto(url + path);
  await page.locator('.card, .empty').first().waitFor();
  await page.locator('.connection-live').waitFor();
  await page.waitForTimeout(SETTLED);
  await page.screenshot({ path: file, fullPage });
  await page.close();
}
