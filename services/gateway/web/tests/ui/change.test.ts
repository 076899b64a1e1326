import { expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

const opener = /The lease for Linden Street 12/;

test('what was found is changed by hand, and only what is different is sent', async ({ page }) => {
  const sent: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/changes')) sent.push(request.postDataJSON());
  });
  const faults = await open(page, '/search?q=lease', 'home.changeable');
  await page.getByRole('button', { name: opener }).click();
  const panel = page.getByRole('dialog');
  await panel.getByRole('button', { name: 'Change' }).click();
  const form = panel.getByRole('form', { name: 'Change this' });
  await expect(form.getByLabel('Name')).toBeFocused();
  await expect(form.getByLabel('Name')).toHaveValue('Carol Meyer');
  await expect(form.getByText('Not all of it is kept here.')).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByText('Nothing is different from before.')).toBeVisible();
  await form.getByLabel('Mail addresses').fill('carol@example.org\ncarol@home.example');
  await form.getByLabel('Notes').fill('');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(page).toHaveURL(/\/c\/\w{32}$/);
  expect(sent).toEqual([
    {
      command: 'find', connector: 'mail', account: 'a'.repeat(32), zone: 'Europe/Berlin', key: '41',
      fields: { emails: ['carol@home.example'], notes: '' }, removed: ['carol@work.example']
    }
  ]);
  expect(faults).toEqual([]);
});

test('Escape leaves the form first, and then the thing', async ({ page }) => {
  await open(page, '/search?q=lease', 'home.changeable');
  await page.getByRole('button', { name: opener }).click();
  const panel = page.getByRole('dialog');
  await panel.getByRole('button', { name: 'Change' }).press('Enter');
  await expect(panel.getByLabel('Name')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(panel.getByRole('button', { name: 'Change' })).toBeFocused();
  await expect(panel.getByRole('form')).toBeHidden();
  await page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
});

test('a field that was refused is named, and what was typed stays', async ({ page }) => {
  await open(page, '/search?q=lease', 'home.changeable.late');
  await page.getByRole('button', { name: opener }).click();
  const panel = page.getByRole('dialog');
  await panel.getByRole('button', { name: 'Change' }).click();
  await panel.getByLabel('Name').fill('');
  await panel.getByRole('button', { name: 'Save' }).click();
  await panel.getByLabel('Name').fill('Bob');
  await panel.getByRole('button', { name: 'Save' }).click();
  await expect(panel.getByText('Somebody else has it.')).toBeVisible();
  await expect(panel.getByLabel('Name')).toBeFocused();
  await expect(panel.getByLabel('Name')).toHaveValue('Bob');
  expect(await violations(page)).toEqual([]);
});

test('what cannot be changed has no such button', async ({ page }) => {
  await open(page, '/search?q=lease');
  await page.getByRole('button', { name: opener }).click();
  await expect(page.getByRole('dialog').getByText('I sign on Friday.')).toBeVisible();
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Change' })).toHaveCount(0);
});

test('what a command found opens beside the conversation', async ({ page }) => {
  const asked: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/open')) asked.push(request.postDataJSON());
  });
  const faults = await open(page, '/', 'bare.commanded');
  await page.getByLabel('Your message').fill('/find lease');
  await page.keyboard.press('Enter');
  const row = page.getByRole('group', { name: 'From Mail · ada@home.example' }).getByRole('button', { name: opener });
  await row.click();
  await expect(page.getByRole('dialog').getByText('I sign on Friday.')).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(row).toBeFocused();
  expect(asked).toEqual([expect.objectContaining({ connector: 'mail', account: 'a'.repeat(32), key: '41' })]);
  expect(faults).toEqual([]);
});
