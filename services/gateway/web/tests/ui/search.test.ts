import { expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, hold, open } from './house';

const box = 'Search in everything';

test('a search asks each account by itself, on Enter alone, and says from whom each result is', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/looks/')) asked.push(JSON.stringify(request.postDataJSON()));
  });
  const faults = await open(page, '/search');
  await expect(page.getByText('Gmail may be searched at the provider, too')).toBeVisible();
  await page.getByLabel(box).pressSequentially('lease');
  await page.waitForTimeout(400);
  expect(asked).toEqual([]);
  await page.getByLabel(box).press('Enter');
  const mail = page.getByRole('region', { name: 'From Mail · ada@home.example' });
  await expect(mail.getByText('The lease for Linden Street 12')).toBeVisible();
  await expect(mail.getByText('Carol Meyer <carol@example.org>')).toBeVisible();
  await expect(page.getByRole('region', { name: 'From Calendar · Family calendar' }).getByText('Sign the lease')).toBeVisible();
  await expect(page.getByRole('region', { name: /Gmail/ }).getByText('Nothing found.')).toBeVisible();
  expect(asked).toHaveLength(3);
  expect(asked.every((each) => each.includes('"fields":{"text":"lease"}'))).toBe(true);
  await expect(page).toHaveURL(/\/search\?q=lease$/);
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  expect(faults).toEqual([]);
});

test('what is typed before the services are known is not searched until Enter', async ({ page }) => {
  const letGo = await hold(page, '**/api/looks/find');
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/looks/')) asked.push(request.url());
  });
  await open(page, '/search');
  await page.getByLabel(box).fill('lease');
  letGo();
  await expect(page.getByText('Gmail may be searched at the provider, too')).toBeVisible();
  await page.waitForTimeout(400);
  expect(asked).toEqual([]);
  await page.getByLabel(box).press('Enter');
  await expect(page.getByRole('region', { name: 'From Mail · ada@home.example' })).toBeVisible();
  expect(asked).toHaveLength(3);
});

test('a result opens beside the list as text: nothing in it runs, is loaded or can be clicked', async ({ page }) => {
  const faults = await open(page, '/search?q=lease');
  const opener = page.getByRole('button', { name: /The lease for Linden Street 12/ });
  await opener.click();
  const panel = page.getByRole('dialog');
  await expect(panel.getByText('From Mail · ada@home.example')).toBeVisible();
  await expect(panel.getByText('written by carol@example.org')).toBeVisible();
  await expect(panel.getByText('<img src="https://tracker.example/p.gif"', { exact: false })).toBeVisible();
  await expect(panel.getByText('I sign on Friday.')).toBeVisible();
  expect(await panel.locator('img, script, iframe, a').count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  await page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
  await expect(opener).toBeFocused();
  expect(faults).toEqual([]);
});

test('what was said in conversations is a source of its own, and opens at the message', async ({ page }) => {
  const faults = await open(page, '/search?q=lease');
  const talks = page.getByRole('region', { name: 'Your conversations' });
  const first = talks.getByRole('link').first();
  await expect(first).toContainText('The lease with Carol');
  await expect(first).toContainText('<img src=x onerror=alert(1)> is in her office');
  await expect(first.locator('mark')).toHaveText('lease');
  await expect(talks.getByRole('link').nth(1)).toContainText('You, in the archive');
  expect(await talks.locator('img, script').count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  await first.click();
  await expect(page).toHaveURL(/\/c\/c{32}#m-\w+$/);
  expect(faults).toEqual([]);
});

test('a word that nobody said in a conversation is told beside what services found', async ({ page }) => {
  await open(page, '/search?q=unheard');
  await expect(page.getByRole('region', { name: 'Your conversations' }).getByText('Nothing found.')).toBeVisible();
});

test('conversations that could not be searched are named, and are searched again by themselves', async ({ page }) => {
  await open(page, '/search?q=lease', 'home.speechless');
  const talks = page.getByRole('region', { name: 'Your conversations' });
  await expect(talks.getByText('Your conversations could not be searched.', { exact: false })).toBeVisible();
  await expect(page.getByText(/results\. No answer from: Your conversations\./).last()).toBeVisible();
  await expect(page.getByText('The lease for Linden Street 12')).toBeVisible();
  await page.context().addCookies([{ name: 'house', value: 'home', domain: '127.0.0.1', path: '/' }]);
  await talks.getByRole('button', { name: /Try again/ }).click();
  await expect(talks.getByRole('link')).toHaveCount(2);
});

test('a service that does not answer is named, and is asked again by itself', async ({ page }) => {
  await open(page, '/search?q=lease', 'home.silent');
  const silent = page.getByRole('region', { name: 'From Calendar · Family calendar' });
  await expect(silent.getByText('Calendar did not answer. There was no answer in time.')).toBeVisible();
  await expect(page.getByText(/results\. No answer from: Calendar\./).last()).toBeVisible();
  await expect(page.getByText('The lease for Linden Street 12')).toBeVisible();
  await page.context().addCookies([{ name: 'house', value: 'home', domain: '127.0.0.1', path: '/' }]);
  await silent.getByRole('button', { name: /Try again/ }).click();
  await expect(silent.getByText('Sign the lease')).toBeVisible();
});

test('what was searched for stays in this browser until it is forgotten', async ({ page }) => {
  await open(page, '/search?q=lease');
  await expect(page.getByText('The lease for Linden Street 12')).toBeVisible();
  await page.getByRole('button', { name: 'Start over' }).click();
  await expect(page.getByRole('heading', { name: 'Searched before' })).toBeVisible();
  await page.getByRole('button', { name: 'lease', exact: true }).click();
  await expect(page.getByText('The lease for Linden Street 12')).toBeVisible();
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.getByRole('button', { name: 'Forget them' }).click();
  await expect(page.getByText('What helps')).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem('recent-searches'))).toBeNull();
});

test('without anything connected the search says what to connect', async ({ page }) => {
  await open(page, '/search', 'fresh');
  await expect(page.getByText('Nothing is connected yet')).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test('who signs out leaves no searches behind', async ({ page }, info) => {
  await open(page, '/search?q=lease');
  await expect(page.getByText('The lease for Linden Street 12')).toBeVisible();
  if (info.project.name === 'phone') await page.getByRole('button', { name: /^Menu/ }).click();
  await page.getByRole('button', { name: 'Ada' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login/);
  expect(await page.evaluate(() => localStorage.getItem('recent-searches'))).toBeNull();
});
