import { type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';
import { smallTargets } from './targets';

interface Screen {
  name: string;
  path: string;
  house?: string;
  /** A text that stands there once the screen is ready. */
  ready: string | RegExp;
  act?: (page: Page) => Promise<void>;
}

const c = 'c'.repeat(32);
const e = 'e'.repeat(32);
const token = 'a-token-that-is-obviously-fake-0123456789';

async function lookAtWhatGoes(page: Page): Promise<void> {
  await page.getByRole('combobox', { name: 'Contents of the activity record' }).selectOption('For 90 days');
  await page.getByRole('region', { name: 'For how long' }).getByRole('button', { name: 'See what would go' }).click();
}

const screens: Screen[] = [
  { name: 'setup-account', path: `/setup#${token}`, house: 'new', ready: 'Your account' },
  { name: 'setup-link', path: '/setup', house: 'new', ready: 'Set-up link' },
  { name: 'setup-model', path: '/setup?step=model', house: 'fresh', ready: 'llama3.1:8b' },
  { name: 'setup-model-talks', path: '/setup?step=model', house: 'model-none', ready: 'Calls no tools' },
  { name: 'setup-model-none', path: '/setup?step=model', house: 'fresh.empty', ready: 'Any OpenAI-compatible address' },
  { name: 'setup-service', path: '/setup?step=service', house: 'fresh', ready: 'Weather' },
  { name: 'setup-key', path: '/setup?step=key', house: 'fresh', ready: 'What to do' },
  { name: 'setup-done', path: '/setup', ready: 'This assistant already has an owner.' },
  { name: 'login', path: '/login', house: 'out', ready: 'Username' },
  { name: 'login-managed', path: '/login', house: 'out.managed', ready: 'Run by Example e.V.' },
  { name: 'join', path: `/join#${token}`, house: 'out', ready: 'Ada invites you.' },
  { name: 'join-link', path: '/join', house: 'out', ready: 'The link that you were given' },
  { name: 'join-reset', path: `/join?reset#${token}`, house: 'out.reset', ready: 'the link works only from' },
  { name: 'about', path: '/about', ready: 'What they see' },
  { name: 'about-managed', path: '/about', house: 'out.managed', ready: 'Their policy' },
  { name: 'people', path: '/people', ready: 'Open invitations' },
  { name: 'people-alone', path: '/people', house: 'alone', ready: 'You live here alone.' },
  { name: 'people-down', path: '/people', house: 'down', ready: 'Try again' },
  { name: 'people-invite', path: '/people', ready: 'Open invitations', act: (page) => page.getByRole('button', { name: 'Invite somebody' }).click() },
  { name: 'people-shut-out', path: '/people', ready: 'Open invitations', act: askToShutOut },
  { name: 'told', path: '/memory', house: 'worded', ready: 'Ada made a link that sets a new password for you.' },
  { name: 'password', path: '/password', ready: 'Change it' },
  { name: 'login-code', path: '/login', house: 'out.coded', ready: 'Username', act: mistypeCode },
  { name: 'security', path: '/security', ready: 'Where you are signed in' },
  { name: 'security-down', path: '/security', house: 'down', ready: 'Try again' },
  { name: 'security-keyed', path: '/security', house: 'keyed', ready: 'Security key on the key ring' },
  { name: 'security-coded', path: '/security', house: 'coded.few', ready: 'One recovery code is left.' },
  { name: 'security-set-up', path: '/security', ready: 'Where you are signed in', act: setUpApp },
  { name: 'security-recovery', path: '/security', ready: 'Where you are signed in', act: turnCodesOn },
  { name: 'security-off', path: '/security', house: 'coded', ready: 'Turn it off', act: askForNoCodes },
  { name: 'login-refused', path: '/login', house: 'out', ready: 'Username', act: signInWrongly },
  { name: 'home', path: '/', ready: 'Good to see you, Ada.' },
  { name: 'home-fresh', path: '/', house: 'fresh', ready: 'No model yet' },
  { name: 'home-bare', path: '/', house: 'bare', ready: 'What works without a model' },
  { name: 'home-empty', path: '/', house: 'empty', ready: 'Nothing runs, and nothing waits for you.' },
  { name: 'home-quiet', path: '/', house: 'home.quiet', ready: 'Nothing is in your calendars today.' },
  { name: 'home-ailing', path: '/', house: 'home.ailing.silent', ready: 'Does not answer since 3 hours ago.' },
  { name: 'home-open', path: '/', ready: 'Call Carol', act: (page) => peek(page, /Call Carol/, 'About the cellar.') },
  { name: 'new', path: '/new', ready: 'Four things to try' },
  { name: 'new-fresh', path: '/new', house: 'fresh', ready: 'No model yet' },
  { name: 'new-bare', path: '/new', house: 'bare', ready: 'What works without a model' },
  { name: 'search', path: '/search?q=lease', ready: 'Sign the lease' },
  { name: 'search-empty', path: '/search', ready: 'What helps' },
  { name: 'search-none', path: '/search', house: 'fresh', ready: 'Nothing is connected yet' },
  { name: 'search-silent', path: '/search?q=lease', house: 'home.silent', ready: 'Calendar did not answer.' },
  { name: 'search-open', path: '/search?q=lease', ready: 'Sign the lease', act: (page) => peek(page, /The lease for Linden/, 'I sign on Friday.') },
  { name: 'house', path: '/house', ready: 'Last good copy' },
  { name: 'house-late', path: '/house', house: 'late-copies', ready: 'the disk is full' },
  { name: 'commands', path: '/', ready: 'Good to see you, Ada.', act: openCommands },
  { name: 'commands-none', path: '/', house: 'fresh', ready: 'Good to see you, Ada.', act: openCommands },
  { name: 'command-mail', path: '/', ready: 'Good to see you, Ada.', act: (page) => openCommand(page, 'mail', 'Subject') },
  { name: 'command-event', path: '/', ready: 'Good to see you, Ada.', act: (page) => openCommand(page, 'event', 'Title') },
  { name: 'command-mistakes', path: `/c/${c}`, house: 'answered', ready: 'by Friday', act: makeMistakes },
  { name: 'chat-searched', path: `/c/${c}`, house: 'searched', ready: 'Family calendar is away' },
  { name: 'chat-planned', path: `/c/${c}`, house: 'planned', ready: 'The service answered.' },
  { name: 'chat', path: `/c/${c}`, ready: 'Send a mail?' },
  { name: 'chat-opened', path: `/c/${c}`, ready: 'Send a mail?', act: openStep },
  { name: 'chat-lease', path: `/c/${c}`, house: 'lease', ready: 'Send a mail?' },
  { name: 'chat-why-not', path: `/c/${c}`, ready: 'Send a mail?', act: explain },
  { name: 'chat-allow', path: `/c/${c}`, house: 'lease', ready: 'Send a mail?', act: allow },
  { name: 'chat-allow-password', path: `/c/${c}`, house: 'lease.stale', ready: 'Send a mail?', act: allowWithPassword },
  { name: 'chat-edited', path: `/c/${c}`, ready: 'Send a mail?', act: editCall },
  { name: 'chat-held', path: `/c/${c}`, house: 'held', ready: 'Send a mail?', act: sendHeld },
  { name: 'chat-plan', path: `/c/${c}`, house: 'together', ready: '3 things wait for you' },
  { name: 'chat-acted', path: `/c/${c}`, house: 'acted', ready: 'May have been done:' },
  { name: 'chat-claimed', path: `/c/${c}`, house: 'claimed', ready: 'Nothing was changed.' },
  { name: 'chat-answered', path: `/c/${c}`, house: 'answered', ready: 'by Friday' },
  { name: 'chat-withheld', path: `/c/${c}`, house: 'outside', ready: 'withheld from the model' },
  { name: 'chat-local', path: `/c/${c}`, house: 'outside.private', ready: 'Answered by the local model qwen3:14b' },
  { name: 'chat-drafted', path: `/c/${c}`, house: 'drafted', ready: 'Taken back.' },
  { name: 'chat-delete', path: '/', ready: 'Good to see you, Ada.', act: askToDelete },
  { name: 'chat-failed', path: `/c/${e}`, ready: 'The answer broke off.' },
  { name: 'chat-gone', path: `/c/${'0'.repeat(32)}`, ready: 'This conversation no longer exists.' },
  { name: 'menu', path: '/', ready: 'Good to see you, Ada.', act: openMenu },
  { name: 'chat-spent', path: `/c/${c}`, house: 'answered.spent', ready: 'by Friday', act: askInVain },
  { name: 'usage', path: '/usage', ready: 'The last 30 days' },
  { name: 'usage-money', path: '/usage', ready: 'The last 30 days', act: (page) => page.getByRole('button', { name: 'Money' }).click() },
  { name: 'usage-empty', path: '/usage', house: 'empty', ready: 'Nothing was asked yet.' },
  { name: 'usage-down', path: '/usage', house: 'down', ready: 'Try again' },
  { name: 'usage-limits', path: '/usage', ready: 'The last 30 days', act: changeLimits },
  { name: 'usage-mistakes', path: '/usage', ready: 'The last 30 days', act: mistypeLimits },
  { name: 'model-price', path: '/model', house: 'billed', ready: 'nobody checked it', act: enterPrice },
  { name: 'approvals', path: '/approvals', ready: 'Send a mail?' },
  { name: 'approvals-empty', path: '/approvals', house: 'empty', ready: 'Nothing waits for you.' },
  { name: 'approvals-plan', path: '/approvals', house: 'together', ready: '3 things wait for you' },
  { name: 'approval', path: `/approvals/${'a'.repeat(32)}`, ready: 'All decisions' },
  { name: 'notices', path: '/notices', ready: 'A mail to yourself' },
  { name: 'notices-told', path: '/notices', house: 'told', ready: 'Chrome on a phone' },
  { name: 'notices-password', path: '/notices', house: 'stale', ready: 'A mail to yourself', act: mailMyself },
  { name: 'notice-old', path: '/notice#old', ready: 'This link leads nowhere any more' },
  { name: 'activity-undoable', path: '/activity', house: 'undoable', ready: 'Can be taken back' },
  { name: 'approvals-doubtful', path: '/approvals', house: 'doubtful', ready: 'It was not sent' },
  { name: 'approvals-settled', path: '/approvals', house: 'doubtful', ready: 'It was not sent', act: sayNotSent },
  { name: 'accounts', path: '/accounts', ready: 'Family calendar' },
  { name: 'accounts-empty', path: '/accounts', house: 'empty', ready: 'Nothing is connected yet.' },
  { name: 'accounts-changed', path: '/accounts', house: 'changed', ready: 'Allow Mail to run?' },
  { name: 'accounts-down', path: '/accounts', house: 'down', ready: 'The vault does not answer.' },
  { name: 'accounts-checked', path: '/accounts', ready: 'Family calendar', act: checkAccount },
  { name: 'accounts-remove', path: '/accounts', ready: 'Family calendar', act: askToRemove },
  { name: 'accounts-routes', path: '/accounts', house: 'outside', ready: 'Family calendar', act: openRoute },
  { name: 'accounts-laxer', path: '/accounts', house: 'outside', ready: 'Family calendar', act: loosen },
  { name: 'account-new-outside', path: '/accounts/new/mail', house: 'outside', ready: 'what it reads for an answer leaves the house' },
  { name: 'account-new', path: '/accounts/new/mail', ready: 'Incoming mail' },
  { name: 'account-mistakes', path: '/accounts/new/mail', ready: 'Incoming mail', act: (page) => page.getByRole('button', { name: 'Connect', exact: true }).click() },
  { name: 'account-refused', path: '/accounts/new/mail', ready: 'Incoming mail', act: connectWrongly },
  { name: 'account-approve', path: '/accounts/new/weather', ready: 'Allow Weather to run?' },
  { name: 'accounts-cloud', path: '/accounts', house: 'cloud', ready: 'ada@cloud.example' },
  { name: 'accounts-cloud-connected', path: `/accounts?connected=${'d'.repeat(32)}`, house: 'cloud', ready: 'All steps passed.' },
  { name: 'accounts-cloud-refused', path: `/accounts?connected=${'d'.repeat(32)}`, house: 'cloud.disabled', ready: 'Switch it on at Example' },
  { name: 'accounts-cloud-ending', path: '/accounts', house: 'cloud.ending', ready: 'Publish it at Example' },
  { name: 'accounts-cloud-hook', path: '/accounts', house: 'cloud.pushed', ready: 'Address for its provider', act: openHook },
  { name: 'accounts-cloud-removed', path: '/accounts', house: 'cloud', ready: 'ada@cloud.example', act: removeCloud },
  { name: 'sign-in', path: '/accounts/new/cloudmail', house: 'cloud', ready: 'Continue at Example' },
  { name: 'sign-in-or-token', path: '/accounts/new/cloudnotes', house: 'cloud', ready: 'Or:' },
  { name: 'sign-in-nothing', path: '/accounts/new/cloudmail', house: 'cloud', ready: 'Continue at Example', act: chooseNothing },
  { name: 'sign-in-more', path: '/accounts/new/cloudmail', house: 'cloud', ready: 'Continue at Example', act: mistypeAddress },
  { name: 'sign-in-register', path: '/accounts/new/cloudmail', house: 'cloud.unregistered.lan', ready: 'Keep the registration' },
  { name: 'sign-in-register-password', path: '/accounts/new/cloudmail', house: 'cloud.unregistered.stale', ready: 'Keep the registration', act: registerLate },
  { name: 'sign-in-by-hand', path: '/accounts/new/cloudmail', house: 'cloud.lan', ready: 'Continue at Example', act: (page) => goOn(page, 'Continue at Example', 'Address of the page that did not open') },
  { name: 'sign-in-code', path: '/accounts/new/cloudmail', house: 'cloud', ready: 'Continue at Example', act: (page) => goOn(page, 'With a code on another device', 'WDJB-MJHT') },
  { name: 'sign-in-failed', path: '/oauth/callback?code=fake&state=wrong', house: 'cloud', ready: 'Nothing was connected.' },
  { name: 'activity', path: '/activity', ready: 'Show older' },
  { name: 'activity-verified', path: '/activity', ready: 'Show older', act: verify },
  { name: 'activity-tampered', path: '/activity', house: 'tampered', ready: 'Show older', act: verify },
  { name: 'activity-record', path: '/activity', ready: 'Show older', act: openRecord },
  { name: 'activity-filtered', path: '/activity', ready: 'Show older', act: filterActivity },
  { name: 'activity-empty', path: '/activity', house: 'empty', ready: 'Nothing has happened yet.' },
  { name: 'left', path: '/activity/left', ready: 'imap.home.example:993' },
  { name: 'left-opened', path: '/activity/left', ready: 'imap.home.example:993', act: openPlace },
  { name: 'left-filtered', path: '/activity/left', ready: 'imap.home.example:993', act: filterLeft },
  { name: 'left-empty', path: '/activity/left', house: 'empty', ready: 'Nothing left in these days.' },
  { name: 'left-away', path: '/activity/left', house: 'witness-away', ready: 'Try again' },
  { name: 'model', path: '/model', ready: 'llama3.1:8b' },
  { name: 'model-untested', path: '/model', house: 'model-untested', ready: 'Not tested yet' },
  { name: 'model-testing', path: '/model', house: 'model-testing', ready: 'Being tested' },
  { name: 'model-schema', path: '/model', house: 'model-schema', ready: 'Calls tools when held to a form' },
  { name: 'model-salvage', path: '/model', house: 'model-salvage', ready: 'Writes its calls as text' },
  { name: 'model-talks', path: '/model', house: 'model-none', ready: 'Calls no tools' },
  { name: 'model-outside', path: '/model', house: 'outside', ready: 'For what is private' },
  { name: 'model-private', path: '/model', house: 'outside.private', ready: 'qwen3:14b' },
  { name: 'model-private-choose', path: '/model', house: 'outside', ready: 'For what is private', act: (page) => page.getByRole('button', { name: 'Choose a local model' }).click() },
  { name: 'model-change', path: '/model', ready: 'llama3.1:8b', act: changeModel },
  { name: 'model-none', path: '/model', house: 'fresh.empty', ready: 'No model is set.' },
  { name: 'schedules', path: '/schedules', house: 'proposed', ready: 'Morning summary' },
  { name: 'schedules-empty', path: '/schedules', house: 'empty', ready: 'Nothing is scheduled.' },
  { name: 'schedules-form', path: '/schedules', ready: 'Morning summary', act: (page) => page.getByRole('button', { name: 'Make a schedule' }).click() },
  { name: 'schedules-proposed', path: '/schedules', house: 'proposed', ready: 'Invoices', act: (page) => page.getByRole('button', { name: 'Look at it Invoices' }).click() },
  { name: 'memory', path: '/memory', ready: 'My sister is called Mia.' },
  { name: 'memory-empty', path: '/memory', house: 'empty', ready: 'Nothing is remembered.' },
  { name: 'memory-edit', path: '/memory', ready: 'My sister is called Mia.', act: (page) => page.getByRole('button', { name: /^Correct Invoices/ }).click() },
  { name: 'tokens', path: '/tokens', ready: 'Terminal on the laptop' },
  { name: 'tokens-empty', path: '/tokens', house: 'empty', ready: 'No program has a token.' },
  { name: 'tokens-down', path: '/tokens', house: 'down', ready: 'The vault does not answer.' },
  { name: 'tokens-form', path: '/tokens', ready: 'Terminal on the laptop', act: openTokenForm },
  { name: 'tokens-mistakes', path: '/tokens', ready: 'Terminal on the laptop', act: makeNamelessToken },
  { name: 'tokens-password', path: '/tokens', ready: 'Terminal on the laptop', act: makeStrongToken },
  { name: 'tokens-made', path: '/tokens', ready: 'Terminal on the laptop', act: makeToken },
  { name: 'tokens-revoke', path: '/tokens', ready: 'Terminal on the laptop', act: askToRevoke },
  { name: 'data', path: '/data', ready: 'does not answer just now' },
  { name: 'data-exporting', path: '/data', house: 'exporting.refused', ready: 'The archive is being made.' },
  { name: 'data-exported', path: '/data', house: 'exported.imported', ready: 'The archive is ready' },
  { name: 'data-protect', path: '/data', ready: 'Protect it with', act: (page) => page.getByLabel('Protect it with').selectOption('recipient').then(() => undefined) },
  { name: 'data-keys', path: '/data', house: 'rekeying', ready: '7 of 12 files' },
  { name: 'data-down', path: '/data', house: 'down', ready: 'The vault does not answer.' },
  { name: 'data-erasing', path: '/data', house: 'erasing', ready: 'Still to answer: whatsapp.' },
  { name: 'data-keep', path: '/data', ready: 'Last carried out', act: lookAtWhatGoes },
  { name: 'data-erase', path: '/data', ready: 'What is kept', act: (page) => page.getByRole('button', { name: 'Erase everything' }).click() },
  { name: 'settings', path: '/settings', ready: 'Chosen elsewhere' },
  { name: 'server-down', path: '/', house: 'dead', ready: 'The server starts anew.' },
  { name: 'missing', path: '/nowhere', ready: 'This page does not exist.' },
  { name: 'no gallery', path: '/gallery', ready: 'This page does not exist.' }
];

/** The narrowest phone, and the window of a desk at 200 %. */
const narrow: Record<string, { width: number; height: number }> & { phone: { width: number; height: number } } = {
  phone: { width: 320, height: 640 },
  desktop: { width: 640, height: 400 }
};

for (const screen of screens) {
  test(`${screen.name} is readable by everybody and fits`, async ({ page }, info) => {
    const faults = await open(page, screen.path, screen.house);
    await expect(page.getByText(screen.ready).first()).toBeVisible();
    await expect(page.getByRole('button', { name: 'Don’t send', disabled: true })).toHaveCount(0);
    await screen.act?.(page);
    expect(await violations(page)).toEqual([]);
    await picture(page, `light-${info.project.name}`, screen.name);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => isDark(page)).toBe(true);
    await layOut(page);
    // Nothing but contrast depends on the colours.
    expect(await violations(page, ['color-contrast'])).toEqual([]);
    await picture(page, `dark-${info.project.name}`, screen.name);
    await expectNoSidewaysScroll(page);
    expect(await smallTargets(page)).toEqual([]);
    await page.setViewportSize(narrow[info.project.name] ?? narrow.phone);
    await expectNoSidewaysScroll(page);
    expect(faults).toEqual([]);
  });
}

