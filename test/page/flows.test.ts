/** What people do on the page, done by a browser on a real system: each flow ends with a fact in the database. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import * as z from 'zod';
import { declareTask } from '../../src/index.ts';
import { EVERYBODY, openBrowser, openSite, visit } from '../support/site.ts';
import { reaches, until, vanishes } from '../support/system.ts';
import { importCsv, openScenery, sendInvoice } from './scenery.ts';

const printing = declareTask({ type: 'print', input: z.object({ copies: z.number().max(9) }) });

describe('somebody on the page', () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  test('pauses and runs a task, takes a change back, and its history names who did it', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks/${ids.running}`);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await reaches(control, ids.running, 'paused');
    await page.locator('.task-progress').getByText('Paused').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await until('it has gone on', async () => (await control.getTask(ids.running)).progress === 0.7);
    await page.locator('.task-progress').getByText('70.0%').waitFor();
    await page.locator('.history').getByText('by ada').first().waitFor();
    const { entries } = await control.history(ids.running);
    assert.deepEqual(
      entries.filter(({ actor }) => actor === 'ada').map(({ event }) => event),
      ['pause', 'run'],
    );
  });

  test('moves a task and moves it back; deletes another only after saying so again', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks/${ids.init}`);
    await page.getByRole('button', { name: 'Move', exact: true }).click();
    await page.getByRole('dialog').getByLabel('Group').fill('night shift');
    await page.getByLabel(/^Reason/).fill('it is large');
    await page.getByRole('dialog').getByRole('button', { name: 'Move', exact: true }).click();
    await until('it has moved', async () => (await control.getTask(ids.init)).group === 'night shift');
    await page.getByRole('button', { name: 'Undo' }).click();
    await until('it is back', async () => (await control.getTask(ids.init)).group === 'imports');

    await page.goto(`${site.url}tasks/${ids.finished}`);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await control.getTask(ids.finished);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await vanishes(control, ids.finished);
    await page.getByText('It is not there, or not any more').waitFor();
  });

  test('narrows the list by address and by hand, selects some or all that match, and changes them', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks?state=paused&state=failed`);
    await hasRows(page, [ids.failed, ids.paused]);
    await page.getByRole('button', { name: 'Failed', exact: true }).click();
    await hasRows(page, [ids.paused]);
    assert.equal(new URL(page.url()).search, '?state=paused');
    await page.goBack();
    await hasRows(page, [ids.failed, ids.paused]);

    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('Search tasks').fill('model-');
    await hasRows(page, [ids.parent]);
    await page.getByLabel('Search tasks').fill('');
    await page.getByLabel('Type').fill('import-csv');
    await page.getByLabel('Type').press('Enter');
    await hasRows(page, [ids.init, ids.paused, ids.running]);
    await page.getByLabel(`Select task ${ids.init}`).check();
    await page.getByLabel(`Select task ${ids.paused}`).check();
    await page.getByText('2 selected').waitFor();
    await page
      .getByRole('region', { name: 'Selection' })
      .getByRole('button', { name: 'Run', exact: true })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
    await until('both have run', async () =>
      (await Promise.all([ids.init, ids.paused].map((id) => control.getTask(id)))).every(
        ({ progress }, index) => progress === [0.5, 0.7][index],
      ),
    );
  });

  test('walks long lists by pages and changes all that match, those on other pages too', async (context) => {
    const { control, ids } = await openScenery(context);
    const item = { task: sendInvoice, input: { number: 1 }, user: 'mei', autoRun: false, parent: ids.paused };
    const many = await control.createTasks(Array.from({ length: 120 }, () => item));
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks?user=mei`);
    const newest = many.toReversed();
    await hasRows(page, newest.slice(0, 50));
    await page.getByRole('link', { name: 'Older' }).click();
    await hasRows(page, newest.slice(50, 100));
    await page.getByRole('link', { name: 'Older' }).click();
    await hasRows(page, newest.slice(100));
    await page.getByRole('link', { name: 'Newer' }).click();
    await hasRows(page, newest.slice(50, 100));

    await page.goto(`${site.url}tasks?search=mei`);
    await page.getByLabel('Select all on this page').check();
    await page.getByText('What a search finds is selected page by page').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Select all that match' }).count(), 0);

    await page.goto(`${site.url}tasks?parent=${ids.paused}`);
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', { name: 'Select all that match' }).click();
    await page
      .getByRole('region', { name: 'Selection' })
      .getByRole('button', { name: 'Delete', exact: true })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('120 tasks to go').waitFor();
    await until('all are gone', async () => (await control.getTasks({ user: 'mei' })).tasks.length === 0);
  });

  test('pauses a user and limits a group where they stand in the matrix', async (context) => {
    const { control } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}queues`);
    await page.getByRole('button', { name: /^Limit of imports: at most 4/ }).click();
    await page.getByRole('spinbutton', { name: 'Limit of imports' }).fill('7');
    await page.getByRole('spinbutton', { name: 'Limit of imports' }).press('Enter');
    await page.getByRole('button', { name: /^Limit of imports: at most 7/ }).waitFor();
    await page.getByRole('button', { name: 'Pause grace' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Resume grace' }).waitFor();
    const grace = async (): Promise<boolean> =>
      (await control.users()).some(({ name, paused }) => name === 'grace' && paused);
    assert.ok(await grace());
    await page.getByRole('button', { name: 'Resume grace' }).click();
    await page.getByRole('button', { name: 'Pause grace' }).waitFor();
    assert.ok(!(await grace()));
  });

  test('sees a task go from one replica to the next, live, and its way on the timeline', async (context) => {
    const { control, holder, release, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks/${ids.running}`);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.locator('.stint').first().waitFor();
    const earlier = (await control.getTask(ids.running)).replica;
    release();
    await holder(ids.running).stop();
    await until('another replica has it', async () => {
      const { replica, progress } = await control.getTask(ids.running);
      return replica !== undefined && replica !== earlier && progress === 0.7;
    });
    await until('two stints are drawn', async () => (await page.locator('.stint').count()) === 2);
    await page.locator('.passing').waitFor({ state: 'attached' });
    await page.getByRole('link', { name: 'Replicas' }).click();
    await page.locator('.handovers').getByText(`#${ids.running}`).waitFor();
  });

  test('is told when the server is lost, and sees fresh data again when it is back', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks/${ids.init}`);
    await page.getByText('Live', { exact: true }).waitFor();
    await site.shut();
    await page.getByText('The server does not answer. What you see is from').waitFor();
    await page.getByRole('heading', { level: 1, name: `import-csv #${ids.init}` }).waitFor();
    await control.changeTaskGroup(ids.init, 'elsewhere');
    await site.reopen();
    await page.locator('.facts').getByText('elsewhere').waitFor();
    await page.getByText('The server does not answer').waitFor({ state: 'detached' });
  });

  test('steers by the keyboard alone, and dialogs keep the focus until they are answered', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(site.url);
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.locator('tr[data-task]').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(String(ids.init));
    await hasRows(page, [ids.init]);
    await page.keyboard.press('Tab');
    await page.locator(`tr[data-task="${ids.init}"] a`).focus();
    await page.keyboard.press('d');
    await page.getByRole('dialog').waitFor();
    for (let step = 0; step < 8; step += 1) {
      await page.keyboard.press('Tab');
      assert.ok(
        await page.evaluate(
          `document.activeElement === document.body || document.activeElement.closest('dialog') !== null`,
        ),
      );
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(`document.activeElement.getAttribute('href')`), `tasks/${ids.init}`);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByRole('heading', { level: 1, name: 'Schedules' }).waitFor();
  });

  test('hears a key as soon as the row is there that it is for', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.addInitScript(
      `new MutationObserver((_, observer) => {
        const link = document.querySelector('tr[data-task] a');
        if (link === null) return;
        observer.disconnect();
        link.focus();
        link.dispatchEvent(new KeyboardEvent('keydown', { key: 'd', bubbles: true }));
      }).observe(document, { childList: true, subtree: true });`,
    );
    await page.goto(`${site.url}tasks?search=${ids.init}`);
    await page.getByRole('dialog').waitFor();
  });

  test('triggers, pauses and removes a schedule', async (context) => {
    const { control } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}schedules`);
    await page.getByRole('button', { name: 'Trigger monthly-invoices' }).click();
    await until(
      'its task is there',
      async () => (await control.getTasks({ group: 'billing' })).tasks.length === 2,
    );
    await page.getByRole('button', { name: 'Pause monthly-invoices' }).click();
    await page.getByRole('button', { name: 'Resume monthly-invoices' }).waitFor();
    await page.getByRole('button', { name: 'Delete monthly-invoices' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('No schedules').waitFor();
  });

  test('creates a task with the keyboard, told at each field what is wrong with it', async (context) => {
    const { control } = await openScenery(context);
    const site = await openSite(control, context, { tasks: [printing, importCsv] });
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks`);
    await page.getByRole('button', { name: 'New task' }).waitFor();
    await page.keyboard.press('n');
    const dialog = page.getByRole('dialog', { name: 'Create a task' });
    const create = dialog.getByRole('button', { name: 'Create', exact: true });
    const input = dialog.getByLabel('Input, as JSON (optional)');
    await dialog.getByLabel('Type', { exact: true }).selectOption('print');
    await input.fill('{ "copies": 12');
    await create.click();
    await isRefused(page, 'This is not JSON.');
    await input.fill('{ "copies": 12 }');
    await create.click();
    await isRefused(page, 'the input for task type print does not fit its schema');
    assert.equal((await control.getTasks({ types: ['print'] })).tasks.length, 0);

    await input.fill('{ "copies": 2 }');
    await page.keyboard.press('Tab');
    await page.keyboard.type('mei');
    await page.keyboard.press('Tab');
    await page.keyboard.type('office');
    await dialog.getByLabel('Priority').fill('7');
    await dialog.getByLabel('Begins').selectOption('later');
    await dialog.getByLabel('In', { exact: true }).fill('3');
    await dialog.getByLabel('Unit').selectOption('hours');
    await dialog.getByLabel(/^Reason/).fill('for the meeting');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /^print #/ }).waitFor();
    const [task] = (await control.getTasks({ types: ['print'] })).tasks;
    assert.deepEqual(
      [task?.user, task?.group, task?.priority, task?.input],
      ['mei', 'office', 7, { copies: 2 }],
    );
    assert.equal(
      Math.round(((task?.dueAt?.getTime() ?? 0) - (task?.createdAt.getTime() ?? 0)) / 1000),
      10_800,
    );
    const [entry] = (await control.history(task?.id ?? 0)).entries;
    assert.deepEqual([entry?.event, entry?.actor, entry?.reason], ['create', 'ada', 'for the meeting']);
  });

  test('who may not create is not offered to, nor is anybody where no type is known; one with a scope creates own tasks', async (context) => {
    const { control } = await openScenery(context);
    const site = await openSite(control, context, { tasks: [printing] });
    const { page } = await visit(browser, context);
    const open = page.getByRole('button', { name: 'New task' });
    site.visitor = { ...EVERYBODY, can: ['read'] };
    await page.goto(`${site.url}tasks`);
    await page.locator('tr[data-task]').first().waitFor();
    assert.equal(await open.count(), 0);
    site.visitor = { ...EVERYBODY, scope: 'ada' };
    await page.reload();
    await open.click();
    const dialog = page.getByRole('dialog');
    assert.equal(await dialog.getByLabel('User').count(), 0);
    await dialog.getByLabel(/^Input/).fill('{ "copies": 1 }');
    await dialog.getByLabel('Begins').selectOption('never');
    // What was typed is still there after thinking better of it.
    await page.keyboard.press('Escape');
    await open.click();
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: /^print #/ }).waitFor();
    const [task] = (await control.getTasks({ types: ['print'] })).tasks;
    assert.deepEqual([task?.user, task?.state, task?.input], ['ada', 'init', { copies: 1 }]);

    const bare = await openSite(control, context);
    await page.goto(`${bare.url}tasks`);
    await page.locator('tr[data-task]').first().waitFor();
    assert.equal(await open.count(), 0);
  });

  test('who may only look is offered no change, and one with a scope sees nobody else', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context);
    site.visitor = { ...EVERYBODY, can: ['read'], scope: 'ada' };
    const { page } = await visit(browser, context);
    await page.goto(`${site.url}tasks/${ids.running}`);
    await page.getByRole('heading', { level: 1, name: `import-csv #${ids.running}` }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^(Run|Pause|Move|Delete)$/ }).count(), 0);
    await page.goto(`${site.url}tasks`);
    await hasRows(page, [ids.init, ids.paused, ids.running]);
    await page.goto(`${site.url}tasks/${ids.finished}`);
    await page.getByText('It is not there, or not any more').waitFor();
  });

  test('finds everything below a prefix, with a slash at its end or without', async (context) => {
    const { control, ids } = await openScenery(context);
    const site = await openSite(control, context, { prefix: '/ops/tasks' });
    const { page } = await visit(browser, context);
    for (const address of [site.url, site.url.slice(0, -1)]) {
      await page.goto(address);
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.getByRole('link', { name: 'Tasks', exact: true }).click();
      await page.locator(`tr[data-task="${ids.init}"] a`).click();
      await page.getByRole('heading', { level: 1, name: `import-csv #${ids.init}` }).waitFor();
      assert.equal(new URL(page.url()).pathname, `/ops/tasks/tasks/${ids.init}`);
      await page.goBack();
      await page.goBack();
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    }
  });

  test('drains a replica, whose tasks are seen to go on elsewhere', async (context) => {
    const { control, holder, release, ids } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context);
    const earlier = holder(ids.running).replicaId;
    release();
    await page.goto(`${site.url}replicas`);
    await page.getByText('Live', { exact: true }).waitFor();
    const card = page.locator('.replica', { has: page.getByRole('link', { name: `#${ids.running}` }) });
    await card.getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    assert.ok((await control.replicas()).every(({ draining }) => !draining));
    await card.getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Drain', exact: true }).click();
    await until('another replica has it', async () => {
      const { replica, progress } = await control.getTask(ids.running);
      return replica !== undefined && replica !== earlier && progress === 0.7;
    });
    await page.getByText('draining', { exact: true }).waitFor();
    await page.locator('.handovers').getByText(`#${ids.running}`).waitFor();
    assert.deepEqual(
      (await control.replicas()).filter(({ draining }) => draining).map(({ id }) => id),
      [earlier],
    );
    await page.getByRole('button', { name: 'Take tasks again' }).click();
    await page.getByText('draining', { exact: true }).waitFor({ state: 'detached' });
    assert.ok((await control.replicas()).every(({ draining }) => !draining));
  });

  test('finds the language and the colours that were chosen, after coming back too', async (context) => {
    const { control } = await openScenery(context);
    const site = await openSite(control, context);
    const { page } = await visit(browser, context, { colorScheme: 'light' });
    const paper = (): Promise<string> =>
      page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    await page.goto(site.url);
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    const light = await paper();
    await page.getByRole('button', { name: 'Dark colours' }).click();
    await page.getByRole('button', { name: '中' }).click();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: '概览' }).waitFor();
    assert.notEqual(await paper(), light);
    assert.equal(await page.evaluate('document.documentElement.lang'), 'zh-CN');
  });
});

/** The field that has the focus is the one that is wrong, and says so to those who can't see it. */
async function isRefused(page: Page, problem: string): Promise<void> {
  const told = (): Promise<string> =>
    page.evaluate<string>(
      `document.getElementById(document.activeElement.getAttribute('aria-describedby'))?.textContent ?? ''`,
    );
  await until(`the field says: ${problem}`, async () => (await told()).includes(problem));
}

/** Exactly these, in this order. */
async function hasRows(page: Page, ids: readonly number[]): Promise<void> {
  const shown = (): Promise<readonly number[]> =>
    page.evaluate<number[]>(
      `[...document.querySelectorAll('tr[data-task]')].map((row) => Number(row.dataset.task))`,
    );
  await until(`the tasks ${ids.join()} are listed`, async () => (await shown()).join() === ids.join());
}
