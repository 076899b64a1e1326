import { expect, test } from '@playwright/test';
import { open } from './house';

test('what a notice says and when none comes is chosen and saved', async ({ page }) => {
  await open(page, '/notices');
  const saved = page.waitForRequest((request) => request.method() === 'PUT' && request.url().endsWith('/api/notices'));
  await page.getByRole('checkbox', { name: 'Say what it is about' }).check();
  await page.getByLabel('From', { exact: true }).fill('22:00');
  await page.getByLabel('To', { exact: true }).fill('07:00');
  await page.getByRole('button', { name: 'Save' }).click();
  expect((await saved).postDataJSON()).toEqual({ content: true, quiet_from: '22:00', quiet_to: '07:00', zone: 'Europe/Berlin' });
  await expect(page.getByText('Saved.').first()).toBeVisible();
});

test('a link of a mail leads to its question, and its token does not stay in the address', async ({ page }) => {
  const asked = page.waitForRequest((request) => request.url().endsWith('/api/notices/open'));
  await open(page, '/notice#a-token-that-is-fake');
  expect((await asked).postDataJSON()).toEqual({ token: 'a-token-that-is-fake' });
  await expect(page).toHaveURL(/\/approvals\/\w{32}$/);
  await expect(page.getByRole('region', { name: 'Send a mail?' })).toBeVisible();
});

test('who is not signed in is asked to first, and sees nothing of it', async ({ page }) => {
  await open(page, '/notice#a-token-that-is-fake', 'out');
  await expect(page.getByLabel('Username')).toBeVisible();
  expect(new URL(page.url()).searchParams.get('next')).toBe('/notice');
  expect(page.url()).not.toContain('fake');
  await expect(page.getByText('Send a mail?')).toHaveCount(0);
});

test('what is decided elsewhere is seen on its page without a reload', async ({ page }) => {
  let decided = false;
  await page.route(/\/api\/approvals\/\w{32}$/, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    await route.fulfill({ response: answer, json: decided ? { ...body, state: 'approved' } : body });
  });
  await open(page, `/approvals/${'a'.repeat(32)}`);
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeEnabled();
  decided = true;
  await expect(page.getByText('You said yes.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toHaveCount(0);
});

test('questions of one answer are decided together on the page of decisions, too', async ({ page }) => {
  await open(page, '/approvals', 'together');
  await expect(page.getByRole('region', { name: '3 things wait for you' })).toBeVisible();
});