async function picture(page: Page, folder: string, name: string): Promise<void> {
  if (process.env.PICTURES) await page.screenshot({ path: `screenshots/${folder}/${name}.png` });
}

/** What is far from the screen is given its colours, too: until it comes near, the browser leaves it those of before. */
function layOut(page: Page): Promise<void> {
  return page.evaluate(async () => {
    document.styleSheets[0]?.insertRule('* { content-visibility: visible !important; }');
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  });
}

function isDark(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d');
    if (!canvas) return false;
    canvas.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    return (canvas.getImageData(0, 0, 1, 1).data[0] ?? 255) < 128;
  });
}

for (const scheme of ['light', 'dark'] as const) {
  test(`the page follows the system’s ${scheme} colours until others are chosen, and then keeps those`, async ({ page }, info) => {
    const isNight = scheme === 'dark';
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, '/');
    await expect.poll(() => isDark(page)).toBe(isNight);
    if (info.project.name === 'phone') await page.getByRole('button', { name: /^Menu/ }).click();
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByRole('menuitemradio', { name: isNight ? 'Light' : 'Dark' }).click();
    await expect.poll(() => isDark(page)).toBe(!isNight);
    await page.reload();
    await expect(page.getByRole('heading', { name: 'Good to see you, Ada.' })).toBeVisible();
    await expect.poll(() => isDark(page)).toBe(!isNight);
  });
}

