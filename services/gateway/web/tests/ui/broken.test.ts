import { type APIResponse, type Page, expect, test } from '@playwright/test';
import { hold, open } from './house';

const c = 'c'.repeat(32);
const e = 'e'.repeat(32);

/** What the house answers to whoever is not signed in. */
const refusal = async (page: Page): Promise<{ response: APIResponse }> => ({ response: await page.request.get('/api/conversations') });

/** The house changes under an open page. */
const becomes = (page: Page, house: string): Promise<void> =>
  page.context().addCookies([{ name: 'house', value: house, domain: '127.0.0.1', path: '/' }]);

test('a stream that breaks goes on after the last event that came, and nothing is said twice', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/events')) asked.push(request.headers()['last-event-id'] ?? '');
  });
  await open(page, `/c/${e}`, 'stream.flaky');
  const answer = page.getByRole('article', { name: 'Assistant' }).last();
  await expect(answer.getByText('Carol wrote twice. She waits for Friday.')).toBeVisible();
  await expect.poll(() => asked).toEqual(['1', '4', '7', '10']);
  await expect(page.getByText('Carol wrote twice.')).toHaveCount(2); // the answer, and what is read aloud
});

test('a snapshot loads the stored conversation again, once', async ({ page }) => {
  const loads: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith(`/conversations/${e}`)) loads.push(request.url());
  });
  const faults = await open(page, `/c/${e}`, '');
  await expect(page.getByText('The answer broke off.')).toBeVisible();
  expect(loads).toHaveLength(1);
  await becomes(page, 'snapshot');
  let answered = 0;
  await page.route(`**/api/conversations/${e}`, async (route) => {
    answered += 1;
    const last_event_id = answered === 1 ? 1 : 2;
    const response = await route.fetch();
    const stored = await response.json();
    await route.fulfill({ response, json: { ...stored, last_event_id } });
  });
  loads.length = 0;
  await page.reload();
  await expect.poll(() => loads.length).toBe(2);
  expect(faults).toEqual([]);
});

test('without a network what was typed comes back, and is sent when the network does', async ({ page, context }) => {
  await open(page, `/c/${e}`, 'stream');
  await expect(page.getByText('Carol wrote twice.').first()).toBeVisible();
  await context.setOffline(true);
  await page.getByLabel('Your message').fill('And when does she write next?');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' })).toBeVisible();
  await expect(page.getByLabel('Your message')).toHaveValue('And when does she write next?');
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByLabel('Your message')).toHaveValue('');
  await expect(page.getByText('The server cannot be reached.')).toBeHidden();
});

test('a session that ends in the middle leads to the login, and back to what was being typed', async ({ page }) => {
  await open(page, `/c/${c}`);
  await page.getByLabel('Your message').fill('A long thought');
  await becomes(page, 'out');
  // Whichever asks the server first finds out: this, or the list that is refreshed now and then.
  await page.locator('form').evaluate((form: HTMLFormElement) => form.requestSubmit());
  await expect(page.getByText('Your session ended.')).toBeVisible();
  await becomes(page, 'home');
  await page.getByLabel('Username').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('right');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(new RegExp(`/c/${c}$`));
  await expect(page.getByLabel('Your message')).toHaveValue('A long thought');
});

test('a message that is under way while the session is found to have ended is not lost', async ({ page }) => {
  await open(page, `/c/${e}`);
  const letGo = await hold(page, '**/api/conversations/*/messages', async (route) => route.fulfill(await refusal(page)));
  await page.getByLabel('Your message').fill('A long thought');
  const sending = page.waitForRequest((request) => request.url().endsWith('/messages'));
  await page.getByLabel('Send', { exact: true }).click();
  await sending;
  await becomes(page, 'out');
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await expect(page.getByText('Your session ended.')).toBeVisible();
  const refused = page.waitForResponse((response) => response.url().endsWith('/messages'));
  letGo();
  expect((await refused).status()).toBe(401);
  await becomes(page, 'home');
  await page.getByLabel('Username').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('right');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByLabel('Your message')).toHaveValue('A long thought');
});

test('a server that is away says so, and the page comes back with it', async ({ page }) => {
  await open(page, '/accounts', 'down');
  await expect(page.getByText('The vault does not answer.')).toBeVisible();
  await becomes(page, 'home');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Family calendar' })).toBeVisible();
  await expect(page.getByText('The vault does not answer.')).toBeHidden();
});

test('a page whose script did not come is tried once more by itself', async ({ page }) => {
  let failures = 0;
  await page.route('**/_app/immutable/nodes/*.js', (route) => {
    const isPage = !/nodes\/[01]\./.test(route.request().url());
    if (!isPage || failures > 0) return route.continue();
    failures += 1;
    return route.abort('internetdisconnected');
  });
  await open(page, '/');
  await expect(page.getByRole('heading', { name: 'Good to see you, Ada.' })).toBeVisible();
  expect(failures).toBe(1);
});

