import { expect, test } from '@playwright/test';
import { open } from './house';

test('an account is authorized by going there and coming back', async ({ page }) => {
  const faults = await open(page, '/accounts/new/cloudmail', 'cloud');
  await page.getByRole('checkbox', { name: /^Send mail/ }).uncheck();
  const asked = page.waitForRequest((request) => request.url().endsWith('/api/oauth/authorize'));
  const told = page.waitForRequest((request) => request.url().endsWith('/api/oauth/finish'));
  await page.getByRole('button', { name: 'Continue at Example' }).click();
  expect((await asked).postDataJSON()).toMatchObject({ connector: 'cloudmail', capabilities: ['read'], device: false });
  expect((await told).postDataJSON().address).toContain('/oauth/callback?code=fake&state=right');
  await expect(page).toHaveURL(/\/accounts(\?connected=\w+)?$/);
  await page.goBack();
  expect(page.url()).not.toContain('code=');
  expect(faults).toEqual([]);
});

test('what is seldom changed is folded away, and goes along as it was left', async ({ page }) => {
  await open(page, '/accounts/new/cloudmail', 'cloud');
  await expect(page.getByRole('button', { name: 'Continue at Example' })).toBeVisible();
  await expect(page.getByLabel('Address of the API')).toBeHidden();
  await page.getByText('More settings').click();
  await page.getByLabel('Address of the API').fill('https://proxy.home.example');
  const asked = page.waitForRequest((request) => request.url().endsWith('/api/oauth/authorize'));
  await page.getByRole('button', { name: 'Continue at Example' }).click();
  expect((await asked).postDataJSON().settings).toEqual({ api_url: 'https://proxy.home.example' });
});

test('where a token will do as well, it is asked for first, and the provider stands below', async ({ page }) => {
  await open(page, '/accounts/new/cloudnotes', 'cloud');
  await expect(page.getByRole('textbox', { name: 'Token' })).toBeVisible();
  await page.getByRole('button', { name: 'sign in at Example' }).click();
  await expect(page.getByRole('button', { name: 'Continue at Example' })).toBeVisible();
  await page.getByRole('button', { name: 'enter a token instead' }).click();
  await page.getByRole('textbox', { name: 'Token' }).fill('obviously-fake');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/accounts'));
  await page.getByRole('button', { name: 'Connect' }).click();
  expect((await asked).postDataJSON()).toMatchObject({ connector: 'cloudnotes', secrets: { access_token: 'obviously-fake' } });
});

test('an answer that nobody asked for connects nothing and says so', async ({ page }) => {
  await open(page, '/oauth/callback?code=fake&state=wrong', 'cloud');
  await expect(page.getByText('This sign-in is not under way here any more.')).toBeVisible();
  expect(page.url()).not.toContain('code=');
  await expect(page.getByText('/oauth/callback?code=fake&state=wrong')).toBeVisible();
  await page.getByRole('link', { name: 'All connections' }).click();
  await expect(page).toHaveURL(/\/accounts(\?connected=\w+)?$/);
});

test('in one’s own network the address of the page that failed is carried over by hand', async ({ page }) => {
  await open(page, '/accounts/new/cloudmail', 'cloud.lan');
  await page.getByRole('button', { name: 'Continue at Example' }).click();
  await expect(page.getByRole('link', { name: 'Open Example' })).toHaveAttribute('rel', 'noreferrer noopener');
  await page.getByLabel('Address of the page that did not open').fill('http://localhost:8080/oauth/callback?code=x&state=right');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page).toHaveURL(/\/accounts(\?connected=\w+)?$/);
});

test('a house is registered with a provider once, with the addresses that were looked at', async ({ page }) => {
  await open(page, '/accounts/new/cloudmail', 'cloud.unregistered.lan');
  await expect(page.getByText('http://localhost:8080/oauth/callback')).toBeVisible();
  await expect(page.getByText('choose a web application')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Mail API' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Keep the registration' }).click();
  await expect(page.getByText('This is needed.')).toBeVisible();
  await page.getByLabel('Client ID').fill(' 1234-obviously-fake ');
  await page.getByRole('textbox', { name: 'Client secret' }).fill('obviously-fake');
  const asked = page.waitForRequest((request) => request.method() === 'PUT');
  await page.getByRole('button', { name: 'Keep the registration' }).click();
  expect((await asked).postDataJSON()).toMatchObject({ client_id: '1234-obviously-fake', client_secret: 'obviously-fake' });
  await expect(page.getByRole('button', { name: 'Continue at Example' })).toBeVisible();
});

test('what is said before an account is removed fits how it was connected', async ({ page }) => {
  await open(page, '/accounts', 'cloud');
  await page.getByRole('button', { name: /^Remove/ }).first().click();
  await expect(page.getByText('its consent at the provider is ended where that can be done from here')).toBeVisible();
  await expect(page.getByText('Nothing changes at the provider.')).toBeHidden();
});

test('a page that is longer than the window scrolls in itself, and nothing empty lies below it', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 400 });
  await open(page, '/accounts', 'cloud');
  await expect(page.getByRole('button', { name: /^Remove/ }).first()).toBeAttached();
  expect(await page.evaluate(() => document.documentElement.scrollHeight - window.innerHeight)).toBe(0);
});

test('who comes back under the other name of the machine is passed on to where the sign-in began', async ({ page, baseURL }) => {
  await open(page, '/accounts', 'cloud');
  await page.context().addCookies([{ name: 'house', value: 'cloud', domain: 'localhost', path: '/' }]);
  await page.goto(`${baseURL?.replace('127.0.0.1', 'localhost')}/oauth/callback?code=fake&state=wrong`);
  await expect(page.getByText(`${baseURL}/oauth/callback?code=fake&state=wrong`)).toBeVisible();
  expect(page.url()).toBe(`${baseURL}/oauth/callback`);
});
