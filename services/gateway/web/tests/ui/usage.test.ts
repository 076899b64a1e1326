import { expect, test } from '@playwright/test';
import { open } from './house';

const c = 'c'.repeat(32);

test('limits are changed by keyboard alone, and what holds is said', async ({ page }) => {
  const faults = await open(page, '/usage');
  await page.getByRole('button', { name: 'Change: Your limits' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Money a day (EUR)').fill('2,50');
  await page.getByLabel('Questions to the model for one answer').fill('');
  const asked = page.waitForRequest((request) => request.method() === 'PUT');
  await page.keyboard.press('Enter');
  const body = (await asked).postDataJSON();
  expect(body.limits).toMatchObject({ day_micro: 2_500_000, model_calls: null, day_tokens: 5_000_000 });
  await expect(page.getByText('Saved. It holds from the next question')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Change: Your limits' })).toBeFocused();
  expect(faults).toEqual([]);
});

test('what the server does not take is said beside its field', async ({ page }) => {
  await open(page, '/usage');
  await page.getByRole('button', { name: 'Change: Your limits' }).click();
  await page.getByLabel('Tokens a day').fill('9999999999999');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('That is too much.')).toBeVisible();
  await expect(page.getByLabel('Tokens a day')).toBeFocused();
});

test('days are counted where the browser is once that is asked for', async ({ page }) => {
  await open(page, '/usage', 'empty');
  await expect(page.getByText('America/New York time')).toBeVisible();
  await page.getByRole('button', { name: 'Use Europe/Berlin instead' }).click();
  await expect(page.getByText('Europe/Berlin time')).toBeVisible();
});

test('an answer says what the whole of it took, also to who does not point at it', async ({ page }) => {
  await open(page, `/c/${c}`, 'answered');
  const strip = page.getByRole('link', { name: /llama3.1:8b · 2,326 tokens/ });
  await strip.focus();
  await expect(strip).toBeVisible();
  await expect(strip).toContainText('2,326 tokens · €0.0042');
  await expect(strip).toContainText('1,200 of those read were kept by the provider');
  await strip.click();
  await expect(page.getByRole('heading', { name: 'Usage', exact: true })).toBeVisible();
});

test('a price that is entered takes the place of the one from the list', async ({ page }) => {
  await open(page, '/model', 'billed');
  await page.getByRole('button', { name: 'Enter a price' }).click();
  await page.getByLabel('Read', { exact: true }).fill('1.8');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('€1.80 for a million tokens read, €6.00 for a million written.')).toBeVisible();
  await expect(page.getByText('As you entered it.')).toBeVisible();
});