async function peek(page: Page, name: RegExp, shown: string): Promise<void> {
  await page.getByRole('button', { name }).click();
  await expect(page.getByRole('dialog').getByText(shown)).toBeVisible();
}

async function askInVain(page: Page): Promise<void> {
  await page.getByLabel('Your message').fill('Once more');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByRole('link', { name: 'See usage and limits' })).toBeVisible();
  await expect(page.getByLabel('Your message')).toHaveValue('Once more');
}

async function changeLimits(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Change: Your limits' }).click();
  await expect(page.getByLabel('Tokens a day')).toHaveValue('5000000');
}

async function mistypeLimits(page: Page): Promise<void> {
  await changeLimits(page);
  await page.getByLabel('Money a day (EUR)').fill('much');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Money a day (EUR)')).toBeFocused();
  await expect(page.getByText('An amount such as 2.50.')).toBeVisible();
}

async function enterPrice(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Enter a price' }).click();
  await page.getByLabel('Written').fill('a lot');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Written')).toBeFocused();
}

async function sendHeld(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send', exact: true }).first().click();
  await expect(page.getByText(/It goes out in/)).toBeVisible();
}

async function editCall(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await page.getByRole('textbox', { name: 'Text', exact: true }).fill('I sign on Monday.');
}

async function mailMyself(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Mail me' }).click();
  await expect(page.getByLabel('Your password')).toBeVisible();
}

