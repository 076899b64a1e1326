import { type Page, expect, test } from '@playwright/test';
import { hold, open } from './house';

const c = 'c'.repeat(32);

/** The bodies of the commands that the page sends. */
function sent(page: Page): unknown[] {
  const bodies: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/commands')) bodies.push(request.postDataJSON());
  });
  return bodies;
}

const box = (page: Page) => page.getByLabel('Your message');
const option = (page: Page, name: RegExp) => page.getByRole('option', { name });

test('a slash opens the commands, arrows move and Enter opens a form', async ({ page }) => {
  const faults = await open(page, '/');
  await box(page).fill('/');
  await expect(page.getByRole('option')).toHaveCount(4);
  await expect(option(page, /^\/agenda/)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(option(page, /^\/find/)).toHaveAttribute('aria-selected', 'true');
  const active = await box(page).getAttribute('aria-activedescendant');
  await expect(page.locator(`[id="${active}"]`)).toContainText('/find');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('form', { name: '/find Find' })).toBeVisible();
  await expect(page.getByLabel('Words')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(box(page)).toBeFocused();
  expect(faults).toEqual([]);
});

test('Escape closes the commands and leaves what was typed', async ({ page }) => {
  await open(page, '/');
  await box(page).fill('/a');
  await expect(option(page, /^\/agenda/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('listbox')).toBeHidden();
  await expect(box(page)).toHaveValue('/a');
});

test('the commands open under a finger, too', async ({ page }) => {
  await open(page, '/');
  await page.getByRole('button', { name: /^Commands/ }).click();
  await option(page, /^\/event/).click();
  await expect(page.getByLabel('Title')).toBeFocused();
});

test('a search that is typed out runs at once, and its results say where they come from', async ({ page }) => {
  const bodies = sent(page);
  const faults = await open(page, '/', 'bare.commanded');
  await expect(page.getByText('What works without a model')).toBeVisible();
  await box(page).fill('/find lease');
  await page.keyboard.press('Enter');
  const results = page.getByRole('group', { name: 'From Mail · ada@home.example' });
  await expect(results.getByText('The lease for Linden Street 12')).toBeVisible();
  await expect(results.getByText('Carol Meyer <carol@example.org>')).toBeVisible();
  await expect(page.getByText('2 results.').first()).toBeVisible();
  expect(bodies).toEqual([{ command: 'find', fields: { text: 'lease' }, zone: 'Europe/Berlin' }]);
  expect(faults).toEqual([]);
});

test('a command that is typed before the commands are known is no message', async ({ page }) => {
  const letGo = await hold(page, '**/api/commands*');
  const posted: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && posted.push(new URL(request.url()).pathname));
  await open(page, '/', 'bare.commanded');
  await page.getByLabel('Your message').fill('/find lease');
  await page.getByLabel('Your message').press('Enter');
  await page.getByLabel('Your message').press('Enter');
  letGo();
  await expect(page).toHaveURL(/\/c\//);
  await expect.poll(() => posted.filter((path) => path.endsWith('/commands'))).toHaveLength(1);
  expect(posted.filter((path) => path.endsWith('/messages'))).toEqual([]);
});

test('an event is a form with a day, a time that may be left out, and the browser’s zone', async ({ page }) => {
  const bodies = sent(page);
  await open(page, `/c/${c}`, 'answered');
  await box(page).fill('/event');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Go' }).click();
  await expect(page.getByText('This is needed.')).toHaveCount(2);
  await expect(page.getByLabel('Title')).toBeFocused();
  await page.getByLabel('Title').fill('Sign the lease');
  await page.getByLabel('Start', { exact: true }).fill('2026-11-27');
  await page.getByLabel('Start: time').fill('10:00');
  await page.getByLabel('End optional').fill('2026-11-28');
  await page.getByRole('button', { name: 'Go' }).click();
  await expect(box(page)).toBeVisible();
  expect(bodies).toEqual([
    { command: 'event', fields: { title: 'Sign the lease', start: '2026-11-27T10:00', end: '2026-11-28' }, zone: 'Europe/Berlin' }
  ]);
});

test('a mail names its account, and what the server refuses keeps what was typed', async ({ page }) => {
  const bodies = sent(page);
  await open(page, `/c/${c}`, 'answered');
  await box(page).fill('/mail');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Nothing is sent before you have seen it')).toBeVisible();
  await expect(page.getByLabel('Account')).toHaveValue('a'.repeat(32));
  await page.getByLabel('Account').selectOption({ label: 'ada@work.example' });
  await page.getByLabel('To', { exact: true }).fill('nobody@example.org');
  await page.getByLabel('Subject').fill('Friday');
  await page.getByLabel('Text').fill('Hello,\n\nI sign on Friday.');
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect(page.getByText('Nobody lives there.')).toBeVisible();
  await expect(page.getByLabel('To', { exact: true })).toBeFocused();
  await expect(page.getByLabel('Subject')).toHaveValue('Friday');
  await page.getByLabel('To', { exact: true }).fill('"Meyer, Carol" <carol@example.org>, dan@example.org');
  await page.getByRole('button', { name: 'Go' }).click();
  await expect(box(page)).toBeFocused();
  expect(bodies.at(-1)).toEqual({
    command: 'mail',
    fields: { to: ['"Meyer, Carol" <carol@example.org>', 'dan@example.org'], subject: 'Friday', text: 'Hello,\n\nI sign on Friday.', account: 'b'.repeat(32) },
    zone: 'Europe/Berlin'
  });
});

test('what was run before opens again as it was filled in', async ({ page }) => {
  await open(page, `/c/${c}`, 'searched');
  await page.getByRole('button', { name: 'Use again: /find lease' }).click();
  await expect(page.getByLabel('Words')).toHaveValue('lease');
});

test('a service that did not answer says so beside those that did', async ({ page }) => {
  await open(page, `/c/${c}`, 'searched');
  const silent = page.getByRole('group', { name: 'From Calendar · Family calendar' });
  await expect(silent).toContainText('Family calendar is away');
  await expect(page.getByRole('group', { name: 'From Mail · ada@home.example' })).toContainText('Re: lease');
});

test('with nothing connected the commands lead to the services', async ({ page }) => {
  await open(page, '/', 'fresh');
  await box(page).fill('/');
  await expect(page.getByText('No connected service offers a command yet.')).toBeVisible();
  await expect(page.getByRole('main').getByRole('link', { name: 'Connect a service' }).first()).toBeVisible();
});

test('a message that only looks like a command is a message', async ({ page }) => {
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/messages'));
  await open(page, `/c/${c}`, 'answered');
  await box(page).fill('/etc/passwd is a file, what is in it?');
  await page.getByRole('button', { name: 'Send' }).click();
  expect((await asked).postDataJSON()).toMatchObject({ text: '/etc/passwd is a file, what is in it?' });
});
