import { expect, test } from '@playwright/test';
import { open } from './house';

const c = 'c'.repeat(32);
const token = 'a-token-that-is-obviously-fake-0123456789';

test('a house is set up in three interactions', async ({ page }) => {
  const faults = await open(page, `/setup#${token}`, 'new');
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await expect(page.getByLabel('Username')).toHaveValue('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('four words in a row');
  await page.getByRole('checkbox', { name: 'I am 16 or older' }).check();
  await page.context().addCookies([{ name: 'house', value: 'fresh', domain: '127.0.0.1', path: '/' }]);
  await page.getByRole('button', { name: 'Create the account' }).click();
  await page.getByRole('button', { name: 'Check and use' }).click();
  await page.getByRole('button', { name: 'Start without one' }).click();
  await expect(page.getByRole('heading', { name: 'Good to see you, Ada.' })).toBeVisible();
  expect(new URL(page.url()).hash).toBe('');
  expect(faults).toEqual([]);
});

test('a question streams its answer, and a screen reader hears whole sentences', async ({ page }) => {
  const faults = await open(page, '/', 'stream');
  await page.getByLabel('Your message').fill('What did Carol write?');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByText('Carol wrote twice. She waits for Friday.').first()).toBeVisible();
  await expect(page.getByRole('article', { name: 'Assistant' }).getByText('Messages search: lease')).toBeVisible();
  await expect(page.locator('[aria-live=polite] p')).toContainText(['Carol wrote twice. She waits for Friday.']);
  expect(faults).toEqual([]);
});

test('a mail is sent by a choice and not by a key that was meant for something else', async ({ page }) => {
  const decisions: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/approvals/')) decisions.push(request.postDataJSON());
  });
  await open(page, `/c/${c}`);
  await expect(page.getByRole('button', { name: 'Send', exact: true }).first()).toBeEnabled();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Space');
  expect(decisions).toEqual([]);
  await page.getByRole('region', { name: 'Send a mail?' }).getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByText('You said yes.')).toBeVisible();
  expect(decisions).toEqual([{ decision: 'approve', note: '', seen: '1'.repeat(64) }]);
});

test('no is said with a reason', async ({ page }) => {
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/api/approvals/'));
  await open(page, '/approvals');
  await page.getByRole('button', { name: 'Say why not' }).click();
  await page.getByLabel('Why not?').fill('Ask for eleven instead');
  await page.getByRole('button', { name: 'Don’t send' }).click();
  expect((await sent).postDataJSON()).toMatchObject({ decision: 'deny', note: 'Ask for eleven instead' });
  await expect(page.getByText('You said no. It was not done.')).toBeVisible();
});

test('a reason that is sent by Enter is a no', async ({ page }) => {
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/api/approvals/'));
  await open(page, `/c/${c}`);
  await page.getByRole('button', { name: 'Say why not' }).click();
  await page.getByLabel('Why not?').fill('Ask for eleven instead');
  await page.keyboard.press('Enter');
  expect((await sent).postDataJSON()).toMatchObject({ decision: 'deny', note: 'Ask for eleven instead' });
});