async function sayNotSent(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'It was not sent' }).click();
  await expect(page.getByRole('button', { name: 'Try again, with a new question' })).toBeVisible();
}

async function askToShutOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'What to do about Bob' }).click();
  await page.getByRole('menuitem', { name: 'Shut out' }).click();
  await expect(page.getByRole('alertdialog')).toBeVisible();
}

async function signInWrongly(page: Page): Promise<void> {
  await page.getByLabel('Username').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('wrong');
}

async function mistypeCode(page: Page): Promise<void> {
  await page.getByLabel('Username').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('right');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByLabel('Code').fill('000000');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByText('This code is wrong')).toBeVisible();
}

async function setUpApp(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Set up an app' }).click();
  await expect(page.getByRole('img', { name: /^QR code/ })).toBeVisible();
}

async function turnCodesOn(page: Page): Promise<void> {
  await setUpApp(page);
  await page.getByLabel('Code that the app shows').fill('287082');
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await expect(page.getByText('abcd-efgh-ijkl-mnop')).toBeVisible();
}

async function askForNoCodes(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Turn it off' }).click();
  await expect(page.getByRole('alertdialog')).toBeVisible();
}

async function openCommands(page: Page): Promise<void> {
  await page.getByLabel('Your message').fill('/');
  await expect(page.getByRole('option').or(page.getByText('No connected service')).first()).toBeVisible();
}