test('a link whose page did not come leads there all the same', async ({ page }) => {
  await open(page, '/');
  await expect(page.getByRole('heading', { name: 'Good to see you, Ada.' })).toBeVisible();
  let failures = 0;
  await page.route('**/_app/immutable/nodes/*.js', (route) => {
    if (failures > 0) return route.continue();
    failures += 1;
    return route.abort('internetdisconnected');
  });
  const menu = page.getByRole('button', { name: 'Menu' });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Activity' }).click();
  await expect(page.getByRole('heading', { name: 'Activity', level: 1 })).toBeVisible();
  expect(failures).toBe(1);
});

test('a first message is not lost when the page of its conversation did not come', async ({ page }) => {
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/messages')) sent.push(request.postDataJSON().text);
  });
  await open(page, '/');
  await expect(page.getByRole('heading', { name: 'Good to see you, Ada.' })).toBeVisible();
  let failures = 0;
  await page.route('**/_app/immutable/nodes/*.js', (route) => {
    if (failures > 0) return route.continue();
    failures += 1;
    return route.abort('internetdisconnected');
  });
  await page.getByLabel('Your message').fill('What did Carol write?');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect.poll(() => sent).toEqual(['What did Carol write?']);
  await expect(page).toHaveURL(/\/c\/\w+$/);
  expect(failures).toBe(1);
});

test('a page whose script never comes says so', async ({ page }) => {
  await page.route('**/_app/immutable/nodes/*.js', (route) =>
    /nodes\/[01]\./.test(route.request().url()) ? route.continue() : route.abort('internetdisconnected')
  );
  await open(page, '/activity');
  await expect(page.getByRole('heading', { name: 'No answer' })).toBeVisible();
  await expect(page.getByText('A part of this page did not come.')).toBeVisible();
});

test('a set-up link that was replaced can be corrected without losing what was typed', async ({ page }) => {
  await page.route('**/api/setup', (route) =>
    route.request().method() === 'POST' && route.request().postDataJSON().token.startsWith('an-old')
      ? route.fulfill({ status: 403, contentType: 'application/problem+json', json: { code: 'forbidden', title: 'Not allowed', detail: 'This link is not the newest one.' } })
      : route.fallback()
  );
  await open(page, '/setup#an-old-token-obviously-fake-0123', 'new');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('four words in a row');
  await page.getByRole('checkbox', { name: 'I am 16 or older' }).check();
  await page.getByRole('button', { name: 'Create the account' }).click();
  await expect(page.getByText('This link is not the newest one.')).toBeVisible();
  await page.getByLabel('Set-up link').fill('http://127.0.0.1:8080/setup#a-new-token-obviously-fake-0123');
  await becomes(page, 'fresh');
  await page.getByRole('button', { name: 'Create the account' }).click();
  await expect(page.getByRole('heading', { name: 'Which model does the thinking?' })).toBeVisible();
});

test('an answer is stopped', async ({ page }) => {
  const stopped = page.waitForRequest((request) => request.url().endsWith('/cancel'));
  await open(page, `/c/${e}`, 'fast');
  await page.getByRole('button', { name: 'Stop' }).click();
  expect((await stopped).method()).toBe('POST');
});

test('two hundred tokens a second are drawn at most once a frame', async ({ page }) => {
  await page.addInitScript(() => {
    const counted: Record<string, number> = Object.assign(window, { counted: { drawn: 0, frames: 0 } }).counted;
    const isAnswer = ({ target }: MutationRecord): boolean =>
      Boolean((target instanceof Element ? target : target.parentElement)?.closest('article'));
    const watch = new MutationObserver((changes) => (counted.drawn = (counted.drawn ?? 0) + Number(changes.some(isAnswer))));
    watch.observe(document, { childList: true, characterData: true, subtree: true });
    const next = (): void => {
      counted.frames = (counted.frames ?? 0) + 1;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
  await open(page, `/c/${e}`, 'fast');
  await page.getByRole('article', { name: 'Assistant' }).last().locator('li').nth(60).waitFor({ state: 'attached' });
  const { drawn, frames } = await page.evaluate(() => Reflect.get(window, 'counted'));
  expect(drawn).toBeGreaterThan(2);
  expect(drawn).toBeLessThanOrEqual(frames + 1);
});

test('an answer that broke off is tried again', async ({ page }) => {
  const retried = page.waitForRequest((request) => request.url().endsWith('/retry'));
  await open(page, `/c/${e}`);
  await page.getByRole('button', { name: 'Try again' }).click();
  expect((await retried).method()).toBe('POST');
});

test('a conversation is deleted after a question, and the page leaves it', async ({ page }, info) => {
  await open(page, `/c/${c}`);
  if (info.project.name.endsWith('phone')) await page.getByRole('button', { name: /^Menu/ }).click();
  await page.getByRole('button', { name: 'More for “The lease with Carol”' }).click({ force: true });
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const deleted = page.waitForRequest((request) => request.method() === 'DELETE');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  const asked = new URL((await deleted).url());
  expect([asked.pathname, asked.searchParams.get('memories')]).toEqual([`/api/conversations/${c}`, 'false']);
  await expect(page.getByRole('heading', { name: 'Good to see you, Ada.' })).toBeVisible();
});
