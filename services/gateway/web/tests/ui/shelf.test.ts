import { type Locator, type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, hold, open } from './house';

const c = 'c'.repeat(32);

/** The list of conversations, which a phone has in its menu. */
async function list(page: Page): Promise<Locator> {
  const menu = page.getByRole('button', { name: /^Menu/ });
  const nav = page.getByRole('navigation', { name: 'Conversations' });
  await expect(async () => {
    if (await menu.isVisible()) await menu.click({ timeout: 5000 });
    await expect(nav).toBeVisible({ timeout: 4000 });
  }).toPass();
  return nav;
}

/** Nothing that axe finds, in light and in dark. */
async function expectFaultless(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await violations(page), colorScheme).toEqual([]);
  }
}

async function more(page: Page, title: string, choice: string): Promise<void> {
  await page.getByRole('button', { name: `More for “${title}”` }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: choice, exact: true }).click();
}

test('pinned conversations come first, then by day, and older ones when asked for', async ({ page }) => {
  const faults = await open(page, '/', 'many');
  const nav = await list(page);
  await expect(nav.getByRole('heading').first()).toHaveText('Pinned');
  await expect(nav.getByRole('heading').nth(1)).toHaveText('Today');
  await expect(nav.getByRole('link', { name: 'Everything about the flat' })).toBeVisible();
  const rows = nav.getByRole('listitem');
  await expect(rows).toHaveCount(51);
  await expect(nav.getByRole('link', { name: 'The old flat' })).toHaveCount(0);
  for (let page_ = 2; page_ <= 5; page_ += 1) {
    await nav.getByRole('button', { name: 'Show older' }).click();
    await expect(rows).toHaveCount(Math.min(1 + page_ * 50, 202));
  }
  await expect(nav.getByRole('button', { name: 'Show older' })).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('a label filters the list', async ({ page }) => {
  await open(page, '/', 'many');
  const nav = await list(page);
  await nav.getByRole('combobox', { name: 'Label' }).selectOption('home');
  await expect(nav.getByRole('listitem')).toHaveCount(2);
  await nav.getByRole('combobox', { name: 'Label' }).selectOption('All');
  await expect(nav.getByRole('listitem')).toHaveCount(51);
});

test('a title is changed in its place, and Escape leaves it', async ({ page }) => {
  await open(page, '/', 'many');
  await list(page);
  const sent: unknown[] = [];
  page.on('request', (request) => request.method() === 'PATCH' && sent.push(request.postDataJSON()));
  await more(page, 'Shopping', 'Rename');
  const field = page.getByRole('textbox', { name: 'New title of “Shopping”' });
  await expect(field).toBeFocused();
  await field.fill('Something else');
  await page.keyboard.press('Escape');
  await expect(field).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Shopping' }).last()).toBeFocused();
  expect(sent).toEqual([]);
  await more(page, 'Shopping', 'Rename');
  await field.fill('What we need');
  await page.keyboard.press('Enter');
  await expect.poll(() => sent).toEqual([{ title: 'What we need' }]);
});

test('pinning, archiving and what was refused are told, and the focus is not lost', async ({ page }) => {
  await open(page, '/', 'many');
  const nav = await list(page);
  const sent: unknown[] = [];
  page.on('request', (request) => request.method() === 'PATCH' && sent.push(request.postDataJSON()));
  await more(page, 'Shopping', 'Pin');
  await expect(nav.getByRole('status')).toHaveText('Pinned.');
  // This house forgets it: with the list that is fetched then the row goes back, and the focus with it.
  await expect(nav.getByRole('group', { name: 'Today' }).getByRole('link', { name: 'Shopping' })).toBeFocused();
  await more(page, 'Shopping', 'Archive');
  await expect(nav.getByRole('status')).toHaveText('Archived.');
  await expect.poll(() => nav.evaluate((box) => box.contains(document.activeElement))).toBe(true);
  expect(sent).toEqual([{ pinned: true }, { archived: true }]);
  await page.context().addCookies([{ name: 'house', value: 'many.stubborn', domain: '127.0.0.1', path: '/' }]);
  await more(page, 'Everything about the flat', 'Unpin');
  await expect(nav.getByRole('alert')).toContainText('The vault does not answer.');
  await expect(nav.getByRole('heading').first()).toHaveText('Pinned');
});

test('labels are added by hand and from those that are used elsewhere', async ({ page }) => {
  const faults = await open(page, '/', 'many');
  await list(page);
  const sent: unknown[] = [];
  page.on('request', (request) => request.method() === 'PATCH' && sent.push(request.postDataJSON()));
  await more(page, 'Shopping', 'Labels …');
  const dialog = page.getByRole('dialog', { name: 'Labels of “Shopping”' });
  const field = dialog.getByRole('textbox', { name: 'Another label' });
  await expect(field).toBeFocused();
  await field.fill('  to   do ');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'papers', exact: true }).click();
  await dialog.getByRole('button', { name: 'Remove home' }).click();
  await expectFaultless(page);
  await expectNoSidewaysScroll(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toHaveCount(0);
  expect(sent).toEqual([{ labels: ['to do', 'papers'] }]);
  expect(faults).toEqual([]);
});

test('a conversation is saved as a file', async ({ page }) => {
  await open(page, '/', 'many');
  await list(page);
  await page.getByRole('button', { name: 'More for “Shopping”' }).focus();
  await page.keyboard.press('Enter');
  const file = page.getByRole('menuitem', { name: 'Save as Markdown' });
  await expect(file).toHaveAttribute('href', /\/api\/conversations\/[0-9a-f]{32}\/export\?format=md/);
  await expect(file).toHaveAttribute('download', '');
  await expectFaultless(page);
});

test('what was said is found, shown as text, and opens where it stands', async ({ page }) => {
  const faults = await open(page, '/conversations');
  const field = page.getByRole('searchbox', { name: 'Words that were said' });
  await field.fill('lease');
  const hit = page.getByRole('region', { name: 'By what was said' }).getByRole('link').first();
  await expect(hit).toContainText('<img src=x onerror=alert(1)>');
  await expect(hit.locator('mark')).toHaveText(['lease']);
  await expect(page.locator('main img')).toHaveCount(0);
  await expect(page.getByRole('status').filter({ hasText: '2 messages' })).toHaveCount(1);
  await hit.click();
  await expect(page).toHaveURL(new RegExp(`/c/${c}#m-`));
  await expect(page.locator('article:focus')).toBeInViewport();
  await page.goBack();
  await expect(field).toHaveValue('lease');
  await field.fill('zebra');
  await expect(page.getByText('Nothing was found.').last()).toBeVisible();
  expect(faults).toEqual([]);
});

test('the archive is out of sight and within reach', async ({ page }) => {
  await open(page, '/', 'many');
  const nav = await list(page);
  await nav.getByRole('link', { name: 'Archive' }).click();
  const rows = page.getByRole('region', { name: 'Archive' }).getByRole('listitem');
  await expect(rows.filter({ hasText: 'The old flat' })).toBeVisible();
  await expect(rows.filter({ hasText: 'A holiday that was' })).toBeVisible();
  await more(page, 'The old flat', 'Take out of the archive');
  await expect(rows.filter({ hasText: 'The old flat' })).toHaveCount(0);
});

test('the palette finds pages and conversations, and changes the appearance', async ({ page }) => {
  const faults = await open(page, `/c/${c}`, 'answered');
  await expect(page.getByText('by Friday').first()).toBeVisible();
  await page.getByRole('textbox', { name: 'Message' }).focus();
  await page.keyboard.press('Control+k');
  const box = page.getByRole('combobox', { name: /^Type a page/ });
  await expect(box).toBeFocused();
  await expectFaultless(page);
  await expectNoSidewaysScroll(page);
  await box.fill('sched');
  await expect(page.getByRole('option')).toHaveText(['Schedules']);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/schedules');
  await page.keyboard.press('Control+k');
  await box.fill('dark');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('Control+k');
  await box.fill('lease');
  await expect(page.getByRole('option').filter({ hasText: 'office' })).toBeVisible();
  await expectFaultless(page);
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('option', { selected: true })).toContainText('office');
  expect(await box.getAttribute('aria-activedescendant')).toBe(await page.getByRole('option', { selected: true }).getAttribute('id'));
  await page.keyboard.press('Escape');
  await expect(box).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('a key that is pressed before the conversations are there is not lost', async ({ page }) => {
  const letGo = await hold(page, '**/api/conversations?*');
  await open(page, '/usage', 'many');
  await page.locator('#content').focus();
  await page.keyboard.press('j');
  letGo();
  await expect(page).toHaveURL(/\/c\/0+1001$/);
});

test('keys go from conversation to conversation, to the composer, to decisions', async ({ page }) => {
  await open(page, '/', 'many');
  await expect(page.getByText('Good to see you, Ada.')).toBeVisible();
  await page.locator('#content').focus();
  await page.keyboard.press('j');
  await expect(page).toHaveURL(/\/c\/0+1001$/);
  await page.keyboard.press('j');
  await expect(page).toHaveURL(/\/c\/0+1002$/);
  await page.keyboard.press('k');
  await expect(page).toHaveURL(/\/c\/0+1001$/);
  await page.keyboard.press('d');
  await expect(page).toHaveURL('/approvals');
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox', { name: 'Words that were said' })).toBeFocused();
  await page.keyboard.type('njkd?');
  await expect(page).toHaveURL(/\/conversations\?words=njkd%3F$/);
  await page.locator('#content').focus();
  await page.keyboard.press('m');
  const composer = page.getByRole('textbox', { name: 'Message' });
  await expect(composer).toBeFocused();
  await page.keyboard.type('njkd?/m');
  await expect(composer).toHaveValue('njkd?/m');
  await expect(page).toHaveURL('/new');
});

test('keys by themselves can be turned off, also for the next time', async ({ page }) => {
  const faults = await open(page, '/');
  await expect(page.getByText('Good to see you, Ada.')).toBeVisible();
  await page.locator('#content').focus();
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(dialog.getByText('Ctrl K')).toBeVisible();
  await expectFaultless(page);
  await expectNoSidewaysScroll(page);
  await dialog.getByRole('checkbox', { name: 'Shortcuts of one key' }).uncheck();
  await expectFaultless(page);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await page.reload();
  await expect(page.getByText('Good to see you, Ada.')).toBeVisible();
  await page.locator('#content').focus();
  await page.keyboard.press('d');
  await page.keyboard.press('?');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox', { name: /^Type a page/ })).toBeFocused();
  await expect(dialog).toHaveCount(0);
  await expect(page).toHaveURL('/');
  expect(faults).toEqual([]);
});

for (const scheme of ['light', 'dark'] as const) {
  for (const [name, path, ready] of [
    ['conversations', '/conversations', 'Shopping'],
    ['archive', '/conversations?show=archived', 'The old flat'],
    ['found', '/conversations?words=lease', 'in her office'],
    ['list', '/', 'Good to see you, Ada.']
  ] as const) {
    test(`${name} is without faults in ${scheme}, down to 320 px`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const faults = await open(page, path, 'many');
      await expect(page.getByRole('main').getByText(ready).first()).toBeVisible();
      if (name === 'list') await list(page);
      if (process.env.PICTURES) await page.screenshot({ path: `screenshots/shelf-${name}-${scheme}-${test.info().project.name}.png` });
      expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 320, height: 640 });
      await expectNoSidewaysScroll(page);
      expect(faults).toEqual([]);
    });
  }
}