async function openCommand(page: Page, name: string, field: string): Promise<void> {
  await expect(page.getByRole('button', { name: /^Commands/ })).toBeVisible();
  await openCommands(page);
  await page.getByRole('option', { name: new RegExp(`^/${name}`) }).click();
  await expect(page.getByLabel(field, { exact: true })).toBeVisible();
}

async function makeMistakes(page: Page): Promise<void> {
  await openCommand(page, 'mail', 'Subject');
  await page.getByLabel('To', { exact: true }).fill('nobody');
  await page.getByRole('button', { name: 'Go' }).click();
  await expect(page.getByText('This is needed.').first()).toBeVisible();
}

async function openTokenForm(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Make a token' }).click();
  await expect(page.getByLabel('Which program is it for?')).toBeVisible();
}

async function makeNamelessToken(page: Page): Promise<void> {
  await openTokenForm(page);
  await page.getByRole('checkbox', { name: /^Ask and read/ }).uncheck();
  await page.getByRole('button', { name: 'Make the token' }).click();
  await expect(page.getByLabel('Which program is it for?')).toBeFocused();
  await expect(page.getByText('Choose at least one.')).toBeVisible();
}

async function makeStrongToken(page: Page): Promise<void> {
  await openTokenForm(page);
  await page.getByLabel('Which program is it for?').fill('Nightly script');
  await page.getByRole('checkbox', { name: /^Decide/ }).check();
  await page.getByRole('button', { name: 'Make the token' }).click();
  await expect(page.getByRole('textbox', { name: 'Your password' })).toBeFocused();
}

