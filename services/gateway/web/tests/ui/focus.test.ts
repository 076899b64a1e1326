import { type Locator, type Page, expect, test } from '@playwright/test';
import { open } from './house';

interface Opened {
  name: string;
  path: string;
  house?: string;
  opener: (page: Page) => Locator;
  dialog: (page: Page) => Locator;
}

const c = 'c'.repeat(32);
const dialog = (page: Page): Locator => page.getByRole('dialog');
const question = (page: Page): Locator => page.getByRole('alertdialog');

const opened: Opened[] = [
  { name: 'a result read in place', path: '/search?q=lease', opener: (page) => page.getByRole('button', { name: /The lease for Linden/ }), dialog },
  { name: 'a date of today', path: '/', opener: (page) => page.getByRole('button', { name: /Call Carol/ }), dialog },
  { name: 'a rule', path: `/c/${c}`, house: 'lease', opener: (page) => page.getByRole('button', { name: 'Always allow …' }), dialog: question },
  { name: 'the removal of a token', path: '/tokens', opener: (page) => page.getByRole('button', { name: 'Revoke Editor' }), dialog: question },
  { name: 'the removal of an account', path: '/accounts', opener: (page) => page.getByRole('button', { name: 'Remove Family calendar' }), dialog: question }
];

for (const each of opened)
  test(`the focus goes into a dialog, stays there, and comes back: ${each.name}`, async ({ page }) => {
    await open(page, each.path, each.house);
    const opener = each.opener(page).first();
    await expect(opener).toBeEnabled();
    await opener.focus();
    await page.keyboard.press('Enter');
    await staysInside(page, each.dialog(page));
    await page.keyboard.press('Escape');
    await expect(each.dialog(page)).toBeHidden();
    await expect(opener).toBeFocused();
  });

test('the menu takes the focus and gives it back', async ({ page }, info) => {
  const isPhone = info.project.name === 'phone';
  await open(page, '/');
  const opener = page.getByRole('button', isPhone ? { name: /^Menu/ } : { name: 'Ada', exact: true });
  const menu = isPhone ? dialog(page) : page.getByRole('menu');
  await opener.focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => hasFocus(menu)).toBe(true);
  await page.keyboard.press('Escape');
  await expect(menu).toBeHidden();
  await expect(opener).toBeFocused();
});

test('the palette gives the focus back to where one was', async ({ page }) => {
  await open(page, '/accounts');
  const before = page.getByRole('button', { name: 'Remove Family calendar' });
  await before.focus();
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox', { name: 'Go to, find, do' }).or(page.getByRole('dialog').getByRole('combobox')).first()).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(before).toBeFocused();
});

async function staysInside(page: Page, box: Locator): Promise<void> {
  await expect(box).toBeVisible();
  await expect.poll(() => hasFocus(box)).toBe(true);
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press('Tab');
    expect(await hasFocus(box)).toBe(true);
  }
}

const hasFocus = (box: Locator): Promise<boolean> => box.evaluate((element) => element.contains(document.activeElement));
