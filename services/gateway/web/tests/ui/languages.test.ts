import { type Page, expect, test } from '@playwright/test';
import { words as german } from '../../src/lib/words/de/index';
import { words as english } from '../../src/lib/words/en/index';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

const c = 'c'.repeat(32);
const token = 'a-token-that-is-obviously-fake-0123456789';

/** One of each kind of screen: its name, its address, the house. */
const screens: [string, string, string?][] = [
  ['setup', `/setup#${token}`, 'new'],
  ['setup-model', '/setup?step=model', 'fresh'],
  ['setup-service', '/setup?step=service', 'fresh'],
  ['setup-key', '/setup?step=key', 'fresh'],
  ['login', '/login', 'out'],
  ['join', `/join#${token}`, 'out'],
  ['join-reset', `/join?reset#${token}`, 'out.reset'],
  ['about', '/about', 'out.managed'],
  ['home', '/'],
  ['home-fresh', '/', 'fresh'],
  ['home-bare', '/', 'bare'],
  ['chat', `/c/${c}`],
  ['chat-lease', `/c/${c}`, 'lease'],
  ['chat-together', `/c/${c}`, 'together'],
  ['chat-acted', `/c/${c}`, 'acted'],
  ['chat-withheld', `/c/${c}`, 'outside'],
  ['chat-gone', `/c/${'0'.repeat(32)}`],
  ['approvals', '/approvals'],
  ['approvals-doubtful', '/approvals', 'doubtful'],
  ['schedules', '/schedules', 'proposed'],
  ['memory', '/memory'],
  ['accounts', '/accounts'],
  ['accounts-routes', '/accounts', 'outside'],
  ['accounts-ending', '/accounts', 'cloud.ending'],
  ['account-new', '/accounts/new/mail'],
  ['sign-in', '/accounts/new/cloudmail', 'cloud'],
  ['sign-in-register', '/accounts/new/cloudmail', 'cloud.unregistered.lan'],
  ['activity', '/activity', 'undoable'],
  ['left', '/activity/left'],
  ['model', '/model', 'outside'],
  ['usage', '/usage'],
  ['notices', '/notices', 'told'],
  ['signin', '/signin'],
  ['tokens', '/tokens'],
  ['data', '/data', 'exported.imported'],
  ['people', '/people'],
  ['password', '/password'],
  ['settings', '/settings'],
  ['told', '/memory', 'worded'],
  ['missing', '/nowhere']
];

/** Those whose layout differs, which are looked at from right to left as well. */
const turned = ['setup-key', 'join', 'home', 'chat', 'chat-together', 'approvals', 'schedules', 'accounts', 'account-new', 'activity', 'left', 'usage', 'settings'];

async function openIn(page: Page, language: string, path: string, house?: string): Promise<string[]> {
  await page.addInitScript((tag) => localStorage.setItem('language', tag), language);
  const faults = await open(page, path, house);
  await expect(page.locator('h1, article').first()).toBeVisible();
  await expect(page.locator('[role=status] svg.animate-spin')).toHaveCount(0);
  return faults;
}

async function picture(page: Page, folder: string, name: string): Promise<void> {
  if (process.env.PICTURES) await page.screenshot({ path: `screenshots/${folder}/${name}.png`, fullPage: false });
}

for (const [name, path, house] of screens) {
  test(`${name} in German is readable by everybody and fits`, async ({ page }, info) => {
    const isPhone = info.project.name === 'phone';
    if (isPhone) await page.setViewportSize({ width: 360, height: 760 });
    const faults = await openIn(page, 'de', path, house);
    await expect(page.locator('html')).toHaveAttribute('lang', 'de');
    await expectNoSidewaysScroll(page);
    expect(await violations(page)).toEqual([]);
    await picture(page, `de-${info.project.name}`, name);
    if (isPhone) {
      await page.setViewportSize({ width: 320, height: 640 });
      await expectNoSidewaysScroll(page);
    }
    expect(faults).toEqual([]);
  });

  if (!turned.includes(name)) continue;
  test(`${name} fits from right to left`, async ({ page }, info) => {
    await openIn(page, 'ar-XB', path, house);
    await expect(page.locator('html')).toHaveAttribute('dir', 'rtl');
    await expectNoSidewaysScroll(page);
    await picture(page, `rtl-${info.project.name}`, name);
  });
}

test('the language is chosen under Settings, and stays chosen', async ({ page }) => {
  await open(page, '/settings');
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.getByLabel(english.settings.language).selectOption('Deutsch');
  await expect(page.getByRole('heading', { name: german.settings.title })).toBeVisible();
  await page.goto('/approvals');
  await expect(page.getByRole('heading', { name: german.rules.title })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await page.goto('/settings');
  await page.getByLabel(german.settings.language).selectOption(german.settings.asBrowser);
  await expect(page.getByRole('heading', { name: english.settings.title })).toBeVisible();
});

test('the appearance is chosen under Settings', async ({ page }) => {
  await open(page, '/settings');
  await page.getByRole('radio', { name: english.shell.themeDark }).check();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('settings lead to all that is chosen elsewhere', async ({ page }) => {
  test.slow();
  await open(page, '/settings');
  const links = page.getByRole('region', { name: english.settings.more }).getByRole('link');
  await expect(links.first()).toBeVisible();
  const addresses = await links.evaluateAll((found) => found.map((each) => each.getAttribute('href') ?? ''));
  expect(addresses.length).toBeGreaterThan(8);
  for (const address of addresses) {
    await page.goto(address);
    await expect(page.getByText(english.errors.pageTitle)).toHaveCount(0);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  }
});

test.describe('in a browser that speaks German', () => {
  test.use({ locale: 'de-AT' });

  test('the page does so by itself, and loads the words of no other language', async ({ page }) => {
    const texts: Promise<string>[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith('.js')) texts.push(response.text().catch(() => ''));
    });
    await open(page, '/login', 'out');
    await expect(page.getByRole('button', { name: german.login.submit })).toBeVisible();
    const loaded = (await Promise.all(texts)).join('\n');
    expect(loaded).toContain(german.skip);
    expect(loaded).not.toContain(english.skip);
  });
});

test('the worker finds the words of the language for what the house sends', async ({ page }) => {
  await openIn(page, 'de', '/memory');
  const found = (): Promise<unknown> =>
    page.evaluate(async () => (await (await caches.match('/words', { cacheName: 'words' }))?.json())?.['Something waits for your yes']);
  await expect.poll(found).toBe('Etwas wartet auf dein Ja');
});

test('what the server refuses is said in the language of the page', async ({ page }) => {
  await openIn(page, 'de', '/login', 'out');
  await page.getByLabel(german.login.username).fill('ada');
  await page.getByRole('textbox', { name: german.login.password }).fill('wrong');
  await page.getByRole('button', { name: german.login.submit }).click();
  await expect(page.getByRole('alert')).toContainText('Anmeldung abgelehnt');
});