async function makeToken(page: Page): Promise<void> {
  await openTokenForm(page);
  await page.getByLabel('Which program is it for?').fill('Nightly script');
  await page.getByRole('button', { name: 'Make the token' }).click();
  await expect(page.getByText('oa_obviously-fake')).toBeVisible();
}

async function askToRevoke(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Revoke Editor' }).click();
  await expect(page.getByRole('button', { name: 'Keep it' })).toBeFocused();
}

async function filterActivity(page: Page): Promise<void> {
  await page.getByLabel('Kind').selectOption({ label: 'Failed' });
  await expect(page.locator('summary').first()).toContainText('Failed');
}

async function allow(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Always allow …' }).click();
  await expect(page.getByRole('alertdialog', { name: 'Allow this beforehand?' })).toBeVisible();
}

async function allowWithPassword(page: Page): Promise<void> {
  await allow(page);
  await page.getByRole('button', { name: 'Allow it, and send' }).click();
  await expect(page.getByRole('textbox', { name: 'Your password' })).toBeVisible();
}

async function explain(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Say why not' }).click();
  await expect(page.getByLabel('Why not?')).toBeFocused();
}

async function askToDelete(page: Page): Promise<void> {
  const menu = page.getByRole('button', { name: /^Menu/ });
  if (await menu.isVisible()) await menu.click();
  const more = page.getByRole('button', { name: 'More for “The lease with Carol”' });
  await more.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByRole('button', { name: 'Keep it' })).toBeFocused();
}

