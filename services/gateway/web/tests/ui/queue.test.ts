import { type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

const c = 'c'.repeat(32);
const e = 'e'.repeat(32);

/** The texts that are sent. */
function sent(page: Page): string[] {
  const texts: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/messages')) texts.push(request.postDataJSON().text);
  });
  return texts;
}

/** Says something while an answer comes. */
async function add(page: Page, text: string): Promise<void> {
  await page.getByLabel('Your message').fill(text);
  await page.getByRole('button', { name: 'Send when the answer ends' }).click();
}

test('a message that is typed while an answer comes is shown as waiting, is changed, and is taken back', async ({ page }) => {
  const faults = await open(page, `/c/${e}`, 'fast');
  const waiting = page.getByRole('region', { name: 'Waits to be sent' });
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await add(page, 'Never mind this');
  await add(page, 'And when do I mvoe?');
  await expect(waiting.getByRole('listitem')).toHaveCount(2);
  await expect(waiting.getByRole('status')).toHaveText('Goes out when the answer ends, while this conversation is open in this window.');
  await waiting.getByRole('button', { name: 'Take back: Never mind this' }).click();
  await waiting.getByRole('button', { name: 'Edit: And when do I mvoe?' }).click();
  await expect(page.getByLabel('Your message')).toHaveValue('And when do I mvoe?');
  await expect(waiting).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('what waits goes out by itself when the answer ends, one message for each', async ({ page }) => {
  test.slow();
  const texts = sent(page);
  await open(page, `/c/${e}`, 'fast');
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await add(page, 'And the deposit?');
  await add(page, 'And when do I move?');
  await expect.poll(() => texts, { timeout: 40_000 }).toEqual(['And the deposit?']);
  await expect(page.getByRole('region', { name: 'Waits to be sent' }).getByRole('listitem')).toHaveText([/And when do I move\?/]);
});

test('what waits outlives a reload, and looks right', async ({ page }) => {
  await open(page, `/c/${e}`, 'fast');
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await add(page, 'And the deposit?');
  await page.reload();
  await expect(page.getByRole('region', { name: 'Waits to be sent' })).toContainText('And the deposit?');
  await expectNoSidewaysScroll(page);
  expect(await violations(page)).toEqual([]);
});

test('while a decision waits, a message is not sent for its owner, for it would withdraw the question', async ({ page }) => {
  const texts = sent(page);
  await page.addInitScript((key) => sessionStorage.setItem(key, JSON.stringify(['And the deposit?'])), `queue:${'1'.repeat(32)}:${c}`);
  await open(page, `/c/${c}`);
  await expect(page.getByRole('region', { name: 'Waits to be sent' })).toContainText('Waits for your decision above');
  await expect(page.getByRole('button', { name: 'Send', exact: true }).first()).toBeEnabled();
  expect(texts).toEqual([]);
});

test('after an answer that broke off a message waits for a click', async ({ page }) => {
  const texts = sent(page);
  await page.addInitScript((key) => sessionStorage.setItem(key, JSON.stringify(['And the deposit?'])), `queue:${'1'.repeat(32)}:${e}`);
  await open(page, `/c/${e}`);
  await expect(page.getByRole('region', { name: 'Waits to be sent' })).toContainText('Not sent, because');
  expect(texts).toEqual([]);
  await page.getByRole('button', { name: 'Send now' }).click();
  await expect.poll(() => texts).toEqual(['And the deposit?']);
});

test('a draft is there again after a reload, in its conversation alone, and gone after the sign-out', async ({ page }, info) => {
  await open(page, `/c/${c}`);
  await page.getByLabel('Your message').fill('A long thought');
  await page.reload();
  await expect(page.getByLabel('Your message')).toHaveValue('A long thought');
  await page.goto(`/c/${e}`);
  await expect(page.getByLabel('Your message')).toHaveValue('');
  await page.goto(`/c/${c}`);
  await expect(page.getByLabel('Your message')).toHaveValue('A long thought');
  if (info.project.name.endsWith('phone')) await page.getByRole('button', { name: /^Menu/ }).click();
  await page.getByRole('button', { name: 'Ada', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login/);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).not.toMatch(/A long thought|draft:|queue:/);
});

test('what an answer took is told in full where it is pointed at or focused, until Escape', async ({ page }) => {
  await open(page, `/c/${c}`, 'answered');
  const cost = page.getByRole('article', { name: 'Assistant' }).getByRole('link', { name: /tokens/ });
  const full = page.getByRole('article', { name: 'Assistant' }).locator('[aria-hidden=true]', { hasText: 'This answer: 2,140 tokens read, 186 written' });
  await expect(full).toHaveCount(0);
  await cost.focus();
  await expect(full).toBeVisible();
  await expect(full).toContainText('1,200 of those read were kept by the provider');
  await expectNoSidewaysScroll(page);
  await page.keyboard.press('Escape');
  await expect(full).toHaveCount(0);
  await cost.blur();
  await cost.hover();
  await expect(full).toBeVisible();
});
