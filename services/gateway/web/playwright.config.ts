import { defineConfig } from '@playwright/test';

import { chromium } from './tests/chromium.mjs';

const port = Number(process.env.UI_PORT ?? 4179);

const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

export default defineConfig({
  testDir: 'tests/ui',
  outputDir: 'test-results',
  fullyParallel: true,
  workers: 2,
  timeout: 20_000,
  // Chromium cuts connections when the machine's network changes, as containers that come and go make it.
  retries: 1,
  reporter: [['list']],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    launchOptions: chromium,
    // Playwright empties it for each test (cookies, storage, workers, emulation): half as much work as a new one.
    reuseContext: true,
    // Each test would fetch the whole app once more for it, a third of all work; app.test.ts has it, and so has the house.
    serviceWorkers: 'block',
    reducedMotion: 'reduce',
    colorScheme: 'light',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin'
  },
  projects: Object.entries({ desktop, phone }).map(([name, viewport]) => ({
    name,
    use: { viewport, hasTouch: name === 'phone' }
  })),
  webServer: {
    command: 'node tests/mock/server.mjs',
    env: { PORT: String(port) },
    port,
    reuseExistingServer: false
  }
});
