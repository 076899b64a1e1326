import { type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

const c = 'c'.repeat(32);
const id = (letter: string): string => letter.repeat(32);

interface Shown {
  messages: { id: string; text: string; versions: string[] }[];
}

/** Answers as a house does that shows the version that was asked for; returns what it was asked. */
async function remember(page: Page): Promise<string[]> {
  const asked: string[] = [];
  let shown = id('6');
  page.on('request', (request) => {
    const [, path] = request.url().split(`/api/conversations/${c}/`);
    if (path && request.method() === 'POST') asked.push(`${path} ${request.postData() ?? ''}`.trim());
    const found = /messages\/(\w+)\/show$/.exec(request.url());
    if (found?.[1]) shown = found[1];
  });
  await page.route(`**/api/conversations/${c}`, async (route) => {
    const response = await route.fetch();
    const history = (await response.json()) as Shown;
    const last = history.messages.at(-1);
    if (last) Object.assign(last, { id: shown, text: `The answer ${shown.slice(0, 1)}.` });
    await route.fulfill({ response, json: history });
  });
  return asked;
}

test.afterEach(({ page }) => page.unrouteAll({ behavior: 'ignoreErrors' }));

async function expectFaultless(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await violations(page), colorScheme).toEqual([]);
  }
}

test('one goes from version to version by keyboard, and the button keeps the focus', async ({ page }) => {
  const asked = await remember(page);
  const faults = await open(page, `/c/${c}`, 'versions');
  const answer = page.getByRole('article', { name: 'Assistant' }).last();
  const versions = answer.getByRole('group', { name: 'Versions' });
  await expect(versions).toContainText('2 / 3');
  const next = versions.getByRole('button', { name: 'Next version' });
  await expect(next).toHaveAccessibleDescription(/Version 2 of 3/);
  await next.focus();
  await page.keyboard.press('Enter');
  await expect(answer).toContainText('The answer a.');
  await expect(versions).toContainText('3 / 3');
  await expect(next).toBeDisabled();
  await expect(versions.getByRole('button', { name: 'Previous version' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(answer).toContainText('The answer 6.');
  await expect(versions.getByRole('button', { name: 'Previous version' })).toBeFocused();
  expect(asked).toEqual([`messages/${id('a')}/show`, `messages/${id('6')}/show`]);
  expect(faults).toEqual([]);
});

test('a message is changed in its place; Escape leaves it and gives the focus back', async ({ page }) => {
  const asked = await remember(page);
  const faults = await open(page, `/c/${c}`, 'versions');
  const edit = page.getByRole('button', { name: 'Edit “What did Carol write about the lease?”' });
  await edit.focus();
  await page.keyboard.press('Enter');
  const box = page.getByRole('textbox', { name: 'Edit your message' });
  await expect(box).toBeFocused();
  await expect(box).toHaveValue('What did Carol write about the lease?');
  await expect(page.getByRole('form', { name: 'Edit your message' }).getByRole('button', { name: 'Send' })).toBeDisabled();
  await expectNoSidewaysScroll(page);
  await expectFaultless(page);
  await page.keyboard.press('Escape');
  await expect(edit).toBeFocused();
  await page.keyboard.press('Enter');
  await box.fill('What did Ben write?');
  await page.getByRole('form', { name: 'Edit your message' }).getByRole('button', { name: 'Send' }).click();
  await expect(box).toHaveCount(0);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain(`messages/${id('2')}/edit {"text":"What did Ben write?"`);
  expect(faults).toEqual([]);
});

test('any answer is written again, and each message says how many versions there are', async ({ page }) => {
  const asked = await remember(page);
  const faults = await open(page, `/c/${c}`, 'versions');
  const answers = page.getByRole('article', { name: 'Assistant' });
  await expect(page.getByRole('article', { name: 'You' }).first().getByRole('group', { name: 'Versions' })).toContainText('1 / 2');
  await expectNoSidewaysScroll(page);
  await expectFaultless(page);
  const again = answers.nth(1).getByRole('button', { name: 'Try again' });
  await again.focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => asked.length).toBe(1);
  await answers.last().getByRole('button', { name: 'Try again' }).click();
  await expect.poll(() => asked).toEqual([`messages/${id('4')}/retry`, 'retry']);
  expect(faults).toEqual([]);
});

test('what cannot be changed now says why', async ({ page }) => {
  await open(page, `/c/${c}`, 'versions.running');
  const versions = page.getByRole('group', { name: 'Versions' }).last();
  await versions.getByRole('button', { name: 'Next version' }).click();
  await expect(page.getByText('The previous message is still being answered.')).toBeVisible();
});

test('a question of another version says so, and leads to that one', async ({ page }) => {
  const asked = await remember(page);
  const faults = await open(page, '/approvals', 'versions');
  await expect(page.getByText('This belongs to another version of the conversation')).toBeVisible();
  await expectNoSidewaysScroll(page);
  await expectFaultless(page);
  const link = page.getByRole('link', { name: 'Show that version' });
  await expect(link).toHaveAttribute('href', `/c/${c}#m-${id('3')}`);
  await page.goto(`/c/${c}#m-${id('e')}`);
  await expect.poll(() => asked).toContain(`messages/${id('e')}/show`);
  await expect(page.locator(`#m-${id('e')}`)).toBeFocused();
  await page.getByRole('article', { name: 'You' }).first().getByRole('button', { name: 'Next version' }).click();
  await expect.poll(() => page.url()).not.toContain('#');
  expect(faults).toEqual([]);
});