async function openPlace(page: Page): Promise<void> {
  await page.getByText('imap.home.example:993').first().click();
  await expect(page.getByText('In it:').first()).toBeVisible();
}

async function filterLeft(page: Page): Promise<void> {
  await page.getByLabel('How far').selectOption({ label: 'in your network' });
  await expect(page.locator('summary', { hasText: 'imap.home.example' })).toHaveCount(0);
  await expect(page.locator('summary', { hasText: '192.168.1.20:5232' }).first()).toBeVisible();
}

async function openStep(page: Page): Promise<void> {
  await page.getByText('Messages search: lease').first().click();
  await expect(page.getByText('What came back').first()).toBeVisible();
  await expect(page.getByText('2.1 kB out, 48 kB in').first()).toBeVisible();
}

async function openMenu(page: Page): Promise<void> {
  const menu = page.getByRole('button', { name: /^Menu/ });
  const isPhone = await menu.isVisible();
  await (isPhone ? menu : page.getByRole('button', { name: 'Ada' })).click();
  await expect(isPhone ? page.getByRole('dialog') : page.getByText('Appearance')).toBeVisible();
}

async function checkAccount(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Check/ }).first().click();
  await expect(page.getByText('All steps passed.')).toBeVisible();
}

async function askToRemove(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Remove/ }).first().click();
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Keep it' })).toBeFocused();
}

