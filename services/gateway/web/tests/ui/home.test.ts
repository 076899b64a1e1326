import { expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

test('home shows the day in its order, mail that may want an answer, and what is under way', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => request.url().includes('/api/looks/') && asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  const faults = await open(page, '/');
  const agenda = page.getByRole('region', { name: 'Today' });
  await expect(agenda.getByRole('listitem')).toHaveText([/Recycling.*All day/, /Night train home/, /Call Carol/]);
  const mail = page.getByRole('region', { name: 'May want an answer' });
  await expect(mail.getByText('The lease for Linden Street 12')).toBeVisible();
  await expect(mail.getByText(/Unread mail of the last 30 days that was written to you alone/)).toBeVisible();
  await expect(page.getByRole('region', { name: 'Next by itself' }).getByRole('listitem').first()).toBeVisible();
  await expect(page.getByRole('region', { name: 'Health' }).getByText('The server refuses the password', { exact: false })).toBeVisible();
  expect(asked.sort()).toEqual(['GET /api/looks/agenda', 'GET /api/looks/waiting', 'POST /api/looks/agenda', 'POST /api/looks/waiting']);
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  await page.goto('/approvals');
  expect(faults).toEqual([]);
});

test('a date opens beside the day', async ({ page }) => {
  await open(page, '/');
  await page.getByRole('button', { name: /Call Carol/ }).click();
  await expect(page.getByRole('dialog').getByText('About the cellar.')).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test('the quick ask begins a conversation, and its commands open below it', async ({ page }) => {
  await open(page, '/');
  const box = page.getByLabel('Your message');
  await box.fill('/');
  const menu = page.getByRole('listbox', { name: 'Commands' });
  await expect(menu).toBeInViewport();
  expect((await menu.boundingBox())?.y ?? 0).toBeGreaterThan((await box.boundingBox())?.y ?? 0);
  await box.fill('Is anything due?');
  await box.press('Control+Enter');
  await expect(page).toHaveURL(/\/c\//);
});

test('a room that is away is named with since when; a calendar that does not answer is, too', async ({ page }) => {
  await open(page, '/', 'home.ailing.silent');
  const health = page.getByRole('region', { name: 'Health' });
  await expect(health.getByText('Does not answer since 3 hours ago.')).toBeVisible();
  await expect(health.getByText('Activity record')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Today' }).getByText(/did not answer\. There was no answer in time\./)).toBeVisible();
});

test('an empty day says so, and an empty house what to connect', async ({ page }) => {
  await open(page, '/', 'home.quiet');
  await expect(page.getByText('Nothing is in your calendars today.')).toBeVisible();
  await expect(page.getByText('No unread mail was written to you alone.')).toBeVisible();
  await open(page, '/', 'fresh');
  await expect(page.getByText('Connect a calendar, and the day stands here.')).toBeVisible();
  await expect(page.getByText('No model yet')).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test('new conversations keep an address of their own', async ({ page }, info) => {
  await open(page, '/');
  if (info.project.name === 'phone') await page.getByRole('link', { name: 'New conversation' }).click();
  else await page.getByRole('link', { name: 'New conversation' }).first().click();
  await expect(page).toHaveURL(/\/new$/);
  await expect(page.getByText('Four things to try')).toBeVisible();
});

test('the owner sees rooms, versions, copies and keys of the house', async ({ page }) => {
  const faults = await open(page, '/house', 'home.late-copies');
  const rooms = page.getByRole('region', { name: 'Rooms' });
  await expect(rooms.getByText('1 room does not answer.')).toBeVisible();
  await expect(rooms.getByText('No instance of it runs.')).toBeVisible();
  await expect(rooms.getByText('b7c2')).toBeVisible();
  await expect(page.getByText('The house runs version 0.1.0.', { exact: false })).toBeVisible();
  await expect(page.getByText('The last try came to nothing: the disk is full.')).toBeVisible();
  await expect(page.getByRole('button', { name: /keys/i }).first()).toBeVisible();
  await expect(page.getByRole('link', { name: 'Open the people' })).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  expect(faults).toEqual([]);
});
