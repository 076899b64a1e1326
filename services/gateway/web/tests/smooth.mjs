/**
 * How smooth the built pages are: tasks of the page's thread, frames and shifts of the layout, beside those of a page that
 * holds nothing. `npm run smooth [NAME …]`. A task is counted by the time that the processor worked on it: what else a
 * machine does makes frames late, but no task longer. Last come the figures that have a limit, each beside that of an empty
 * page in the same browser; they are printed, and fail nothing.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chromium as browsers } from '@playwright/test';
import { chromium } from './chromium.mjs';
import { hostile } from './mock/big.mjs';

const port = process.env.UI_PORT ?? '4182';
const site = `http://127.0.0.1:${port}`;
const here = `/c/${'c'.repeat(32)}`;

/** Watches from before the page begins. */
function watch() {
  const seen = { shift: 0, frames: /** @type {number[]} */ ([]) };
  Object.assign(window, { seen });
  new PerformanceObserver((list) =>
    list.getEntries().forEach((each) => {
      const shift = /** @type {PerformanceEntry & {value: number, hadRecentInput: boolean}} */ (each);
      if (!shift.hadRecentInput) seen.shift += shift.value;
    })
  ).observe({ type: 'layout-shift', buffered: true });
  let last = 0;
  const frame = (/** @type {number} */ now) => {
    if (last) seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** @typedef {{name: string, ph: string, pid: number, tid: number, tdur?: number, args?: {name?: string}}} Traced */

/** The tasks of the page's thread since the last time this was asked, in milliseconds of the processor. @param {import('@playwright/test').CDPSession} devtools */
async function traced(devtools) {
  /** @type {Traced[]} */
  const events = [];
  const collect = (/** @type {{value: object[]}} */ { value }) => void events.push(.../** @type {Traced[]} */ (value));
  devtools.on('Tracing.dataCollected', collect);
  const complete = new Promise((resolve) => devtools.once('Tracing.tracingComplete', resolve));
  await devtools.send('Tracing.end');
  await complete;
  devtools.off('Tracing.dataCollected', collect);
  await begin(devtools);
  const mains = new Set(events.filter((each) => each.name === 'thread_name' && each.args?.name === 'CrRendererMain').map((each) => `${each.pid}.${each.tid}`));
  return events.filter((each) => each.ph === 'X' && each.name === 'RunTask' && mains.has(`${each.pid}.${each.tid}`)).map((each) => (each.tdur ?? 0) / 1_000);
}

/** @param {import('@playwright/test').CDPSession} devtools */
const begin = (devtools) =>
  devtools.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', '__metadata'] } });

/** @typedef {import('@playwright/test').Page} Page */

/** What was seen since the last time this was asked. @param {Page} page @param {import('@playwright/test').CDPSession} devtools */
async function seen(page, devtools) {
  const tasks = await traced(devtools);
  const found = await page.evaluate(() => {
    const { shift, frames } = Reflect.get(window, 'seen');
    const sorted = [...frames].sort((left, right) => left - right);
    Object.assign(Reflect.get(window, 'seen'), { shift: 0, frames: [] });
    return {
      'frame p99 ms': Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
      frames: frames.length,
      shift: Number(shift.toFixed(4)),
      nodes: document.getElementsByTagName('*').length
    };
  });
  return {
    'tasks over 50 ms': tasks.filter((each) => each > 50).length,
    'longest task ms': Math.round(tasks.reduce((left, right) => Math.max(left, right), 0)),
    'work ms': Math.round(tasks.reduce((left, right) => left + right, 0)),
    ...found
  };
}

/** Lets the observers report. @param {Page} page */
const settle = (page) => page.waitForTimeout(400);

/** Turns the wheel from where the page stands, upwards or downwards. @param {Page} page @param {number} way @param {number} turns */
async function wheel(page, way, turns) {
  await page.mouse.move(640, 400);
  for (let turn = 0; turn < turns; turn += 1) {
    await page.mouse.wheel(0, way * 700);
    await page.waitForTimeout(16);
  }
}

/** @param {string} house @param {string} path @param {(page: Page, note: (name: string) => Promise<void>) => Promise<void>} story */
async function measure(house, path, story) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', reducedMotion: 'reduce' });
  await page.addInitScript(watch);
  await page.context().addCookies([{ name: 'house', value: house, domain: '127.0.0.1', path: '/' }]);
  const devtools = await page.context().newCDPSession(page);
  await begin(devtools);
  await page.goto(`${site}${path}`);
  await story(page, async (name) => {
    await settle(page);
    rows[name] = await seen(page, devtools);
  });
  await devtools.send('Tracing.end');
  await page.close();
}

const EMPTY = '<!doctype html><html lang="en"><title>Empty</title><textarea aria-label="Your message"></textarea></html>';

/** Milliseconds from asking for a page until a letter stands in its field; the median of some. @param {string} path @param {boolean} isEmpty */
async function interactive(path, isEmpty) {
  const times = [];
  for (let time = 0; time < 7; time += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', serviceWorkers: 'block' });
    await context.addCookies([{ name: 'house', value: 'home', domain: '127.0.0.1', path: '/' }]);
    const page = await context.newPage();
    if (isEmpty) await page.route(`${site}${path}`, (route) => route.fulfill({ contentType: 'text/html', body: EMPTY }));
    const began = performance.now();
    await page.goto(`${site}${path}`, { waitUntil: 'commit' });
    await page.getByLabel('Your message').fill('a');
    times.push(performance.now() - began);
    await context.close();
  }
  return Math.round(times.sort((left, right) => left - right)[3] ?? 0);
}

/** @type {Record<string, {floor: number, figure: number, limit: number}>} */
const limits = {};

/** @param {string} what @param {number} floor @param {number} figure @param {number} limit */
function limit(what, floor, figure, limit) {
  limits[what] = { floor, figure, limit };
}

/** @type {Record<string, () => Promise<void>>} */
const stories = {
  open: async () => {
    const floor = await interactive('/', true);
    limit('home, until one can type: ms', floor, await interactive('/', false), 1_000);
    limit('a conversation, until one can type: ms', floor, await interactive(here, false), 1_000);
  },
  floor: () =>
    measure('empty', '/about', async (page, note) => {
      await page.waitForTimeout(3_000);
      await note('floor: a page that rests');
      await wheel(page, 1, 60);
      await note('floor: the same, scrolled');
    }),
  stream: () =>
    measure('fast', here, async (page, note) => {
      await page.getByRole('button', { name: 'Stop' }).waitFor();
      await note('stream: opened');
      await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached', timeout: 30_000 });
      await note('stream: 200 tokens a second for 10 s');
    }),
  long: () =>
    measure('long', here, async (page, note) => {
      await page.getByText('Number 1999.').waitFor();
      await note('2,000 messages: opened');
      await page.waitForTimeout(6_000);
      await note('2,000 messages: at rest, 6 s later');
      await wheel(page, -1, 150);
      await note('2,000 messages: scrolled up 105,000 px');
      await page.keyboard.press('Home');
      await page.locator('section').first().evaluate((each) => each.scrollTo({ top: 0 }));
      await note('2,000 messages: jumped to the first');
      await wheel(page, 1, 100);
      await note('2,000 messages: scrolled down');
    }),
  longstream: () =>
    measure('long.fast', here, async (page, note) => {
      await page.getByText('Number 1999.').waitFor();
      await page.waitForTimeout(4_000);
      await note('2,000 messages, and an answer comes: first 4 s');
      await page.waitForTimeout(5_000);
      await note('2,000 messages, and an answer comes: next 5 s');
    }),
  ledger: () =>
    measure('vast', '/activity', async (page, note) => {
      await page.locator('main summary').first().waitFor();
      await note('100,000 records: opened');
      const more = page.getByRole('button', { name: 'Show older' });
      for (let pages = 0; pages < 40 && (await more.count()); pages += 1) {
        await more.scrollIntoViewIfNeeded();
        await more.click().catch(() => undefined);
        await wheel(page, 1, 4);
      }
      await note('100,000 records: 40 pages further');
      await wheel(page, -1, 100);
      await note('100,000 records: scrolled up again');
    }),
  hostile: async () => {
    for (const name of Object.keys(hostile)) {
      await measure(`hostile-${name}`, here, async (page, note) => {
        await page.getByRole('article', { name: 'Assistant' }).waitFor({ timeout: 60_000 }).catch(() => undefined);
        await note(`hostile ${name}: opened`);
      });
      await measure(`hostile-${name}.poured`, here, async (page, note) => {
        await page.getByRole('button', { name: 'Stop' }).waitFor();
        await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached', timeout: 60_000 }).catch(() => undefined);
        await note(`hostile ${name}: streamed in 2.5 s`);
      });
    }
  }
};

/** @type {Record<string, Awaited<ReturnType<typeof seen>>>} */
const rows = {};
const mock = fork(fileURLToPath(new URL('./mock/server.mjs', import.meta.url)), { env: { ...process.env, PORT: port } });
await new Promise((resolve) => setTimeout(resolve, 500));
const browser = await browsers.launch(chromium);
const wanted = process.argv.slice(2);
try {
  for (const [name, story] of Object.entries(stories)) if (!wanted.length || wanted.includes(name)) await story();
} finally {
  console.table(rows);
  const [still, busy] = [rows['floor: a page that rests'], rows['stream: 200 tokens a second for 10 s']];
  if (still && busy) {
    limit('200 tokens a second: longest task, ms', still['longest task ms'], busy['longest task ms'], 50);
    limit('200 tokens a second: shift of the layout', still.shift, busy.shift, 0.1);
  }
  console.table(limits);
  await browser.close();
  mock.kill();
}
