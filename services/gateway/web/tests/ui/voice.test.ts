/** Answers that are read aloud and messages that are spoken, with a browser's speech of the tests' own. */
import { type Page, expect, test } from '@playwright/test';
import { violations } from './axe';
import { expectNoSidewaysScroll, open } from './house';

const c = 'c'.repeat(32);

interface Speech {
  /** Where its voices speak. */
  voices: ('here' | 'elsewhere')[];
  /** What it says of writing down on this device; null for a browser that cannot be asked. */
  writing: string | null;
}

interface Told {
  spoken: { text: string; voice: string }[];
  cancelled: number;
  began: { lang: string; processLocally: boolean }[];
  fetched: number;
  /** What the microphone brings. */
  hear: (text: string, final: boolean) => void;
  fail: (error: string) => void;
}

const told = (page: Page): Promise<Omit<Told, 'hear' | 'fail'>> =>
  page.evaluate(() => JSON.parse(JSON.stringify((window as unknown as { told: Told }).told)));

/** Puts a speech in the place of the browser's own, before any page loads. */
const withSpeech = (page: Page, speech: Speech): Promise<unknown> =>
  page.addInitScript(({ voices, writing }) => {
    const found: Told = { spoken: [], cancelled: 0, began: [], fetched: 0, hear: () => {}, fail: () => {} };
    const own = new EventTarget();
    Object.assign(own, {
      getVoices: () => voices.map((where, at) => ({ name: `${where} ${at}`, lang: 'en-GB', localService: where === 'here', default: at === 0 })),
      speak: (said: { text: string; voice: { name: string } }) => found.spoken.push({ text: said.text, voice: said.voice.name }),
      cancel: () => (found.cancelled += 1)
    });
    Object.defineProperty(window, 'speechSynthesis', { value: own, configurable: true });
    class Utterance {
      constructor(readonly text: string) {}
    }
    Object.defineProperty(window, 'SpeechSynthesisUtterance', { value: Utterance, configurable: true });
    class Recognition extends EventTarget {
      lang = '';
      processLocally = false;
      onresult: (event: unknown) => void = () => {};
      onerror: (event: unknown) => void = () => {};
      onend: () => void = () => {};
      start(): void {
        found.began.push({ lang: this.lang, processLocally: this.processLocally });
        found.hear = (transcript, isFinal) => this.onresult({ resultIndex: 0, results: [Object.assign([{ transcript }], { isFinal })] });
        found.fail = (error) => {
          this.onerror({ error });
          this.onend();
        };
      }
      stop(): void {
        this.onend();
      }
      abort(): void {
        this.onend();
      }
    }
    const asked = { available: async () => writing, install: async () => ((found.fetched += 1), true) };
    const recognition = writing === null ? Recognition : Object.assign(Recognition, asked);
    for (const name of ['SpeechRecognition', 'webkitSpeechRecognition']) Object.defineProperty(window, name, { value: recognition, configurable: true });
    Object.assign(window, { told: found });
  }, speech);

const reads = (page: Page) => page.getByRole('checkbox', { name: 'Read answers aloud' });
const writes = (page: Page) => page.getByRole('checkbox', { name: 'Speak messages' });

test('the voice is off until it is chosen', async ({ page }) => {
  await withSpeech(page, { voices: ['here'], writing: 'available' });
  await open(page, `/c/${c}`, 'answered');
  await expect(page.getByRole('button', { name: 'Copy' }).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Read aloud' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Speak your message' })).toHaveCount(0);
});

test('an answer is read aloud by a voice of this device, and stops when told', async ({ page }) => {
  await withSpeech(page, { voices: ['elsewhere', 'here'], writing: null });
  const faults = await open(page, '/settings', 'answered');
  await reads(page).check();
  await page.goto(`/c/${c}`);
  await page.getByRole('button', { name: 'Read aloud' }).last().click();
  await expect(page.getByRole('button', { name: 'Stop reading' })).toHaveCount(1);
  const { spoken } = await told(page);
  expect(spoken.length).toBeGreaterThan(0);
  expect(new Set(spoken.map(({ voice }) => voice))).toEqual(new Set(['here 1']));
  expect(spoken.map(({ text }) => text).join('')).not.toMatch(/[*_#]|\]\(/);
  await page.getByRole('button', { name: 'Stop reading' }).click();
  await expect(page.getByRole('button', { name: 'Stop reading' })).toHaveCount(0);
  expect((await told(page)).cancelled).toBe(1);
  expect(faults).toEqual([]);
});

test('what is said is written into the message, on this device, and sent by nobody', async ({ page }) => {
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/messages')) sent.push(request.url());
  });
  await withSpeech(page, { voices: [], writing: 'available' });
  await open(page, '/settings', 'answered');
  await writes(page).check();
  await page.goto(`/c/${c}`);
  await page.getByRole('textbox', { name: 'Your message' }).fill('Tell Carol:');
  await page.getByRole('button', { name: 'Speak your message' }).click();
  await expect(page.getByText('Listening …')).toBeVisible();
  expect((await told(page)).began).toEqual([{ lang: 'en-GB', processLocally: true }]);
  await page.evaluate(() => (window as unknown as { told: Told }).told.hear('I sign', false));
  await expect(page.getByText('I sign', { exact: true })).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Your message' })).toHaveValue('Tell Carol:');
  await page.evaluate(() => (window as unknown as { told: Told }).told.hear('I sign on Friday.', true));
  await expect(page.getByRole('textbox', { name: 'Your message' })).toHaveValue('Tell Carol: I sign on Friday.');
  await page.getByRole('button', { name: 'Stop listening' }).click();
  await page.getByRole('button', { name: 'Speak your message' }).click();
  await page.evaluate(() => (window as unknown as { told: Told }).told.fail('not-allowed'));
  await expect(page.getByRole('alert')).toContainText('does not let this page use the microphone');
  await expectNoSidewaysScroll(page);
  expect(await violations(page)).toEqual([]);
  expect(sent).toEqual([]);
});

test('a browser that would send the voice away is not used, and it is said why', async ({ page }) => {
  await withSpeech(page, { voices: ['elsewhere'], writing: null });
  await open(page, '/settings');
  await expect(page.getByText('only by sending it to its maker')).toBeVisible();
  await expect(page.getByText('has no voice on this device')).toBeVisible();
  await expect(reads(page)).toBeDisabled();
  await expect(writes(page)).toBeDisabled();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await violations(page)).toEqual([]);
  }
  await expectNoSidewaysScroll(page);
});

test('a language that has to be fetched is fetched when it is chosen', async ({ page }) => {
  await withSpeech(page, { voices: [], writing: 'downloadable' });
  await open(page, '/settings');
  await expect(page.getByText('first fetches the language from its maker')).toBeVisible();
  expect((await told(page)).fetched).toBe(0);
  await writes(page).click();
  await expect(writes(page)).toBeChecked();
  expect((await told(page)).fetched).toBe(1);
});
