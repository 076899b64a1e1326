import { expect, test } from '@playwright/test';
import { open } from './house';

const again = `/accounts/new/cloudmail?again=${'d'.repeat(32)}`;

test('each thing that an account may do is tried once it is connected, and again when asked', async ({ page }) => {
  await open(page, `/accounts?connected=${'d'.repeat(32)}`, 'cloud');
  const card = page.getByRole('article').filter({ hasText: 'ada@cloud.example' });
  await expect(card.getByText('All steps passed.')).toBeVisible();
  for (const name of ['Sign in', 'Read and search mail', 'Make labels']) {
    await expect(card.getByRole('listitem').filter({ hasText: new RegExp(`${name}\\s*: passed`) })).toBeVisible();
  }
  const asked = page.waitForRequest((request) => request.url().endsWith('/check'));
  await card.getByRole('button', { name: /^Check again/ }).click();
  await asked;
});

const refused: [string, string, { link: string; to: string }][] = [
  ['disabled', 'is switched off at Example. Switch it on there', { link: 'Switch it on at Example', to: 'https://console.example/apis/mail/enable' }],
  ['unscoped', 'without the permission for that. Connect it again', { link: 'Connect again and allow it', to: again }],
  ['blocked', 'Whoever administers that account', { link: 'Connect another account', to: '/accounts/new/cloudmail' }],
  ['full', 'The storage at Example is full', { link: 'Make room at Example', to: 'https://id.example/apps' }],
  ['mailless', 'There is no mailbox behind that account', { link: 'Connect another account', to: '/accounts/new/cloudmail' }],
  ['tried', 'is on trial, and there a consent ends', { link: 'Publish it at Example', to: 'https://console.example/' }]
];

for (const [house, sentence, { link, to }] of refused) {
  test(`what a provider refuses is a sentence and a button that helps: ${house}`, async ({ page }) => {
    await open(page, '/accounts', `cloud.${house}`);
    const card = page.getByRole('article').filter({ hasText: 'ada@cloud.example' });
    await expect(card.getByText(sentence)).toBeVisible();
    await expect(card.getByRole('link', { name: link })).toHaveAttribute('href', to);
  });
}

test('what failed for want of a permission is ticked where the account is connected again', async ({ page }) => {
  await open(page, '/accounts', 'cloud.unscoped');
  const card = page.getByRole('article').filter({ hasText: 'ada@cloud.example' });
  await card.getByRole('button', { name: /^Check again/ }).click();
  await expect(card.getByRole('listitem').filter({ hasText: /Make labels\s*: failed/ })).toBeVisible();
  await card.getByRole('link', { name: 'Connect again and allow it' }).click();
  await expect(page.getByRole('checkbox', { name: /^Read and search mail/ })).toBeChecked();
  await expect(page.getByRole('checkbox', { name: /^Make labels/ })).toBeChecked();
  await expect(page.getByRole('checkbox', { name: /^Send mail/ })).not.toBeChecked();
});

test('a consent that ends is counted down before it does, with what helps', async ({ page }) => {
  await open(page, '/accounts', 'cloud.ending');
  const card = page.getByRole('article').filter({ hasText: 'ada@cloud.example' });
  await expect(card.getByText('Its consent at Example ends tomorrow. Connect it again before')).toBeVisible();
  await expect(card.getByText('because the registration there is on trial')).toBeVisible();
  await expect(card.getByRole('link', { name: 'Connect again ada@cloud.example' })).toHaveAttribute('href', again);
  await expect(card.getByRole('link', { name: 'Publish it at Example' })).toHaveAttribute('href', 'https://console.example/');
});

test('the address for a provider is copied, and made anew after a question', async ({ page }) => {
  await open(page, '/accounts', 'cloud.pushed');
  const card = page.getByRole('article').filter({ hasText: 'ada@cloud.example' });
  await card.getByText('Address for its provider').click();
  await expect(card.getByText(`/hooks/cloudmail/${'h'.repeat(43)}`)).toBeVisible();
  await expect(card.getByText('This house has no public name')).toBeVisible();
  await expect(card.getByRole('button', { name: 'Copy the address for the provider' })).toBeVisible();
  await card.getByRole('button', { name: /^Make a new address/ }).click();
  await expect(page.getByRole('button', { name: 'Keep this one' })).toBeFocused();
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/hook'));
  await page.getByRole('button', { name: 'Make a new one' }).click();
  await asked;
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
});
