import { expect, test } from '@playwright/test';
import { expectNoSidewaysScroll, open } from './house';
import { hostile } from '../mock/big.mjs';

const c = 'c'.repeat(32);
const answers = { name: 'Assistant', exact: true };

test('of two thousand messages the last stand there at once', async ({ page }) => {
  const faults = await open(page, `/c/${c}`, 'long');
  await expect(page.getByText('Number 1999.')).toBeInViewport();
  expect(await page.locator('article').count()).toBeLessThan(1_000);
  expect(faults).toEqual([]);
});

test('all messages are on the page soon, and found by searching in it', async ({ page }) => {
  test.slow();
  await open(page, `/c/${c}`, 'long.less');
  const articles = page.locator('article');
  await expect.poll(() => articles.count(), { timeout: 40_000 }).toBe(400);
  await expect(page.getByText('Number 1999.')).toBeInViewport();
  expect(await page.evaluate(() => (Reflect.get(window, 'find') as (text: string) => boolean)('last week. (1600)'))).toBe(true);
  const found = page.getByText('last week. (1600)');
  await found.evaluate((element) => element.scrollIntoView({ block: 'center' }));
  await expect(found).toBeInViewport();
});

test('what is read stays in its place while what is older comes in above it', async ({ page }) => {
  test.slow();
  await open(page, `/c/${c}`, 'long');
  const read = page.getByText('Number 1989.');
  await read.waitFor({ state: 'attached' });
  await read.evaluate((element) => element.scrollIntoView({ block: 'center' }));
  await page.waitForFunction(() => document.querySelectorAll('article').length > 100);
  const top = (await read.boundingBox())?.y ?? 0;
  const count = await page.locator('article').count();
  await page.waitForFunction((before) => document.querySelectorAll('article').length > before + 100, count);
  expect(Math.abs(((await read.boundingBox())?.y ?? 0) - top)).toBeLessThan(3);
});

test('a search leads to a message of long ago at once', async ({ page }) => {
  await open(page, `/c/${c}`, 'long.less');
  test.slow();
  const oldest = page.locator('article').first();
  await expect.poll(() => page.locator('article').count(), { timeout: 40_000 }).toBe(400);
  const id = await oldest.getAttribute('id');
  await open(page, `/c/${c}#${id}`, 'long.less');
  await page.reload();
  await expect(page.locator(`#${id}`)).toBeInViewport({ timeout: 20_000 });
  await expect(page.locator(`#${id}`)).toBeFocused();
});

for (const name of Object.keys(hostile)) {
  test(`an answer that means ill does no harm, and the page still answers: ${name}`, async ({ page }) => {
    const faults = await open(page, `/c/${c}`, `hostile-${name}`);
    await expect(page.getByRole('article', answers)).toBeVisible({ timeout: 20_000 });
    expect(await page.locator('article *').count()).toBeLessThan(15_000);
    expect(await page.locator('article').locator('script,img,iframe,object,embed,form,[src],[style]').count()).toBe(0);
    await expectNoSidewaysScroll(page);
    await page.getByLabel('Your message').fill('Still here');
    await expect(page.getByLabel('Your message')).toHaveValue('Still here');
    expect(faults).toEqual([]);
  });
}

test('a very long answer is cut, says so, and shows its rest on demand', async ({ page }) => {
  await open(page, `/c/${c}`, 'hostile-paragraph');
  const answer = page.getByRole('article', answers);
  await expect(answer.getByText('This answer is very long: 40,000 of 1,000,008 characters are shown.')).toBeVisible();
  await expect(answer.getByText('The end.')).toHaveCount(0);
  await answer.getByRole('button', { name: 'Show the rest as plain text' }).click();
  await expect(answer.getByRole('region', { name: 'The rest of the answer' }).getByText('The end.')).toBeAttached();
});

test('what turns the direction of a text is shown, in words and in code', async ({ page }) => {
  await open(page, `/c/${c}`, 'hostile-turned');
  const answer = page.getByRole('article', answers);
  await expect(answer.getByText('The invoice is ⟨U+202E⟩gpj.exe⟨U+202C⟩')).toBeVisible();
  expect(await answer.evaluate((element) => /[\u202A-\u202E\u2066-\u2069]/.test(element.textContent ?? ''))).toBe(false);
});

test('of a ledger of 100,000 records a part is on the page, however far it was gone through', async ({ page }) => {
  test.slow();
  const faults = await open(page, '/activity', 'vast');
  const records = page.locator('[id^="record-"]');
  const older = page.getByRole('button', { name: 'Show older' });
  for (let pages = 2; pages <= 12; pages += 1) {
    await older.click();
    await expect(page.locator(`#record-${100_000 - pages * 60}`)).toBeAttached();
    expect(await records.count()).toBeLessThanOrEqual(480);
  }
  await expect(page.locator('#record-99999')).toHaveCount(0);
  for (let pages = 4; pages > 1; pages -= 1) {
    await page.getByRole('button', { name: 'Show newer' }).click();
    await expect(page.locator(`#record-${99_999 - (pages - 1) * 60}`)).toBeAttached();
  }
  await page.getByRole('button', { name: 'Back to the newest' }).click();
  await expect(page.locator('#record-99999')).toBeAttached();
  await expect(page.getByRole('button', { name: /newe/ })).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('a record far down is gone to at once, and from it back to the newest', async ({ page }) => {
  const pages: string[] = [];
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/audit') pages.push(request.url());
  });
  await open(page, '/activity#record-17', 'vast');
  await expect(page.locator('#record-17')).toHaveAttribute('open', '');
  await expect(page.locator('#record-17')).toBeInViewport();
  expect(pages.length).toBeLessThan(4);
  await page.getByRole('button', { name: 'Back to the newest' }).click();
  await expect(page.locator('#record-99999')).toBeAttached();
});
