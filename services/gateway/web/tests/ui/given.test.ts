import { type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

const c = 'c'.repeat(32);
const lease = { name: 'lease.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4 not a real lease') };
const archive = { name: 'all.zip', mimeType: 'application/zip', buffer: Buffer.from('PK not a real archive') };

/** The messages that are sent, as they go out. */
function sent(page: Page): { text: string; files: string[] }[] {
  const bodies: { text: string; files: string[] }[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/messages')) bodies.push(request.postDataJSON());
  });
  return bodies;
}

const picker = (page: Page) => page.locator('input[type=file][multiple]');
const chosen = (page: Page) => page.getByRole('list', { name: 'Files that go along' });

/** What a browser gives a page that files are dropped on or pasted into. */
const carried = (page: Page, name: string) =>
  page.evaluateHandle((called) => {
    const held = new DataTransfer();
    held.items.add(new File(['The rent is 900 EUR.'], called, { type: 'text/plain' }));
    return held;
  }, name);

test('files are chosen, taken back, and go out with the message', async ({ page }) => {
  const bodies = sent(page);
  const faults = await open(page, `/c/${c}`, 'answered');
  await picker(page).setInputFiles([lease, { ...lease, name: 'house.png' }]);
  await expect(chosen(page).getByRole('listitem')).toHaveCount(2);
  await page.getByRole('button', { name: 'Remove house.png' }).click();
  await expect(page.getByLabel('Your message')).toBeFocused();
  await page.getByLabel('Your message').fill('What do I sign?');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect.poll(() => bodies).toEqual([{ text: 'What do I sign?', zone: 'Europe/Berlin', files: ['d'.repeat(32)] }]);
  await expect(chosen(page)).toHaveCount(0);
  await expect(page.getByRole('list', { name: 'Files of this message' }).last()).toContainText('lease.pdf');
  expect(faults).toEqual([]);
});

test('a file goes without a word, and what cannot be taken is said and holds the message back', async ({ page }) => {
  const bodies = sent(page);
  await open(page, `/c/${c}`, 'answered');
  const send = page.getByRole('button', { name: 'Send', exact: true });
  await expect(send).toBeDisabled();
  await picker(page).setInputFiles([lease, archive]);
  await expect(chosen(page)).toContainText('There is no text to read in a file of this kind');
  await expect(send).toBeDisabled();
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Remove all.zip' }).click();
  await send.click();
  await expect.poll(() => bodies.map(({ text, files }) => [text, files.length])).toEqual([['', 1]]);
});

test('what is too large or empty is said at once and not sent', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => void (request.url().includes('/api/files') && asked.push(request.url())));
  await open(page, '/new');
  await picker(page).evaluate((input: HTMLInputElement) => {
    const held = new DataTransfer();
    held.items.add(new File([new Uint8Array(20 * 1024 * 1024 + 1)], 'film.txt'));
    held.items.add(new File([], 'nothing.txt'));
    input.files = held.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await expect(chosen(page)).toContainText('Larger than 20 MB.');
  await expect(chosen(page)).toContainText('It is empty.');
  expect(asked).toEqual([]);
});

for (const path of ['/', '/new']) {
  test(`the first message takes files, too: ${path}`, async ({ page }) => {
    const bodies = sent(page);
    await open(page, path);
    await picker(page).setInputFiles(lease);
    await expect(chosen(page)).toContainText('lease.pdf');
    await page.getByLabel('Your message').fill('What do I sign?');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await expect.poll(() => bodies.map(({ text, files }) => [text, files.length])).toEqual([['What do I sign?', 1]]);
  });
}

test('files are dropped anywhere on the page, and pasted', async ({ page }) => {
  await open(page, `/c/${c}`, 'answered');
  await expect(page.getByRole('button', { name: 'Give files' })).toBeVisible();
  const held = await carried(page, 'dropped.txt');
  await page.dispatchEvent('main', 'dragover', { dataTransfer: held });
  await expect(page.getByText('Drop them here to give them with your message')).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.dispatchEvent('main', 'drop', { dataTransfer: held });
  await expect(page.getByText('Drop them here to give them with your message')).toHaveCount(0);
  await expect(chosen(page)).toContainText('dropped.txt');
  const copied = await carried(page, 'pasted.txt');
  await page.getByLabel('Your message').evaluate((box, clipboardData) => {
    box.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, copied);
  await expect(chosen(page)).toContainText('pasted.txt');
});

test('while an answer comes, files wait and say so', async ({ page }) => {
  await open(page, `/c/${'e'.repeat(32)}`, 'fast');
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await picker(page).setInputFiles(lease);
  await expect(page.getByText('Files go out when the answer has ended.')).toBeVisible();
  await page.getByLabel('Your message').fill('And this?');
  await expect(page.getByRole('button', { name: 'Send when the answer ends' })).toHaveCount(0);
});

test('by keyboard alone', async ({ page }, info) => {
  test.skip(info.project.name === 'phone', 'a phone is asked whether it is to be a photo');
  await open(page, `/c/${c}`, 'answered');
  const choosing = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Give files' }).focus();
  await page.keyboard.press('Enter');
  await (await choosing).setFiles(lease);
  await expect(page.getByLabel('Your message')).toBeFocused();
  await page.getByRole('button', { name: 'Remove lease.pdf' }).focus();
  await page.keyboard.press('Enter');
  await expect(chosen(page)).toHaveCount(0);
});

test('a phone offers its camera', async ({ page }, info) => {
  test.skip(info.project.name !== 'phone', 'a desk has no camera to offer');
  await open(page, `/c/${c}`, 'answered');
  await page.getByRole('button', { name: 'Give files' }).click();
  const camera = page.getByLabel('Take a photo');
  await expect(camera).toHaveAttribute('capture', 'environment');
  await expectNoSidewaysScroll(page);
  expect(await violations(page)).toEqual([]);
  await camera.setInputFiles({ ...lease, name: 'photo.png' });
  await expect(chosen(page)).toContainText('photo.png');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`files of a message are shown, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    const faults = await open(page, `/c/${c}`, 'given');
    const files = page.getByRole('list', { name: 'Files of this message' });
    await expect(files.getByRole('link')).toHaveCount(2);
    await expect(files.getByRole('link').first()).toHaveAttribute('href', `/api/files/${'d'.repeat(32)}/content`);
    await expect(files.locator('img')).toHaveJSProperty('complete', true);
    expect(await files.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(96);
    await picker(page).setInputFiles([lease, archive]);
    await expect(chosen(page).getByRole('listitem')).toHaveCount(2);
    await expectNoSidewaysScroll(page);
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
}
