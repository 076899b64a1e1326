import { expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

const chat = `/c/${'c'.repeat(32)}`;

test('an answer names what it rests on by numbers, and opens it beside itself', async ({ page }) => {
  const faults = await open(page, chat, 'home.sourced.linked');
  const row = page.getByRole('list', { name: 'Sources' });
  await expect(row.getByRole('button')).toHaveText([/^1 ?The lease for Linden Street 12/, /^2 ?Sign the lease/, /^3/, /^4/, '1 more']);
  const mark = page.getByRole('button', { name: 'Source 2: Sign the lease' });
  await mark.focus();
  await page.keyboard.press('Enter');
  const panel = page.getByRole('dialog', { name: 'Sign the lease' });
  await expect(panel.getByText('From Calendar · Family calendar')).toBeVisible();
  await expect(panel.getByText('About the cellar.')).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
  await expect(mark).toBeFocused();
  await row.getByRole('button', { name: /^1 The lease/ }).click();
  const mail = page.getByRole('dialog', { name: 'The lease for Linden Street 12' });
  await expect(mail.getByText('written by carol@example.org')).toBeVisible();
  const link = mail.getByRole('link', { name: 'Open at mail.example.org' });
  await expect(link).toHaveAttribute('rel', /noopener noreferrer/);
  expect(await mail.locator('img, script, iframe').count()).toBe(0);
  await expectNoSidewaysScroll(page);
  await page.getByRole('button', { name: 'Close' }).click();
  await row.getByRole('button', { name: '1 more' }).click();
  await expect(row.getByRole('button')).toHaveCount(6);
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  expect(faults).toEqual([]);
});

test('what was never found stays a text, and what opens is asked for under its own account', async ({ page }) => {
  const asked: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/open')) asked.push(request.postDataJSON());
  });
  await open(page, chat, 'home.sourced');
  await expect(page.getByText('[[https://evil.example/p.gif]]')).toBeVisible();
  await page.getByRole('button', { name: 'Source 1: The lease for Linden Street 12' }).click();
  await expect(page.getByRole('dialog').getByText('I sign on Friday.')).toBeVisible();
  await expect(page.getByRole('dialog').getByRole('link')).toHaveCount(0);
  expect(asked).toEqual([expect.objectContaining({ connector: 'mail', account: 'a'.repeat(32), key: '41' })]);
});

test('an answer without a mark has its sources all the same', async ({ page }) => {
  const faults = await open(page, chat, 'home.unsourced');
  await expect(page.getByRole('button', { name: /^1 The lease for Linden Street 12/ })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Sources' })).toHaveCount(1);
  await page.reload();
  await expect(page.getByRole('button', { name: /^1 The lease for Linden Street 12/ })).toBeVisible();
  expect(faults).toEqual([]);
});

test('a source that is gone says so', async ({ page }) => {
  await open(page, chat, 'home.sourced.gone');
  await page.getByRole('button', { name: 'Source 1: The lease for Linden Street 12' }).click();
  await expect(page.getByRole('dialog').getByText('This is not there any more')).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test('formulas are drawn under the policy of the page, and lead nowhere', async ({ page }) => {
  const faults = await open(page, chat, 'home.sourced');
  await expect(page.locator('math')).toHaveCount(4);
  await expect(page.getByText('$5 or $10 for the keys')).toBeVisible();
  await expect(page.getByText('$$\\href{https://evil.example}{x}$$')).toBeVisible();
  expect(await page.locator('.md [style]').count()).toBe(0);
  const tall = await page.locator('.md-formula math').first().evaluate((element) => element.getBoundingClientRect().height);
  expect(tall).toBeGreaterThan(60); // two lines of fractions, and not a line of letters
  await expectNoSidewaysScroll(page);
  expect(await violations(page)).toEqual([]);
  expect(faults).toEqual([]);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`sources and formulas can be read in ${scheme}`, async ({ page }, info) => {
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, chat, 'home.sourced');
    await expect(page.getByRole('button', { name: /^1 The lease/ })).toBeVisible();
    await expect(page.locator('math')).toHaveCount(4);
    expect(await violations(page, ['color-contrast'])).toEqual([]);
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${info.project.name}-${scheme}.png` });
    await page.getByRole('button', { name: /^1 The lease/ }).click();
    await expect(page.getByRole('dialog').getByText('I sign on Friday.')).toBeVisible();
    expect(await violations(page, ['color-contrast'])).toEqual([]);
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${info.project.name}-${scheme}-open.png` });
  });
}
