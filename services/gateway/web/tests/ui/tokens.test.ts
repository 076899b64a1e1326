import { expect, test } from '@playwright/test';
import { open } from './house';

test('a token is made, copied, and gone from the page when its owner has it', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const faults = await open(page, '/tokens');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByLabel('Which program is it for?').fill('Nightly script');
  await page.getByLabel('Ends after').selectOption('a year');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/tokens'));
  await page.getByRole('button', { name: 'Make the token' }).click();
  expect((await asked).postDataJSON()).toEqual({ name: 'Nightly script', scopes: ['chat'], expires_in_days: 365 });
  const made = page.getByRole('region', { name: 'The token for Nightly script' });
  await expect(made).toBeFocused();
  await made.getByRole('button', { name: 'Copy' }).click();
  await expect(made.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^oa_obviously-fake/);
  await page.getByRole('button', { name: 'I have it' }).click();
  await expect(page.getByText('oa_obviously-fake')).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('the password is asked for where a token may do a lot, and a wrong one is said at its field', async ({ page }) => {
  await open(page, '/tokens');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByLabel('Which program is it for?').fill('Nightly script');
  await page.getByRole('checkbox', { name: /^Decide/ }).check();
  await page.getByRole('button', { name: 'Make the token' }).click();
  const password = page.getByRole('textbox', { name: 'Your password' });
  await expect(password).toBeFocused();
  await password.fill('wrong');
  await page.getByRole('button', { name: 'Make the token' }).click();
  await expect(page.getByText('This is not your password.')).toBeVisible();
  await expect(page).toHaveURL(/\/tokens$/);
  await password.fill('right');
  await page.getByRole('button', { name: 'Make the token' }).click();
  await expect(page.getByText('oa_obviously-fake')).toBeVisible();
});

test('a token is revoked after a question, and a failure is told there', async ({ page }) => {
  await open(page, '/tokens');
  await page.getByRole('button', { name: 'Revoke Editor' }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Editor is revoked.' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Revoke Terminal on the laptop' }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('Nothing was lost.');
});

test('the tokens are found under Security, in the menu under one’s name', async ({ page }, info) => {
  await open(page, '/');
  if (info.project.name.endsWith('phone')) await page.getByRole('button', { name: /^Menu/ }).click();
  await page.getByRole('button', { name: 'Ada', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Security' }).click();
  await page.getByRole('link', { name: /^Tokens for programs/ }).click();
  await expect(page.getByRole('heading', { name: 'Tokens', exact: true })).toBeVisible();
});
