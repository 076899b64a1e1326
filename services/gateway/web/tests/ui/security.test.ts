import { expect, test } from '@playwright/test';
import { open } from './house';

test('a code is asked for after the password, and a wrong one is said at its field', async ({ page }) => {
  const faults = await open(page, '/login?next=%2Fsecurity', 'coded');
  await page.getByLabel('Username').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('right');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByLabel('Code')).toBeFocused();
  await expect(page.getByRole('status')).toHaveText('Your password is right. One more step:');
  await page.getByLabel('Code').fill('000000');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByLabel('Code')).toBeFocused();
  await expect(page.getByText('This code is wrong, is over, or was used.')).toBeVisible();
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/session'));
  await page.getByLabel('Code').fill('287082');
  await page.keyboard.press('Enter');
  expect((await asked).postDataJSON()).toEqual({ username: 'ada', password: 'right', code: '287082' });
  await expect(page).toHaveURL(/\/security$/);
  expect(faults).toEqual([]);
});

test('whoever is somebody else begins the sign-in anew, without what was typed', async ({ page }) => {
  await open(page, '/login', 'coded');
  await page.getByLabel('Username').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('right');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign in as somebody else' }).click();
  await expect(page.getByRole('textbox', { name: 'Password' })).toHaveValue('');
});

test('an app is set up by a picture or by typing, and counts once its code was right', async ({ page }) => {
  const faults = await open(page, '/security');
  await page.getByRole('button', { name: 'Set up an app' }).click();
  const picture = page.getByRole('img', { name: /^QR code/ });
  await expect(picture).toBeVisible();
  expect(await picture.locator('path').evaluate((path) => getComputedStyle(path).fill)).toBe('rgb(0, 0, 0)');
  await expect(page.getByText('GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ')).toBeVisible();
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await expect(page.getByText('This is needed.')).toBeVisible();
  await page.getByLabel('Code that the app shows').fill('000000');
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await expect(page.getByText('This is not the code.')).toBeVisible();
  await page.getByLabel('Code that the app shows').fill('287082');
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await expect(page.getByRole('region', { name: 'Your recovery codes' })).toBeFocused();
  await expect(page.getByText('jklm-nopq-rstu-vwxy')).toBeVisible();
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await expect(page.getByText('jklm-nopq-rstu-vwxy')).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('whoever signed in a while ago types the password first', async ({ page }) => {
  await open(page, '/security', 'stale');
  await page.getByRole('button', { name: 'Set up an app' }).click();
  await expect(page.getByRole('textbox', { name: 'Your password' })).toBeFocused();
  await page.getByRole('textbox', { name: 'Your password' }).fill('right');
  await page.getByRole('button', { name: 'Set up an app' }).click();
  await expect(page.getByRole('img', { name: /^QR code/ })).toBeVisible();
});

test('codes are turned off with the password alone', async ({ page }) => {
  await open(page, '/security', 'coded');
  await page.getByRole('button', { name: 'Turn it off' }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('textbox', { name: 'Your password' }).fill('wrong');
  await dialog.getByRole('button', { name: 'Turn it off' }).click();
  await expect(dialog.getByText('This is not your password.')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Your password' }).fill('right');
  await dialog.getByRole('button', { name: 'Turn it off' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'asks for no codes any more' })).toBeVisible();
});

test('where one is signed in is listed, this browser first, and ended after a question', async ({ page }) => {
  await open(page, '/security');
  const list = page.getByRole('region', { name: 'Where you are signed in' }).getByRole('listitem');
  await expect(list).toHaveCount(3);
  await expect(list.first()).toContainText('Firefox on Linux (here)');
  await expect(list.first().getByRole('button')).toHaveCount(0);
  await page.getByRole('button', { name: /^Sign out.*Safari on iPhone/ }).click();
  const asked = page.waitForRequest((request) => request.method() === 'DELETE');
  await page.getByRole('button', { name: 'Sign it out' }).click();
  expect((await asked).url()).toMatch(/\/api\/sessions\/1+$/);
  await expect(page.getByRole('status').filter({ hasText: 'Safari on iPhone is signed out.' })).toHaveCount(1);
});

test('a new password by a link asks for a code where the sign-in does', async ({ page }) => {
  await open(page, `/join?reset#${'r'.repeat(43)}`, 'reset.coded');
  await page.getByRole('textbox', { name: 'New password' }).fill('another-password-that-is-not-real');
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page.getByLabel('Code')).toBeFocused();
  await page.getByLabel('Code').fill('287082');
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page).toHaveURL(/\/$/);
});

test('an owner who makes a link to a new password may say that all was lost', async ({ page }) => {
  await open(page, '/people');
  await page.getByRole('button', { name: 'What to do about Bob' }).click();
  await page.getByRole('menuitem', { name: 'Link to a new password' }).click();
  await page.getByRole('checkbox', { name: /^They have lost their app/ }).check();
  const asked = page.waitForRequest((request) => request.url().endsWith('/reset'));
  await page.getByRole('button', { name: 'Make the link' }).click();
  expect((await asked).postDataJSON()).toEqual({ factors: true });
});
