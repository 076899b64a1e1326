import { expect, test } from '@playwright/test';
import { open } from './house';

test('one sees what is kept, and by whom', async ({ page }) => {
  const faults = await open(page, '/data');
  const rows = page.getByRole('region', { name: 'What is kept' }).getByRole('listitem');
  await expect(rows).toHaveCount(6);
  await expect(rows.first()).toContainText('48 MB');
  await expect(rows.filter({ hasText: 'Conversations' })).toContainText('212 conversations, since');
  await expect(rows.filter({ hasText: 'Accounts and keys' })).toContainText('1 account,');
  await expect(rows.last()).toContainText('does not answer just now');
  expect(faults).toEqual([]);
});

test('everything is erased after the password alone, and then one is signed out', async ({ page }) => {
  await open(page, '/data');
  await page.getByRole('button', { name: 'Erase everything' }).click();
  const asked = page.getByRole('alertdialog', { name: 'Erase everything of you?' });
  await expect(asked.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await asked.getByRole('textbox', { name: 'Your password' }).fill('wrong');
  await asked.getByRole('button', { name: 'Erase everything' }).click();
  await expect(asked.getByText('This is not your password.')).toBeVisible();
  await expect(page).toHaveURL(/\/data$/);
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/data/erase'));
  await asked.getByRole('textbox', { name: 'Your password' }).fill('right');
  await asked.getByRole('button', { name: 'Erase everything' }).click();
  expect((await sent).postDataJSON()).toEqual({ password: 'right' });
  await expect(page).toHaveURL(/\/login/);
});

test('one’s data is found in the menu under one’s name', async ({ page }, info) => {
  await open(page, '/');
  if (info.project.name.endsWith('phone')) await page.getByRole('button', { name: /^Menu/ }).click();
  await page.getByRole('button', { name: 'Ada', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Your data' }).click();
  await expect(page.getByRole('heading', { name: 'Your data', exact: true })).toBeVisible();
});
