import { type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';
import { smallTargets } from './targets';

const card = (page: Page, name: string) => page.getByRole('article').filter({ has: page.getByRole('heading', { name, exact: true }) });

test('an account is shared with somebody: who, what for, which calendars and until when', async ({ page }) => {
  const faults = await open(page, '/accounts', 'lending');
  await card(page, 'Family calendar').getByRole('button', { name: 'Share Family calendar' }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('button', { name: 'Offer it' }).click();
  await expect(dialog.getByText('This is needed.')).toBeVisible();
  await dialog.getByLabel('User name').fill('nobody');
  await dialog.getByRole('radio', { name: /^Read and change/ }).check();
  await dialog.getByRole('radio', { name: 'Only these calendars' }).check();
  await dialog.getByRole('button', { name: 'Offer it' }).click();
  await expect(dialog.getByText('Choose at least one.')).toBeVisible();
  await dialog.getByRole('checkbox', { name: 'Family' }).check();
  await dialog.getByLabel('Until').fill('2027-06-30');
  await dialog.getByRole('button', { name: 'Offer it' }).click();
  await expect(dialog.getByText('Nobody of that user name lives here.')).toBeVisible();
  await dialog.getByLabel('User name').fill('carol');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/loans'));
  await dialog.getByRole('button', { name: 'Offer it' }).click();
  const body = (await asked).postDataJSON();
  expect(body).toMatchObject({ person: 'carol', access: 'act', parts: ['https://cal.home.example/ada/family/'] });
  expect(body.until).toMatch(/^2027-06-30T/);
  await expect(dialog).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('the password is asked for where the sign-in is old, and a wrong one is said at its field', async ({ page }) => {
  await open(page, '/accounts', 'lending.stale');
  await card(page, 'ada@home.example').getByRole('button', { name: 'Share ada@home.example' }).click();
  const dialog = page.getByRole('alertdialog');
  await expect(dialog.getByText('This service can only be shared as a whole.')).toBeVisible();
  await dialog.getByLabel('User name').fill('bob');
  await dialog.getByRole('button', { name: 'Offer it' }).click();
  const password = dialog.getByRole('textbox', { name: 'Your password' });
  await expect(password).toBeFocused();
  await password.fill('wrong');
  await dialog.getByRole('button', { name: 'Offer it' }).click();
  await expect(dialog.getByText('This is not your password.')).toBeVisible();
  await password.fill('right');
  await dialog.getByRole('button', { name: 'Offer it' }).click();
  await expect(dialog).toHaveCount(0);
});

test('what is shared with whom stands below its account, and is ended after a question', async ({ page }) => {
  await open(page, '/accounts', 'lending');
  const shared = card(page, 'Family calendar').getByRole('list', { name: 'Shared with' });
  await expect(shared.getByRole('listitem').filter({ hasText: 'Shared with Bob' })).toContainText('Read · Family');
  await expect(shared.getByRole('listitem').filter({ hasText: 'Shared with Ben' })).toContainText('not accepted yet');
  await shared.getByRole('button', { name: 'Stop sharing Bob' }).click();
  const asked = page.waitForRequest((request) => request.method() === 'DELETE');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Stop sharing' }).click();
  expect((await asked).url()).toMatch(/\/api\/loans\/1+$/);
});

test('what is offered is taken under a name of one’s own, or refused', async ({ page }) => {
  await open(page, '/accounts', 'lending');
  const offers = page.getByRole('region', { name: 'Offered to you' });
  const offer = offers.getByRole('article');
  await expect(offer).toContainText('Bob offers to share “bob@home.example”');
  await expect(offer.getByLabel('Name in this list')).toHaveValue('Mail of Bob');
  await offer.getByLabel('Name in this list').fill('taken');
  await offer.getByRole('button', { name: /^Accept/ }).click();
  await expect(offer.getByText('You have an account of that name already.')).toBeVisible();
  await offer.getByLabel('Name in this list').fill('Mail of my brother');
  const asked = page.waitForRequest((request) => request.url().endsWith('/accept'));
  await offer.getByRole('button', { name: /^Accept/ }).click();
  expect((await asked).postDataJSON()).toEqual({ name: 'Mail of my brother' });
  await expect(page.getByRole('status').filter({ hasText: 'Mail of my brother is connected.' })).toHaveCount(1);
  const refused = page.waitForRequest((request) => request.method() === 'DELETE');
  await offer.getByRole('button', { name: /^Refuse/ }).click();
  await refused;
});

test('what is lent to one says by whom, cannot be shared on, and is given back', async ({ page }) => {
  await open(page, '/accounts', 'lending');
  const lent = card(page, 'Calendar of Bob');
  await expect(lent.getByText('Shared by Bob')).toBeVisible();
  await expect(lent.getByText('Read and change · Choir')).toBeVisible();
  await expect(lent.getByRole('button', { name: /^Share/ })).toHaveCount(0);
  await lent.getByRole('button', { name: /^Give back/ }).click();
  await expect(page.getByRole('alertdialog')).toContainText('Nothing changes for who shares it.');
});

for (const scheme of ['light', 'dark'] as const) {
  test(`the page and the dialog are accessible, and nothing sticks out: ${scheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, '/accounts', 'lending');
    await expect(page.getByRole('region', { name: 'Offered to you' })).toBeVisible();
    await expect(page.getByRole('list', { name: 'Shared with' })).toBeVisible();
    expect(await violations(page)).toEqual([]);
    expect(await smallTargets(page)).toEqual([]);
    await expectNoSidewaysScroll(page);
    await card(page, 'Family calendar').getByRole('button', { name: 'Share Family calendar' }).click();
    await page.getByRole('radio', { name: 'Only these calendars' }).check();
    expect(await violations(page)).toEqual([]);
    await expectNoSidewaysScroll(page);
  });
}
