/** Takes the pictures of the documentation from the built pages: the story of the lease, in light and in dark. */
import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium as browsers } from '@playwright/test';
import { chromium } from './chromium.mjs';

const port = '4181';
const images = fileURLToPath(new URL('../../../../docs/images', import.meta.url));
const conversation = `http://127.0.0.1:${port}/c/${'c'.repeat(32)}`;

mkdirSync(images, { recursive: true });
const mock = fork(fileURLToPath(new URL('./mock/server.mjs', import.meta.url)), { env: { ...process.env, PORT: port } });
const browser = await browsers.launch(chromium);

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 800 }, locale: 'en-GB', reducedMotion: 'reduce' });
  await page.context().addCookies([{ name: 'house', value: 'lease', domain: '127.0.0.1', path: '/' }]);
  await page.goto(conversation);
  await page.getByRole('button', { name: 'Don’t send', disabled: false }).waitFor();
  await page.screenshot({ path: `${images}/chat-${colorScheme}.png` });
  await page.close();
}

await browser.close();
mock.kill();