async function connectWrongly(page: Page): Promise<void> {
  await page.getByLabel('Mail address').fill('ada@home.example');
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
  await page.getByRole('group', { name: 'Incoming mail' }).getByLabel('Server').fill('imap.home.example');
  await page.getByRole('group', { name: 'Outgoing mail' }).getByLabel('Server').fill('smtp.home.example');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByText('Sign in to the incoming mail server')).toBeVisible();
}

async function removeCloud(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Remove.*cloud/ }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page.getByRole('link', { name: 'end it there' })).toBeVisible();
}

async function openHook(page: Page): Promise<void> {
  await page.getByText('Address for its provider').click();
  await expect(page.getByRole('button', { name: /^Make a new address/ })).toBeVisible();
}

async function chooseNothing(page: Page): Promise<void> {
  for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
  await page.getByRole('button', { name: 'Continue at Example' }).click();
  await expect(page.getByText('Choose at least one.')).toBeVisible();
}

async function mistypeAddress(page: Page): Promise<void> {
  await page.getByText('More settings').click();
  await page.getByLabel('Address of the API').fill('not an address');
  await page.getByText('More settings').click();
  await page.getByRole('button', { name: 'Continue at Example' }).click();
  await expect(page.getByLabel('Address of the API')).toBeFocused();
}

async function registerLate(page: Page): Promise<void> {
  await page.getByLabel('Client ID').fill('1234-obviously-fake');
  await page.getByRole('button', { name: 'Keep the registration' }).click();
  await expect(page.getByRole('textbox', { name: 'Your password' })).toBeFocused();
}

async function goOn(page: Page, button: string, text: string): Promise<void> {
  await page.getByRole('button', { name: button }).click();
  await expect(page.getByText(text).first()).toBeVisible();
}

async function verify(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Verify' }).click();
  await expect(page.getByText(/Unchanged\.|The record does not fit\./)).toBeVisible();
}

async function openRecord(page: Page): Promise<void> {
  await page.locator('summary', { hasText: 'Began' }).first().click();
  await page.getByRole('button', { name: 'Proof' }).click();
  await expect(page.getByText('The proof does not lead to the ledger’s root.')).toBeVisible();
}

async function changeModel(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Use another' }).click();
  await page.getByText('Any OpenAI-compatible address').click();
  await expect(page.getByLabel('Address', { exact: true })).toBeVisible();
}

async function openRoute(page: Page): Promise<void> {
  await page.getByText('A model outside the house sees:').first().click();
  await expect(page.getByRole('group', { name: 'What may a model outside the house see of ada@home.example?' })).toBeVisible();
}

async function loosen(page: Page): Promise<void> {
  await openRoute(page);
  await page.getByRole('radio', { name: /^Everything/ }).first().click();
  await expect(page.getByRole('alertdialog', { name: 'Show more of ada@home.example?' })).toBeVisible();
}
