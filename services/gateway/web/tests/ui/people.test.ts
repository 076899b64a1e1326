import { expect, test } from '@playwright/test';
import { open } from './house';

const token = 'an-invitation-that-is-obviously-fake-0123456';

test('an owner makes an invitation, copies its link, and it is gone from the page when he has it', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const faults = await open(page, '/people');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await page.getByLabel('Whom is it for?').fill('For Carol');
  await page.getByLabel('Ends after').selectOption('30 days');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/invitations'));
  await page.getByRole('button', { name: 'Make the link' }).click();
  expect((await asked).postDataJSON()).toEqual({ label: 'For Carol', days: 30 });
  const made = page.getByRole('region', { name: 'The invitation' });
  await expect(made).toBeFocused();
  await made.getByRole('button', { name: 'Copy' }).click();
  await expect(made.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^http:.*\/join#an-invitation/);
  await made.getByRole('button', { name: 'I have it' }).click();
  await expect(page.getByText('an-invitation')).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('somebody is shut out after a question, and after the password where the sign-in is old', async ({ page }) => {
  await open(page, '/people', 'stale');
  await page.getByRole('button', { name: 'What to do about Bob' }).click();
  await page.getByRole('menuitem', { name: 'Shut out' }).click();
  const asked = page.getByRole('alertdialog', { name: 'Shut Bob out?' });
  await expect(asked.getByRole('button', { name: 'Leave it as it is' })).toBeFocused();
  await asked.getByRole('button', { name: 'Shut out' }).click();
  await asked.getByRole('textbox', { name: 'Your password' }).fill('wrong');
  await asked.getByRole('button', { name: 'Shut out' }).click();
  await expect(asked.getByText('This is not your password.')).toBeVisible();
  await asked.getByRole('textbox', { name: 'Your password' }).fill('right');
  await asked.getByRole('button', { name: 'Shut out' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Bob is shut out.' })).toHaveCount(1);
  await expect(page.getByRole('article', { name: 'Bob', exact: true })).toContainText('Shut out since');
});

test('an invitation is revoked after a question', async ({ page }) => {
  await open(page, '/people');
  await page.getByRole('button', { name: 'Revoke For Carol' }).click();
  const gone = page.waitForRequest((request) => request.method() === 'DELETE');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  expect((await gone).url()).toMatch(/invitations\/1+$/);
  await expect(page.getByRole('status').filter({ hasText: 'The invitation is revoked.' })).toHaveCount(1);
});

test('who is invited sees who runs the house, says that he is old enough, and is in', async ({ page }) => {
  const faults = await open(page, `/join#${token}`, 'out.managed');
  await expect(page.getByText('Ada invites you.')).toBeVisible();
  await expect(page.getByText('They do not see what you write')).toBeVisible();
  await expect(page.getByText('Run by Example e.V., desk@example.org')).toBeVisible();
  await page.getByLabel('Your name').fill('Bob');
  await page.getByRole('textbox', { name: 'Password' }).fill('not-a-real-password-of-bob');
  await page.getByRole('button', { name: 'Join' }).click();
  await expect(page.getByText('You have to be 18 or older.')).toBeVisible();
  await page.getByRole('checkbox', { name: 'I am 18 or older' }).check();
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/join'));
  const home = page.waitForURL(/\/$/, { waitUntil: 'commit' });
  await page.getByRole('button', { name: 'Join' }).click();
  expect((await sent).postDataJSON()).toEqual({
    token, username: 'bob', password: 'not-a-real-password-of-bob', display_name: 'Bob', of_age: true
  });
  await home;
  expect(faults).toEqual([]);
});

test('a name that is taken is said at its field, and a dead link asks for another', async ({ page }) => {
  await open(page, `/join#${token}`, 'out');
  await page.getByLabel('Your name').fill('Taken');
  await page.getByRole('textbox', { name: 'Password' }).fill('not-a-real-password-of-bob');
  await page.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Join' }).click();
  await expect(page.getByText('Somebody has it already.')).toBeVisible();
  await open(page, '/about', 'out');
  await open(page, '/join#dead-and-obviously-fake-0123456', 'out');
  await expect(page.getByRole('textbox', { name: 'The link that you were given' })).toBeVisible();
});

test('what an owner did to one’s account stands on every page until it is answered', async ({ page }) => {
  await open(page, '/memory', 'worded');
  const told = page.getByRole('region', { name: 'What was done to your account' });
  await expect(told).toContainText('Ada made a link that sets a new password for you.');
  await told.getByRole('button', { name: 'Yes, let it work now' }).click();
  await expect(told).toContainText('The link works now.');
  await told.getByRole('button', { name: 'I have seen it' }).click();
  await expect(told.getByText('changed what you are in this house')).toHaveCount(0);
});

test('the people, what a sign-in asks for and the house are found in the menu under one’s name', async ({ page }, info) => {
  for (const [name, title] of [['People', 'People'], ['Security', 'Security'], ['About this house', 'About this house']] as const) {
    await open(page, '/');
    if (info.project.name.endsWith('phone')) await page.getByRole('button', { name: /^Menu/ }).click();
    await page.getByRole('button', { name: 'Ada', exact: true }).click();
    await page.getByRole('menuitem', { name }).click();
    await expect(page.getByRole('heading', { name: title, exact: true })).toBeVisible();
  }
});

test('one’s password is changed with the one of before', async ({ page }) => {
  await open(page, '/password');
  await page.getByRole('textbox', { name: 'Your password now' }).fill('wrong');
  await page.getByRole('textbox', { name: 'The new one' }).fill('another-password-that-is-not-real');
  await page.getByRole('button', { name: 'Change it' }).click();
  await expect(page.getByText('This is not your password.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Your password now' }).fill('right');
  await page.getByRole('button', { name: 'Change it' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Your password is changed.' })).toBeVisible();
});
