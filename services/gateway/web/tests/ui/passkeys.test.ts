import { type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll } from './house';

/** Takes the security key away: the browser is another test's next. */
let unplug = async (): Promise<void> => {};

test.afterEach(() => unplug());

/** A page of the house by its name, in a browser with a security key of its own (a virtual one of Chromium's). */
async function openKeyed(page: Page, path: string, house: string, baseURL: string | undefined): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true
    }
  });
  unplug = async () => {
    unplug = async () => {};
    await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
    await cdp.send('WebAuthn.disable');
  };
  await page.context().addCookies([{ name: 'house', value: house, domain: 'localhost', path: '/' }]);
  await page.goto(`${baseURL?.replace('127.0.0.1', 'localhost')}${path}`);
}

const posted = (page: Page, path: string) =>
  page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith(path));
const signed = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;

async function add(page: Page, name: string): Promise<Record<string, any>> {
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByLabel('Name of the passkey').fill(name);
  const kept = posted(page, '/api/security/passkeys');
  await page.getByRole('button', { name: 'Go on in the browser' }).click();
  return (await kept).postDataJSON() as Record<string, any>;
}

test('a passkey is made with a name, then signs in without a password', async ({ page, baseURL }) => {
  await openKeyed(page, '/security', 'home', baseURL);
  const made = await add(page, 'Laptop');
  expect(made).toMatchObject({ id: '7'.repeat(32), name: 'Laptop', credential: { type: 'public-key' } });
  expect(signed(made.credential.response.clientDataJSON)).toMatchObject({ type: 'webauthn.create', origin: page.url().replace(/\/security$/, '') });
  expect(made.credential.response.transports).toEqual(['internal']);
  await expect(page.getByRole('status').filter({ hasText: 'Laptop signs you in from now on.' })).toBeVisible();
  await page.goto(`${page.url().replace(/\/security$/, '')}/login?next=%2Fsecurity`);
  const shown = posted(page, '/api/passkeys/entered');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  const answer = (await shown).postDataJSON() as Record<string, any>;
  expect(answer.credential.id).toBe(made.credential.id);
  expect(answer.credential.response.userHandle).toBe('AAECAwQFBgcICQoLDA0ODw');
  expect(signed(answer.credential.response.clientDataJSON)).toMatchObject({ type: 'webauthn.get' });
  await expect(page).toHaveURL(/\/security$/);
});

test('whose browser shows a passkey that was removed is told so and types the password', async ({ page, baseURL }) => {
  await openKeyed(page, '/security', 'unknown', baseURL);
  await add(page, 'Laptop');
  await expect(page.getByRole('status').filter({ hasText: 'Laptop signs you in' })).toBeVisible();
  await page.goto(page.url().replace(/security$/, 'login'));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toContainText('This passkey signs nobody in here.');
  await page.getByRole('textbox', { name: 'Password' }).fill('right');
  await expect(page.getByRole('button', { name: 'Sign in', exact: true })).toBeEnabled();
});

test('a passkey stands in the place of a password that is asked for once more', async ({ page, baseURL }) => {
  await openKeyed(page, '/security', 'keyed.coded', baseURL);
  await add(page, 'Laptop');
  await page.getByRole('button', { name: 'Turn it off' }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(dialog.getByText('You have just signed in again.')).toBeVisible();
  const asked = posted(page, '/api/security/codes/off');
  await dialog.getByRole('button', { name: 'Turn it off' }).click();
  expect((await asked).postDataJSON()).toEqual({ password: 'proof-obviously-fake' });
});

test('passkeys are listed with the name that they are for, and removed after a question', async ({ page, baseURL }) => {
  await openKeyed(page, '/security', 'keyed', baseURL);
  await expect(page.getByText('signs in only at assistant.home.example')).toBeVisible();
  await page.getByRole('button', { name: 'Remove Phone' }).click();
  const asked = posted(page, '/remove');
  await page.getByRole('button', { name: 'Remove it' }).click();
  expect((await asked).url()).toContain(`/passkeys/${'6'.repeat(32)}/remove`);
  await expect(page.getByRole('status').filter({ hasText: 'Phone is removed.' })).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test('a passkey is given another name in its place, by keyboard alone', async ({ page, baseURL }) => {
  await openKeyed(page, '/security', 'keyed', baseURL);
  const opener = page.getByRole('button', { name: 'Rename Phone' });
  await opener.press('Enter');
  const box = page.getByLabel('Name of the passkey');
  await expect(box).toBeFocused();
  await expect(box).toHaveValue('Phone');
  await box.press('Escape');
  await expect(opener).toBeFocused();
  await opener.press('Enter');
  await box.fill('   ');
  await box.press('Enter');
  await expect(box).toHaveAttribute('aria-invalid', 'true');
  expect(await violations(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  await box.fill(' Telephone ');
  const asked = page.waitForRequest((request) => request.method() === 'PATCH');
  await box.press('Enter');
  expect((await asked).url()).toContain(`/api/security/passkeys/${'6'.repeat(32)}`);
  expect((await asked).postDataJSON()).toEqual({ name: 'Telephone' });
  await expect(page.getByRole('status').filter({ hasText: 'It is called Telephone now.' })).toBeVisible();
  await expect(opener).toBeFocused();
});

test('whoever names a passkey that is gone is told so beside the field', async ({ page, baseURL }) => {
  await openKeyed(page, '/security', 'keyed.unknown', baseURL);
  await page.getByRole('button', { name: 'Rename Phone' }).click();
  await page.getByLabel('Name of the passkey').fill('Telephone');
  await page.getByRole('button', { name: 'Save the name' }).click();
  await expect(page.getByRole('alert')).toContainText('There is no such passkey.');
  await expect(page.getByLabel('Name of the passkey')).toHaveValue('Telephone');
});

test('at an address in numbers the page says what to do, and the sign-in page offers none', async ({ page, baseURL }) => {
  await page.goto(`${baseURL}/security`);
  await expect(page.getByText('open the house as localhost')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add a passkey' })).toHaveCount(0);
  await page.goto(`${baseURL}/login`);
  await expect(page.getByLabel('Username')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toHaveCount(0);
});
