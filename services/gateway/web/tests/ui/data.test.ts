import { type Page, expect, test } from '@playwright/test';
import { open } from './house';

test('one sees what is kept, and by whom', async ({ page }) => {
  const faults = await open(page, '/data');
  const rows = page.getByRole('region', { name: 'What is kept' }).getByRole('listitem');
  await expect(rows).toHaveCount(6);
  await expect(rows.first()).toContainText('48 MB');
  await expect(rows.filter({ hasText: 'Conversations' })).toContainText('212 conversations, since');
  await expect(rows.filter({ hasText: 'Accounts and keys' })).toContainText('1 account,');
  await expect(rows.last()).toContainText('does not answer just now');
  expect(faults).toEqual([]);
});

test('an archive is made after the password alone, under a passphrase where one is wanted', async ({ page }) => {
  const faults = await open(page, '/data');
  const region = page.getByRole('region', { name: 'Take your data along' });
  await region.getByLabel('Protect it with').selectOption('a passphrase');
  await region.getByRole('textbox', { name: 'Passphrase for the archive' }).fill('not a real phrase');
  await region.getByRole('textbox', { name: 'Your password' }).fill('wrong');
  await region.getByRole('button', { name: 'Make an archive' }).click();
  await expect(region.getByText('This is not your password.')).toBeVisible();
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/data/export'));
  await region.getByRole('textbox', { name: 'Your password' }).fill('right');
  await region.getByRole('button', { name: 'Make an archive' }).click();
  expect((await sent).postDataJSON()).toEqual({ password: 'right', passphrase: 'not a real phrase', recipient: null });
  await expect(region.getByRole('status')).toContainText('The archive is being made.');
  await expect(region.getByRole('list', { name: 'How far it is' }).getByRole('listitem')).toHaveCount(3);
  expect(faults).toEqual([]);
});

test('an archive that is ready is fetched, and says what is missing', async ({ page }) => {
  await open(page, '/data', 'exported');
  const region = page.getByRole('region', { name: 'Take your data along' });
  await expect(region.getByRole('status')).toContainText('The archive is ready: 51 MB.');
  await expect(region).toContainText('It did not answer, so nothing more of it is in the archive.');
  await expect(region.getByRole('link', { name: 'Download the archive' })).toHaveAttribute('href', /^\/api\/data\/export\/\w{32}\/archive$/);
  await region.getByRole('button', { name: 'Remove it here' }).click();
  await expect(region.getByRole('button', { name: 'Make an archive' })).toBeVisible();
});

test('a file is brought in, and what of it was left out is told', async ({ page }) => {
  const faults = await open(page, '/data');
  const region = page.getByRole('region', { name: 'Bring data in' });
  const sent = page.waitForRequest((request) => request.method() === 'PUT' && /\/content\?offset=0$/.test(request.url()));
  await region.getByLabel('Choose a file').setInputFiles({ name: 'all.zip', mimeType: 'application/zip', buffer: Buffer.from('archive!!') });
  expect((await sent).headers()['content-type']).toBe('application/octet-stream');
  await expect(region.getByRole('status')).toContainText('Checking the file');
  expect(faults).toEqual([]);
  await open(page, '/data', 'imported');
  await expect(region.getByRole('status')).toContainText('Taken in: an archive of Open Assistant, 24 files.');
  await expect(region.getByRole('listitem')).toHaveCount(2);
  await expect(region).toContainText('is not in the form of an archive');
});

test('an archive that is encrypted asks for what opens it', async ({ page }) => {
  await open(page, '/data', 'sealed');
  const region = page.getByRole('region', { name: 'Bring data in' });
  await region.getByLabel('Choose a file').setInputFiles({ name: 'all.age', mimeType: 'application/octet-stream', buffer: Buffer.from('archive!!') });
  const phrase = region.getByRole('textbox', { name: 'Passphrase of the archive' });
  await phrase.fill('wrong');
  await region.getByRole('button', { name: 'Open it' }).click();
  await expect(region.getByText('This does not open the file.')).toBeVisible();
  await phrase.fill('right');
  await region.getByRole('button', { name: 'Open it' }).click();
  await expect(region.getByRole('status')).toContainText('Checking the file');
});

