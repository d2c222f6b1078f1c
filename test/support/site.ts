/**
 * The dashboard as people get it: a real system on SQLite behind a real server, and pages of a real browser. Whatever must
 * never happen on a page is collected while it is open: errors, dialogs, refusals by its security policy.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { CHROMIUM_OPTIONS, CHROMIUM_VARIABLE } from '../../scripts/chromium.ts';
import { dashboard, type DashboardOptions, toNodeHandler, type Visitor } from '../../src/dashboard/index.ts';
import { PERMISSIONS } from '../../src/dashboard/access.ts';
import type { Taskbaton } from '../../src/index.ts';

export const EVERYBODY: Visitor = { user: 'ada', can: PERMISSIONS, scope: null };

/** How long anything on a page may take. */
const PATIENCE = 15_000;

export interface Site {
  /** Ends in a slash. */
  readonly url: string;
  /** From now on, this is who asks. */
  visitor: Visitor;
  /** Breaks all connections and takes no more, until it is opened again. */
  shut(): Promise<void>;
  reopen(): Promise<void>;
}

export async function openSite(
  baton: Taskbaton,
  context: TestContext,
  options: Pick<DashboardOptions, 'tasks' | 'prefix'> = {},
): Promise<Site> {
  const state = { visitor: EVERYBODY };
  const handler = toNodeHandler(dashboard(baton, { access: () => state.visitor, ...options }));
  const server = createServer(handler);
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const shut = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  context.after(() => (server.listening ? shut() : undefined));
  const site = { url: `http://127.0.0.1:${port}${options.prefix ?? ''}/`, shut, reopen: () => listen(port) };
  return Object.defineProperty(site, 'visitor', {
    get: () => state.visitor,
    set: (visitor: Visitor) => {
      state.visitor = visitor;
    },
  }) as unknown as Site;
}

export function openBrowser(): Promise<Browser> {
  const executablePath = process.env[CHROMIUM_VARIABLE] ?? '';
  if (executablePath === '') throw new Error('There is no browser. Run the tests with `npm test`.');
  return chromium.launch({ executablePath, args: [...CHROMIUM_OPTIONS] });
}

export interface Visit {
  readonly page: Page;
  /** Fails if anything happened that must not. */
  readonly check: () => void;
}

/** A page with nothing remembered; closed, and checked, when the test is over. */
export async function visit(
  browser: Browser,
  context: TestContext,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const window = await browser.newContext({
    locale: 'en',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  const page = await window.newPage();
  page.setDefaultTimeout(PATIENCE);
  const offences: string[] = [];
  page.on('pageerror', (error) => offences.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    offences.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !isNetworkNote(message.text())) offences.push(message.text());
  });
  const check = (): void => assert.deepEqual(offences, []);
  context.after(async () => {
    await window.close();
    check();
  });
  return { page, check };
}

/** The browser notes each answer of 400 and more, and each connection that broke; tests that cause them expect them. */
function isNetworkNote(text: string): boolean {
  return text.startsWith('Failed to load resource') || text.includes('net::ERR_');
}
