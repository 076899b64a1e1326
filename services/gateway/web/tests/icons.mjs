/** Draws the app's icons from its mark: `static/icon-*.png`. A maskable one fills its square, its mark in the safe zone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium as browsers } from '@playwright/test';
import { chromium } from './chromium.mjs';

const folder = fileURLToPath(new URL('../static/', import.meta.url));
const mark = readFileSync(`${folder}favicon.svg`, 'utf8');
const filled = mark.replace('rx="8" ', '').replace('<path ', '<path transform="translate(3.2 3.2) scale(0.8)" ');

const browser = await browsers.launch(chromium);
for (const [name, size, drawing] of /** @type {const} */ ([['icon-192', 192, mark], ['icon-512', 512, mark], ['icon-512-maskable', 512, filled]])) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing}`);
  writeFileSync(`${folder}${name}.png`, await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