test('everything is erased after the password alone, and then one is signed out', async ({ page }) => {
  await open(page, '/data');
  await page.getByRole('button', { name: 'Erase everything' }).click();
  const asked = page.getByRole('alertdialog', { name: 'Erase everything of you?' });
  await expect(asked.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await asked.getByRole('textbox', { name: 'Your password' }).fill('wrong');
  await asked.getByRole('button', { name: 'Erase everything' }).click();
  await expect(asked.getByText('This is not your password.')).toBeVisible();
  await expect(page).toHaveURL(/\/data$/);
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/data/erase'));
  await asked.getByRole('textbox', { name: 'Your password' }).fill('right');
  await asked.getByRole('button', { name: 'Erase everything' }).click();
  expect((await sent).postDataJSON()).toEqual({ password: 'right' });
  await expect(page).toHaveURL(/\/login/);
});

test('one’s data is found in the menu under one’s name', async ({ page }, info) => {
  await open(page, '/');
  if (info.project.name.endsWith('phone')) await page.getByRole('button', { name: /^Menu/ }).click();
  await page.getByRole('button', { name: 'Ada', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Your data' }).click();
  await expect(page.getByRole('heading', { name: 'Your data', exact: true })).toBeVisible();
});

const keepSection = (page: Page) => page.getByRole('region', { name: 'For how long' });

test('for how long things are kept is chosen once what would go was seen', async ({ page }) => {
  const faults = await open(page, '/data');
  const section = keepSection(page);
  await expect(section.getByRole('combobox', { name: 'Conversations' })).toHaveValue('days:365');
  await expect(section.getByRole('group', { name: 'Mail: ada@home.example' }).getByRole('combobox', { name: 'Mails' })).toHaveValue('newest:2500');
  await expect(section).toContainText('4 conversations, 31 mails.');
  await expect(section).toContainText('Could not be asked all day, and is asked again: Calendar.');
  const look = section.getByRole('button', { name: 'See what would go' });
  await expect(look).toBeDisabled();
  await section.getByRole('combobox', { name: 'Contents of the activity record' }).selectOption('For 90 days');
  await look.click();
  const asked = page.getByRole('alertdialog', { name: 'Keep it so?' });
  await expect(asked.getByRole('status')).toContainText('12 conversations');
  await expect(asked.getByRole('status')).toContainText('contents of 340 records');
  await expect(asked.getByRole('status')).toContainText('Does not answer just now');
  const sent = page.waitForRequest((request) => request.method() === 'PUT');
  await asked.getByRole('button', { name: 'Keep it so' }).click();
  expect((await sent).postDataJSON()).toEqual({
    rules: [
      { kind: 'conversations', account: null, days: 365, newest: null },
      { kind: 'arguments', account: null, days: 90, newest: null },
      { kind: 'mails', account: 'a'.repeat(32), days: null, newest: 2500 }
    ]
  });
  await expect(look).toBeDisabled();
  expect(faults).toEqual([]);
});

test('where bytes went cannot be counted, so there is no such choice', async ({ page }) => {
  await open(page, '/data');
  const left = keepSection(page).getByRole('combobox', { name: 'Where bytes went' });
  await expect(left.getByRole('option', { name: 'Never keep' })).toBeAttached();
  await expect(left.getByRole('option', { name: /^At most/ })).toHaveCount(0);
});

test('an account is erased with what came of it, after the preview and the password', async ({ page }) => {
  await open(page, '/data');
  const section = page.getByRole('region', { name: 'Erase a part' });
  await section.getByRole('combobox', { name: 'Erase' }).selectOption('an account');
  await section.getByRole('checkbox', { name: 'Also what is remembered from it' }).check();
  await section.getByRole('button', { name: 'See what would go' }).click();
  const asked = page.getByRole('alertdialog', { name: 'Erase this?' });
  await expect(asked).toContainText('It was used in 3 conversations, which stay.');
  await expect(asked.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await asked.getByRole('textbox', { name: 'Your password' }).fill('wrong');
  await asked.getByRole('button', { name: 'Erase it' }).click();
  await expect(asked.getByText('This is not your password.')).toBeVisible();
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/data/erasing') && request.method() === 'POST');
  await asked.getByRole('textbox', { name: 'Your password' }).fill('right');
  await asked.getByRole('button', { name: 'Erase it' }).click();
  expect((await sent).postDataJSON()).toEqual({
    part: { what: 'source', account: 'a'.repeat(32), conversations: false, memories: true },
    password: 'right'
  });
  await expect(page.getByRole('region', { name: 'Being erased' })).toContainText('A time');
});

test('a time is whole days of this browser, the last one with it', async ({ page }) => {
  await open(page, '/data');
  const section = page.getByRole('region', { name: 'Erase a part' });
  await section.getByRole('combobox', { name: 'Erase' }).selectOption('a time');
  const look = section.getByRole('button', { name: 'See what would go' });
  await expect(look).toBeDisabled();
  await section.getByLabel('From the day').fill('2026-03-01');
  await section.getByLabel('To the day').fill('2026-02-01');
  await expect(look).toBeDisabled();
  await section.getByLabel('To the day').fill('2026-03-01');
  const sent = page.waitForRequest((request) => request.url().endsWith('/erasing/preview'));
  await look.click();
  const { since, until } = (await sent).postDataJSON().part;
  expect(Date.parse(until) - Date.parse(since)).toBe(86_400_000);
});

test('the owner gives up a connector that will not come back', async ({ page }) => {
  await open(page, '/data', 'erasing');
  const section = page.getByRole('region', { name: 'Being erased' });
  await expect(section.getByRole('listitem')).toHaveCount(2);
  await section.getByRole('button', { name: 'whatsapp will not come back' }).click();
  const asked = page.getByRole('alertdialog', { name: 'Wait no longer for whatsapp?' });
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/data/rooms/whatsapp/gone'));
  await asked.getByRole('textbox', { name: 'Your password' }).fill('right');
  await asked.getByRole('button', { name: 'It will not come back' }).click();
  expect((await sent).postDataJSON()).toEqual({ password: 'right' });
});

test('the whole house goes after typed words and the password', async ({ page }) => {
  await open(page, '/data');
  await page.getByRole('button', { name: 'Erase this house' }).click();
  const asked = page.getByRole('alertdialog', { name: 'Erase the whole house?' });
  await asked.getByRole('textbox', { name: 'Type: erase this house' }).fill('erase this house');
  await asked.getByRole('textbox', { name: 'Your password' }).fill('right');
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/data/house/erase'));
  await asked.getByRole('button', { name: 'Erase this house' }).click();
  expect((await sent).postDataJSON()).toEqual({ password: 'right', confirm: 'erase this house' });
  await expect(page).toHaveURL(/\/login/);
});

test('the owner has all keys replaced after the password, and sees how far it is', async ({ page }) => {
  const faults = await open(page, '/data');
  const keys = page.getByRole('region', { name: 'Keys of the house' });
  await expect(keys).toContainText('a stolen disk does');
  await keys.getByRole('button', { name: 'Replace all keys' }).click();
  const asked = page.getByRole('alertdialog', { name: 'Replace all keys?' });
  await expect(asked.getByRole('button', { name: 'Not now' })).toBeFocused();
  await expect(asked).toContainText('A backup of before opens with the root key of before');
  await asked.getByRole('textbox', { name: 'Your password' }).fill('wrong');
  await asked.getByRole('button', { name: 'Replace them' }).click();
  await expect(asked.getByText('This is not your password.')).toBeVisible();
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/keys/rotate'));
  await asked.getByRole('textbox', { name: 'Your password' }).fill('right');
  await asked.getByRole('button', { name: 'Replace them' }).click();
  expect((await sent).postDataJSON()).toEqual({ keys: ['root', 'data', 'credentials'], password: 'right' });
  await expect(keys.getByRole('status')).toContainText('7 of 12 files are under their new key.');
  await expect(keys.getByRole('status')).toContainText('Still to come: Conversations, mail.');
  expect(faults).toEqual([]);
});
