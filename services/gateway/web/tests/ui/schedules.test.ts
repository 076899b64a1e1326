import { expect, test } from '@playwright/test';
import { open } from './house';

test('a schedule is made from the form, and signed with the password where that is asked for', async ({ page }) => {
  const faults = await open(page, '/schedules', 'stale');
  await page.getByRole('button', { name: 'Make a schedule' }).click();
  await page.getByRole('button', { name: 'Sign it' }).click();
  await expect(page.getByLabel('Name')).toBeFocused();
  await page.getByLabel('Name').fill('Morning summary');
  await page.getByLabel('What is to be done?').fill('What is new?');
  await page.getByLabel('First time').fill('2030-01-07T07:00');
  await expect(page.getByText('Next: Mon 7 Jan, 07:00 · Tue 8 Jan, 07:00')).toBeVisible();
  await page.getByRole('button', { name: 'Sign it' }).click();
  const password = page.getByRole('textbox', { name: 'Your password' });
  await expect(password).toBeFocused();
  await password.fill('right');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/schedules'));
  await page.getByRole('button', { name: 'Sign it' }).click();
  expect((await asked).postDataJSON()).toMatchObject({
    name: 'Morning summary', prompt: 'What is new?', starts: '2030-01-07T07:00', rule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
    acts: false, rules: [], missed: 'late', days: 180, proposal: null, password: 'right'
  });
  await expect(page.getByText('Morning summary is signed.')).toBeVisible();
  expect(faults).toEqual([]);
});

test('a rule that is refused is said at its field', async ({ page }) => {
  await open(page, '/schedules');
  await page.getByRole('button', { name: 'Make a schedule' }).click();
  await page.getByLabel('Name').fill('Loop');
  await page.getByLabel('What is to be done?').fill('Look');
  await page.getByLabel('Repeats').selectOption('By a rule (RFC 5545)');
  await page.getByLabel('Rule', { exact: true }).fill('FREQ=MINUTELY');
  await page.getByRole('button', { name: 'Sign it' }).click();
  await expect(page.getByLabel('Rule', { exact: true })).toBeFocused();
  await expect(page.getByText('It repeats hourly, daily, weekly or monthly.')).toBeVisible();
});

test('a proposal opens the form with its words and says where they come from', async ({ page }) => {
  await open(page, '/schedules', 'proposed');
  await page.getByRole('button', { name: 'Look at it Invoices' }).click();
  await expect(page.getByRole('note')).toContainText('Written after reading texts of others');
  await expect(page.getByLabel('What is to be done?')).toHaveValue('Forward new invoices to the bookkeeper.');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/schedules'));
  await page.getByRole('button', { name: 'Sign it' }).click();
  expect(((await asked).postDataJSON() as { proposal: string }).proposal).toMatch(/74$/);
});

test('a schedule is paused, run and removed, and each is said', async ({ page }) => {
  await open(page, '/schedules');
  await page.getByRole('button', { name: 'Pause Morning summary' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Paused' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Run now Morning summary' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'It runs. The answer comes in its conversation.' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Remove Morning summary' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Morning summary is removed.' })).toHaveCount(1);
});

test('something is remembered, found, corrected and forgotten', async ({ page }) => {
  const faults = await open(page, '/memory');
  await page.getByLabel('Something to remember').fill('I live in Kiel.');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/memories'));
  await page.getByLabel('Forgotten').selectOption('after a month');
  await page.getByRole('button', { name: 'Remember it' }).click();
  expect((await asked).postDataJSON()).toEqual({ text: 'I live in Kiel.', days: 30 });
  await expect(page.getByText('Noted after reading texts of others: Mail')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search' }).fill('sister');
  await expect(page.getByText('Ada prefers trains')).toHaveCount(0);
  await page.getByRole('button', { name: /^Correct My sister/ }).click();
  const words = page.getByLabel('In your own words');
  await expect(words).toBeFocused();
  await words.fill('My sister is called Mina.');
  const put = page.waitForRequest((request) => request.method() === 'PUT');
  await page.getByRole('button', { name: 'Keep it so' }).click();
  expect((await put).postDataJSON()).toEqual({ text: 'My sister is called Mina.' });
  await page.getByRole('button', { name: /^Forget My sister/ }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Forgotten.' })).toHaveCount(1);
  expect(faults).toEqual([]);
});

test('what came from a conversation is forgotten with it where its owner says so', async ({ page }, info) => {
  await open(page, '/');
  if (info.project.name.endsWith('phone')) await page.getByRole('button', { name: /^Menu/ }).click();
  await page.getByRole('button', { name: /^More for/ }).first().click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('checkbox', { name: 'Forget what is remembered from it, too' }).check();
  const asked = page.waitForRequest((request) => request.method() === 'DELETE');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  expect((await asked).url()).toContain('memories=true');
});
