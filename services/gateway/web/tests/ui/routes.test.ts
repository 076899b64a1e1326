import { expect, test } from '@playwright/test';
import { open } from './house';

const c = 'c'.repeat(32);

test('the composer says which model reads, and what is held back from it', async ({ page }) => {
  await open(page, `/c/${c}`, 'outside');
  const line = page.getByRole('link', { name: /Cloud model mistral/ });
  await expect(line).toHaveText(/Cloud model mistral\/mistral-large-latest · 1 account redacted · 1 account for local models only/);
  await line.click();
  await expect(page.getByRole('heading', { name: 'What you type' })).toBeVisible();
});

test('a local model reads everything, and nothing is said to be held back', async ({ page }) => {
  await open(page, `/c/${c}`);
  await expect(page.getByRole('link', { name: /Local model llama3.1:8b/ })).toBeVisible();
});

test('each step says what the model saw of it, and the answer what to do', async ({ page }) => {
  await open(page, `/c/${c}`, 'outside');
  await expect(page.getByText('redacted for the model')).toBeVisible();
  await expect(page.getByText('withheld from the model')).toBeVisible();
  await expect(page.getByText(/was not shown what is for local models only: Family calendar/)).toBeVisible();
  await page.getByRole('link', { name: 'Choose a local model' }).click();
  await expect(page.getByRole('heading', { name: 'For what is private' })).toBeVisible();
});

test('an answer of the local model says so, and because of what', async ({ page }) => {
  await open(page, `/c/${c}`, 'outside.private');
  await expect(page.getByText('Answered by the local model qwen3:14b, because of what is for local models only: Family calendar.')).toBeVisible();
  await expect(page.getByText('read by the local model only')).toBeVisible();
});

test('a stricter choice is made by keyboard and holds at once', async ({ page }) => {
  await open(page, '/accounts', 'outside');
  const summary = page.getByText('A model outside the house sees:').first();
  await expect(summary).toBeVisible();
  await summary.locator('xpath=ancestor::summary').focus();
  await page.keyboard.press('Enter');
  const group = page.getByRole('group', { name: /see of ada@home.example/ });
  await group.getByRole('radio', { name: /^Without names/ }).focus();
  const asked = page.waitForRequest((request) => request.method() === 'PUT' && request.url().includes('/api/routes/'));
  await page.keyboard.press('ArrowDown');
  expect((await asked).postDataJSON()).toEqual({ route: 'local_only' });
  await expect(group.getByRole('radio', { name: /^Nothing/ })).toBeChecked();
});

test('a laxer choice takes the password, and stays as it was without', async ({ page }) => {
  await open(page, '/accounts', 'outside');
  await page.getByText('A model outside the house sees:').first().click();
  const group = page.getByRole('group', { name: /see of ada@home.example/ });
  await group.getByRole('radio', { name: /^Everything/ }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Show more of ada@home.example?' });
  await dialog.getByRole('button', { name: 'Leave it' }).click();
  await expect(group.getByRole('radio', { name: /^Without names/ })).toBeChecked();
  await group.getByRole('radio', { name: /^Everything/ }).click();
  await dialog.getByRole('textbox').fill('wrong');
  await dialog.getByRole('button', { name: 'Show it' }).click();
  await expect(dialog.getByText('This is not your password.')).toBeVisible();
  await dialog.getByRole('textbox').fill('the right one');
  await dialog.getByRole('button', { name: 'Show it' }).click();
  await expect(dialog).toBeHidden();
  await expect(group.getByRole('radio', { name: /^Everything/ })).toBeChecked();
});

test('whoever connects an account while the model is a cloud’s is told, and chooses', async ({ page }) => {
  await open(page, '/accounts/new/caldav', 'outside');
  await expect(page.getByText('mistral/mistral-large-latest does not run on your own machines')).toBeVisible();
  await page.getByRole('radio', { name: /^Nothing: local models only/ }).check();
  await page.getByLabel('Address').fill('https://cal.home.example/');
  await page.getByLabel('User name').fill('ada');
  await page.locator('input[type=password]').fill('not-a-real-password');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/accounts'));
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  expect((await asked).postDataJSON().route).toBe('local_only');
});

test('where the model is local nothing is asked', async ({ page }) => {
  await open(page, '/accounts/new/mail');
  await expect(page.getByText('Incoming mail').first()).toBeVisible();
  await expect(page.getByText('does not run on your own machines')).toHaveCount(0);
});