test('a decision is allowed for the next times by a rule, which needs the password where the sign-in is old', async ({ page }) => {
  const bodies: [string, unknown][] = [];
  page.on('request', (request) => {
    const path = new URL(request.url()).pathname;
    if (request.method() === 'POST' && path !== '/api/notices/here') bodies.push([path, request.postDataJSON()]);
  });
  await open(page, `/c/${c}`, 'lease.stale');
  await page.getByRole('button', { name: 'Always allow …' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Allow this beforehand?' });
  await expect(dialog).toContainText('Send a mail.');
  await expect(dialog).toContainText('carol@example.org');
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await dialog.getByRole('radio', { name: 'An hour' }).check();
  await dialog.getByRole('button', { name: 'Allow it, and send' }).click();
  await expect(dialog.getByRole('textbox', { name: 'Your password' })).toBeFocused();
  await dialog.getByRole('textbox', { name: 'Your password' }).fill('four words in a row');
  await dialog.getByRole('button', { name: 'Allow it, and send' }).click();
  await expect(dialog).toBeHidden();
  expect(bodies.map(([path]) => path)).toEqual(['/api/rules', '/api/rules', `/api/approvals/${'d'.repeat(32)}`]);
  expect(bodies[1]?.[1]).toEqual({ approval: 'd'.repeat(32), lasts: 'hour', password: 'four words in a row' });
  expect(bodies[2]?.[1]).toMatchObject({ decision: 'approve', seen: '1'.repeat(64) });
});

test('a question with a doubt offers no rule', async ({ page }) => {
  await open(page, `/c/${c}`);
  await expect(page.getByRole('button', { name: 'Say why not' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Always allow …' })).toHaveCount(0);
});

test('rules are listed in plain words and revoked by a click', async ({ page }) => {
  await open(page, '/approvals');
  const rules = page.getByRole('region', { name: 'Allowed beforehand' });
  await expect(rules.getByRole('listitem')).toHaveCount(2);
  await expect(rules).toContainText('Carol Meyer <carol@example.org>');
  const sent = page.waitForRequest((request) => request.method() === 'DELETE');
  await rules.getByRole('button', { name: /^Revoke Answer a mail/ }).click();
  expect(new URL((await sent).url()).pathname).toBe(`/api/rules/${'2'.repeat(32)}`);
  await expect(rules.getByRole('status')).toHaveText('Revoked. It is asked about again.');
});

test('what was done is taken back by a click, once, and what was taken back says so', async ({ page }) => {
  const faults = await open(page, `/c/${c}`, 'drafted');
  await expect(page.getByText('Taken back.')).toBeVisible();
  await expect(page.getByRole('button', { name: /^Undo/ })).toHaveCount(1);
  const sent = page.waitForRequest((request) => request.method() === 'POST' && !request.url().endsWith('/here'));
  await page.getByRole('button', { name: 'Undo: Drafts create: To Carol' }).click();
  const url = new URL((await sent).url());
  expect(url.pathname).toBe(`/api/conversations/${c}/calls/${'6'.repeat(32)}/undo`);
  expect(url.searchParams.get('zone')).toBeTruthy();
  await expect(page.getByRole('button', { name: /^Undo/ })).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('what cannot be taken back says why, beside what it was', async ({ page }) => {
  await open(page, `/c/${c}`, 'drafted.late');
  await page.getByRole('button', { name: 'Undo: Drafts create: To Carol' }).click();
  await expect(page.getByRole('alert')).toContainText('That was taken back already.');
});

test('an account form keeps what was typed when the server refuses, and goes on when it works', async ({ page }) => {
  await open(page, '/accounts/new/mail');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByLabel('Mail address')).toBeFocused();
  await page.getByLabel('Mail address').fill('ada@home.example');
  await page.getByRole('group', { name: 'Incoming mail' }).getByLabel('Server').fill('imap.home.example');
  await page.getByRole('group', { name: 'Outgoing mail' }).getByLabel('Server').fill('smtp.home.example');
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByText('Refused by imap.home.example.')).toBeVisible();
  await expect(page.getByLabel('Mail address')).toHaveValue('ada@home.example');
  await page.getByRole('textbox', { name: 'Password' }).fill('obviously fake');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Connections' })).toBeVisible();
});

test('the ledger is read to its first record, and a bad one is found and opened', async ({ page }) => {
  await open(page, '/activity', 'tampered');
  await page.getByRole('button', { name: 'Verify' }).click();
  await expect(page.getByRole('alert')).toContainText('Record 17 is the first');
  await page.getByRole('button', { name: 'Show that record' }).click();
  await expect(page.locator('#record-17')).toHaveAttribute('open', '');
  await expect(page.locator('#record-17')).toBeInViewport();
});

test('the activity is searched by words, and shown whole again without them', async ({ page }) => {
  await open(page, '/activity');
  const records = page.getByRole('listitem');
  await expect(page.getByRole('button', { name: 'Show older' })).toBeVisible();
  const all = await records.count();
  const field = page.getByRole('searchbox', { name: 'Search' });
  await field.fill('no such words anywhere');
  await expect(page.getByText('No record fits.')).toBeVisible();
  await field.fill('tool.started');
  await expect.poll(() => records.count()).toBeGreaterThan(0);
  await field.fill('');
  await expect(records).toHaveCount(all);
});

test('a session that ended leads to the login and back', async ({ page }) => {
  await open(page, '/activity', 'out');
  await expect(page).toHaveURL(/\/login\?next=%2Factivity/);
  await page.getByLabel('Username').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('right');
  await page.context().addCookies([{ name: 'house', value: 'home', domain: '127.0.0.1', path: '/' }]);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Activity' })).toBeVisible();
});

test('the whole chat can be reached by keyboard', async ({ page }) => {
  await open(page, '/');
  await expect(page.getByRole('heading', { name: 'Good to see you, Ada.' })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#content')).toBeFocused();
});

test('under an answer stands what was done, from the ledger, and its proof is one click away', async ({ page }) => {
  const faults = await open(page, `/c/${c}`, 'acted');
  const strip = page.getByRole('list', { name: 'What was done, from the activity record' });
  await expect(strip.getByRole('listitem')).toHaveText([/Done: Send a mail · Re: The lease · to Carol Meyer <carol@example.org> · ada@home.example/, /May have been done: Add an event/]);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await strip.getByRole('button', { name: 'Record 4' }).click();
  await expect(strip.getByText('The proof does not lead to the ledger’s root.')).toBeVisible();
  await strip.getByRole('link', { name: 'Open it in Activity' }).click();
  await expect(page.locator('#record-4')).toHaveAttribute('open', '');
  expect(faults).toEqual([]);
});

test('an answer that says it sent something, and did not, is contradicted', async ({ page }) => {
  await open(page, `/c/${c}`, 'claimed');
  await expect(page.getByRole('alert')).toHaveText('It says that something was sent. The record says that nothing was.');
  await expect(page.getByText('Nothing was changed.')).toBeVisible();
});

test('where the ledger cannot be read, nothing is said to have been done or not', async ({ page }) => {
  await open(page, `/c/${c}`, 'claimed.witness-away');
  await expect(page.getByText('The activity record cannot be read just now')).toBeVisible();
  await expect(page.getByText('Nothing was changed.')).toHaveCount(0);
});

test('what waits is changed before the yes, which is to what it became', async ({ page }) => {
  const sent: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() !== 'GET' && request.url().includes('/api/approvals/')) sent.push(request.postDataJSON());
  });
  const faults = await open(page, `/c/${c}`);
  const card = page.getByRole('region', { name: 'Send a mail?' });
  await card.getByRole('button', { name: 'Edit' }).click();
  const form = card.getByRole('form', { name: 'Change it before you decide' });
  await expect(form.getByLabel('Message')).toHaveCount(0);
  await expect(card.getByRole('button', { name: 'Send', exact: true })).toBeDisabled();
  await form.getByLabel('Text').fill('');
  await form.getByRole('button', { name: 'Show what it becomes' }).click();
  await expect(form.getByText('This is needed.')).toBeVisible();
  await form.getByLabel('Text').fill('I sign on Monday.');
  await form.getByRole('button', { name: 'Show what it becomes' }).click();
  await expect(card.getByRole('region', { name: 'Exact content' })).toHaveText('I sign on Monday.');
  await expect(card.getByText('You changed this.')).toBeVisible();
  await expect(card.getByRole('button', { name: 'Edit' })).toBeFocused();
  await card.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByText('You said yes.')).toBeVisible();
  expect(sent).toEqual([
    { arguments: { to: ['carol@example.org'], subject: 'Re: The lease', text: 'I sign on Monday.' }, seen: '1'.repeat(64) },
    { decision: 'approve', note: '', seen: '2'.repeat(64) }
  ]);
  expect(faults).toEqual([]);
});

test('a change that the service refuses leaves all as it was', async ({ page }) => {
  await open(page, `/c/${c}`, 'stubborn');
  const card = page.getByRole('region', { name: 'Send a mail?' });
  await card.getByRole('button', { name: 'Edit' }).click();
  await card.getByLabel('Text').fill('I sign on Monday.');
  await card.getByRole('button', { name: 'Show what it becomes' }).click();
  await expect(card.getByText('text: a mail needs a text.')).toBeVisible();
  await card.getByLabel('Text').press('Escape');
  await expect(card.getByRole('region', { name: 'Exact content' })).not.toContainText('Monday');
});

test('several things that wait are decided as one plan', async ({ page }) => {
  const sent: [string, unknown][] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/approvals/')) sent.push([request.url().slice(-32, -31), request.postDataJSON()]);
  });
  const faults = await open(page, `/c/${c}`, 'together');
  const plan = page.getByRole('region', { name: '3 things wait for you' });
  await expect(plan.getByRole('checkbox')).toHaveCount(3);
  await expect(plan.getByRole('checkbox', { name: /Delete an event/ })).not.toBeChecked();
  await plan.getByRole('checkbox', { name: /Create an event/ }).uncheck();
  await expect(plan.getByText('What is not ticked is not done.')).toBeVisible();
  await plan.getByRole('button', { name: 'Do the one that is ticked' }).click();
  await expect(plan).toHaveCount(0);
  await expect.poll(() => sent).toEqual([
    ['1', { decision: 'approve', note: '', seen: '1'.repeat(64) }],
    ['2', { decision: 'deny', note: '', seen: '3'.repeat(64) }],
    ['3', { decision: 'deny', note: '', seen: '4'.repeat(64) }]
  ]);
  expect(faults).toEqual([]);
});

test('what goes out is held for some seconds, and taken back within them', async ({ page }) => {
  const decisions: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/approvals/')) decisions.push(request.postDataJSON().decision);
  });
  await open(page, `/c/${c}`, 'held');
  const card = page.getByRole('region', { name: 'Send a mail?' });
  await card.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(card.getByText(/It goes out in [1-8] s/)).toBeVisible();
  await expect(page.getByText('Something is about to go out.')).toBeVisible();
  await card.getByRole('button', { name: 'Take it back' }).click();
  await expect(page.getByText('You said no. It was not done.')).toBeVisible();
  expect(decisions).toEqual(['approve', 'deny']);
});

test('what was held goes out when its time is over', async ({ page }) => {
  await page.clock.install();
  await open(page, `/c/${c}`, 'held');
  const card = page.getByRole('region', { name: 'Send a mail?' });
  await card.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(card.getByText(/It goes out in \d+ s/)).toBeVisible();
  await expect(card.getByText('It goes out now …')).toHaveCount(0);
  await page.clock.fastForward(10_000);
  await expect(card.getByText('It goes out now …')).toBeVisible();
  await expect(card.getByRole('button', { name: 'Take it back' })).toHaveCount(0);
});
